#pragma once
// A corpus that needs neither files nor a network, and whose best possible NLL is known.
#include <array>
#include <cstdint>
#include <numeric>
#include <span>
#include <string>
#include <vector>

#include "slm/core/random.hpp"
#include "slm/data/corpus.hpp"
#include "synthetic/language_entropy.hpp"
#include "synthetic/story_language.hpp"

namespace slm::synthetic {

/// The corpus goes by it in results, and --data takes it.
inline constexpr const char* corpus_name = "synthetic";

/// What the best possible predictor gets on a text made by a known process: for each token
/// -log p(token | all tokens before it in its split), in nats.
struct LossFloor {
  std::vector<double> train, valid, test;
  double entropy_rate = 0;  // nats per token that the process makes in the long run
};

/// Mean over a split, or over any stretch of one, in nats per token.
inline double mean_floor(std::span<const double> nll) {
  if (nll.empty()) throw DataError("mean_floor: no tokens to take the mean over");
  return std::accumulate(nll.begin(), nll.end(), 0.0) / static_cast<double>(nll.size());
}

/// Mean over exactly what an evaluation on `SequentialWindows(text, T, B, count)` predicts: the tokens T …
/// T + count - 1. Throws `DataError` if the split is shorter.
inline double mean_floor(std::span<const double> nll, Index T, Index count) {
  const Index size = static_cast<Index>(nll.size());
  if (T < 0 || count < 1 || count > size - T) {
    throw DataError(
        make_text({"mean_floor: ", count, " windows of ", T, " tokens do not fit a text of ", size}));
  }
  return mean_floor(nll.subspan(static_cast<std::size_t>(T), static_cast<std::size_t>(count)));
}

/// Characters of each split; as many as Tiny Shakespeare has.
struct SyntheticConfig {
  std::uint64_t seed = 1;
  Index train = 892'117;
  Index valid = 111'669;
  Index test = 111'606;
};

struct SyntheticCorpus {
  Corpus corpus;
  LossFloor floor;
};

/// Stories in characters, with the floor of every split. Each split is a sample of its own that begins with a
/// paragraph; the vocabulary is that of the language, whatever the sizes. The same seed gives the same text
/// everywhere. Throws `ConfigError` on a split of fewer than 2 characters.
inline SyntheticCorpus synthetic_corpus(const SyntheticConfig& config = {}) {
  const Language language = story_language();
  const auto text = [&](Index size, const char* split) {
    require_config(size >= 2, {"synthetic_corpus: ", split, " must have at least 2 characters, got ", size});
    return language.sample(static_cast<std::size_t>(size),
                           Random(config.seed, make_text({"synthetic ", split})));
  };
  const std::array<std::string, 3> texts = {text(config.train, "train"), text(config.valid, "valid"),
                                            text(config.test, "test")};
  const CharTokenizer tokenizer = CharTokenizer::from_text({language.characters()});
  return {.corpus = {.name = corpus_name,
                     .tokenizer = tokenizer,
                     .train = tokenizer.encode(texts[0]),
                     .valid = tokenizer.encode(texts[1]),
                     .test = tokenizer.encode(texts[2]),
                     .checksum = corpus_checksum(texts)},
          .floor = {.train = language.nll(texts[0]),
                    .valid = language.nll(texts[1]),
                    .test = language.nll(texts[2]),
                    .entropy_rate = entropy_rate(language)}};
}

}  // namespace slm::synthetic
