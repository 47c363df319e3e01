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
inline PassCosts store_keys_values_costs(CacheSize size) { return {Cost{.moved = 2} * size.C * size.T, {}}; }

}  // namespace SLM_INSTRUCTION_SET
}  // namespace slm::kernels
