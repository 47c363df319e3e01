#pragma once
// Sums and maxima in a fixed order that vector units can follow.
#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <limits>
#include <type_traits>

#include "slm/core/cost.hpp"
#include "slm/core/scalar.hpp"
#include "slm/core/simd.hpp"

namespace slm {

/// Partial results a reduction keeps side by side.
inline constexpr Index reduction_lanes = 16;

namespace detail {
inline namespace SLM_INSTRUCTION_SET {

/// Whether numbers fit into vector registers.
template <class Real>
inline constexpr bool has_registers = std::is_same_v<Real, float> || std::is_same_v<Real, double>;

/// The lanes as one, in halves: operation(a, b) takes numbers or registers.
template <Scalar Real, class Operation>
Real fold_lanes(Real (&lane)[reduction_lanes], const Operation& operation) {
#ifdef SLM_HAS_VECTORS
  if constexpr (has_registers<Real>) {
    constexpr int W = simd::lanes<Real>, count = int(reduction_lanes) / W;
    simd::Vector<Real> part[std::size_t(count)];
    for (int i = 0; i < count; ++i) part[i] = simd::load(lane + i * W);
    for (int width = count / 2; width > 0; width /= 2) {
      for (int i = 0; i < width; ++i) part[i] = operation(part[i], part[i + width]);
    }
    return simd::fold<Real>(part[0], operation);
  }
#endif
  for (Index width = reduction_lanes / 2; width > 0; width /= 2) {
    for (Index l = 0; l < width; ++l) lane[l] = operation(lane[l], lane[l + width]);
  }
  return lane[0];
}

/// Their sum, for every loop that has one.
template <Scalar Real>
[[gnu::noinline]] Real sum_of_lanes(Real (&lane)[reduction_lanes]) {
  return fold_lanes<Real>(lane, [](auto a, auto b) { return a + b; });
}

}  // namespace SLM_INSTRUCTION_SET
}  // namespace detail

inline namespace SLM_INSTRUCTION_SET {

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
  return detail::sum_of_lanes<Real>(lane);
}
/// Beside what the terms cost.
inline Cost sum_over_cost(Index count) { return {.elementwise = count_sum(count, reduction_lanes - 1)}; }

/// Whether all numbers are finite, asked of their bits as `is_finite` does.
template <Scalar Real>
bool all_finite(const Real* x, Index count) {
  if constexpr (detail::has_registers<Real>) {
    using Bits = std::conditional_t<std::is_same_v<Real, float>, std::uint32_t, std::uint64_t>;
    constexpr Bits exponent = std::bit_cast<Bits>(std::numeric_limits<Real>::infinity());
    Bits found = 0;
    for (Index i = 0; i < count; ++i) {
      Bits bits;
      std::memcpy(&bits, x + i, sizeof bits);
      found |= Bits((bits & exponent) == exponent);
    }
    return found == 0;
  }
  return std::all_of(x, x + count, [](const Real& number) { return is_finite(number); });
}

/// Σ terms[i] of the i with x[i] ≥ least, in the order of `sum_over`; how many there are, where terms is null.
template <Scalar Real>
Real sum_where_at_least(const Real* x, Real least, const Real* terms, Index count) {
  Index i = 0;
  Real sum(0);
#ifdef SLM_HAS_VECTORS
  // A compiler leaves a sum with a condition alone.
  if constexpr (detail::has_registers<Real>) {
    using Register = simd::Vector<Real>;
    constexpr int W = simd::lanes<Real>, parts = int(reduction_lanes) / W;
    const Register none{}, one = none + Real(1), bound = none + least;
    Register part[std::size_t(parts)] = {};
    for (; i + reduction_lanes <= count; i += reduction_lanes) {
      for (int k = 0; k < parts; ++k) {
        const Register term = terms ? simd::load(terms + i + k * W) : one;
        part[k] += simd::load(x + i + k * W) >= bound ? term : none;
      }
    }
    Real lane[reduction_lanes];
    for (int k = 0; k < parts; ++k) simd::store(lane + k * W, part[k]);
    sum = detail::sum_of_lanes<Real>(lane);
  }
#endif
  for (; i < count; ++i) {
    if (x[i] >= least) sum += terms ? terms[i] : Real(1);
  }
  return sum;
}

/// The largest of `count` > 0 numbers. A NaN may be passed over.
template <Scalar Real>
Real max_of(const Real* x, Index count) {
  if (count < reduction_lanes) return *std::max_element(x, x + count);
  constexpr auto larger = [](auto a, auto b) { return a < b ? b : a; };
  Real lane[reduction_lanes];
  for (Index l = 0; l < reduction_lanes; ++l) lane[l] = x[l];
  Index i = reduction_lanes;
#ifdef SLM_HAS_VECTORS
  // A compiler leaves the loop below alone.
  if constexpr (detail::has_registers<Real>) {
    constexpr int W = simd::lanes<Real>, parts = int(reduction_lanes) / W;
    simd::Vector<Real> part[std::size_t(parts)];
    for (int k = 0; k < parts; ++k) part[k] = simd::load(x + k * W);
    for (; i + reduction_lanes <= count; i += reduction_lanes) {
      for (int k = 0; k < parts; ++k) part[k] = larger(part[k], simd::load(x + i + k * W));
    }
    for (int k = 0; k < parts; ++k) simd::store(lane + k * W, part[k]);
  }
#endif
  for (; i + reduction_lanes <= count; i += reduction_lanes) {
    for (Index l = 0; l < reduction_lanes; ++l) lane[l] = larger(lane[l], x[i + l]);
  }
  for (Index l = 0; i + l < count; ++l) lane[l] = larger(lane[l], x[i + l]);
  return detail::fold_lanes<Real>(lane, larger);
}
/// Of one such search.
inline Cost max_of_cost(Index count) { return {.comparisons = count - 1}; }

}  // namespace SLM_INSTRUCTION_SET
}  // namespace slm
