#pragma once
// The words most like a mistyped one.
#include <algorithm>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "slm/core/check.hpp"

namespace slm {

/// Fewest insertions, deletions and replacements of a byte that turn one text into the other.
/// Source: Wagner, Fischer, "The String-to-String Correction Problem", JACM 1974.
inline std::size_t edit_distance(std::string_view from, std::string_view to) {
  std::vector<std::size_t> cost(to.size() + 1);  // of turning the prefix of `from` into each prefix of `to`
  for (std::size_t j = 0; j < cost.size(); ++j) cost[j] = j;
  for (std::size_t i = 0; i < from.size(); ++i) {
    std::size_t diagonal = std::exchange(cost[0], i + 1);
    for (std::size_t j = 0; j < to.size(); ++j) {
      const std::size_t replace = diagonal + (from[i] == to[j] ? 0 : 1);
      diagonal = cost[j + 1];
      cost[j + 1] = std::min({replace, cost[j] + 1, diagonal + 1});
    }
  }
  return cost.back();
}

/// With small letters for the large ones of ASCII.
inline std::string lower_case(std::string_view text) {
  std::string lower(text);
  for (char& letter : lower) {
    if (letter >= 'A' && letter <= 'Z') letter = static_cast<char>(letter - 'A' + 'a');
  }
  return lower;
}

/// The nearest words, best first and equal ones in the order given: at most 3, each at most 3 edits away, of
/// which a large letter for a small one is none.
inline std::vector<std::string> nearest_words(std::string_view word, std::span<const std::string> known) {
  constexpr std::size_t most_words = 3, most_edits = 3;
  const std::string lower = lower_case(word);
  std::vector<std::string> nearest[most_edits + 1];  // by distance
  for (const std::string& candidate : known) {
    // The lengths alone rule most words out, and keep a very long one from costing time.
    if (candidate.size() > word.size() + most_edits || word.size() > candidate.size() + most_edits) continue;
    const std::size_t distance = edit_distance(lower, lower_case(candidate));
    if (distance <= most_edits) nearest[distance].push_back(candidate);
  }
  for (std::size_t distance = 1; distance <= most_edits; ++distance) {
    nearest[0].insert(nearest[0].end(), nearest[distance].begin(), nearest[distance].end());
  }
  nearest[0].resize(std::min(most_words, nearest[0].size()));
  return nearest[0];
}

}  // namespace slm
