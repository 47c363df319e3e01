#pragma once
// concatenate, stack: a list of variables, of any length, as one.
#include <memory>
#include <vector>

#include "slm/autograd/ops/arrangement.hpp"

namespace slm {

namespace detail {

/// Variables that lie side by side in each row of a result: a list for as long as the step. What the operands
/// say of shapes is for the call alone.
template <Scalar Real>
class SideBySide {
 public:
  template <std::size_t Rank>
  SideBySide(std::span<const Var<Real, Rank>> list, Index rows)
      : recorder_(&list.front().tape().recorder()), rows_(rows) {
    const auto count = static_cast<Index>(list.size());
    auto* operands = recorder_->arena().template take<Operand<Real>>(count);
    std::uninitialized_copy(list.begin(), list.end(), operands);
    operands_ = {operands, list.size()};
    into_ = recorder_->arena().template take<Destination<Real>>(count);
  }

  std::span<const Operand<Real>> operands() const { return operands_; }
  PassCosts costs() const {
    Index count = 0, wanted = 0;
    for (const auto& part : operands_) {
      count = count_sum(count, part.node->size);
      if (part.node->wants_grad) wanted = count_sum(wanted, part.node->size);
    }
    return kernels::move_costs(count, wanted);
  }

  void forward(Real* y, Index size) const {
    for_each_piece(size, [=, this](std::size_t i, Index from, Index to, Index count) {
      kernels::copy(operands_[i].node->value + from, y + to, count);
    });
  }
  void backward(const Real* dy, Index size) const {
    // Before the threads begin, and in order: a variable may be in the list twice.
    for (std::size_t i = 0; i < operands_.size(); ++i) {
      Node<Real>& node = *operands_[i].node;
      if (node.wants_grad) std::construct_at(into_ + i, recorder_->destination(node));
    }
    for_each_piece(size, [=, this](std::size_t i, Index from, Index to, Index count) {
      if (!operands_[i].node->wants_grad) return;
      kernels::add_backward<Real>(dy + to, {into_[i].data + from, into_[i].store}, count);
    });
  }

 private:
  /// Calls f(i, from, to, count) for each row of the result and, in order, each part i of the list: so many
  /// elements of the part from element `from` on are the row's from `to` on. Threads own rows; where there is
  /// but one, they share each part.
  template <class Function>
  void for_each_piece(Index size, const Function& f) const {
    const Index width = size / std::max<Index>(1, rows_);
    const Index block = std::max<Index>(1, kernels::elementwise_block / std::max<Index>(1, width));
    parallel_blocks(rows_, block, [&](Index begin, Index end) {
      Index to = begin * width;
      for (Index row = begin; row < end; ++row) {
        for (std::size_t i = 0; i < operands_.size(); ++i) {
          const Index count = operands_[i].node->size / rows_;
          f(i, row * count, to, count);
          to += count;
        }
      }
    });
  }

