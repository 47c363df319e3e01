#pragma once
// A corpus that needs neither files nor a network, and whose best possible NLL is known.
#include <array>
#include <cstdint>
#include <string>

#include "slm/core/random.hpp"
#include "slm/data/corpus.hpp"
#include "slm/data/language_entropy.hpp"
#include "slm/data/story_language.hpp"

namespace slm {

/// Characters of each split; as many as Tiny Shakespeare has.
struct SyntheticConfig {
  std::uint64_t seed = 1;
  Index train = 892'117;
  Index valid = 111'669;
  Index test = 111'606;
};

/// Stories in characters, with the floor of every split. Each split is a sample of its own that begins with a
/// paragraph; the vocabulary is that of the language, whatever the sizes. The same seed gives the same text
/// everywhere. Throws `ConfigError` on a split of fewer than 2 characters.
template <class = void>  // lets slm::compiled compile it once
Corpus synthetic_corpus(const SyntheticConfig& config = {}) {
  const Language language = story_language();
  const auto text = [&](Index size, const char* split) {
    require_config(size >= 2, {"synthetic_corpus: ", split, " must have at least 2 characters, got ", size});
    return language.sample(static_cast<std::size_t>(size),
                           Random(config.seed, concatenate({"synthetic ", split})));
  };
  const std::array<std::string, 3> texts = {text(config.train, "train"), text(config.valid, "valid"),
                                            text(config.test, "test")};
  const CharTokenizer tokenizer = CharTokenizer::from_text({language.characters()});
  return {.name = "synthetic",
          .tokenizer = tokenizer,
          .train = tokenizer.encode(texts[0]),
          .valid = tokenizer.encode(texts[1]),
          .test = tokenizer.encode(texts[2]),
          .checksum = corpus_checksum(texts),
          .floor = LossFloor{.train = language.nll(texts[0]),
                             .valid = language.nll(texts[1]),
                             .test = language.nll(texts[2]),
                             .entropy_rate = entropy_rate(language)}};
}

}  // namespace slm
