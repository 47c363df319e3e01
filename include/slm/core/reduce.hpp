#pragma once
// Sums and maxima in a fixed order that vector units can follow.
#include <algorithm>

#include "slm/core/cost.hpp"
#include "slm/core/scalar.hpp"
#include "slm/core/simd.hpp"

namespace slm {
inline namespace SLM_INSTRUCTION_SET {

/// Partial results a reduction keeps side by side.
inline constexpr Index reduction_lanes = 16;

/// Σ term(i) for i in [0, count): lane l adds the terms with i ≡ l (mod 16), then the lanes are folded in
/// halves. A compiler may vectorise this without being allowed to reorder sums, and the rounding error
/// grows with count / 16 only.
template <Scalar Real, class Term>
Real sum_over(Index count, const Term& term) {
  Real lane[reduction_lanes];
  for (Real& x : lane) x = Real(0);
  Index i = 0;
  for (; i + reduction_lanes <= count; i += reduction_lanes) {
    for (Index l = 0; l < reduction_lanes; ++l) lane[l] += term(i + l);
  }
  for (Index l = 0; i + l < count; ++l) lane[l] += term(i + l);
  for (Index width = reduction_lanes / 2; width > 0; width /= 2) {
    for (Index l = 0; l < width; ++l) lane[l] += lane[l + width];
  }
  return lane[0];
}
/// Beside what the terms cost.
inline Cost sum_over_cost(Index count) { return {.elementwise = count_sum(count, reduction_lanes - 1)}; }

/// The largest of `count` > 0 numbers. A NaN may be passed over.
template <Scalar Real>
Real max_of(const Real* x, Index count) {
  if (count < reduction_lanes) return *std::max_element(x, x + count);
  Real lane[reduction_lanes];
  for (Index l = 0; l < reduction_lanes; ++l) lane[l] = x[l];
  Index i = reduction_lanes;
  for (; i + reduction_lanes <= count; i += reduction_lanes) {
    for (Index l = 0; l < reduction_lanes; ++l) lane[l] = lane[l] < x[i + l] ? x[i + l] : lane[l];
  }
  for (Index l = 0; i + l < count; ++l) lane[l] = lane[l] < x[i + l] ? x[i + l] : lane[l];
  return *std::max_element(lane, lane + reduction_lanes);
}
/// Of one such search.
inline Cost max_of_cost(Index count) { return {.comparisons = count - 1}; }

}  // namespace SLM_INSTRUCTION_SET
}  // namespace slm
