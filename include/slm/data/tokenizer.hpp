#pragma once
// Any of the tokenizers, as a corpus or a model's file holds one.
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
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

namespace detail {

/// A tokenizer of any type. A program that makes none of words never compiles what does so.
struct AnyTokenizer {
  virtual ~AnyTokenizer() = default;
  virtual TokenUnit unit() const = 0;
  virtual std::vector<Token> encode(std::string_view text, Index limit) const = 0;
  virtual std::string decode(std::span<const Token> tokens) const = 0;
  virtual Index size() const = 0;
  virtual const std::string& token(Index i) const = 0;
  virtual const std::vector<std::string>& vocabulary() const = 0;
  virtual std::string unknown() const { return ""; }
};

template <class Its, TokenUnit its_unit>
struct TokenizerOf : AnyTokenizer {
  explicit TokenizerOf(Its its) : tokenizer(std::move(its)) {}

  TokenUnit unit() const override { return its_unit; }
  std::vector<Token> encode(std::string_view text, Index limit) const override {
    return tokenizer.encode(text, limit);
  }
  std::string decode(std::span<const Token> tokens) const override { return tokenizer.decode(tokens); }
  Index size() const override { return tokenizer.size(); }
  const std::string& token(Index i) const override { return tokenizer.token(i); }
  const std::vector<std::string>& vocabulary() const override { return tokenizer.vocabulary(); }
  std::string unknown() const override {
    if constexpr (its_unit == TokenUnit::word) return tokenizer.unknown();
    return "";
  }

  Its tokenizer;
};

}  // namespace detail

/// A `CharTokenizer`, a `ByteTokenizer` or a `WordTokenizer`; a default one is a `CharTokenizer` that knows no
/// character. Copies share one.
class Tokenizer {
 public:
  Tokenizer() : Tokenizer(CharTokenizer()) {}
  Tokenizer(const Tokenizer&) = default;  // and no moves: each has one always
  Tokenizer& operator=(const Tokenizer&) = default;
  Tokenizer(CharTokenizer its) : its_(make<TokenUnit::character>(std::move(its))) {}
  Tokenizer(ByteTokenizer its) : its_(make<TokenUnit::byte>(std::move(its))) {}
  Tokenizer(WordTokenizer its) : its_(make<TokenUnit::word>(std::move(its))) {}

  /// The tokenizer whose `unit`, `vocabulary` and `unknown` were saved. Throws `DataError` on a list that is
  /// none.
  Tokenizer(TokenUnit unit, std::vector<std::string> vocabulary, std::string unknown = "") {
    switch (unit) {
      case TokenUnit::byte:
        *this = ByteTokenizer(std::move(vocabulary));
        break;
      case TokenUnit::character:
        *this = CharTokenizer(std::move(vocabulary));
        break;
      case TokenUnit::word:
        *this = WordTokenizer(std::move(vocabulary), std::move(unknown));
        break;
    }
  }

  TokenUnit unit() const { return its_->unit(); }

  /// The tokens of `text`, at most the first `limit`. Throws `DataError` on what is not in the vocabulary.
  std::vector<Token> encode(std::string_view text, Index limit = std::numeric_limits<Index>::max()) const {
    return its_->encode(text, limit);
  }

  /// The text of the tokens, words joined by spaces. That of bytes may begin and end inside a character: see
  /// `to_utf8`. Throws `RangeError` on a token outside the vocabulary.
  std::string decode(std::span<const Token> tokens) const { return its_->decode(tokens); }

  Index size() const { return its_->size(); }

  std::string token(Index i) const { return its_->token(i); }

  /// All tokens in order, as the constructor takes them.
  std::vector<std::string> vocabulary() const { return its_->vocabulary(); }

  /// The word that stands for all outside the vocabulary; empty where there is none.
  std::string unknown() const { return its_->unknown(); }

 private:
  template <TokenUnit unit, class Its>
  static std::shared_ptr<const detail::AnyTokenizer> make(Its its) {
    const detail::AnyTokenizer* made = new detail::TokenizerOf<Its, unit>(std::move(its));
    return std::shared_ptr<const detail::AnyTokenizer>(made);  // of one type, whatever it holds
  }

  std::shared_ptr<const detail::AnyTokenizer> its_;
};

}  // namespace slm
