#pragma once
// Any of the tokenizers, as a corpus or a model's file holds one.
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "slm/core/names.hpp"
#include "slm/data/char_tokenizer.hpp"
#include "slm/data/word_tokenizer.hpp"

namespace slm {

/// What a token stands for: a byte; a character, that is a Unicode code point; a word. Its name is what reports
/// call it: "nats per character".
enum class TokenUnit { byte, character, word };

inline constexpr EnumName<TokenUnit> unit_names[] = {
    {TokenUnit::byte, "byte"}, {TokenUnit::character, "character"}, {TokenUnit::word, "word"}};
constexpr std::span<const EnumName<TokenUnit>> enum_names(TokenUnit) { return unit_names; }

/// A `CharTokenizer`, a `ByteTokenizer` or a `WordTokenizer`; a default one is a `CharTokenizer` that knows no
/// character.
class Tokenizer {
 public:
  Tokenizer() = default;
  Tokenizer(CharTokenizer tokenizer) : tokenizer_(std::move(tokenizer)) {}
  Tokenizer(ByteTokenizer tokenizer) : tokenizer_(std::move(tokenizer)) {}
  Tokenizer(WordTokenizer tokenizer) : tokenizer_(std::move(tokenizer)) {}

  /// The tokenizer whose `unit`, `vocabulary` and `unknown` were saved. Throws `DataError` on a list that is
  /// none.
  Tokenizer(TokenUnit unit, std::vector<std::string> vocabulary, std::string unknown = "") {
    switch (unit) {
      case TokenUnit::byte:
        tokenizer_ = ByteTokenizer(std::move(vocabulary));
        break;
      case TokenUnit::character:
        tokenizer_ = CharTokenizer(std::move(vocabulary));
        break;
      case TokenUnit::word:
        tokenizer_ = WordTokenizer(std::move(vocabulary), std::move(unknown));
        break;
    }
  }

  TokenUnit unit() const {
    if (std::holds_alternative<ByteTokenizer>(tokenizer_)) return TokenUnit::byte;
    return std::holds_alternative<WordTokenizer>(tokenizer_) ? TokenUnit::word : TokenUnit::character;
  }

  /// The tokens of `text`, at most the first `limit`. Throws `DataError` on what is not in the vocabulary.
  std::vector<Token> encode(std::string_view text, Index limit = std::numeric_limits<Index>::max()) const {
    return std::visit([&](const auto& tokenizer) { return tokenizer.encode(text, limit); }, tokenizer_);
  }

  /// The text of the tokens, words joined by spaces. That of bytes may begin and end inside a character: see
  /// `to_utf8`. Throws `RangeError` on a token outside the vocabulary.
  std::string decode(std::span<const Token> tokens) const {
    return std::visit([&](const auto& tokenizer) { return tokenizer.decode(tokens); }, tokenizer_);
  }

  Index size() const {
    return std::visit([](const auto& tokenizer) { return tokenizer.size(); }, tokenizer_);
  }

  std::string token(Index i) const {
    return std::visit([&](const auto& tokenizer) { return tokenizer.token(i); }, tokenizer_);
  }

  /// All tokens in order, as the constructor takes them.
  std::vector<std::string> vocabulary() const {
    return std::visit([](const auto& tokenizer) { return tokenizer.vocabulary(); }, tokenizer_);
  }

  /// The word that stands for all outside the vocabulary; empty where there is none.
  std::string unknown() const {
    const auto* words = std::get_if<WordTokenizer>(&tokenizer_);
    return words ? words->unknown() : "";
  }

 private:
  std::variant<CharTokenizer, ByteTokenizer, WordTokenizer> tokenizer_;
};

}  // namespace slm
