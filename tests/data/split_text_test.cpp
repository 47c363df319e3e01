// Where a text is cut: near the shares asked for, of whatever kind it is.
#include "slm/data/split_text.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <string>

#include "data_test_support.hpp"

using namespace slm;
using data_test::has;
using data_test::message_of;

namespace {

std::string repeated(const std::string& part, int times) {
  std::string text;
  for (int i = 0; i < times; ++i) text += part;
  return text;
}

/// The splits, which must be the text again and have their shares, but for a quarter and a character.
std::array<std::string, 3> checked_split(const std::string& text, const SplitShares& shares = {}) {
  const auto splits = split_text(text, shares);
  CHECK(splits[0] + splits[1] + splits[2] == text);
  const double expected[] = {1 - shares.valid - shares.test, shares.valid, shares.test};
  for (std::size_t i = 0; i < 3; ++i) {
    CAPTURE(i);
    const double size = static_cast<double>(text.size()), share = expected[i] * size;
    CHECK(std::abs(static_cast<double>(splits[i].size()) - share) <= share / 4 + 4);
  }
  return splits;
}

bool ends_with(const std::string& text, std::string_view end) { return std::string_view(text).ends_with(end); }

}  // namespace

TEST_CASE("a split ends behind a line where one ends near its share, whatever ends lines") {
  for (const std::string end : {"\n", "\r\n", "\r"}) {
    CAPTURE(end);
    for (const SplitShares& shares :
         {SplitShares{}, {.valid = 0.02, .test = 0.3}, {.valid = 0.45, .test = 0.45}}) {
      const auto splits =
          checked_split(repeated("a line of words, not long" + end + "and a short one" + end, 300), shares);
      for (const std::string& split : splits) {
        CHECK(ends_with(split, end));
        CHECK(split.front() == 'a');
      }
    }
  }
}

TEST_CASE("where lines are few or long, a split ends behind a word") {
  // One line; one that ends; two, of which one is short; seven, with no end near the place of a split.
  const std::string words = repeated("words without a line between them ", 100);
  for (const std::string& text : {words, words + "\n", "a title\n" + words, repeated(words + "\n", 7)}) {
    const auto splits = checked_split(text);
    CHECK(ends_with(splits[0], " "));
    CHECK(ends_with(splits[1], " "));
    CHECK(splits[1].front() != ' ');
    CHECK(splits[2].front() != ' ');
  }
  // Of ten lines of one length, the last two make the shares exactly.
  const std::string line = words + "\n";
  const auto splits = checked_split(repeated(line, 10));
  CHECK(splits[1] == line);
  CHECK(splits[2] == line);
}

TEST_CASE("a text without white space is cut between characters") {
  checked_split(repeated("x", 1000));
  for (int more = 0; more < 3; ++more) {
    const auto splits =
        checked_split(std::string(static_cast<std::size_t>(more), 'x') + repeated("\xe4\xb8\xad", 333));
    for (const std::string& split : splits) CHECK(is_utf8(split));
  }
  checked_split(repeated("\x80", 1000));  // of no encoding at all
}

TEST_CASE("a text of a few characters is cut, too") {
  for (const std::string text : {"", "a", " ", "\n", "\r", "ab", "a\n", "\n\n\n\n", "\xe4\xb8\xad"}) {
    const auto splits = split_text(text, {});
    CHECK(splits[0] + splits[1] + splits[2] == text);
  }
  CHECK(has(message_of<ConfigError>([] { split_text("some text", {.valid = 0, .test = 0.5}); }),
            "got 0 and 0.5"));
}
