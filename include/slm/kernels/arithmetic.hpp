#pragma once
// Difference and quotient of two arrays, and one array for each of many rows.
#include "slm/kernels/elementwise.hpp"

namespace slm::kernels {
inline namespace SLM_INSTRUCTION_SET {

/// y = a − b
template <Scalar Real>
void subtract_forward(const Real* a, const Real* b, Real* y, Index count) {
  for_each_element(count, [=](Index i) { y[i] = a[i] - b[i]; });
}
/// db −= dy; what a gets is `add_backward`.
template <Scalar Real>
void subtract_backward(const Real* dy, Into<Real> db, Index count) {
  for_each_element(count, [=](Index i) { db.data[i] = db.before(i) - dy[i]; });
}
inline PassCosts subtract_costs(Index count, bool a = true, bool b = true) { return add_costs(count, a, b); }

/// y = a / b
template <Scalar Real>
void divide_forward(const Real* a, const Real* b, Real* y, Index count) {
  for_each_element(count, [=](Index i) { y[i] = a[i] / b[i]; });
}
/// da += dy / b
template <Scalar Real>
void divide_backward_dividend(const Real* b, const Real* dy, Into<Real> da, Index count) {
  for_each_element(count, [=](Index i) { da.data[i] = da.before(i) + dy[i] / b[i]; });
}
/// db −= dy y / b
template <Scalar Real>
void divide_backward_divisor(const Real* b, const Real* y, const Real* dy, Into<Real> db, Index count) {
  for_each_element(count, [=](Index i) { db.data[i] = db.before(i) - dy[i] * y[i] / b[i]; });
}
inline PassCosts divide_costs(Index count, bool a = true, bool b = true) {
  const Cost dividend{.elementwise = 2}, divisor{.elementwise = 3};
  return {{.elementwise = count}, (dividend.when(a) + divisor.when(b)) * count};
}

/// y[n] = x for every row n
template <Scalar Real>
void broadcast_forward(const Real* x, Real* y, RowsSize size) {
  const Index C = size.columns;
  if (C == 1) return for_each_element(size.rows, [=](Index n) { y[n] = *x; });
  for_each_row(size, [=](Index n) { std::copy_n(x, C, y + n * C); });
}
/// dx += Σₙ dy[n]
template <Scalar Real>
void broadcast_backward(const Real* dy, Real* dx, RowsSize size) {
  if (size.columns == 1) {
    *dx += sum_over<Real>(size.rows, [=](Index n) { return dy[n]; });
  } else {
    for_each_in_columns(size, [=](Index n, Index c) { dx[c] += dy[n * size.columns + c]; });
  }
}
inline PassCosts broadcast_costs(RowsSize size) {
  const Index count = count_product(size.rows, size.columns);
  return {{.moved = count},
          size.columns == 1 ? sum_over_cost(count) + Cost{.elementwise = 1} : Cost{.elementwise = count}};
}

}  // namespace SLM_INSTRUCTION_SET
}  // namespace slm::kernels
