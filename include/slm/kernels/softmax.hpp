#pragma once
// Softmax of rows, and cross entropy against one right class a row.
#include "slm/core/math.hpp"
#include "slm/core/matrix.hpp"
#include "slm/core/tensor.hpp"
#include "slm/kernels/elementwise.hpp"

namespace slm::kernels {
inline namespace SLM_INSTRUCTION_SET {

/// y = exp(x − max x) / Σ exp(x − max x) of the V classes of a row. In place when y = x.
template <Scalar Real>
void softmax_forward(const Real* x, Real* y, RowsSize size) {
  const Index V = size.columns;
  for_each_row(size, [=](Index n) {
    const Real* row = x + n * V;
    Real* out = y + n * V;
    const Real highest = max_of(row, V);
    for (Index v = 0; v < V; ++v) out[v] = math::exp(row[v] - highest);
    const Real scale = Real(1) / sum_over<Real>(V, [=](Index v) { return out[v]; });
    for (Index v = 0; v < V; ++v) out[v] *= scale;
  });
}
/// dx += y ∘ (dy − ⟨dy, y⟩)
template <Scalar Real>
void softmax_backward(const Real* y, const Real* dy, Into<Real> dx, RowsSize size) {
  const Index V = size.columns;
  for_each_row(size, [=](Index n) {
    const Real *row = y + n * V, *up = dy + n * V;
    const Real along = sum_over<Real>(V, [=](Index v) { return up[v] * row[v]; });
    for (Index v = 0; v < V; ++v) dx.data[n * V + v] = dx.before(n * V + v) + row[v] * (up[v] - along);
  });
}
inline PassCosts softmax_costs(RowsSize size) {
  const Index V = size.columns;
  const Cost elements = Cost{.elementwise = 2, .transcendental = 1} * V;
  const Cost y = elements + max_of_cost(V) + sum_over_cost(V) + Cost{.elementwise = 1};
  const Cost dx = Cost{.elementwise = 1 + 3} * V + sum_over_cost(V);
  return PassCosts{y, dx} * size.rows;
}

/// loss[n] = log Σ exp(x[n]) − x[n, target[n]], in nats; keeps log Σ exp per row.
template <Scalar Real>
void cross_entropy_forward(const Real* logits, const Token* target, Real* loss, Real* log_sum, RowsSize size) {
  const Index V = size.columns;
  for_each_row(size, [=](Index n) {
    const Real* row = logits + n * V;
    const Real highest = max_of(row, V);
    log_sum[n] = highest + math::log(sum_over<Real>(V, [=](Index v) { return math::exp(row[v] - highest); }));
    loss[n] = log_sum[n] - row[target[n]];
  });
}
/// dx += scale (softmax(x) − one-hot(target))
template <Scalar Real>
void cross_entropy_backward(const Real* logits, const Token* target, const Real* log_sum, Real scale,
                            Into<Real> dx, RowsSize size) {
  const Index V = size.columns;
  for_each_row(size, [=](Index n) {
    const Real* row = logits + n * V;
    for (Index v = 0; v < V; ++v)
      dx.data[n * V + v] = dx.before(n * V + v) + scale * math::exp(row[v] - log_sum[n]);
    dx.data[n * V + target[n]] -= scale;
  });
}
/// With the mean of the losses.
inline PassCosts cross_entropy_costs(RowsSize size) {
  const Index V = size.columns;
  const Cost elements = Cost{.elementwise = 1, .transcendental = 1} * V;
  const Cost loss = elements + max_of_cost(V) + sum_over_cost(V) + Cost{.elementwise = 2, .transcendental = 1};
  const Cost dx = Cost{.elementwise = 3, .transcendental = 1} * V + Cost{.elementwise = 1};
  const PassCosts mean{sum_over_cost(size.rows) + Cost{.elementwise = 1}, {.elementwise = 1}};
  return PassCosts{loss, dx} * size.rows + mean;
}

}  // namespace SLM_INSTRUCTION_SET
}  // namespace slm::kernels
