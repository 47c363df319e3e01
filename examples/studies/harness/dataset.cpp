#include "harness/dataset.hpp"

#include <algorithm>

#include "harness/find_data.hpp"
#include "harness/text.hpp"
#include "protocol.hpp"

namespace slm::studies {

namespace {

/// Null where the protocol has no such dataset.
const DataSize* protocol_size(std::string_view name) {
  const auto known = std::find_if(data_sizes.begin(), data_sizes.end(),
                                  [&](const DataSize& data) { return data.name == name; });
  return known == data_sizes.end() ? nullptr : &*known;
}

Dataset embedded_dataset(const std::string& why) {
  auto [corpus, floor] = synthetic::synthetic_corpus();
  return {std::move(corpus), "embedded, " + why, true, std::move(floor)};
}

Dataset read_dataset(const std::string& name, const std::string& data, bool capped) {
  if (data == synthetic::corpus_name) return embedded_dataset("as --data asks");
  const FoundData found = find_data(name, data);
  if (!found.folder) {
    return embedded_dataset(std::string("because ") + name + " was not found in\n          " +
                            found.searched_text() + " (scripts/fetch_data.sh downloads it)");
  }
  const DataSize* size = protocol_size(name);
  const bool has_cap = size && size->capped;
  const TokenCaps caps =
      has_cap && capped ? TokenCaps{size->tokens[0], size->tokens[1], size->tokens[2]} : TokenCaps{};
  Dataset dataset{load_corpus(name, *found.folder, caps), std::string("found in ") + *found.folder,
                  !has_cap || capped};
  check_sizes(dataset.corpus, dataset.capped);
  if (has_cap && capped) {
    const auto all_of = [&](const char* file) {
      return dataset.corpus.tokenizer.encode(read_text(*found.folder + file));
    };
    dataset.uncapped_valid = all_of("/valid.txt"), dataset.uncapped_test = all_of("/test.txt");
  }
  return dataset;
}

/// "9,999 distinct tokens, and 80,000 / 20,000 / 20,000 to train, validate and test".
std::string sizes_text(Index vocabulary, const std::array<Index, 3>& tokens) {
  return with_commas(vocabulary) + " distinct tokens, and " + with_commas(tokens[0]) + " / " +
         with_commas(tokens[1]) + " / " + with_commas(tokens[2]) + " to train, validate and test";
}

}  // namespace

const Dataset& Datasets::get(const std::string& name) {
  const auto known = read_.find(name);
  return known != read_.end() ? known->second
                              : read_.emplace(name, read_dataset(name, data_, capped_)).first->second;
}

void check_sizes(const Corpus& corpus, bool capped) {
  const DataSize* known = protocol_size(corpus.name);
  if (!known) return;
  const auto size = [](const std::vector<Token>& split) { return static_cast<Index>(split.size()); };
  const std::array<Index, 3> tokens = {size(corpus.train), size(corpus.valid), size(corpus.test)};
  const std::array<Index, 3> expected = capped ? known->tokens : tokens;
  if (corpus.vocabulary_size() == known->vocabulary && tokens == expected) return;
  throw DataError(
      make_text({"the data of ", corpus.name, " must have ", sizes_text(known->vocabulary, expected),
                 "; it has ", sizes_text(corpus.vocabulary_size(), tokens)}));
}

Floors floors(const Dataset& dataset, Index T, Index evaluation_windows) {
  if (!dataset.floor) return {};
  using synthetic::mean_floor;
  const synthetic::LossFloor& floor = *dataset.floor;
  return {mean_floor(floor.train), mean_floor(floor.valid, T, evaluation_windows),
          mean_floor(floor.test, T, evaluation_windows)};
}

}  // namespace slm::studies
