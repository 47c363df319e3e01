#pragma once
// Text as a row of characters. A character is a byte.
#include <algorithm>
#include <array>
#include <initializer_list>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "slm/core/tensor.hpp"

namespace slm {

/// One token per byte; token i is the i-th character of the vocabulary.
class CharTokenizer {
 public:
  /// Knows no character.
  CharTokenizer() { token_of_.fill(unknown); }

  /// The vocabulary of a saved tokenizer: distinct strings of one byte. Throws `DataError` on others.
  explicit CharTokenizer(const std::vector<std::string>& vocabulary) : CharTokenizer() {
    for (const std::string& character : vocabulary) {
      if (character.size() != 1) {
        throw DataError(make_text(
            {"CharTokenizer: vocabulary entry ", size(), " must be one byte, but is ", in_quotes(character)}));
      }
      Token& token = token_of_[static_cast<unsigned char>(character[0])];
      if (token != unknown) {
        throw DataError(make_text({"CharTokenizer: ", in_quotes(character), " is twice in the vocabulary"}));
      }
      token = static_cast<Token>(characters_.size());
      characters_ += character;
    }
  }

  /// The vocabulary of all distinct bytes of the texts, sorted by value.
  static CharTokenizer from_text(std::initializer_list<std::string_view> texts) {
    std::array<bool, 256> seen{};
    for (const std::string_view text : texts) {
      for (const char letter : text) seen[static_cast<unsigned char>(letter)] = true;
    }
    std::vector<std::string> vocabulary;
    for (std::size_t byte = 0; byte < seen.size(); ++byte) {
      if (seen[byte]) vocabulary.emplace_back(1, static_cast<char>(byte));
    }
    return CharTokenizer(vocabulary);
  }

  static CharTokenizer from_text(std::string_view text) { return from_text({text}); }

  /// The tokens of `text`, at most the first `limit`. Throws `DataError` on a character not in the vocabulary.
  std::vector<Token> encode(std::string_view text, Index limit = std::numeric_limits<Index>::max()) const {
    text = text.substr(0, static_cast<std::size_t>(std::max(limit, Index(0))));
    std::vector<Token> tokens(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
      tokens[i] = token_of_[static_cast<unsigned char>(text[i])];
      if (tokens[i] == unknown) {
        throw DataError(make_text({"CharTokenizer: character ", in_quotes(text.substr(i, 1)), " at position ",
                                   i, " is not one of the ", size(), " known"}));
      }
    }
    return tokens;
  }

  /// The characters of the tokens, joined. Throws `RangeError` on a token outside the vocabulary.
  std::string decode(std::span<const Token> tokens) const {
    std::string text;
    text.reserve(tokens.size());
    for (const Token token : tokens) text += at(token);
    return text;
  }

  Index size() const { return static_cast<Index>(characters_.size()); }
  std::string token(Index i) const { return std::string(1, at(i)); }

  std::vector<std::string> vocabulary() const {
    std::vector<std::string> list;
    for (const char character : characters_) list.emplace_back(1, character);
    return list;
  }

 private:
  static constexpr Token unknown = -1;

  char at(Index i) const {
    if (i < 0 || i >= size()) {
      throw RangeError(make_text({"CharTokenizer: token ", i, " is outside the vocabulary of ", size()}));
    }
    return characters_[static_cast<std::size_t>(i)];
  }

  std::string characters_;
  std::array<Token, 256> token_of_;
};

}  // namespace slm
