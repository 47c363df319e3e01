#include "harness/dataset.hpp"

#include "slm/data/find_data.hpp"
#include "slm/data/synthetic.hpp"

namespace slm::studies {

namespace {

Dataset read_dataset(const std::string& name, const std::string& data, bool capped) {
  if (data == synthetic) return {synthetic_corpus(), "embedded, as --data asks"};
  const FoundData found = find_data(name, data);
  if (!found.folder) {
    return {synthetic_corpus(), std::string("embedded, because ") + name + " was not found in\n          " +
                                    found.searched_text() + " (scripts/fetch_data.sh downloads it)"};
  }
  // The paper caps the texts of its word-level study.
  const bool cuts = capped && known_corpus(name).unit == Unit::word;
  const TokenCaps caps = cuts ? limited_budget_caps : TokenCaps{};
  return {load_corpus(name, *found.folder, caps), std::string("found in ") + *found.folder};
}

}  // namespace

const Dataset& Datasets::get(const std::string& name) {
  const auto known = read_.find(name);
  return known != read_.end() ? known->second
                              : read_.emplace(name, read_dataset(name, data_, capped_)).first->second;
}

Floors floors(const Corpus& corpus, Index T, Index evaluation_windows) {
  if (!corpus.floor) return {};
  return {mean_floor(corpus.floor->train), mean_floor(corpus.floor->valid, T, evaluation_windows),
          mean_floor(corpus.floor->test, T, evaluation_windows)};
}

}  // namespace slm::studies
