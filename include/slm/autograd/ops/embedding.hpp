#pragma once
// embedding, add_positions, concat_window, last_position: from tokens to features, and along the window.
#include "slm/autograd/ops/check.hpp"
#include "slm/kernels/embedding.hpp"

namespace slm {

/// The row of each token.                                                       PyTorch: F.embedding
/// tokens (…)   W (V, C)   →   y (…, C)
///   dW[token] += dy
template <Scalar Real, std::size_t Rank>
Var<Real, Rank + 1> embedding(const Tokens<Rank>& tokens, Var<Real, 2> W) {
  auto& tape = W.tape();
  const kernels::RowsSize size{tokens.size(), W.extent(1)};
  const Token* kept = detail::keep_tokens(tape, "embedding", tokens, W.extent(0));
  Shape<Rank + 1> shape{};
  std::copy(tokens.shape().begin(), tokens.shape().end(), shape.begin());
  shape[Rank] = size.columns;
  return operation(
      tape, "embedding", shape, {Operand(W).touching(count_product(size.rows, size.columns))},
      {.costs = [&] { return kernels::embedding_costs(size); }},
      [=](auto y) { kernels::embedding_forward(kept, W.value(), y.output(), size); },
      [=](auto y) { kernels::embedding_backward(kept, y.grad(), W.grad(), size); });
}

/// A learned vector added at each position; x begins at position `first`.
/// x (B, T, C)   P (at least first + T, C)   →   y (B, T, C)
///   dx += dy      dP[first + t] += Σ_b dy[b, t]
template <Scalar Real>
Var<Real, 3> add_positions(Var<Real, 3> x, Var<Real, 2> P, Index first = 0) {
  const Index T = x.extent(1), C = x.extent(2);
  if (P.extent(1) != C || first < 0 || P.extent(0) - first < T) {
    throw_shape_mismatch("add_positions", "positions", P.shape(), "input", x.shape(),
                         make_text({"(at least ", first + T, ", ", C, ")"}));
  }
  const kernels::RowsSize size{x.extent(0), T * C};  // of which positions are the bias
  const Index skipped = first * C;
  return operation(
      x.tape(), "add_positions", x.shape(), {x, Operand(P).touching(T * C)},
      {.costs = [&] { return kernels::bias_costs(size, x.wants_grad(), P.wants_grad()); }},
      [=](auto y) { kernels::bias_forward(x.value(), P.value() + skipped, y.output(), size); },
      [=](auto y) {
        if (x.wants_grad()) kernels::add_backward(y.grad(), x.grad_into(), y.size());
        if (P.wants_grad()) kernels::bias_backward(y.grad(), P.grad() + skipped, size);
      });
}

/// The features of a window side by side: x (B, T, C) → (B, T·C). The same memory, so nothing is computed.
template <Scalar Real>
Var<Real, 2> concat_window(Var<Real, 3> x) {
  return reshape(x, Shape<2>{x.extent(0), x.extent(1) * x.extent(2)});
}

/// The last position of each sequence: x (B, T, C) → (B, C).
///   dx[b, T − 1] += dy[b]
template <Scalar Real>
Var<Real, 2> last_position(Var<Real, 3> x) {
  const kernels::SequenceSize size{x.extent(0), x.extent(1), x.extent(2)};
  if (size.T == 0) throw_error<ShapeError>({"last_position: input of shape ", x.shape(), " has no position"});
  return operation(
      x.tape(), "last_position", Shape<2>{size.B, size.C}, {Operand(x).touching(size.B * size.C)},
      {.costs = [&] { return kernels::last_position_costs(size); }},
      [=](auto y) { kernels::last_position_forward(x.value(), y.output(), size); },
      [=](auto y) { kernels::last_position_backward(y.grad(), x.grad(), size); });
}

}  // namespace slm
