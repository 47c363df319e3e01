#pragma once
// One text as three: to train, to validate and to test.
#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "slm/data/utf8.hpp"
#include "slm/data/word_tokenizer.hpp"

namespace slm {

/// Parts of a text that are kept from training.
struct SplitShares {
  double valid = 0.1, test = 0.1;
};

namespace detail {

/// Whether a line ends in front of `place`: by LF, CR LF or CR.
inline bool behind_line(std::string_view text, std::size_t place) {
  const char last = text[place - 1];
  return last == '\n' || (last == '\r' && text.substr(place, 1) != "\n");
}
/// Whether white space ends there.
inline bool behind_space(std::string_view text, std::size_t place) {
  const auto is_space = [&](std::size_t i) {
    return i < text.size() && white_space.find(text[i]) != text.npos;
  };
  return is_space(place - 1) && !is_space(place);
}

/// The place near `place`, at most `most` away, that suits; the next one after it before one in front of it.
inline std::optional<std::size_t> suitable_place(std::string_view text, std::size_t place, std::size_t most,
                                                 bool (*suits)(std::string_view, std::size_t)) {
  for (std::size_t i = place; i <= std::min(place + most, text.size()); ++i) {
    if (i > 0 && suits(text, i)) return i;
  }
  for (std::size_t i = place; i > 1 && place - i < most; --i) {
    if (suits(text, i - 1)) return i - 1;
  }
  return std::nullopt;
}

/// Where a split ends that has this share of the text, give or take `tolerance`: behind a line if one ends near
/// there, else behind a word, and where there is neither in any case behind a whole character.
inline std::size_t end_of_split(std::string_view text, double share, double tolerance) {
  const auto size = static_cast<double>(text.size());
  auto place = static_cast<std::size_t>(share * size);
  for (const auto suits : {behind_line, behind_space}) {
    if (const auto found = suitable_place(text, place, static_cast<std::size_t>(tolerance * size), suits))
      return *found;
  }
  for (int i = 0; i < 3 && place < text.size() && continues_character(text[place]); ++i) ++place;
  return place;
}

}  // namespace detail

/// The training, the validation and the test split of a text: its end is the test split, what comes before that
/// the validation split. A split ends behind a line, or where none ends near its share behind a word, and has a
/// quarter more or less than that share at most. Throws `ConfigError` on shares that leave nothing to one.
inline std::array<std::string, 3> split_text(const std::string& text, const SplitShares& shares) {
  const double train = 1 - shares.valid - shares.test;
  require_config(
      shares.valid > 0 && shares.test > 0 && train > 0,
      {"corpus_from_text: the shares of validation and test must be positive and leave some for training, got ",
       shares.valid, " and ", shares.test});
  const double tolerance = std::min({train, shares.valid, shares.test}) / 8;
  const std::size_t first = detail::end_of_split(text, train, tolerance),
                    second = detail::end_of_split(text, 1 - shares.test, tolerance);
  return {text.substr(0, first), text.substr(first, second - first), text.substr(second)};
}

}  // namespace slm
