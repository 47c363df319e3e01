#pragma once
// A text in three splits, as tokens.
#include <array>
#include <limits>
#include <numeric>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "slm/core/tensor.hpp"
#include "slm/data/checksum.hpp"
#include "slm/data/known_corpora.hpp"
#include "slm/data/text_file.hpp"
#include "slm/data/tokenizer.hpp"

namespace slm {

/// What the best possible predictor gets on a text made by a known process: for each token
/// -log p(token | all tokens before it in its split), in nats.
struct Floor {
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
        concatenate({"mean_floor: ", count, " windows of ", T, " tokens do not fit a text of ", size}));
  }
  return mean_floor(nll.subspan(static_cast<std::size_t>(T), static_cast<std::size_t>(count)));
}

struct Corpus {
  std::string name;
  Tokenizer tokenizer;
  std::vector<Token> train, valid, test;
  std::string checksum;        // see corpus_checksum
  std::optional<Floor> floor;  // only where the process that made the text is known

  /// Tokens the tokenizer knows: the V of a model.
  Index vocabulary_size() const { return tokenizer.size(); }
};

/// One checksum for three files, the same as of `sha256sum train.txt valid.txt test.txt | sha256sum`.
inline std::string corpus_checksum(const std::array<std::string, 3>& texts) {
  std::string list;
  for (std::size_t i = 0; i < 3; ++i) list += concatenate({sha256(texts[i]), "  ", split_files[i], "\n"});
  return sha256(list);
}

/// The most tokens to keep of each split, from its beginning.
struct TokenCaps {
  Index train = std::numeric_limits<Index>::max();
  Index valid = std::numeric_limits<Index>::max();
  Index test = std::numeric_limits<Index>::max();
};

/// The caps of word-level studies under a limited budget.
inline constexpr TokenCaps limited_budget_caps = {80'000, 20'000, 20'000};

namespace detail {

/// The texts of train.txt, valid.txt and test.txt. Throws `DataError` on a missing or empty one.
inline std::array<std::string, 3> read_splits(const std::string& folder) {
  std::array<std::string, 3> texts;
  for (std::size_t i = 0; i < 3; ++i) {
    const std::string path = concatenate({folder, "/", split_files[i]});
    texts[i] = read_text(path);
    if (texts[i].empty()) throw DataError(concatenate({"load_corpus: ", path, " is empty"}));
  }
  return texts;
}

inline Corpus make_corpus(std::string name, const std::string& folder, Unit unit,
                          const std::array<std::string, 3>& texts, const TokenCaps& caps) {
  Corpus corpus;
  corpus.name = std::move(name);
  corpus.checksum = corpus_checksum(texts);
  if (unit == Unit::word) {
    corpus.tokenizer = WordTokenizer::from_text(texts[0]);
  } else {
    corpus.tokenizer = CharTokenizer::from_text({texts[0], texts[1], texts[2]});
  }
  const std::array<std::vector<Token>*, 3> splits = {&corpus.train, &corpus.valid, &corpus.test};
  const std::array<Index, 3> limits = {caps.train, caps.valid, caps.test};
  for (std::size_t i = 0; i < 3; ++i) {
    const std::string path = concatenate({folder, "/", split_files[i]});
    require(limits[i] >= 2, {"load_corpus: a cap must be at least 2 tokens, got ", limits[i]});
    try {
      *splits[i] = corpus.tokenizer.encode(texts[i], limits[i]);
    } catch (const DataError& error) {
      throw DataError(concatenate({"load_corpus: ", path, ": ", error.what()}));
    }
    if (splits[i]->size() < 2) {
      throw DataError(
          concatenate({"load_corpus: ", path, " must have at least 2 tokens, but has ", splits[i]->size()}));
    }
  }
  return corpus;
}

}  // namespace detail

/// One of `known_corpora` from the files train.txt, valid.txt and test.txt of a folder. Throws `DataError`
/// if a file is missing, unreadable, empty or not, byte for byte, the one that is known.
inline Corpus load_corpus(std::string_view name, const std::string& folder, const TokenCaps& caps = {}) {
  const KnownCorpus& known = known_corpus(name);
  const std::array<std::string, 3> texts = detail::read_splits(folder);
  for (std::size_t i = 0; i < 3; ++i) {
    const std::string digest = sha256(texts[i]);
    if (digest != known.sha256[i]) {
      throw DataError(concatenate({"load_corpus: ", folder, "/", split_files[i], " is not that of ", name,
                                   ": expected SHA-256 ", known.sha256[i], ", got ", digest}));
    }
  }
  return detail::make_corpus(std::string(name), folder, known.unit, texts, caps);
}

/// Any other corpus from the files train.txt, valid.txt and test.txt of a folder. The vocabulary is that of
/// all three for characters, of train.txt for words. Throws `DataError` if a file is missing, unreadable,
/// empty or has a word that train.txt has not.
inline Corpus load_own_corpus(std::string name, const std::string& folder, Unit unit,
                              const TokenCaps& caps = {}) {
  return detail::make_corpus(std::move(name), folder, unit, detail::read_splits(folder), caps);
}

}  // namespace slm
