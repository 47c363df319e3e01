#pragma once
// Elements picked by index, and elements that a mask replaces.
#include <cstdint>

#include "slm/core/matrix.hpp"
#include "slm/core/tensor.hpp"
#include "slm/kernels/elementwise.hpp"

namespace slm::kernels {
inline namespace SLM_INSTRUCTION_SET {

/// y[n] = x[n, index[n]]
template <Scalar Real>
void gather_forward(const Token* index, const Real* x, Real* y, RowsSize size) {
  for_each_element(size.rows, [=](Index n) { y[n] = x[n * size.columns + index[n]]; });
}
/// dx[n, index[n]] += dy[n]
template <Scalar Real>
void gather_backward(const Token* index, const Real* dy, Real* dx, RowsSize size) {
  for_each_element(size.rows, [=](Index n) { dx[n * size.columns + index[n]] += dy[n]; });
}
inline PassCosts gather_costs(RowsSize size) { return {{.lookups = size.rows}, {.elementwise = size.rows}}; }

// A mask is bytes here, and what it may hide is read all the same: g++ 12 vectorises no loop that reads bool or
// that reads under a condition.

/// y[n, c] = value where mask[c], else x[n, c].
template <Scalar Real>
void masked_fill_forward(const Real* x, const std::uint8_t* mask, Real value, Real* y, RowsSize size) {
  for_each_part_of_rows(size, [=](Index n, Index begin, Index end) {
    const Index row = n * size.columns;
    const Real fill = value;  // in a register: y might be where the function keeps it
    for (Index i = begin; i < end; ++i) {
      const Real given = x[i];
      y[i] = mask[i - row] ? fill : given;
    }
  });
}
/// dx[n, c] += dy[n, c] where not mask[c].
template <Scalar Real>
void masked_fill_backward(const std::uint8_t* mask, const Real* dy, Into<Real> dx, RowsSize size) {
  for_each_part_of_rows(size, [=](Index n, Index begin, Index end) {
    const Index row = n * size.columns;
    for (Index i = begin; i < end; ++i) {
      const Real up = dy[i];
      dx.data[i] = dx.before(i) + (mask[i - row] ? Real(0) : up);
    }
  });
}
inline PassCosts masked_fill_costs(RowsSize size) {
  return PassCosts{{.moved = 1}, {.elementwise = 1}} * size.rows * size.columns;
}

}  // namespace SLM_INSTRUCTION_SET
}  // namespace slm::kernels
