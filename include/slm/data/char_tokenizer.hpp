#pragma once
// Text as a row of characters, or of bytes.
#include <algorithm>
#include <initializer_list>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "slm/core/tensor.hpp"
#include "slm/data/utf8.hpp"

namespace slm {

namespace detail {

/// Cuts a text into characters.
struct Characters {
  static constexpr std::string_view tokenizer = "CharTokenizer", one = "character";
  static constexpr std::uint32_t points = 0x110000;  // of Unicode
  static constexpr Utf8Character first(std::string_view text) { return first_character(text); }
  static void append(std::string& text, std::uint32_t point) { append_utf8(text, point); }
};

/// Cuts a text into bytes.
struct Bytes {
  static constexpr std::string_view tokenizer = "ByteTokenizer", one = "byte";
  static constexpr std::uint32_t points = 0x100;
  static constexpr Utf8Character first(std::string_view text) {
    return text.empty() ? Utf8Character{} : Utf8Character{static_cast<unsigned char>(text.front()), 1};
  }
  static void append(std::string& text, std::uint32_t point) {
    text += static_cast<char>(static_cast<unsigned char>(point));
  }
};

/// "'a'", and "'\xe4\xb8\xad' (U+4E2D)" where there is more to say.
inline std::string character_text(std::string_view character) {
  const std::uint32_t point = first_character(character).point;
  std::string text = in_quotes(character);
  if (point < 0x80) return text;
  text += " (U+";
  for (int shift = point < 0x10000 ? 12 : point < 0x100000 ? 16 : 20; shift >= 0; shift -= 4) {
    text += "0123456789ABCDEF"[point >> shift & 0xFu];
  }
  return text + ")";
}

/// One token per character, or per byte: token i is the i-th of the vocabulary.
template <class Unit>
class UnitTokenizer {
 public:
  /// Knows nothing.
  UnitTokenizer() = default;

  /// The vocabulary of a saved tokenizer: distinct characters, or bytes. Throws `DataError` on others.
  [[gnu::noinline]] explicit UnitTokenizer(std::vector<std::string> vocabulary)
      : vocabulary_(std::move(vocabulary)) {
    for (std::size_t i = 0; i < vocabulary_.size(); ++i) {
      const std::string& entry = vocabulary_[i];
      const Utf8Character one = Unit::first(entry);
      if (one.bytes == 0 || one.bytes != entry.size()) {
        throw_error<DataError>({Unit::tokenizer, ": vocabulary entry ", i, " must be one ", Unit::one,
                                ", but is ", in_quotes(entry)});
      }
      if (one.point >= token_of_.size()) token_of_.resize(one.point + 1, unknown);
      if (std::exchange(token_of_[one.point], static_cast<Token>(i)) != unknown) {
        throw_error<DataError>({Unit::tokenizer, ": ", in_quotes(entry), " is twice in the vocabulary"});
      }
    }
  }

  /// The vocabulary of all that is in the texts, sorted by code point, or by byte. Throws `DataError` where a
  /// text to be cut into characters is not UTF-8.
  static UnitTokenizer from_text(std::initializer_list<std::string_view> texts) {
    std::string seen(Unit::points, '\0');  // a flag for each
    for (const std::string_view text : texts) {
      for_each(text, [&](const Utf8Character& one, std::string_view) {
        seen[one.point] = 1;
        return true;
      });
    }
    std::vector<std::string> vocabulary;
    for (std::uint32_t point = 0; point < Unit::points; ++point) {
      if (seen[point]) Unit::append(vocabulary.emplace_back(), point);
    }
    return UnitTokenizer(std::move(vocabulary));
  }

  static UnitTokenizer from_text(std::string_view text) { return from_text({text}); }

  /// The tokens of `text`, at most the first `limit`; what follows those is not looked at. Throws `DataError`
  /// on what is not in the vocabulary.
  std::vector<Token> encode(std::string_view text, Index limit = std::numeric_limits<Index>::max()) const {
    std::vector<Token> tokens;
    if (limit <= 0) return tokens;
    for_each(text, [&](const Utf8Character& one, std::string_view shown) {
      const Token token = one.point < token_of_.size() ? token_of_[one.point] : unknown;
      if (token == unknown) {
        throw_error<DataError>({Unit::tokenizer, ": ", Unit::one, " ", character_text(shown), " at position ",
                                tokens.size(), " is not one of the ", size(), " known"});
      }
      tokens.push_back(token);
      return static_cast<Index>(tokens.size()) < limit;
    });
    return tokens;
  }

  /// The text of the tokens. That of bytes may begin and end inside a character: see `to_utf8`. Throws
  /// `RangeError` on a token outside the vocabulary.
  std::string decode(std::span<const Token> tokens) const {
    std::string text;
    for (const Token i : tokens) text += token(i);
    return text;
  }

  Index size() const { return static_cast<Index>(vocabulary_.size()); }

  const std::string& token(Index i) const {
    if (i < 0 || i >= size()) {
      throw_error<RangeError>({Unit::tokenizer, ": token ", i, " is outside the vocabulary of ", size()});
    }
    return vocabulary_[static_cast<std::size_t>(i)];
  }

  const std::vector<std::string>& vocabulary() const { return vocabulary_; }

 private:
  static constexpr Token unknown = -1;

  /// Calls f(unit, its bytes) in order, until f returns false.
  template <class Function>
  static void for_each(std::string_view text, const Function& f) {
    for (std::size_t at = 0; at < text.size();) {
      const Utf8Character one = Unit::first(text.substr(at));
      if (one.bytes == 0) require_utf8(Unit::tokenizer, text);  // throws
      if (!f(one, text.substr(at, one.bytes))) return;
      at += one.bytes;
    }
  }

  std::vector<std::string> vocabulary_;
  std::vector<Token> token_of_;  // by code point, up to the highest that is known
};

}  // namespace detail

/// One token per character, that is per Unicode code point, of a text in UTF-8.
using CharTokenizer = detail::UnitTokenizer<detail::Characters>;

/// One token per byte of a text of any encoding.
using ByteTokenizer = detail::UnitTokenizer<detail::Bytes>;

}  // namespace slm
