#pragma once
// A text in three splits, as tokens.
#include <array>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "slm/core/tensor.hpp"
#include "slm/data/checksum.hpp"
#include "slm/data/known_corpora.hpp"
#include "slm/data/split_text.hpp"
#include "slm/data/text_file.hpp"
#include "slm/data/tokenizer.hpp"

namespace slm {

/// A text as tokens, in three splits, with what made tokens of it.
struct Corpus {
  std::string name;
  Tokenizer tokenizer;
  std::vector<Token> train, valid, test;
  std::string checksum;  // see corpus_checksum

  /// Tokens the tokenizer knows: the V of a model.
  Index vocabulary_size() const { return tokenizer.size(); }
};

/// One checksum for three files, the same as of `sha256sum train.txt valid.txt test.txt | sha256sum`.
inline std::string corpus_checksum(const std::array<std::string, 3>& texts) {
  std::string list;
  for (std::size_t i = 0; i < 3; ++i) list += make_text({sha256(texts[i]), "  ", split_files[i], "\n"});
  return sha256(list);
}

/// How a corpus of one's own becomes tokens. Text in another encoding than UTF-8 has bytes, and no characters.
struct Vocabulary {
  TokenUnit unit = TokenUnit::character;
  Index smallest_count = 1;  // of a word in the training text: rarer ones are left out
  std::string unknown = "";  // what stands for words outside the vocabulary; without it they are errors
};

/// The most tokens to keep of each split, from its beginning.
struct TokenCaps {
  Index train = std::numeric_limits<Index>::max();
  Index valid = std::numeric_limits<Index>::max();
  Index test = std::numeric_limits<Index>::max();
};

namespace detail {

inline std::string split_path(const std::string& folder, std::size_t i) {
  return make_text({folder, "/", split_files[i]});
}

/// The texts of train.txt, valid.txt and test.txt, for the function of this name. Throws `DataError` on a
/// missing or empty one.
inline std::array<std::string, 3> read_splits(const char* function, const std::string& folder) {
  std::array<std::string, 3> texts;
  for (std::size_t i = 0; i < 3; ++i) {
    const std::string path = split_path(folder, i);
    texts[i] = read_text(path);
    if (texts[i].empty()) throw_error<DataError>({function, ": ", path, " is empty"});
  }
  return texts;
}

inline Tokenizer characters_of(const std::array<std::string, 3>& texts) {
  return CharTokenizer::from_text({texts[0], texts[1], texts[2]});
}
inline Tokenizer make_tokenizer(const Vocabulary& vocabulary, const std::array<std::string, 3>& texts) {
  switch (vocabulary.unit) {
    case TokenUnit::byte:
      return ByteTokenizer::from_text({texts[0], texts[1], texts[2]});
    case TokenUnit::character:
      break;
    case TokenUnit::word:
      return WordTokenizer::from_text(texts[0], vocabulary.smallest_count, vocabulary.unknown);
  }
  return characters_of(texts);
}

/// `place` says where the text is from.
[[gnu::noinline]] inline std::vector<Token> encode_split(const Tokenizer& tokenizer, const std::string& place,
                                                         const std::string& text, Index cap) {
  require_config(cap >= 2, {place, ": a cap must be at least 2 tokens, got ", cap});
  std::vector<Token> tokens;
  try {
    tokens = tokenizer.encode(text, cap);
  } catch (const DataError& error) {
    throw_error<DataError>({place, ": ", error.what()});
  }
  if (tokens.size() < 2) {
    throw_error<DataError>({place, " must have at least 2 tokens, but has ", tokens.size()});
  }
  return tokens;
}

inline Corpus make_corpus(std::string name, const std::array<std::string, 3>& places, Tokenizer tokenizer,
                          const std::array<std::string, 3>& texts, const TokenCaps& caps) {
  Corpus corpus;
  corpus.name = std::move(name);
  corpus.checksum = corpus_checksum(texts);
  corpus.tokenizer = std::move(tokenizer);
  const auto tokens_of = [&](std::size_t i, Index cap) {
    return encode_split(corpus.tokenizer, places[i], texts[i], cap);
  };
  corpus.train = tokens_of(0, caps.train), corpus.valid = tokens_of(1, caps.valid);
  corpus.test = tokens_of(2, caps.test);
  return corpus;
}

/// "load_corpus: folder/train.txt" and so on.
inline std::array<std::string, 3> file_places(const char* function, const std::string& folder) {
  std::array<std::string, 3> places;
  for (std::size_t i = 0; i < 3; ++i) places[i] = make_text({function, ": ", split_path(folder, i)});
  return places;
}

}  // namespace detail

/// One of `known_corpora` from the files train.txt, valid.txt and test.txt of a folder. Throws `DataError`
/// if a file is missing, unreadable, empty or not, byte for byte, the one that is known.
inline Corpus load_corpus(std::string_view name, const std::string& folder, const TokenCaps& caps = {}) {
  const KnownCorpus& known = known_corpus(name);
  const std::array<std::string, 3> places = detail::file_places("load_corpus", folder);
  const std::array<std::string, 3> texts = detail::read_splits("load_corpus", folder);
  for (std::size_t i = 0; i < 3; ++i) {
    const std::string digest = sha256(texts[i]);
    if (digest != known.sha256[i]) {
      throw_error<DataError>(
          {places[i], " is not that of ", name, ": expected SHA-256 ", known.sha256[i], ", got ", digest});
    }
  }
  return detail::make_corpus(std::string(name), places, detail::make_tokenizer({.unit = known.unit}, texts),
                             texts, caps);
}

/// Any other corpus from the files train.txt, valid.txt and test.txt of a folder. The vocabulary is that of
/// all three for characters and bytes, of train.txt for words. Throws `DataError` if a file is missing,
/// unreadable, empty, not UTF-8 where its characters are asked for, or has a word outside the vocabulary where
/// none stands for unknown ones.
inline Corpus load_own_corpus(std::string name, const std::string& folder, const Vocabulary& vocabulary = {},
                              const TokenCaps& caps = {}) {
  const std::array<std::string, 3> texts = detail::read_splits("load_own_corpus", folder);
  const std::array<std::string, 3> places = detail::file_places("load_own_corpus", folder);
  for (std::size_t i = 0; i < 3 && vocabulary.unit == TokenUnit::character; ++i)
    require_utf8(places[i], texts[i]);
  return detail::make_corpus(std::move(name), places, detail::make_tokenizer(vocabulary, texts), texts, caps);
}

namespace detail {

inline std::array<std::string, 3> text_places() {
  return {"corpus_from_text: the training split", "corpus_from_text: the validation split",
          "corpus_from_text: the test split"};
}

}  // namespace detail

/// A corpus of the characters of one text, split by `split_text`. Throws `DataError` where the text is not
/// UTF-8 or a split has fewer than 2 tokens.
inline Corpus corpus_from_text(std::string name, const std::string& text) {
  require_utf8("corpus_from_text", text);  // says the place in the whole text
  const std::array<std::string, 3> texts = split_text(text, {}), places = detail::text_places();
  return detail::make_corpus(std::move(name), places, detail::characters_of(texts), texts, {});
}
/// The same of other tokens or splits. Throws `DataError` on a word outside the vocabulary of the training
/// split where none stands for unknown ones, too.
inline Corpus corpus_from_text(std::string name, const std::string& text, const Vocabulary& vocabulary,
                               const SplitShares& shares = {}) {
  if (vocabulary.unit == TokenUnit::character) require_utf8("corpus_from_text", text);
  const std::array<std::string, 3> texts = split_text(text, shares), places = detail::text_places();
  return detail::make_corpus(std::move(name), places, detail::make_tokenizer(vocabulary, texts), texts, {});
}

}  // namespace slm
