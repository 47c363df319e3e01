#pragma once
// alibi, sliding_window: what `attention` may add to its scores.
//
// A score is a function of head and positions, and so is the sum of two:
//   attention(qkv, {.heads = 4}, [a = alibi(4), w = sliding_window(64)](Index head, Index query, Index key) {
//     return a(head, query, key) + w(head, query, key);
//   });
#include <array>
#include <bit>
#include <limits>

#include "slm/core/libm.hpp"
#include "slm/kernels/attention.hpp"

namespace slm {

/// Attention with linear biases: −m |query − key|, with a slope m for each head.
struct Alibi {
  static constexpr Index most_heads = 128;

  Index heads;
  std::array<double, most_heads> slopes;

  double operator()(Index head, Index query, Index key) const {
    const Index distance = query < key ? key - query : query - key;
    return -slopes[static_cast<std::size_t>(head)] * static_cast<double>(distance);
  }
};
/// Of N heads, a power of two, head h has the slope 2^(−8 (h + 1) / N). Of other numbers, the first N, the
/// largest power of two below, have theirs, and the others every second slope of 2N heads.
///                              Press, Smith, Lewis 2022, sec. 3; for other numbers the program of that paper
/// A `ConfigError` unless there are 1 to 128 heads.
inline Alibi alibi(Index heads) {
  require_config(heads >= 1 && heads <= Alibi::most_heads,
                 {"alibi: expected 1 to ", Alibi::most_heads, " heads, got ", heads});
  Alibi score{heads, {}};
  const auto N = static_cast<Index>(std::bit_floor(static_cast<std::size_t>(heads)));
  for (Index h = 0; h < heads; ++h) {
    const Index eighths = h < N ? 8 * (h + 1) : 4 * (2 * (h - N) + 1);
    score.slopes[static_cast<std::size_t>(h)] =
        libm::exp2(-static_cast<double>(eighths) / static_cast<double>(N));
  }
  return score;
}

/// Hides the keys that are `width` positions or more away.
struct SlidingWindow {
  Index width;

  double operator()(Index, Index query, Index key) const {
    const bool near = query - key < width && key - query < width;
    return near ? 0 : -std::numeric_limits<double>::infinity();
  }
};
/// A query sees its own position and, where attention is causal, the width − 1 before it. What is hidden costs
/// as much as what is seen.                                              Beltagy, Peters, Cohan 2020, sec. 3.1
/// A `ConfigError` unless the width is positive.
inline SlidingWindow sliding_window(Index width) {
  require_config(width >= 1, {"sliding_window: the width must be positive, got ", width});
  return {width};
}

}  // namespace slm
