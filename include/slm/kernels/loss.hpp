#pragma once
// Losses of rows: cross entropy target by target with its refinements, and the mean squared error.
#include "slm/core/math.hpp"
#include "slm/core/matrix.hpp"
#include "slm/core/tensor.hpp"
#include "slm/kernels/elementwise.hpp"

namespace slm::kernels {
inline namespace SLM_INSTRUCTION_SET {

/// What a token's loss is made of beside the negative log-likelihood.
struct TokenLossTerms {
  double label_smoothing = 0, z_loss = 0;
};

/// A target that does not count. Its row is computed like the others, so that costs depend on shapes alone, and
/// then left out: its loss and gradient are 0 whatever its logits are.
inline constexpr Token ignored_target = -1;

/// loss[n] = L − x[t] + ε (x[t] − mean x) + ζ L²,  L = log Σ exp(x[n]), t = target[n], in nats; keeps L per
/// row.
template <Scalar Real>
void token_losses_forward(const Real* logits, const Token* target, Real* loss, Real* log_sum, RowsSize size,
                          TokenLossTerms terms) {
  const Index V = size.columns;
  const Real epsilon = Real(terms.label_smoothing), zeta = Real(terms.z_loss);
  const Real one_of_V = Real(1.0 / static_cast<double>(V));
  for_each_row(size, [=](Index n) {
    const Real* row = logits + n * V;
    const Real highest = max_of(row, V);
    const Real L = highest + math::log(sum_over<Real>(V, [=](Index v) { return math::exp(row[v] - highest); }));
    const Real right = row[std::max<Token>(target[n], 0)];
    Real sum = L - right;
    if (terms.label_smoothing > 0)
      sum += epsilon * (right - one_of_V * sum_over<Real>(V, [=](Index v) { return row[v]; }));
    if (terms.z_loss > 0) sum += zeta * L * L;
    log_sum[n] = L;
    loss[n] = target[n] == ignored_target ? Real(0) : sum;
  });
}
/// dx[n] += dy[n] ((1 + 2 ζ L) softmax(x[n]) − (1 − ε) one-hot(t) − ε / V)
template <Scalar Real>
void token_losses_backward(const Real* logits, const Token* target, const Real* log_sum, const Real* dy,
                           Into<Real> dx, RowsSize size, TokenLossTerms terms) {
  const Index V = size.columns;
  const Real two_zeta = Real(2 * terms.z_loss), at_target = Real(1 - terms.label_smoothing);
  const Real at_each = Real(terms.label_smoothing / static_cast<double>(V));
  for_each_row(size, [=](Index n) {
    const bool counts = target[n] != ignored_target;
    const Real *row = logits + n * V, L = log_sum[n];
    const Real up = counts ? dy[n] : Real(0);
    Real of_softmax = up, of_target = up;
    if (terms.z_loss > 0) of_softmax = up * (Real(1) + two_zeta * L);
    for (Index v = 0; v < V; ++v) {
      const Real slope = of_softmax * math::exp(row[v] - L);
      dx.data[n * V + v] = dx.before(n * V + v) + (counts ? slope : Real(0));
    }
    if (terms.label_smoothing > 0) {
      of_target = up * at_target;
      const Real of_each = up * at_each;
      for (Index v = 0; v < V; ++v) dx.data[n * V + v] -= of_each;
    }
    dx.data[n * V + std::max<Token>(target[n], 0)] -= of_target;
  });
}
inline PassCosts token_losses_costs(RowsSize size, TokenLossTerms terms) {
  const Index V = size.columns;
  const bool smooths = terms.label_smoothing > 0;
  const Cost of_z = Cost{.elementwise = 3}.when(terms.z_loss > 0);
  const Cost elements = Cost{.elementwise = 1, .transcendental = 1} * V;
  const Cost loss = elements + max_of_cost(V) + sum_over_cost(V) + Cost{.elementwise = 2, .transcendental = 1} +
                    (sum_over_cost(V) + Cost{.elementwise = 4}).when(smooths) + of_z;
  const Cost dx = Cost{.elementwise = 3, .transcendental = 1} * V + Cost{.elementwise = 1} +
                  Cost{.elementwise = count_sum(V, 2)}.when(smooths) + of_z;
  return PassCosts{loss, dx} * size.rows;
}

/// Σ (y − t)² / count
template <Scalar Real>
Real mean_squared_error_forward(const Real* y, const Real* t, Index count) {
  const auto square = [=](Index i) {
    const Real difference = y[i] - t[i];
    return difference * difference;
  };
  return sum_over<Real>(count, square) / Real(count);
}
/// dy += dloss 2 (y − t) / count; with the operands exchanged for dt.
template <Scalar Real>
void mean_squared_error_backward(const Real* y, const Real* t, Real dloss, Into<Real> dy, Index count) {
  const Real slope = dloss * Real(2 / static_cast<double>(count));
  for_each_element(count, [=](Index i) { dy.data[i] = dy.before(i) + slope * (y[i] - t[i]); });
}
inline PassCosts mean_squared_error_costs(Index count, bool y = true, bool t = true) {
  const Cost gradient = Cost{.elementwise = 3} * count + Cost{.elementwise = 1};
  return {Cost{.elementwise = 2} * count + sum_over_cost(count) + Cost{.elementwise = 1},
          gradient.when(y) + gradient.when(t)};
}

}  // namespace SLM_INSTRUCTION_SET
}  // namespace slm::kernels
