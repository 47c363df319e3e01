#pragma once
// subtract, divide, broadcast: with add, multiply, scale and shift what operators.hpp is made of.
#include "slm/autograd/ops/check.hpp"
#include "slm/autograd/ops/unary.hpp"
#include "slm/kernels/arithmetic.hpp"

namespace slm {

/// y = a − b, of equal shapes.                                  PyTorch: a - b
///   da += dy      db −= dy
template <Scalar Real, std::size_t Rank>
Var<Real, Rank> subtract(Var<Real, Rank> a, Var<Real, Rank> b) {
  detail::require_shape("subtract", "b", b.shape(), a.shape(), "a", a.shape());
  return operation(
      a.tape(), "subtract", a.shape(), {a, b},
      {.costs = [&] { return kernels::subtract_costs(a.size(), a.wants_grad(), b.wants_grad()); }},
      [=](auto y) { kernels::subtract_forward(a.value(), b.value(), y.output(), y.size()); },
      [=](auto y) {
        if (a.wants_grad()) kernels::add_backward(y.grad(), a.grad_into(), y.size());
        if (b.wants_grad()) kernels::subtract_backward(y.grad(), b.grad_into(), y.size());
      });
}
/// y = s − x                                                    PyTorch: s - x
///   dx −= dy
template <Scalar Real, std::size_t Rank>
Var<Real, Rank> subtract(std::type_identity_t<Real> s, Var<Real, Rank> x) {
  return detail::unary("subtract", x, kernels::SubtractFrom<Real>{s});
}

/// y = a / b for every element, of equal shapes.                PyTorch: a / b
///   da += dy / b      db −= dy y / b
template <Scalar Real, std::size_t Rank>
Var<Real, Rank> divide(Var<Real, Rank> a, Var<Real, Rank> b) {
  detail::require_shape("divide", "b", b.shape(), a.shape(), "a", a.shape());
  return operation(
      a.tape(), "divide", a.shape(), {a, needed(b)},
      {.costs = [&] { return kernels::divide_costs(a.size(), a.wants_grad(), b.wants_grad()); },
       .needs_output = b.wants_grad()},
      [=](auto y) { kernels::divide_forward(a.value(), b.value(), y.output(), y.size()); },
      [=](auto y) {
        if (a.wants_grad()) {
          kernels::divide_backward_dividend(b.value(), y.grad(), a.grad_into(), y.size());
        }
        if (b.wants_grad()) {
          kernels::divide_backward_divisor(b.value(), y.value(), y.grad(), b.grad_into(), y.size());
        }
      });
}
/// y = x / s                                                    PyTorch: x / s
///   dx += dy / s
template <Scalar Real, std::size_t Rank>
Var<Real, Rank> divide(Var<Real, Rank> x, std::type_identity_t<Real> s) {
  return detail::unary("divide", x, kernels::DivideBy<Real>{s});
}
/// y = s / x for every element                                  PyTorch: s / x
///   dx −= dy y / x
template <Scalar Real, std::size_t Rank>
Var<Real, Rank> divide(std::type_identity_t<Real> s, Var<Real, Rank> x) {
  return detail::unary("divide", x, kernels::DivideNumber<Real>{s});
}

/// y = x, repeated over leading axes:   x (T, C)   →   y (B, T, C), the last axes of `shape` being those of x.
///   dx += Σ dy over the leading axes                           PyTorch: x.expand(shape)
template <Scalar Real, std::size_t Rank, std::size_t NewRank>
Var<Real, NewRank> broadcast(Var<Real, Rank> x, const Shape<NewRank>& shape) {
  static_assert(Rank <= NewRank, "broadcast: the result has as many axes as x, or more");
  Shape<Rank> last{};
  std::copy_n(shape.end() - Rank, Rank, last.begin());
  detail::require_shape("broadcast", "input", x.shape(), last, "a result", shape);
  Index rows = 1;
  for (std::size_t axis = 0; axis < NewRank - Rank; ++axis) rows *= shape[axis];
  const kernels::RowsSize size{rows, x.size()};
  return operation(
      x.tape(), "broadcast", shape, {x}, {.costs = [&] { return kernels::broadcast_costs(size); }},
      [=](auto y) { kernels::broadcast_forward(x.value(), y.output(), size); },
      [=](auto y) { kernels::broadcast_backward(y.grad(), x.grad(), size); });
}

}  // namespace slm
