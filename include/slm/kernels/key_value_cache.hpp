#pragma once
// Keys and values that attention keeps of the positions it has seen.
#include <algorithm>

#include "slm/core/cost.hpp"
#include "slm/core/matrix.hpp"
#include "slm/core/simd.hpp"

namespace slm::kernels {
inline namespace SLM_INSTRUCTION_SET {

/// T positions of width C, the first of them at position `first`, in a cache for `capacity` positions. New ones
/// begin `stride` numbers after one another.
struct CacheSize {
  Index T, C, first, capacity, stride;
};

/// Stores the keys and values of new positions. k, v (T, C)   →   keys (C, capacity): a position is a column
/// values (capacity, C): a position is a row. So the products of one query with both read memory in order: see
/// `AttentionOperands`.
template <class Real>
void store_keys_values(const Real* k, const Real* v, Real* keys, Real* values, CacheSize size) {
  const auto [T, C, first, capacity, stride] = size;
  transpose<Real>({k, T, C, stride}, {keys + first, C, T, capacity});
  for (Index t = 0; t < T; ++t) std::copy_n(v + t * stride, C, values + (first + t) * C);
}

/// Forgets the first `count` of the positions kept, and moves those that stay to the front: T of width C, kept
/// from position `first` = count on. Keys of heads of width D are turned back by `count` positions, whose
/// angles `cosine` and `sine` (D/2) are; null where no keys are turned.
template <class Real>
void drop_keys_values(Real* keys, Real* values, CacheSize size, Index head_width, const Real* cosine,
                      const Real* sine) {
  const auto [T, C, first, capacity, stride] = size;
  std::copy(values + first * C, values + (first + T) * C, values);
  for (Index c = 0; c < C; ++c) std::copy_n(keys + c * capacity + first, T, keys + c * capacity);
  const Index half = head_width / 2;
  for (Index c = 0; cosine && c < C; c += c % head_width == half - 1 ? half + 1 : 1) {
    Real *a = keys + c * capacity, *b = a + half * capacity;
    const Real co = cosine[c % head_width], si = sine[c % head_width];
    for (Index t = 0; t < T; ++t) {
      const Real x = a[t], y = b[t];
      a[t] = x * co + y * si;
      b[t] = y * co - x * si;
    }
  }
}
inline PassCosts store_keys_values_costs(CacheSize size) { return {Cost{.moved = 2} * size.C * size.T, {}}; }

}  // namespace SLM_INSTRUCTION_SET
}  // namespace slm::kernels
