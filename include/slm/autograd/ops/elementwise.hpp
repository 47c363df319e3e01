#pragma once
// add, multiply, scale, add_bias: element by element.
#include "slm/autograd/ops/check.hpp"
#include "slm/kernels/elementwise.hpp"

namespace slm {

/// y = a + b, of equal shapes; the result may overwrite b.
///   da += dy      db += dy
template <Scalar Real, std::size_t Rank>
Var<Real, Rank> add(Var<Real, Rank> a, Var<Real, Rank> b, InPlace in_place = InPlace::no) {
  detail::require_shape("add", "b", b.shape(), a.shape(), "a", a.shape());
  return operation(
      a.tape(), "add", a.shape(), {b, a},
      {.costs = [&] { return kernels::add_costs(a.size(), a.wants_grad(), b.wants_grad()); },
       .in_place = in_place},
      [=](auto y) { kernels::add_forward(a.value(), b.value(), y.output(), y.size()); },
      [=](auto y) {
        if (a.wants_grad()) kernels::add_backward(y.grad(), a.grad_into(), y.size());
        if (b.wants_grad()) kernels::add_backward(y.grad(), b.grad_into(), y.size());
      });
}

/// y = a ∘ b, of equal shapes.
///   da += dy ∘ b      db += dy ∘ a
template <Scalar Real, std::size_t Rank>
Var<Real, Rank> multiply(Var<Real, Rank> a, Var<Real, Rank> b) {
  detail::require_shape("multiply", "b", b.shape(), a.shape(), "a", a.shape());
  return operation(
      a.tape(), "multiply", a.shape(), {needed(a, b.wants_grad()), needed(b, a.wants_grad())},
      {.costs = [&] { return kernels::multiply_costs(a.size(), a.wants_grad(), b.wants_grad()); }},
      [=](auto y) { kernels::multiply_forward(a.value(), b.value(), y.output(), y.size()); },
      [=](auto y) {
        if (a.wants_grad()) kernels::multiply_backward(b.value(), y.grad(), a.grad_into(), y.size());
        if (b.wants_grad()) kernels::multiply_backward(a.value(), y.grad(), b.grad_into(), y.size());
      });
}

/// y = s x
///   dx += s dy
template <Scalar Real, std::size_t Rank>
Var<Real, Rank> scale(Var<Real, Rank> x, std::type_identity_t<Real> s) {
  return operation(
      x.tape(), "scale", x.shape(), {x}, {.costs = [&] { return kernels::scale_costs(x.size()); }},
      [=](auto y) { kernels::scale_forward(x.value(), s, y.output(), y.size()); },
      [=](auto y) { kernels::scale_backward(s, y.grad(), x.grad_into(), y.size()); });
}

/// y = x + b for every row.      x (…, C)   b (C)   →   y (…, C)
///   dx += dy      db += Σₙ dyₙ
template <Scalar Real, std::size_t Rank>
Var<Real, Rank> add_bias(Var<Real, Rank> x, Var<Real, 1> b) {
  const kernels::RowsSize size{row_count(x.shape()), last_extent(x.shape())};
  detail::require_shape("add_bias", "bias", b.shape(), {size.columns}, "input", x.shape());
  return operation(
      x.tape(), "add_bias", x.shape(), {x, b},
      {.costs = [&] { return kernels::bias_costs(size, x.wants_grad(), b.wants_grad()); }},
      [=](auto y) { kernels::bias_forward(x.value(), b.value(), y.output(), size); },
      [=](auto y) {
        if (x.wants_grad()) kernels::add_backward(y.grad(), x.grad_into(), y.size());
        if (b.wants_grad()) kernels::bias_backward(y.grad(), b.grad(), size);
      });
}

}  // namespace slm
