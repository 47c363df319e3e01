#pragma once
// softmax, cross_entropy: from scores to probabilities and to the loss.
#include "slm/autograd/ops/check.hpp"
#include "slm/kernels/reduction.hpp"
#include "slm/kernels/softmax.hpp"

namespace slm {

/// y = exp(x) / Σ exp(x) over the last axis.
///   dx += y ∘ (dy − ⟨dy, y⟩)
template <Scalar Real, std::size_t Rank>
Var<Real, Rank> softmax(Var<Real, Rank> x) {
  const kernels::RowsSize size{row_count(x.shape()), last_extent(x.shape())};
  if (size.columns == 0) throw_error<ShapeError>({"softmax: the last axis of ", x.shape(), " is empty"});
  return operation(
      x.tape(), "softmax", x.shape(), {x},
      {.costs = [&] { return kernels::softmax_costs(size); }, .needs_output = true},
      [=](auto y) { kernels::softmax_forward(x.value(), y.output(), size); },
      [=](auto y) { kernels::softmax_backward(y.value(), y.grad(), x.grad_into(), size); });
}

/// Mean negative log-likelihood of the targets, nats per token.                 PyTorch: F.cross_entropy
/// logits (…, V)   targets (…)   →   scalar
///   dlogits += (softmax(logits) − one-hot(targets)) / N      with N targets
template <Scalar Real, std::size_t Rank>
requires(Rank >= 2) Var<Real, 0> cross_entropy(Var<Real, Rank> logits, const Tokens<Rank - 1>& targets) {
  const kernels::RowsSize size{row_count(logits.shape()), last_extent(logits.shape())};
  Shape<Rank - 1> expected{};
  std::copy_n(logits.shape().begin(), Rank - 1, expected.begin());
  detail::require_shape("cross_entropy", "targets", targets.shape(), expected, "logits", logits.shape());
  if (size.rows == 0)
    throw_error<ShapeError>({"cross_entropy: no targets in logits of shape ", logits.shape()});
  auto& tape = logits.tape();
  const Token* target = detail::keep_tokens(tape, "cross_entropy", targets, size.columns);
  // Of each row the logarithm of its sum, and its loss.
  return operation(
      tape, "cross_entropy", Shape<0>{}, {needed(logits)},
      {.costs = [&] { return kernels::cross_entropy_costs(size); }, .keeps = 2 * size.rows},
      [=](auto y) {
        Real *log_sum = y.kept(), *losses = log_sum + size.rows;
        kernels::cross_entropy_forward(logits.value(), target, losses, log_sum, size);
        y.output()[0] = kernels::sum_forward(losses, size.rows) / Real(size.rows);
      },
      [=](auto y) {
        kernels::cross_entropy_backward(logits.value(), target, y.kept(), y.grad()[0] / Real(size.rows),
                                        logits.grad_into(), size);
      });
}

}  // namespace slm
