#pragma once
// gather_rows, gather, masked_fill: elements picked by index, and elements that a mask replaces.
#include "slm/autograd/ops/check.hpp"
#include "slm/kernels/embedding.hpp"
#include "slm/kernels/gather.hpp"

namespace slm {

namespace detail {

[[noreturn, gnu::noinline, gnu::cold]] inline void throw_not_made(const char* operation, const char* what) {
  throw_error<Error>({operation, ": ", what, " moved from or never made"});
}
[[noreturn, gnu::noinline, gnu::cold]] inline void throw_outside(const char* operation, const char* what,
                                                                 Index index, Index place, Index count,
                                                                 std::span<const Index> shape) {
  throw_error<RangeError>({operation, ": ", what, " ", index, " at place ", place, " is outside 0 … ",
                           count - 1, " of input of shape ", shape});
}

/// The indices, checked to lie in 0 … count − 1 and copied to live as long as the step.
template <Scalar Real, std::size_t Rank>
const Token* keep_indices(Tape<Real>& tape, const char* operation, const char* what,
                          const Tokens<Rank>& indices, Index count, std::span<const Index> shape) {
  if constexpr (!has_values<Real>) return nullptr;
  if (!indices.has_memory()) throw_not_made(operation, "the indices were");
  for (Index i = 0; i < indices.size(); ++i) {
    if (indices.data()[i] < 0 || indices.data()[i] >= count) {
      throw_outside(operation, what, indices.data()[i], i, count, shape);
    }
  }
  return tape.recorder().keep(indices.data(), indices.size());
}

/// The mask, copied to live as long as the step.
template <Scalar Real, std::size_t Rank>
const std::uint8_t* keep_mask(Tape<Real>& tape, const Tensor<bool, Rank>& mask) {
  if constexpr (!has_values<Real>) return nullptr;
  if (!mask.has_memory()) throw_not_made("masked_fill", "the mask was");
  auto* copy = tape.recorder().arena().template take<std::uint8_t>(mask.size());
  std::copy(mask.begin(), mask.end(), copy);
  return copy;
}

}  // namespace detail

/// Rows by their numbers, of which some may come twice and others not at all.   PyTorch: x[rows]
/// x (N, …)   rows (M) → y (M, …)
///   dx[rows[m]] += dy[m]
/// Throws a `RangeError` on a number outside 0 … N − 1. Of a table of tokens it is `embedding`.
template <Scalar Real, std::size_t Rank>
requires(Rank > 0) Var<Real, Rank> gather_rows(Var<Real, Rank> x, const Tokens<1>& rows) {
  const Token* kept = detail::keep_indices(x.tape(), "gather_rows", "row", rows, x.extent(0), x.shape());
  Shape<Rank> shape = x.shape();
  shape[0] = 1;
  const kernels::RowsSize size{rows.size(), element_count(shape)};
  shape[0] = rows.size();
  return operation(
      x.tape(), "gather_rows", shape, {Operand(x).touching(count_product(size.rows, size.columns))},
      {.costs = [&] { return kernels::embedding_costs(size); }},
      [=](auto y) { kernels::embedding_forward(kept, x.value(), y.output(), size); },
      [=](auto y) { kernels::embedding_backward(kept, y.grad(), x.grad(), size); });
}

/// One element of each row.                 PyTorch: x.gather(-1, index.unsqueeze(-1)).squeeze(-1)
/// x (…, V)   index (…) → y (…)
///   dx[…, index[…]] += dy[…]
/// Throws a `ShapeError` unless there is an index for each row, a `RangeError` on one outside 0 … V − 1. Of
/// log_softmax(logits) at the targets it is minus each token's loss.
template <Scalar Real, std::size_t Rank>
requires(Rank > 0) Var<Real, Rank - 1> gather(Var<Real, Rank> x, const Tokens<Rank - 1>& index) {
  const kernels::RowsSize size{row_count(x.shape()), last_extent(x.shape())};
  detail::require_shape("gather", "index", index.shape(), without_last(x.shape()), "input", x.shape());
  const Token* kept = detail::keep_indices(x.tape(), "gather", "index", index, size.columns, x.shape());
  return operation(
      x.tape(), "gather", index.shape(), {Operand(x).touching(size.rows)},
      {.costs = [&] { return kernels::gather_costs(size); }},
      [=](auto y) { kernels::gather_forward(kept, x.value(), y.output(), size); },
      [=](auto y) { kernels::gather_backward(kept, y.grad(), x.grad(), size); });
}

/// y = value where the mask is true, else x.                                    PyTorch: x.masked_fill
/// x (…)   mask: of x's shape or of its last axes, the same for all before them → y (…)
///   dx += dy where the mask is false
/// Throws a `ShapeError` on another mask. Scores whose mask gets −∞ have a probability of 0 in softmax.
template <Scalar Real, std::size_t Rank, std::size_t MaskRank>
requires(MaskRank <= Rank) Var<Real, Rank> masked_fill(Var<Real, Rank> x, const Tensor<bool, MaskRank>& mask,
                                                       std::type_identity_t<Real> value) {
  Shape<MaskRank> expected{};
  std::copy(x.shape().end() - MaskRank, x.shape().end(), expected.begin());
  detail::require_shape("masked_fill", "mask", mask.shape(), expected, "input", x.shape());
  kernels::RowsSize size{1, mask.size()};
  for (std::size_t axis = 0; axis < Rank - MaskRank; ++axis) size.rows *= x.extent(axis);
  const std::uint8_t* kept = detail::keep_mask(x.tape(), mask);
  return operation(
      x.tape(), "masked_fill", x.shape(), {x}, {.costs = [&] { return kernels::masked_fill_costs(size); }},
      [=](auto y) { kernels::masked_fill_forward(x.value(), kept, value, y.output(), size); },
      [=](auto y) { kernels::masked_fill_backward(kept, y.grad(), x.grad_into(), size); });
}

}  // namespace slm
