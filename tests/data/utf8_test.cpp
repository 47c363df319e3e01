// Characters of a text, against what RFC 3629 says.
#include "slm/data/utf8.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "slm/core/shape.hpp"

using namespace slm;

TEST_CASE("every code point there is comes back from its bytes, and surrogates are none") {
  Index wrong = 0;
  for (std::uint32_t point = 0; point < 0x110000; ++point) {
    std::string text;
    append_utf8(text, point);
    const Utf8Character one = first_character(text + "x");
    const bool surrogate = point >= 0xD800 && point < 0xE000;
    wrong += surrogate ? one.bytes != 0 : one.point != point || one.bytes != text.size();
  }
  CHECK(wrong == 0);
}

TEST_CASE("what is not well-formed is no character") {
  // A lone continuation, an overlong '/', a surrogate, above U+10FFFF, cut short, a wrong continuation, 0xFF.
  for (const char* text : {"\x80", "\xc0\xaf", "\xe0\x80\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe4\xb8",
                           "\xe4\xb8x", "\xff", ""}) {
    CAPTURE(text);
    CHECK(first_character(text).bytes == 0);
    CHECK(is_utf8(text) == std::string_view(text).empty());
  }
  CHECK(utf8_prefix("ab\xc3\xa9\xe4\xb8") == 4);
  CHECK(utf8_prefix("ab\xc3\xa9") == 4);
}

TEST_CASE("the bytes of a character that is not finished are told from those of a whole one") {
  const std::string text = "a\xc3\xa9\xe4\xb8\xad\xf0\x9f\x98\x80";  // of 1, 2, 3 and 4 bytes
  const std::vector<std::size_t> expected = {0, 0, 1, 0, 1, 2, 0, 1, 2, 3, 0};
  for (std::size_t size = 0; size <= text.size(); ++size) {
    CAPTURE(size);
    CHECK(unfinished_bytes(text.substr(0, size)) == expected[size]);
  }
  CHECK(unfinished_bytes("\x80\x80\x80\x80") == 0);  // which nothing will make a character
}

TEST_CASE("what is shown of bytes that are no text is U+FFFD") {
  const std::string fffd = "\xef\xbf\xbd";
  CHECK(to_utf8("plain \xc3\xa9") == "plain \xc3\xa9");
  CHECK(to_utf8("\xa9 and \xe4\xb8") == fffd + " and " + fffd + fffd);
  CHECK(is_utf8(to_utf8("\xff\xc0\x80z")));
  CHECK(to_utf8("").empty());
}
