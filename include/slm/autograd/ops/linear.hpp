#pragma once
// linear, matmul: products of matrices.
#include "slm/autograd/ops/check.hpp"
#include "slm/kernels/linear.hpp"

namespace slm {

/// What the operations below cost; by default every input wants its gradient.
namespace costs {

inline PassCosts linear(kernels::LinearSize size, bool has_bias, bool x = true, bool W = true, bool b = true) {
  return {kernels::linear_forward_cost(size, has_bias),
          kernels::linear_backward_input_cost(size).when(x) +
              kernels::linear_backward_weight_cost(size).when(W) +
              kernels::bias_backward_cost(size.rows, size.outputs).when(has_bias && b)};
}
inline PassCosts matmul(kernels::MatmulSize size, bool a = true, bool b = true) {
  return {kernels::matmul_forward_cost(size),
          kernels::matmul_backward_a_cost(size).when(a) + kernels::matmul_backward_b_cost(size).when(b)};
}

}  // namespace costs

namespace detail {

template <Scalar Real, std::size_t Rank>
Var<Real, Rank> linear(Var<Real, Rank> x, Var<Real, 2> W, const Var<Real, 1>* bias) {
  const kernels::LinearSize size{row_count(x.shape()), last_extent(x.shape()), W.extent(0)};
  if (W.extent(1) != size.inputs) {
    throw_shape_mismatch("linear", "weight", W.shape(), "input", x.shape(),
                         concatenate({"(D, ", size.inputs, ")"}));
  }
  if (bias) require_shape("linear", "bias", bias->shape(), {size.outputs}, "weight", W.shape());
  const Shape<Rank> shape = with_last(x.shape(), size.outputs);
  auto y = bias ? x.tape().output(shape, x, W, *bias) : x.tape().output(shape, x, W);
  kernels::linear_forward(x.value(), W.value(), bias ? bias->value() : nullptr, y.output(), size);
  Node<Real>* b = bias ? bias->node() : nullptr;
  const PassCosts cost = costs::linear(size, b, x.wants_grad(), W.wants_grad(), b && b->wants_grad);
  return y.tape().record("linear", y, cost, [=] {
    if (x.wants_grad()) kernels::linear_backward_input(W.value(), y.grad(), x.grad_into(), size);
    if (W.wants_grad()) kernels::linear_backward_weight(x.value(), y.grad(), W.grad_into(), size);
    if (b && b->wants_grad) kernels::bias_backward(y.grad(), y.tape().gradient(*b), size.rows, size.outputs);
  });
}

}  // namespace detail

/// Affine map of the last axis: y = x Wᵀ + b.                                   PyTorch: F.linear
/// x (…, C)   W (D, C)   b (D)   →   y (…, D)
///   dx += dy W      dW += dyᵀ x      db += Σₙ dyₙ
template <Scalar Real, std::size_t Rank>
Var<Real, Rank> linear(Var<Real, Rank> x, Var<Real, 2> W, Var<Real, 1> b) {
  return detail::linear(x, W, &b);
}
/// The same without b.
template <Scalar Real, std::size_t Rank>
Var<Real, Rank> linear(Var<Real, Rank> x, Var<Real, 2> W) {
  return detail::linear<Real, Rank>(x, W, nullptr);
}

/// Product of matrices in the last two axes, the axes before them equal.        PyTorch: torch.matmul
/// a (…, M, K)   b (…, K, N)   →   y (…, M, N)
///   da += dy bᵀ      db += aᵀ dy
template <Scalar Real, std::size_t Rank>
requires(Rank >= 2) Var<Real, Rank> matmul(Var<Real, Rank> a, Var<Real, Rank> b) {
  Shape<Rank> needed = a.shape();
  needed[Rank - 2] = last_extent(a.shape());
  needed[Rank - 1] = last_extent(b.shape());
  detail::require_shape("matmul", "b", b.shape(), needed, "a", a.shape());
  const Index m = a.extent(Rank - 2), k = last_extent(a.shape()), n = last_extent(b.shape());
  Index batch = 1;
  for (std::size_t axis = 0; axis + 2 < Rank; ++axis) batch *= a.extent(axis);
  auto y = a.tape().output(with_last(a.shape(), n), a, b);
  const kernels::MatmulSize size{batch, m, k, n};
  kernels::matmul_forward(a.value(), b.value(), y.output(), size);
  return y.tape().record("matmul", y, costs::matmul(size, a.wants_grad(), b.wants_grad()), [=] {
    if (a.wants_grad()) kernels::matmul_backward_a(b.value(), y.grad(), a.grad_into(), size);
    if (b.wants_grad()) kernels::matmul_backward_b(a.value(), y.grad(), b.grad_into(), size);
  });
}

}  // namespace slm
