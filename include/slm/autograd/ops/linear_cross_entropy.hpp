#pragma once
// linear_cross_entropy: the loss of a model's last layer without all of its logits.
#include "slm/autograd/ops/check.hpp"
#include "slm/autograd/ops/linear.hpp"
#include "slm/kernels/linear_cross_entropy.hpp"
#include "slm/kernels/reduction.hpp"

namespace slm {

namespace detail {

template <Scalar Real, std::size_t Rank>
Var<Real, 0> linear_cross_entropy(Var<Real, Rank> x, Var<Real, 2> W, const std::optional<Var<Real, 1>>& b,
                                  const Tokens<Rank - 1>& targets) {
  const char* name = "linear_cross_entropy";
  const auto size = linear_size(name, x.shape(), W.shape(), b ? b->extent(0) : W.extent(0));
  require_shape(name, "targets", targets.shape(), without_last(x.shape()), "input", x.shape());
  if (size.rows == 0) throw_error<ShapeError>({name, ": no targets in input of shape ", x.shape()});
  if (size.outputs == 0) {
    throw_error<ShapeError>({name, ": weight of shape ", W.shape(), " makes no logits"});
  }
  const Token* target = keep_tokens(x.tape(), name, targets, size.outputs);
  const Index logits = kernels::logits_at_once(size);
  const bool again = kernels::computes_logits_again(size), db = b && b->wants_grad();
  Operand<Real> bias(b);
  bias.needed = b && again;
  const PackedMatrix<Real> packed = packed_weights(W, size.rows).forward;
  const Products products = x.tape().products();
  // Behind the logits, of each row the logarithm of its sum, and its loss.
  return operation(
      x.tape(), "linear_cross_entropy", Shape<0>{},
      {needed(x, again || W.wants_grad()), needed(W, again || x.wants_grad()), bias},
      {.costs =
           [&] {
             return kernels::linear_cross_entropy_costs(size, b.has_value(), x.wants_grad(), W.wants_grad(),
                                                        db);
           },
       .keeps = count_sum(logits, count_product(2, size.rows))},
      [=](auto y) {
        Real *log_sum = y.kept() + logits, *losses = log_sum + size.rows;
        kernels::linear_cross_entropy_forward(x.value(), W.value(), packed, b ? b->value() : nullptr, target,
                                              losses, log_sum, y.kept(), size, products);
        y.output()[0] = kernels::sum_forward(losses, size.rows) / Real(size.rows);
      },
      [=](auto y) {
        const kernels::LinearGradients<Real> gradients{x.wants_grad() ? x.grad_into() : nullptr,
                                                       W.wants_grad() ? W.grad_into() : nullptr,
                                                       db ? b->grad() : nullptr};
        kernels::linear_cross_entropy_backward(x.value(), W.value(), b ? b->value() : nullptr, target,
                                               y.kept() + logits, y.grad()[0] / Real(size.rows), y.kept(),
                                               gradients, size, products);
      });
}

}  // namespace detail

/// Mean negative log-likelihood of the targets by the logits z = x Wᵀ + b, nats per token: the bits of
/// cross_entropy(linear(x, W, b), targets), of its gradients, too, in memory for the logits of 256 rows.
///                                                        PyTorch: F.cross_entropy(F.linear(x, W, b), targets)
/// x (…, C)   W (V, C)   b (V)   targets (…)   →   scalar
///   dx += dz W      dW += dzᵀ x      db += Σₙ dzₙ      with dz = (softmax(z) − one-hot(targets)) / N
/// Of more than 256 rows the backward pass computes the logits again, one product more, and has dz in their
/// place.                                                     Wijmans et al. 2024, "Cut Your Losses", section 4
template <Scalar Real, std::size_t Rank>
requires(Rank >= 2) Var<Real, 0> linear_cross_entropy(Var<Real, Rank> x, Var<Real, 2> W, Var<Real, 1> b,
                                                      const Tokens<Rank - 1>& targets) {
  return detail::linear_cross_entropy<Real, Rank>(x, W, b, targets);
}
/// The same without b.
template <Scalar Real, std::size_t Rank>
requires(Rank >= 2) Var<Real, 0> linear_cross_entropy(Var<Real, Rank> x, Var<Real, 2> W,
                                                      const Tokens<Rank - 1>& targets) {
  return detail::linear_cross_entropy<Real, Rank>(x, W, std::nullopt, targets);
}

}  // namespace slm
