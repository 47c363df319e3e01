#pragma once
// Rows reduced to one number each: sum, mean, greatest element, logarithm of a sum of exponentials. All
// elements of a tensor are one row.
#include "slm/core/math.hpp"
#include "slm/core/matrix.hpp"
#include "slm/kernels/elementwise.hpp"

namespace slm::kernels {
inline namespace SLM_INSTRUCTION_SET {

/// Σ x
template <Scalar Real>
Real sum_forward(const Real* x, Index count) {
  return sum_over<Real>(count, [=](Index i) { return x[i]; });
}
/// y[n] = Σ x[n]
template <Scalar Real>
void sum_forward(const Real* x, Real* y, RowsSize size) {
  for_each_row(size, [=](Index n) { y[n] = sum_forward(x + n * size.columns, size.columns); });
}
/// dx[n] += dy[n], the same for every element of the row.
template <Scalar Real>
void sum_backward(const Real* dy, Into<Real> dx, RowsSize size) {
  for_each_part_of_rows(size, [=](Index n, Index begin, Index end) {
    const Real slope = dy[n];
    for (Index i = begin; i < end; ++i) dx.data[i] = dx.before(i) + slope;
  });
}
inline PassCosts sum_costs(RowsSize size) {
  return PassCosts{sum_over_cost(size.columns), {.elementwise = size.columns}} * size.rows;
}

/// y[n] = Σ x[n] / C
template <Scalar Real>
void mean_forward(const Real* x, Real* y, RowsSize size) {
  const Index C = size.columns;
  for_each_row(size, [=](Index n) { y[n] = sum_forward(x + n * C, C) / Real(C); });
}
/// dx[n] += dy[n] / C
template <Scalar Real>
void mean_backward(const Real* dy, Into<Real> dx, RowsSize size) {
  for_each_part_of_rows(size, [=](Index n, Index begin, Index end) {
    const Real up = dy[n], count = Real(size.columns);
    for (Index i = begin; i < end; ++i) dx.data[i] = dx.before(i) + up / count;
  });
}
inline PassCosts mean_costs(RowsSize size) {
  const Cost y = sum_over_cost(size.columns) + Cost{.elementwise = 1};
  return PassCosts{y, Cost{.elementwise = 2} * size.columns} * size.rows;
}

/// Where the first of the greatest of `count` > 0 numbers is. A NaN is greater than any number.
template <Scalar Real>
Index first_greatest(const Real* x, Index count) {
  Index at = 0;
  for (Index i = 1; i < count; ++i) {
    if (x[at] == x[at] && !(x[i] <= x[at])) at = i;
  }
  return at;
}
/// y[n] = max x[n], and in at[n] where it is.
template <Scalar Real>
void max_forward(const Real* x, Real* y, Index* at, RowsSize size) {
  const Index C = size.columns;
  for_each_row(size, [=](Index n) {
    at[n] = first_greatest(x + n * C, C);
    y[n] = x[n * C + at[n]];
  });
}
/// dx[n, at[n]] += dy[n]
template <Scalar Real>
void max_backward(const Index* at, const Real* dy, Real* dx, RowsSize size) {
  for_each_element(size.rows, [=](Index n) { dx[n * size.columns + at[n]] += dy[n]; });
}
inline PassCosts max_costs(RowsSize size) {
  return PassCosts{{.comparisons = 2 * (size.columns - 1)}, {.elementwise = 1}} * size.rows;
}

/// log Σ exp(x) = m + log Σ exp(x − m), with m = max x; or with m = 0 where all are −∞ or one is ∞, of which
/// the difference is no number.
template <Scalar Real>
Real log_of_sum(const Real* x, Index count) {
  const Real highest = max_of(x, count), m = is_finite(highest) ? highest : Real(0);
  return m + math::log(sum_over<Real>(count, [=](Index i) { return math::exp(x[i] - m); }));
}
inline Cost log_of_sum_cost(Index count) {
  const Cost elements = Cost{.elementwise = 1, .transcendental = 1} * count;
  return max_of_cost(count) + elements + sum_over_cost(count) + Cost{.elementwise = 1, .transcendental = 1};
}

/// y[n] = log Σ exp(x[n])
template <Scalar Real>
void logsumexp_forward(const Real* x, Real* y, RowsSize size) {
  for_each_row(size, [=](Index n) { y[n] = log_of_sum(x + n * size.columns, size.columns); });
}
/// dx[n] += dy[n] exp(x[n] − y[n]); nothing where all of x[n] are −∞.
template <Scalar Real>
void logsumexp_backward(const Real* x, const Real* y, const Real* dy, Into<Real> dx, RowsSize size) {
  for_each_part_of_rows(size, [=](Index n, Index begin, Index end) {
    const Real up = dy[n], log_sum = is_finite(y[n]) ? y[n] : Real(0);
    for (Index i = begin; i < end; ++i) dx.data[i] = dx.before(i) + up * math::exp(x[i] - log_sum);
  });
}
inline PassCosts logsumexp_costs(RowsSize size) {
  const Cost dx = Cost{.elementwise = 3, .transcendental = 1} * size.columns;
  return PassCosts{log_of_sum_cost(size.columns), dx} * size.rows;
}

/// y = x − log Σ exp(x) of the V classes of a row.
template <Scalar Real>
void log_softmax_forward(const Real* x, Real* y, RowsSize size) {
  const Index V = size.columns;
  for_each_row(size, [=](Index n) {
    const Real log_sum = log_of_sum(x + n * V, V);
    for (Index v = 0; v < V; ++v) y[n * V + v] = x[n * V + v] - log_sum;
  });
}
/// dx += dy − exp(y) Σ dy
template <Scalar Real>
void log_softmax_backward(const Real* y, const Real* dy, Into<Real> dx, RowsSize size) {
  const Index V = size.columns;
  for_each_row(size, [=](Index n) {
    const Real total = sum_forward(dy + n * V, V);
    for (Index i = n * V; i < (n + 1) * V; ++i) dx.data[i] = dx.before(i) + (dy[i] - math::exp(y[i]) * total);
  });
}
inline PassCosts log_softmax_costs(RowsSize size) {
  const Index V = size.columns;
  const Cost y = log_of_sum_cost(V) + Cost{.elementwise = V};
  const Cost dx = Cost{.elementwise = 3, .transcendental = 1} * V + sum_over_cost(V);
  return PassCosts{y, dx} * size.rows;
}

}  // namespace SLM_INSTRUCTION_SET
}  // namespace slm::kernels
