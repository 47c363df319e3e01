#pragma once
// One call writes an operation: its shape, what its backward function reads, what it costs, and both functions.
//
//   /// y = 1 / (1 + exp(−x))       dx += dy y (1 − y)
//   template <Scalar Real, std::size_t Rank>
//   Var<Real, Rank> sigmoid(Var<Real, Rank> x) {
//     return operation(x.tape(), "sigmoid", x.shape(), {x}, {.costs = …, .needs_output = true},
//                      [=](auto y) { … y.output()[i] = Real(1) / (Real(1) + math::exp(-x.value()[i])) … },
//                      [=](auto y) { … x.grad()[i] += y.grad()[i] * y.value()[i] * (Real(1) - y.value()[i]) …
//                      });
//   }
//
// Both functions are compiled for `Shapes`, too, on which they never run: that is how a model is priced.
#include <type_traits>

#include "slm/autograd/tape.hpp"

namespace slm {

/// Runs an operation and records it. `forward(y)` writes `y.output()`, `backward(y)` adds to the gradients of
/// the inputs that want one, given `y.grad()`; both capture handles and numbers only, since nothing is
/// destroyed. An input whose value `backward` reads is given as needed(x) (see `check_declared_reads`): what
/// may be overwritten, kept and moved follows from that. `name` must live as long as the program.
template <Scalar Real, std::size_t Rank, class Forward, class Backward>
Var<Real, Rank> operation(Tape<Real>& tape, const char* name, const Shape<Rank>& shape,
                          const Operands<std::type_identity_t<Real>>& inputs, const OperationTraits& traits,
                          const Forward& forward, const Backward& backward) {
  static_assert(std::is_trivially_destructible_v<Backward>,
                "capture handles, not owners: nothing is destroyed");
  Recorder<Real>& recorder = tape.recorder();
  Node<Real>* node = recorder.begin(name, element_count(shape), inputs, traits);
  const Var<Real, Rank> y = tape.variable(node, shape);
  if constexpr (has_values<Real>) {
    struct OfOperation : Recorder<Real>::Record {
      Backward backward;
    };
    forward(y);
    const auto run = [](const typename Recorder<Real>::Record& self) {
      static_cast<const OfOperation&>(self).backward(Computed<Real>(*self.output));
    };
    void* room = recorder.room_for_record(sizeof(OfOperation));
    recorder.end(name, node, inputs, traits,
                 room ? new (room) OfOperation{{nullptr, node, run}, backward} : nullptr);
  } else {
    recorder.end_on_shapes(name, node, inputs, traits);
  }
  return y;
}

namespace detail {
[[noreturn, gnu::noinline, gnu::cold]] inline void throw_reshape(std::span<const Index> from, Index from_size,
                                                                 std::span<const Index> to, Index to_size) {
  throw_error<ShapeError>(
      {"reshape: input of shape ", from, " has ", from_size, " elements, but ", to, " has ", to_size});
}
}  // namespace detail

/// The same elements in another shape and on the same memory. An `Error` where their number is another.
///                                                                                     PyTorch: Tensor.view
template <Scalar Real, std::size_t Rank, std::size_t NewRank>
Var<Real, NewRank> reshape(Var<Real, Rank> x, const Shape<NewRank>& shape) {
  x.tape().recorder().require_usable("reshape", x);
  if (element_count(shape) != x.size()) detail::throw_reshape(x.shape(), x.size(), shape, element_count(shape));
  return x.tape().variable(&x.node(), shape);
}

}  // namespace slm
