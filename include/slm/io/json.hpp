#pragma once
// As much JSON (RFC 8259) as file headers need: objects, arrays, strings and counts. The reader follows the
// caller's structure instead of building a tree: the text does not decide the depth, and in memory is only what
// the caller keeps.
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <utility>

#include "slm/core/check.hpp"
#include "slm/data/utf8.hpp"

namespace slm::detail {

/// `text` (UTF-8) as a JSON string, quotes included.
inline std::string json_string(std::string_view text) {
  constexpr char digits[] = "0123456789abcdef";
  std::string json = "\"";
  for (const char letter : text) {
    const auto byte = static_cast<unsigned char>(letter);
    if (letter == '"' || letter == '\\') {
      json += {'\\', letter};
    } else if (byte < 0x20) {
      json += {'\\', 'u', '0', '0', digits[byte >> 4], digits[byte & 15]};
    } else {
      json += letter;
    }
  }
  return json + '"';
}

/// Reads JSON from front to back. Whatever is not as the caller asks for is a `DataError` that begins with
/// `source`, followed by what `inside` was told last.
class JsonReader {
 public:
  /// `text` must be UTF-8 and outlive the reader.
  JsonReader(std::string_view text, std::string source) : text_(text), source_(std::move(source)) {}

  /// { "key": value, … }: calls member(key), which has to read the value.
  template <class Member>
  void object(const Member& member) {
    expect('{');
    if (accept('}')) return;
    do {
      const std::string key = string();
      expect(':');
      member(key);
    } while (accept(','));
    expect('}', "',' or '}'");
  }

  /// [ value, … ]: calls element(), which has to read the value.
  template <class Element>
  void array(const Element& element) {
    expect('[');
    if (accept(']')) return;
    do element();
    while (accept(','));
    expect(']', "',' or ']'");
  }

  /// A string, as UTF-8. One with a NUL character in it is refused.
  std::string string() {
    expect('"', "a string");
    std::string value;
    for (;;) {
      if (at_ == text_.size()) fail_expecting("the end of a string");
      const char letter = text_[at_];
      if (static_cast<unsigned char>(letter) < 0x20) fail_expecting("no control character in a string");
      ++at_;
      if (letter == '"') return value;
      if (letter == '\\') {
        append_escape(value);
      } else {
        value += letter;
      }
    }
  }

  /// A whole number from 0 to 2^63 - 1.
  std::int64_t count() {
    skip_space();
    if (!at_digit()) fail_expecting("a whole number, 0 or more");
    const std::size_t start = at_;
    std::int64_t value = 0;
    for (; at_digit(); ++at_) {
      const int digit = text_[at_] - '0';
      if (value > (std::numeric_limits<std::int64_t>::max() - digit) / 10) fail("a number is over 2^63 - 1");
      value = value * 10 + digit;
    }
    if (text_[start] == '0' && at_ - start > 1) fail("a number begins with 0");
    return value;
  }

  /// Nothing but white space may follow.
  void end() {
    skip_space();
    if (at_ < text_.size()) fail_expecting("the end");
  }

  /// What is being read, for messages. Set by the caller, empty when there is nothing to say.
  void inside(std::string context) { context_ = std::move(context); }

  [[noreturn]] void fail(const std::string& reason) const {
    throw_error<DataError>({source_, ": ", context_, context_.empty() ? "" : ": ", reason});
  }

 private:
  [[noreturn]] void fail_expecting(std::string_view expected) const {
    fail(make_text({"expected ", expected, " at byte ", at_, " of the header, got ",
                    (at_ < text_.size() ? in_quotes(text_.substr(at_, 1)) : "its end")}));
  }

  void skip_space() {
    while (at_ < text_.size() && std::string_view(" \t\n\r").find(text_[at_]) != std::string_view::npos) ++at_;
  }

  bool accept(char letter) {
    skip_space();
    if (at_ == text_.size() || text_[at_] != letter) return false;
    ++at_;
    return true;
  }

  void expect(char letter, std::string_view expected = "") {
    if (!accept(letter)) fail_expecting(expected.empty() ? in_quotes({&letter, 1}) : expected);
  }

  bool at_digit() const { return at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9'; }

  /// What follows a backslash.
  void append_escape(std::string& value) {
    constexpr std::string_view letters = "\"\\/bfnrt", meanings = "\"\\/\b\f\n\r\t";
    if (at_ < text_.size() && text_[at_] == 'u') {
      ++at_;
      return append_utf8(value, escaped_point());
    }
    const auto known = at_ < text_.size() ? letters.find(text_[at_]) : std::string_view::npos;
    if (known == std::string_view::npos) fail_expecting("an escape of JSON");
    value += meanings[known];
    ++at_;
  }

  /// The character of \uXXXX, or of two of them where it takes a surrogate pair.
  std::uint32_t escaped_point() {
    const std::uint32_t first = four_digits();
    if (first == 0) fail("a string holds a NUL character");
    if (first < 0xD800 || first >= 0xE000) return first;
    if (first < 0xDC00 && text_.substr(at_, 2) == "\\u") {
      at_ += 2;
      const std::uint32_t second = four_digits();
      if (second >= 0xDC00 && second < 0xE000) return 0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00);
    }
    fail("a string holds half of a surrogate pair");
  }

  std::uint32_t four_digits() {
    std::uint32_t value = 0;
    for (int i = 0; i < 4; ++i, ++at_) {
      const auto digit = at_ < text_.size() ? std::string_view("0123456789abcdefABCDEF").find(text_[at_])
                                            : std::string_view::npos;
      if (digit == std::string_view::npos) fail_expecting("a hexadecimal digit");
      value = value << 4 | static_cast<std::uint32_t>(digit < 16 ? digit : digit - 6);
    }
    return value;
  }

  std::string_view text_;
  std::string source_;
  std::string context_;
  std::size_t at_ = 0;
};

}  // namespace slm::detail
