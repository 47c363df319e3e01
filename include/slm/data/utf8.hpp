#pragma once
// Text as UTF-8. A character is a Unicode code point; what a reader takes for one (a letter and its accent, an
// emoji) may be several.
// Source: RFC 3629, "UTF-8, a transformation format of ISO 10646", 2003.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "slm/core/check.hpp"

namespace slm {

/// What a text begins with: a code point and the bytes that it takes.
struct Utf8Character {
  std::uint32_t point = 0;
  std::size_t bytes = 0;  // 0: the text is empty, or does not begin with a character
};

namespace detail {

/// Bytes of the character that begins with this byte; 0 where none does.
constexpr std::size_t utf8_length(unsigned char lead) {
  if (lead < 0x80) return 1;
  if (lead < 0xC0) return 0;
  return lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : lead < 0xF8 ? 4 : 0;
}

constexpr bool continues_character(char byte) { return (static_cast<unsigned char>(byte) & 0xC0u) == 0x80u; }

}  // namespace detail

/// The first character of a text. Overlong forms, surrogates and numbers over U+10FFFF are none.
[[gnu::noinline]] constexpr Utf8Character first_character(std::string_view text) {
  constexpr std::uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
  if (text.empty()) return {};
  const auto lead = static_cast<unsigned char>(text.front());
  const std::size_t length = detail::utf8_length(lead);
  if (length == 0 || length > text.size()) return {};
  if (length == 1) return {lead, 1};
  std::uint32_t point = lead & (0x7Fu >> length);
  for (std::size_t i = 1; i < length; ++i) {
    if (!detail::continues_character(text[i])) return {};
    point = point << 6 | (static_cast<unsigned char>(text[i]) & 0x3Fu);
  }
  if (point < smallest[length] || point > 0x10FFFF || (point >= 0xD800 && point < 0xE000)) return {};
  return {point, length};
}

/// Bytes in front of a text that are whole characters: all of them where it is UTF-8.
constexpr std::size_t utf8_prefix(std::string_view text) {
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t bytes = first_character(text.substr(at)).bytes;
    if (bytes == 0) break;
    at += bytes;
  }
  return at;
}

/// Whether `text` is well-formed UTF-8.
constexpr bool is_utf8(std::string_view text) { return utf8_prefix(text) == text.size(); }

/// Throws a `DataError` that begins with `what`, with the place of the first byte that belongs to no character.
inline void require_utf8(std::string_view what, std::string_view text) {
  const std::size_t at = utf8_prefix(text);
  if (at == text.size()) return;
  throw_error<DataError>({what, ": the text is not UTF-8 at byte ", at, ", ", in_quotes(text.substr(at, 4)),
                          "; any text can be read as bytes (TokenUnit::byte)"});
}

/// Appends the character of a code point.
[[gnu::noinline]] inline void append_utf8(std::string& text, std::uint32_t point) {
  const auto append = [&](std::uint32_t byte) { text += static_cast<char>(static_cast<unsigned char>(byte)); };
  if (point < 0x80) {
    append(point);
  } else if (point < 0x800) {
    append(0xC0 | point >> 6), append(0x80 | (point & 0x3F));
  } else if (point < 0x10000) {
    append(0xE0 | point >> 12), append(0x80 | (point >> 6 & 0x3F)), append(0x80 | (point & 0x3F));
  } else {
    append(0xF0 | point >> 18), append(0x80 | (point >> 12 & 0x3F));
    append(0x80 | (point >> 6 & 0x3F)), append(0x80 | (point & 0x3F));
  }
}

/// Bytes at the end of a text that begin a character and do not finish it, 0 to 3: what has to wait for the
/// next token where a model writes byte by byte.
constexpr std::size_t unfinished_bytes(std::string_view text) {
  for (std::size_t count = 1; count <= 3 && count <= text.size(); ++count) {
    const char byte = text[text.size() - count];
    if (detail::continues_character(byte)) continue;
    return detail::utf8_length(static_cast<unsigned char>(byte)) > count ? count : 0;
  }
  return 0;
}

/// The text with U+FFFD in place of every byte that belongs to no character, as one shows what a model of bytes
/// wrote: such a text may end, or begin, inside a character. A text in UTF-8 stays as it is.
inline std::string to_utf8(std::string_view text) {
  std::string shown;
  while (!text.empty()) {
    const std::size_t bytes = first_character(text).bytes;
    shown += bytes > 0 ? text.substr(0, bytes) : "\xEF\xBF\xBD";
    text.remove_prefix(bytes > 0 ? bytes : 1);
  }
  return shown;
}

}  // namespace slm
