#pragma once
// sum, mean, max, logsumexp: all elements, or each row, reduced to one number; and log_softmax, made of the
// last.
#include "slm/autograd/ops/check.hpp"
#include "slm/kernels/reduction.hpp"

namespace slm {

/// Asks a reduction for one number for each row instead of one for all elements: mean(x, last_axis).
struct LastAxis {
  explicit LastAxis() = default;
};
/// What is given for it: sum(x, last_axis).
inline constexpr LastAxis last_axis{};

namespace detail {

/// All elements, or each row, and the shape that is left of them.
template <std::size_t Rank>
struct Reduction {
  Shape<Rank> shape;
  kernels::RowsSize size;
};
template <Scalar Real, std::size_t Rank>
Reduction<0> all_of(const Var<Real, Rank>& x) {
  return {{}, {1, x.size()}};
}
template <Scalar Real, std::size_t Rank>
requires(Rank > 0) Reduction<Rank - 1> rows_of(const Var<Real, Rank>& x) {
  return {without_last(x.shape()), {row_count(x.shape()), last_extent(x.shape())}};
}

/// Throws where there is no element to begin with.
inline void require_elements(const char* operation, std::span<const Index> shape, kernels::RowsSize size) {
  if (size.columns == 0) {
    throw_error<ShapeError>({operation, ": there is nothing to reduce in input of shape ", shape,
                             ", which needs one element at least"});
  }
}

template <Scalar Real, std::size_t Rank, std::size_t Left>
Var<Real, Left> sum(Var<Real, Rank> x, const Reduction<Left>& to) {
  const kernels::RowsSize size = to.size;
  return operation(
      x.tape(), "sum", to.shape, {x}, {.costs = [&] { return kernels::sum_costs(size); }},
      [=](auto y) { kernels::sum_forward(x.value(), y.output(), size); },
      [=](auto y) { kernels::sum_backward(y.grad(), x.grad_into(), size); });
}

template <Scalar Real, std::size_t Rank, std::size_t Left>
Var<Real, Left> mean(Var<Real, Rank> x, const Reduction<Left>& to) {
  const kernels::RowsSize size = to.size;
  require_elements("mean", x.shape(), size);
  return operation(
      x.tape(), "mean", to.shape, {x}, {.costs = [&] { return kernels::mean_costs(size); }},
      [=](auto y) { kernels::mean_forward(x.value(), y.output(), size); },
      [=](auto y) { kernels::mean_backward(y.grad(), x.grad_into(), size); });
}

template <Scalar Real, std::size_t Rank, std::size_t Left>
Var<Real, Left> max(Var<Real, Rank> x, const Reduction<Left>& to) {
  const kernels::RowsSize size = to.size;
  require_elements("max", x.shape(), size);
  Index* at = has_values<Real> ? x.tape().recorder().arena().template take<Index>(size.rows) : nullptr;
  return operation(
      x.tape(), "max", to.shape, {x}, {.costs = [&] { return kernels::max_costs(size); }},
      [=](auto y) { kernels::max_forward(x.value(), y.output(), at, size); },
      [=](auto y) { kernels::max_backward(at, y.grad(), x.grad(), size); });
}

template <Scalar Real, std::size_t Rank, std::size_t Left>
Var<Real, Left> logsumexp(Var<Real, Rank> x, const Reduction<Left>& to) {
  const kernels::RowsSize size = to.size;
  require_elements("logsumexp", x.shape(), size);
  return operation(
      x.tape(), "logsumexp", to.shape, {needed(x)},
      {.costs = [&] { return kernels::logsumexp_costs(size); }, .needs_output = true},
      [=](auto y) { kernels::logsumexp_forward(x.value(), y.output(), size); },
      [=](auto y) { kernels::logsumexp_backward(x.value(), y.value(), y.grad(), x.grad_into(), size); });
}

}  // namespace detail

/// y = Σ x over all elements.                                                   PyTorch: torch.sum
///   dx += dy
template <Scalar Real, std::size_t Rank>
Var<Real, 0> sum(Var<Real, Rank> x) {
  return detail::sum(x, detail::all_of(x));
}
/// The same over the last axis: x (…, C) → y (…).
template <Scalar Real, std::size_t Rank>
requires(Rank > 0) Var<Real, Rank - 1> sum(Var<Real, Rank> x, LastAxis) {
  return detail::sum(x, detail::rows_of(x));
}

/// y = Σ x / n over all n elements, of which there is one at least.             PyTorch: torch.mean
///   dx += dy / n
template <Scalar Real, std::size_t Rank>
Var<Real, 0> mean(Var<Real, Rank> x) {
  return detail::mean(x, detail::all_of(x));
}
/// The same over the last axis: x (…, C) → y (…), n = C.
template <Scalar Real, std::size_t Rank>
requires(Rank > 0) Var<Real, Rank - 1> mean(Var<Real, Rank> x, LastAxis) {
  return detail::mean(x, detail::rows_of(x));
}

/// y = max x over all elements, of which there is one at least. A NaN among them is the result, as in PyTorch.
///   dx += dy at the first of the greatest elements                             PyTorch: torch.max
/// PyTorch divides dy among greatest elements that are equal.
template <Scalar Real, std::size_t Rank>
Var<Real, 0> max(Var<Real, Rank> x) {
  return detail::max(x, detail::all_of(x));
}
/// The same over the last axis: x (…, C) → y (…).                               PyTorch: x.max(-1).values
template <Scalar Real, std::size_t Rank>
requires(Rank > 0) Var<Real, Rank - 1> max(Var<Real, Rank> x, LastAxis) {
  return detail::max(x, detail::rows_of(x));
}

/// y = log Σ exp(x) over all elements, of which there is one at least; computed as m + log Σ exp(x − m),
/// m = max x, so that nothing overflows. −∞ where all are.                      PyTorch: torch.logsumexp
///   dx += dy exp(x − y)
template <Scalar Real, std::size_t Rank>
Var<Real, 0> logsumexp(Var<Real, Rank> x) {
  return detail::logsumexp(x, detail::all_of(x));
}
/// The same over the last axis: x (…, C) → y (…).
template <Scalar Real, std::size_t Rank>
requires(Rank > 0) Var<Real, Rank - 1> logsumexp(Var<Real, Rank> x, LastAxis) {
  return detail::logsumexp(x, detail::rows_of(x));
}

/// y = x − log Σ exp(x) over the last axis: the logarithms of softmax(x).       PyTorch: F.log_softmax
/// x (…, V) → y (…, V)
///   dx += dy − exp(y) Σ dy
template <Scalar Real, std::size_t Rank>
requires(Rank > 0) Var<Real, Rank> log_softmax(Var<Real, Rank> x) {
  const kernels::RowsSize size = detail::rows_of(x).size;
  detail::require_elements("log_softmax", x.shape(), size);
  return operation(
      x.tape(), "log_softmax", x.shape(), {x},
      {.costs = [&] { return kernels::log_softmax_costs(size); }, .needs_output = true},
      [=](auto y) { kernels::log_softmax_forward(x.value(), y.output(), size); },
      [=](auto y) { kernels::log_softmax_backward(y.value(), y.grad(), x.grad_into(), size); });
}

}  // namespace slm