  Recorder<Real>* recorder_;
  std::span<const Operand<Real>> operands_;
  Destination<Real>* into_;  // for the backward function
  Index rows_;
};

[[gnu::noinline]] inline void require_list(const char* operation, std::size_t count) {
  if (count > 0) return;
  throw_error<ShapeError>({operation, ": the list of variables is empty, but needs one at least"});
}
[[noreturn, gnu::noinline, gnu::cold]] inline void throw_other_shape(const char* operation, std::size_t input,
                                                                     std::span<const Index> shape,
                                                                     std::span<const Index> first,
                                                                     std::string_view needed) {
  throw_shape_mismatch(operation, make_text({"input ", input}), shape, "input 0", first, needed);
}

/// The shape as a text, with "…" for an axis whose extent may be any: "(2, …, 4)".
inline std::string shape_text_but(std::span<const Index> shape, std::size_t axis) {
  std::string text = "(";
  for (std::size_t i = 0; i < shape.size(); ++i) {
    text += make_text({i > 0 ? ", " : "", i == axis ? "…" : make_text({shape[i]})});
  }
  return text + ")";
}

}  // namespace detail

/// Variables one after the other along an axis; their other extents are equal.  PyTorch: torch.cat
/// a (…, N, …), b (…, M, …), … → y (…, N + M + …, …)
///   da += the part of dy that is a's, …
/// concatenate({a, b}, 1). Throws a `ShapeError` on other extents or an empty list, a `RangeError` where they
/// have no such axis.
template <Scalar Real, std::size_t Rank>
requires(Rank > 0) Var<Real, Rank> concatenate(std::span<const Var<Real, Rank>> list, Index axis) {
  detail::require_list("concatenate", list.size());
  const Shape<Rank>& first = list.front().shape();
  const std::size_t at = detail::require_axis("concatenate", axis, list.front());
  Shape<Rank> shape = first;
  for (std::size_t i = 1; i < list.size(); ++i) {
    Shape<Rank> expected = first;
    expected[at] = list[i].extent(at);
    if (list[i].shape() != expected) {
      detail::throw_other_shape("concatenate", i, list[i].shape(), first, detail::shape_text_but(first, at));
    }
    shape[at] = count_sum(shape[at], expected[at]);
  }
  const detail::SideBySide<Real> parts(list, detail::product(std::span(first).first(at)));
  return operation(
      list.front().tape(), "concatenate", shape, parts.operands(), {.costs = [&] { return parts.costs(); }},
      [=](auto y) { parts.forward(y.output(), y.size()); },
      [=](auto y) { parts.backward(y.grad(), y.size()); });
}
template <Scalar Real, std::size_t Rank>
requires(Rank > 0) Var<Real, Rank> concatenate(const std::vector<Var<Real, Rank>>& list, Index axis) {
  return concatenate(std::span(list), axis);
}
template <Scalar Real, std::size_t Rank>
requires(Rank > 0) Var<Real, Rank> concatenate(std::initializer_list<Var<Real, Rank>> list, Index axis) {
  return concatenate(std::span(list.begin(), list.size()), axis);
}

/// Variables of one shape along a new axis, by default that of the positions of sequences: T states (B, H) give
/// y (B, T, H). One operation, however many there are.                          PyTorch: torch.stack
///   dstates[t] += dy[:, t]
/// Throws a `ShapeError` on other shapes or an empty list, a `RangeError` where the axis lies outside 0 … rank.
template <Scalar Real, std::size_t Rank>
Var<Real, Rank + 1> stack(std::span<const Var<Real, Rank>> states, Index axis = Rank > 0 ? 1 : 0) {
  detail::require_list("stack", states.size());
  const Shape<Rank>& first = states.front().shape();
  const std::size_t at = detail::require_axis("stack", axis, Rank + 1, "a stack of states", first);
  for (std::size_t i = 1; i < states.size(); ++i) {
    if (states[i].shape() != first) {
      detail::throw_other_shape("stack", i, states[i].shape(), first, shape_text(first));
    }
  }
  Shape<Rank + 1> shape{};
  for (std::size_t i = 0; i < Rank; ++i) shape[i < at ? i : i + 1] = first[i];
  shape[at] = static_cast<Index>(states.size());
  const detail::SideBySide<Real> parts(states, detail::product(std::span(first).first(at)));
  return operation(
      states.front().tape(), "stack", shape, parts.operands(), {.costs = [&] { return parts.costs(); }},
      [=](auto y) { parts.forward(y.output(), y.size()); },
      [=](auto y) { parts.backward(y.grad(), y.size()); });
}
template <Scalar Real, std::size_t Rank>
Var<Real, Rank + 1> stack(const std::vector<Var<Real, Rank>>& states, Index axis = Rank > 0 ? 1 : 0) {
  return stack(std::span(states), axis);
}
template <Scalar Real, std::size_t Rank>
Var<Real, Rank + 1> stack(std::initializer_list<Var<Real, Rank>> states, Index axis = Rank > 0 ? 1 : 0) {
  return stack(std::span(states.begin(), states.size()), axis);
}

}  // namespace slm
