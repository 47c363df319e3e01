#pragma once
// A function applied to few sequences at a time, on tapes of their own that threads share.
//
// Working through a model operation by operation on a whole batch moves every activation through main
// memory. A few sequences at a time stay in cache, and one thread per group of them needs no
// synchronisation until the parameter gradients of the groups are added up, in the groups' order.
#include <algorithm>
#include <array>
#include <optional>

#include "slm/autograd/tape.hpp"
#include "slm/core/parallel.hpp"

namespace slm {

/// How a batch is cut: groups own a sum of parameter gradients each, chunks are what runs at once. Both
/// come from the batch's size alone. Larger chunks pack the weights less often; more of them keep threads busy.
struct SequenceGroups {
  static constexpr Index most_groups = 16, rows_wanted = 256, chunks_wanted = 6;

  Index sequences, per_chunk, chunks, groups;

  SequenceGroups(Index B, Index T)
      : sequences(B),
        per_chunk(std::max<Index>(1, std::min(rows_wanted / std::max<Index>(1, T), B / chunks_wanted))),
        chunks(B / per_chunk + (B % per_chunk > 0 ? 1 : 0)),
        groups(std::min(most_groups, chunks)) {}

  Index first_chunk(Index group) const { return group * chunks / groups; }
  Index first_sequence(Index chunk) const { return chunk * per_chunk; }
  Index chunk_length(Index chunk) const { return std::min(per_chunk, sequences - first_sequence(chunk)); }
};

namespace costs {

/// Beside what the function costs: `copied` elements of a sequence are outputs, and the groups collected
/// gradients of `collected` elements in all, which are added up.
inline PassCosts map_sequences(Index sequences, Index copied, Index collected) {
  return {Cost{.moved = copied} * sequences, Cost{.elementwise = collected}};
}

}  // namespace costs

namespace detail {

/// Adds what the groups collected to the parameters' gradients: threads share elements, groups in order.
/// Returns the elements that were added, which are known once the backward passes are done: what a function
/// nested in this one uses shows up there.
template <Scalar Real>
Index fold_gradients(Tape<Real>& tape, std::size_t first_child, Index groups) {
  if (groups == 0) return 0;
  constexpr Index block = 8192;
  const auto& children = tape.children();
  const auto child = [&](Index group) -> const Tape<Real>& {
    return *children[first_child + static_cast<std::size_t>(group)];
  };
  Index collected = 0;
  for (std::size_t k = 0; k < child(0).collected().size(); ++k) {
    const Index size = child(0).collected()[k].size;
    Real* target = tape.gradient_target(child(0).collected()[k].target, size);
    parallel_blocks(size, block, [&](Index begin, Index end) {
      for (Index group = 0; group < groups; ++group) {
        if (*child(group).collected()[k].is_empty) continue;
        const Real* sum = child(group).collected()[k].sum;
        for (Index i = begin; i < end; ++i) target[i] += sum[i];
      }
    });
    for (Index group = 0; group < groups; ++group) {
      if (!*child(group).collected()[k].is_empty) collected += size;
    }
  }
  return collected;
}

}  // namespace detail

/// Applies `f` to groups of sequences: x (B, T, C) → N variables (B, extents[n]).
///
/// `f` takes a variable (S, T, C), S <= B, and returns std::array<Var<Real, 3>, N> of shapes
/// (S, extents[n]), computed from it and from parameters and each a variable of its own; it must treat every
/// sequence alike. It is called on several threads at once.
template <std::size_t N, Scalar Real, class Function>
std::array<Var<Real, 3>, N> map_sequences(Var<Real, 3> x, const std::array<Shape<2>, N>& extents,
                                          const Function& f) {
  Tape<Real>& tape = x.tape();
  tape.require_own(x);
  const Index B = x.extent(0), T = x.extent(1), C = x.extent(2);
  const SequenceGroups cut(B, T);
  const Index row = T * C;

  // One variable holds all outputs, to be recorded and looked through for bad numbers as a whole.
  std::array<Index, N + 1> offset{};
  for (std::size_t n = 0; n < N; ++n) offset[n + 1] = offset[n] + B * element_count(extents[n]);
  const auto whole =
      tape.computed(tape.view(tape.arena().template take<Real>(offset[N]), nullptr, Shape<1>{offset[N]}, true));
  // With several outputs, one may get its gradient although another gets none.
  Real* whole_grad = N > 1 && tape.training() ? whole.grad() : nullptr;
  const auto output = [&](std::size_t n) {
    const Shape<3> shape{B, extents[n][0], extents[n][1]};
    if (N == 1) return Var<Real, 3>(tape, whole.node(), shape);
    return tape.computed(
        tape.view(whole.output() + offset[n], whole_grad ? whole_grad + offset[n] : nullptr, shape, true));
  };
  const auto outputs = [&]<std::size_t... n>(std::index_sequence<n...>) {
    return std::array<Var<Real, 3>, N>{output(n)...};
  }
  (std::make_index_sequence<N>());

  // Per chunk: the nodes whose gradients connect its tape to this one.
  struct Chunk {
    Node<Real>* in;
    std::array<Node<Real>*, N> out;
  };
  Chunk* chunks = tape.arena().template take<Chunk>(cut.chunks);
  // In evaluation nothing is kept: a tape for each thread is enough, and its memory stays in cache.
  const std::size_t first_child =
      tape.add_children(static_cast<std::size_t>(tape.training() ? cut.groups : Index(threads())));
  const std::optional<Random> dropout = tape.next_dropout_stream();
  const auto child_of = [=, &tape](Index group) -> Tape<Real>& {
    return *tape.children()[first_child + static_cast<std::size_t>(tape.training() ? group : thread_index())];
  };
  if (!tape.training()) {
    for (std::size_t i = first_child; i < tape.children().size(); ++i) tape.children()[i]->reset();
  }

  parallel_for(cut.groups, [&](Index group) {
    Tape<Real>& inner = child_of(group);
    if (inner.training()) {
      inner.reset(dropout ? std::optional(dropout->child(static_cast<std::uint64_t>(group))) : std::nullopt);
    }
    for (Index chunk = cut.first_chunk(group); chunk < cut.first_chunk(group + 1); ++chunk) {
      const Arena::Mark before = inner.arena().mark();
      const Index first = cut.first_sequence(chunk), length = cut.chunk_length(chunk);
      const auto in = inner.view(x.output() + first * row, nullptr, Shape<3>{length, T, C}, x.wants_grad());
      const std::array<Var<Real, 3>, N> out = f(in);
      chunks[chunk].in = in.node();
      for (std::size_t n = 0; n < N; ++n) {
        if (out[n].shape() != Shape<3>{length, extents[n][0], extents[n][1]}) {
          throw ShapeError(concatenate({"map_sequences: the function gives ", out[n].shape(), ", but output ",
                                        n, " needs (", length, ", ", extents[n][0], ", ", extents[n][1], ")"}));
        }
        const auto is_same = [&](Node<Real>* node) { return node == out[n].node(); };
        // In evaluation dropout gives back its input; there, no gradients have to be kept apart.
        if (inner.training() && (is_same(in.node()) || std::any_of(chunks[chunk].out.begin(),
                                                                   chunks[chunk].out.begin() + n, is_same))) {
          throw Error(
              concatenate({"map_sequences: output ", n,
                           " of the function must be a variable of its own, not its input or another output"}));
        }
        inner.require_own(out[n]);
        std::copy_n(out[n].value(), out[n].size(), outputs[n].output() + first * element_count(extents[n]));
        chunks[chunk].out[n] = out[n].node();
      }
      if (!inner.training()) inner.arena().rewind_to(before);
    }
  });

  Index copied = 0;
  for (const auto& shape : extents) copied += element_count(shape);
  tape.record(Tape<Real>::nested_operation, whole, costs::map_sequences(B, copied, 0), [=, &tape] {
    const Destination<Real> dx = x.wants_grad() ? x.grad_into() : Destination<Real>(nullptr);
    std::array<Real*, N> dy;
    for (std::size_t n = 0; n < N; ++n) dy[n] = outputs[n].grad();
    std::vector<Arena>& lenders = tape.lenders();
    parallel_for(cut.groups, [&](Index group) {
      for (Index chunk = cut.first_chunk(group); chunk < cut.first_chunk(group + 1); ++chunk) {
        const Index first = cut.first_sequence(chunk);
        if (dx.data) {
          chunks[chunk].in->grad = dx.data + first * row;
          if (dx.store == StoreMode::assign)
            std::fill_n(dx.data + first * row, cut.chunk_length(chunk) * row, Real(0));
        }
        for (std::size_t n = 0; n < N; ++n) {
          chunks[chunk].out[n]->grad = dy[n] + first * (outputs[n].size() / cut.sequences);
        }
      }
      child_of(group).backward(lenders[static_cast<std::size_t>(thread_index())]);
    });
    // As much for each thread: which one runs what is chance.
    std::size_t most = 0;
    for (const Arena& lender : lenders) most = std::max(most, lender.high_water());
    for (Arena& lender : lenders) lender.reserve(most);
    const Index collected = detail::fold_gradients(tape, first_child, cut.groups);
    tape.add_backward_cost(costs::map_sequences(0, 0, collected).backward);
  });
  return outputs;
}

}  // namespace slm
