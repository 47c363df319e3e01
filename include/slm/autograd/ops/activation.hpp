#pragma once
// relu, gelu, silu, relu_squared, gelu_tanh, dropout: functions of one element.
#include "slm/autograd/ops/check.hpp"
#include "slm/autograd/ops/unary.hpp"
#include "slm/kernels/activation.hpp"
#include "slm/kernels/dropout.hpp"

namespace slm {

/// y = max(x, 0)
///   dx += dy where x > 0
template <Scalar Real, std::size_t Rank>
Var<Real, Rank> relu(Var<Real, Rank> x, InPlace in_place = InPlace::no) {
  return detail::unary("relu", x, kernels::Relu(), in_place);
}

/// y = x Φ(x), Φ the standard normal distribution function.     PyTorch: F.gelu (the exact form)
///   dx += dy (Φ(x) + x φ(x))
template <Scalar Real, std::size_t Rank>
Var<Real, Rank> gelu(Var<Real, Rank> x) {
  return detail::unary("gelu", x, kernels::Gelu());
}

/// y = x σ(x), σ the logistic function.                         PyTorch: F.silu
///   dx += dy σ(x) (1 + x (1 − σ(x)))
template <Scalar Real, std::size_t Rank>
Var<Real, Rank> silu(Var<Real, Rank> x) {
  return detail::unary("silu", x, kernels::Silu());
}

/// y = max(x, 0)²                                               PyTorch: F.relu(x).square()
///   dx += 2 dy max(x, 0)
/// So et al. 2021 (Primer), sec. 4.1.
template <Scalar Real, std::size_t Rank>
Var<Real, Rank> relu_squared(Var<Real, Rank> x) {
  return detail::unary("relu_squared", x, kernels::ReluSquared());
}

/// y = ½ x (1 + tanh u), u = √(2/π) (x + 0.044715 x³)            PyTorch: F.gelu(x, approximate="tanh")
///   dx += dy (½ (1 + tanh u) + ½ x (1 − tanh² u) u′)
/// Hendrycks and Gimpel 2016, sec. 2.
template <Scalar Real, std::size_t Rank>
Var<Real, Rank> gelu_tanh(Var<Real, Rank> x) {
  return detail::unary("gelu_tanh", x, kernels::GeluTanh());
}

namespace detail {

inline void require_probability(const char* operation, double p) {
  if (!kernels::Dropout::can_drop(p)) {
    throw_error<ConfigError>(
        {operation, ": the dropout probability must lie in [0, 1), and not round to 1, got ", p});
  }
}

/// The dropout of one call; none in evaluation.
template <Scalar Real>
kernels::Dropout make_dropout(Tape<Real>& tape, const char* operation, double p) {
  require_probability(operation, p);
  if (!tape.training() || p == 0) return {};
  std::optional<Random> stream = tape.recorder().next_dropout_stream();
  if (!has_values<Real> && !stream) stream = Random();  // nothing is drawn
  require_config(stream.has_value(),
                 {operation, ": to drop with probability ", p,
                  " in training, the tape needs a stream of random numbers of its own in every "
                  "step, as in tape.reset(Random(seed, \"dropout\").child(step))"});
  return {*stream, p};
}

}  // namespace detail

/// y = x ∘ m / (1 − p) in training, m one with probability 1 − p and else zero; y = x in evaluation.
///   dx += dy ∘ m / (1 − p)
/// p is rounded to a multiple of 2^-16.
template <Scalar Real, std::size_t Rank>
Var<Real, Rank> dropout(Var<Real, Rank> x, double p, InPlace in_place = InPlace::no) {
  const kernels::Dropout mask = detail::make_dropout(x.tape(), "dropout", p);
  if (!mask) {
    x.tape().recorder().require_usable("dropout", x);
    return x;
  }
  return operation(
      x.tape(), "dropout", x.shape(), {x},
      {.costs = [&] { return kernels::dropout_costs(x.size()); }, .in_place = in_place},
      [=](auto y) { kernels::dropout_forward(x.value(), mask, y.output(), y.size()); },
      [=](auto y) { kernels::dropout_backward(mask, y.grad(), x.grad_into(), y.size()); });
}

}  // namespace slm
