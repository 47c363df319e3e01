#pragma once
// transpose, slice, select: elements at other places.
#include "slm/autograd/ops/check.hpp"
#include "slm/kernels/arrangement.hpp"

namespace slm {

namespace detail {

/// Product of extents; of none, 1.
inline Index product(std::span<const Index> extents) {
  Index count = 1;
  for (const Index extent : extents) count *= extent;
  return count;
}

/// The axis as a number that may stand between brackets. Throws a `RangeError` unless it lies in 0 … axes − 1.
[[gnu::noinline]] inline std::size_t require_axis(const char* operation, Index axis, std::size_t axes,
                                                  const char* whose, std::span<const Index> shape) {
  if (axis < 0 || axis >= static_cast<Index>(axes)) {
    throw_error<RangeError>(
        {operation, ": axis ", axis, " is outside 0 … ", axes - 1, " of ", whose, " of shape ", shape});
  }
  return static_cast<std::size_t>(axis);
}
template <Scalar Real, std::size_t Rank>
std::size_t require_axis(const char* operation, Index axis, const Var<Real, Rank>& x) {
  return require_axis(operation, axis, Rank, "input", x.shape());
}

/// Positions along an axis: the rows that they are, and where they begin.
struct Positions {
  kernels::StridedRows rows;
  Index first;

  Positions(std::span<const Index> shape, std::size_t axis, Index begin, Index end) {
    const Index outer = product(shape.first(axis)), inner = product(shape.subspan(axis + 1));
    rows = {outer, (end - begin) * inner, shape[axis] * inner, (end - begin) * inner};
    first = begin * inner;
  }
  Index count() const { return rows.rows * rows.columns; }
};

[[noreturn, gnu::noinline, gnu::cold]] inline void throw_slice(std::span<const Index> shape, std::size_t axis,
                                                               Index begin, Index end) {
  throw_error<RangeError>({"slice: positions ", begin, " to ", end, " are outside axis ", axis,
                           " of input of shape ", shape, ", which needs 0 ≤ begin ≤ end ≤ ", shape[axis]});
}
[[noreturn, gnu::noinline, gnu::cold]] inline void throw_select(std::span<const Index> shape, std::size_t axis,
                                                                Index index) {
  throw_error<RangeError>({"select: index ", index, " is outside 0 … ", shape[axis] - 1, " of axis ", axis,
                           " of input of shape ", shape});
}

/// The shape without one of its axes.
template <std::size_t Rank>
requires(Rank > 0) Shape<Rank - 1> without_axis(const Shape<Rank>& shape, std::size_t axis) {
  Shape<Rank - 1> rest{};
  for (std::size_t i = 0; i + 1 < Rank; ++i) rest[i] = shape[i < axis ? i : i + 1];
  return rest;
}

}  // namespace detail

/// Two axes exchanged.                                                          PyTorch: torch.transpose
/// x (…, A, …, B, …) → y (…, B, …, A, …)
///   dx += dy with the axes exchanged
/// An axis exchanged with itself gives x. Throws a `RangeError` where x has no such axis.
template <Scalar Real, std::size_t Rank>
Var<Real, Rank> transpose(Var<Real, Rank> x, Index axis_a, Index axis_b) {
  const std::size_t a = detail::require_axis("transpose", std::min(axis_a, axis_b), x);
  const std::size_t b = detail::require_axis("transpose", std::max(axis_a, axis_b), x);
  if (a == b) {
    x.tape().recorder().require_usable("transpose", x);
    return x;
  }
  const std::span<const Index> extents = x.shape();
  const kernels::TransposeSize size{detail::product(extents.first(a)), extents[a],
                                    detail::product(extents.subspan(a + 1, b - a - 1)), extents[b],
                                    detail::product(extents.subspan(b + 1))};
  Shape<Rank> shape = x.shape();
  std::swap(shape[a], shape[b]);
  return operation(
      x.tape(), "transpose", shape, {x}, {.costs = [&] { return kernels::move_costs(x.size()); }},
      [=](auto y) { kernels::transpose_forward(x.value(), y.output(), size); },
      [=](auto y) { kernels::transpose_backward(y.grad(), x.grad_into(), size); });
}

/// Positions begin … end − 1 of one axis.                                       PyTorch: x.narrow
/// x (…, N, …) → y (…, end − begin, …)
///   dx[…, begin + i, …] += dy[…, i, …]
/// Throws a `RangeError` where x has no such axis, or the axis no such positions.
template <Scalar Real, std::size_t Rank>
requires(Rank > 0) Var<Real, Rank> slice(Var<Real, Rank> x, Index axis, Index begin, Index end) {
  const std::size_t at = detail::require_axis("slice", axis, x);
  if (begin < 0 || begin > end || end > x.extent(at)) detail::throw_slice(x.shape(), at, begin, end);
  const detail::Positions part(x.shape(), at, begin, end);
  Shape<Rank> shape = x.shape();
  shape[at] = end - begin;
  return operation(
      x.tape(), "slice", shape, {Operand(x).touching(part.count())},
      {.costs = [&] { return kernels::move_costs(part.count()); }},
      [=](auto y) { kernels::copy_rows(x.value() + part.first, y.output(), part.rows); },
      [=](auto y) { kernels::add_rows(y.grad(), x.grad() + part.first, part.rows.turned()); });
}

/// One position of an axis, by default of that of the positions of sequences.   PyTorch: x.select
/// x (B, T, C), t → y (B, C)
///   dx[b, t] += dy[b]
/// Throws a `RangeError` where x has no such axis, or the axis no such position.
template <Scalar Real, std::size_t Rank>
requires(Rank > 0) Var<Real, Rank - 1> select(Var<Real, Rank> x, Index index, Index axis = Rank > 1 ? 1 : 0) {
  const std::size_t at = detail::require_axis("select", axis, x);
  if (index < 0 || index >= x.extent(at)) detail::throw_select(x.shape(), at, index);
  const detail::Positions part(x.shape(), at, index, index + 1);
  return operation(
      x.tape(), "select", detail::without_axis(x.shape(), at), {Operand(x).touching(part.count())},
      {.costs = [&] { return kernels::move_costs(part.count()); }},
      [=](auto y) { kernels::copy_rows(x.value() + part.first, y.output(), part.rows); },
      [=](auto y) { kernels::add_rows(y.grad(), x.grad() + part.first, part.rows.turned()); });
}

}  // namespace slm
