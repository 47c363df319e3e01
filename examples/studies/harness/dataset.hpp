#pragma once
// The data of a study, wherever it comes from.
#include <map>
#include <optional>
#include <string>

#include "slm/data/corpus.hpp"
#include "synthetic/corpus.hpp"

namespace slm::studies {

/// A corpus, and where it was found.
struct Dataset {
  Corpus corpus;
  std::string origin;  // for people: "found in ../shared/data/ptb"
  bool capped;         // no more of it than the paper used; true where the paper used all
  std::optional<synthetic::LossFloor> floor = {};              // where the process that made the text is known
  std::vector<Token> uncapped_valid = {}, uncapped_test = {};  // of a corpus that is a part of its texts

  /// The texts with all their tokens, whatever the cap.
  const std::vector<Token>& whole_valid() const {
    return uncapped_valid.empty() ? corpus.valid : uncapped_valid;
  }
  const std::vector<Token>& whole_test() const { return uncapped_test.empty() ? corpus.test : uncapped_test; }
};

/// The corpora of a study, each read once.
class Datasets {
 public:
  /// `data` and `capped` as in `Options`.
  Datasets(std::string data, bool capped) : data_(std::move(data)), capped_(capped) {}

  /// The protocol's dataset of this name, or the synthetic corpus where that was asked for, or where nothing
  /// else is found. Throws `DataError` where a folder was named that does not have the data, and where files,
  /// vocabulary or numbers of tokens are not those of the protocol.
  const Dataset& get(const std::string& name);

 private:
  std::string data_;
  bool capped_;
  std::map<std::string, Dataset> read_;
};

/// Throws a `DataError` unless the corpus, if it is one of the protocol's `data_sizes`, has its vocabulary and,
/// where it is capped to what the paper used, its numbers of tokens.
void check_sizes(const Corpus& corpus, bool capped);

/// The floors of the train text and of what the evaluations predict, in nats per token; nothing where they are
/// not known.
struct Floors {
  std::optional<double> train, valid, test;
};
Floors floors(const Dataset& dataset, Index T, Index evaluation_windows);

}  // namespace slm::studies
