#pragma once
// linear, matmul: products of matrices.
#include "slm/autograd/ops/check.hpp"
#include "slm/kernels/linear.hpp"

namespace slm {

namespace detail {

/// The sizes of a linear map of x (…, C) by W (D, C), with a bias of so many numbers.
[[gnu::noinline]] inline kernels::LinearSize linear_size(const char* operation, std::span<const Index> x,
                                                         const Shape<2>& W, Index bias) {
  Index rows = 1;
  for (const Index extent : x.first(x.size() - 1)) rows = count_product(rows, extent);
  const Index inputs = x.back(), outputs = W[0];
  if (W[1] != inputs) {
    throw_shape_mismatch(operation, "weight", W, "input", x, make_text({"(D, ", inputs, ")"}));
  }
  require_same_shape(operation, "bias", {&bias, 1}, {&outputs, 1}, "weight", W);
  return {rows, inputs, outputs};
}

/// The packed copy of a matrix of weights for products of so many rows, where there is one.
template <Scalar Real>
PackedWeight<Real> packed_weights(const Var<Real, 2>& W, Index rows) {
  if (!W.node().is_parameter) return {};
  return W.tape().groups().packed(W.value(), W.extent(0), W.extent(1), rows);
}

template <Scalar Real, std::size_t Rank>
Var<Real, Rank> linear(Var<Real, Rank> x, Var<Real, 2> W, const std::optional<Var<Real, 1>>& b) {
  const auto size = linear_size("linear", x.shape(), W.shape(), b ? b->extent(0) : W.extent(0));
  const bool db = b && b->wants_grad();
  const PackedWeight<Real> packed = packed_weights(W, size.rows);
  const Products products = x.tape().products();
  return operation(
      x.tape(), "linear", with_last(x.shape(), size.outputs),
      {needed(x, W.wants_grad()), needed(W, x.wants_grad()), b},
      {.costs = [&] { return kernels::linear_costs(size, b.has_value(), x.wants_grad(), W.wants_grad(), db); }},
      [=](auto y) {
        const Real* row = b ? b->value() : nullptr;
        kernels::linear_forward(x.value(), W.value(), row, y.output(), size, packed.forward, products);
      },
      [=](auto y) {
        if (x.wants_grad())
          kernels::linear_backward_input(W.value(), y.grad(), x.grad_into(), size, packed.backward, products);
        if (W.wants_grad()) kernels::linear_backward_weight(x.value(), y.grad(), W.grad_into(), size, products);
        if (db) kernels::bias_backward(y.grad(), b->grad(), {size.rows, size.outputs});
      });
}

}  // namespace detail

/// Affine map of the last axis: y = x Wᵀ + b.                                   PyTorch: F.linear
/// x (…, C)   W (D, C)   b (D)   →   y (…, D)
///   dx += dy W      dW += dyᵀ x      db += Σₙ dyₙ
template <Scalar Real, std::size_t Rank>
Var<Real, Rank> linear(Var<Real, Rank> x, Var<Real, 2> W, Var<Real, 1> b) {
  return detail::linear<Real, Rank>(x, W, b);
}
/// The same without b.
template <Scalar Real, std::size_t Rank>
Var<Real, Rank> linear(Var<Real, Rank> x, Var<Real, 2> W) {
  return detail::linear<Real, Rank>(x, W, std::nullopt);
}

/// Product of matrices in the last two axes, the axes before them equal.        PyTorch: torch.matmul
/// a (…, M, K)   b (…, K, N)   →   y (…, M, N)
///   da += dy bᵀ      db += aᵀ dy
template <Scalar Real, std::size_t Rank>
requires(Rank >= 2) Var<Real, Rank> matmul(Var<Real, Rank> a, Var<Real, Rank> b) {
  Shape<Rank> expected = a.shape();
  expected[Rank - 2] = last_extent(a.shape());
  expected[Rank - 1] = last_extent(b.shape());
  detail::require_shape("matmul", "b", b.shape(), expected, "a", a.shape());
  const Index m = a.extent(Rank - 2), k = last_extent(a.shape()), n = last_extent(b.shape());
  Index batch = 1;
  for (std::size_t axis = 0; axis + 2 < Rank; ++axis) batch *= a.extent(axis);
  const kernels::MatmulSize size{batch, m, k, n};
  const Products products = a.tape().products();
  return operation(
      a.tape(), "matmul", with_last(a.shape(), n), {needed(a, b.wants_grad()), needed(b, a.wants_grad())},
      {.costs = [&] { return kernels::matmul_costs(size, a.wants_grad(), b.wants_grad()); }},
      [=](auto y) { kernels::matmul_forward(a.value(), b.value(), y.output(), size, products); },
      [=](auto y) {
        if (a.wants_grad()) kernels::matmul_backward_a(b.value(), y.grad(), a.grad_into(), size, products);
        if (b.wants_grad()) kernels::matmul_backward_b(a.value(), y.grad(), b.grad_into(), size, products);
      });
}

}  // namespace slm
