#pragma once
// The cross entropy of a linear map's outputs, which are never there for more than a part of the rows.
#include "slm/kernels/linear.hpp"
#include "slm/kernels/softmax.hpp"

namespace slm::kernels {
inline namespace SLM_INSTRUCTION_SET {

// Rows come in parts that a sum over rows is made of anyway (`sum_part`), and whole: with all its logits at
// hand a row's maximum is known before its sum, so that there is one product and the bits of
// `cross_entropy_forward`. A running maximum over blocks of the vocabulary (Milakov and Gimelshein 2018, arXiv
// 1805.02867) would need less memory still, and sum in another order.

/// Rows whose logits are there at once, at most. If these are all, the backward pass finds them there, else it
/// computes those of each part again.
inline constexpr Index most_rows_of_logits = longest_sum_part;

inline bool computes_logits_again(LinearSize size) { return size.rows > most_rows_of_logits; }
/// Logits that there is memory for.
inline Index logits_at_once(LinearSize size) {
  return count_product(std::min(size.rows, most_rows_of_logits), size.outputs);
}

/// Calls f(first, part) for each part of the rows: its first row and its size.
template <Scalar Real>
[[gnu::noinline]] void for_each_part(LinearSize size, FunctionRef<void(Index, LinearSize)> f) {
  const Index step = computes_logits_again(size) ? sum_part<Real>(size.rows) : size.rows;
  for (Index first = 0; first < size.rows; first += step) {
    f(first, LinearSize{std::min(step, size.rows - first), size.inputs, size.outputs});
  }
}

/// loss[n] = log Σ exp(z) − z[target[n]] with z = W x[n] + b, in nats; keeps log Σ exp per row. `logits` has
/// room for `logits_at_once`; b may be null. Where Wᵀ is there packed, W is not read.
template <Scalar Real>
void linear_cross_entropy_forward(const Real* x, const Real* W, PackedMatrix<Real> W_packed, const Real* b,
                                  const Token* target, Real* loss, Real* log_sum, Real* logits, LinearSize size,
                                  Products products = Products::full) {
  for_each_part<Real>(size, [&](Index first, LinearSize part) {
    linear_forward(x + first * part.inputs, W, b, logits, part, W_packed, products);
    cross_entropy_forward(logits, target + first, loss + first, log_sum + first, {part.rows, part.outputs});
  });
}

/// scale (softmax(x) − one-hot(target)), in place.
template <Scalar Real>
void cross_entropy_gradient(Real* logits, const Token* target, const Real* log_sum, Real scale, RowsSize size) {
  const Index V = size.columns;
  for_each_row(size, [=](Index n) {
    Real* row = logits + n * V;
    const Real L = log_sum[n];
    for (Index v = 0; v < V; ++v) row[v] = scale * math::exp(row[v] - L);
    row[target[n]] -= scale;
  });
}

/// Where the gradients of a linear map go; null where none is wanted.
template <Scalar Real>
struct LinearGradients {
  Destination<Real> x, W;
  Real* b;
};

/// dx += dz W   dW += dzᵀ x   db += Σₙ dz[n]   with dz = scale (softmax(z) − one-hot(target)), which takes the
/// place of the logits that the forward pass left, or of those that are computed again.
template <Scalar Real>
void linear_cross_entropy_backward(const Real* x, const Real* W, const Real* b, const Token* target,
                                   const Real* log_sum, Real scale, Real* logits,
                                   LinearGradients<Real> gradients, LinearSize size,
                                   Products products = Products::full) {
  for_each_part<Real>(size, [&](Index first, LinearSize part) {
    const Real* rows = x + first * part.inputs;
    const RowsSize of_logits{part.rows, part.outputs};
    if (computes_logits_again(size)) linear_forward(rows, W, b, logits, part, {}, products);
    cross_entropy_gradient(logits, target + first, log_sum + first, scale, of_logits);
    const auto [dx, dW, db] = gradients;
    if (dx.data) {
      linear_backward_input(W, logits, {dx.data + first * part.inputs, dx.store}, part, {}, products);
    }
    if (dW.data) linear_backward_weight(rows, logits, dW, part, products);
    if (db) bias_backward(logits, db, of_logits);
    gradients.W.store = StoreMode::add;
  });
}

/// With the mean of the losses.
inline PassCosts linear_cross_entropy_costs(LinearSize size, bool has_bias, bool x = true, bool W = true,
                                            bool b = true) {
  const PassCosts map = linear_costs(size, has_bias, x, W, b);
  const Cost gradient = Cost{.elementwise = 2, .transcendental = 1} * size.outputs + Cost{.elementwise = 1};
  return {map.forward + cross_entropy_costs({size.rows, size.outputs}).forward,
          map.backward + gradient * size.rows + Cost{.elementwise = 1} +
              map.forward.when(computes_logits_again(size))};
}

}  // namespace SLM_INSTRUCTION_SET
}  // namespace slm::kernels
