#pragma once
// A function applied to few sequences at a time, on tapes of their own that threads share.
//
// Working through a model operation by operation on a whole batch moves every activation through main
// memory. A few sequences at a time stay in cache, and one thread per group of them needs no
// synchronisation until the parameter gradients of the groups are added up, in the groups' order.
#include <algorithm>
#include <array>
#include <optional>

#include "slm/autograd/operation.hpp"
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

/// What the groups of one call collected, in elements: of all groups, and of the parameters.
struct CollectedElements {
  Index groups = 0, parameters = 0;
};

/// Adds what the groups collected to the parameters' gradients: threads share elements, groups in order.
/// Returns what was added, which is known once the backward passes are done: what a function nested in this one
/// uses shows up there.
template <Scalar Real>
CollectedElements fold_gradients(Tape<Real>& tape, std::size_t first_child, Index groups) {
  if (groups == 0) return {};
  constexpr Index block = 8192;
  const auto sums = [&](Index group) -> const auto& {
    return tape.groups().tape(first_child + static_cast<std::size_t>(group)).groups().collected();
  };
  CollectedElements elements;
  for (std::size_t k = 0; k < sums(0).size(); ++k) {
    const auto [parameter, gradient, memory, size, is_empty] = sums(0)[k];
    Real* target = gradient;
    if (tape.groups().collects()) {
      const auto& own = tape.groups().collect(parameter, gradient, size, tape.recorder().arena());
      target = own.memory;
      if (std::exchange(*own.is_empty, false) && has_values<Real>) std::fill_n(target, size, Real(0));
    }
    if constexpr (has_values<Real>) {
      parallel_blocks(size, block, [&](Index begin, Index end) {
        for (Index group = 0; group < groups; ++group) {
          if (*sums(group)[k].is_empty) continue;
          const Real* sum = sums(group)[k].memory;
          for (Index i = begin; i < end; ++i) target[i] += sum[i];
        }
      });
    }
    Index filled = 0;
    for (Index group = 0; group < groups; ++group) filled += *sums(group)[k].is_empty ? 0 : 1;
    elements.groups = count_sum(elements.groups, count_product(filled, size));
    if (filled > 0) elements.parameters = count_sum(elements.parameters, size);
  }
  return elements;
}

/// Throws unless the function's outputs have the promised shapes and are variables of their own.
template <std::size_t N, Scalar Real>
[[gnu::noinline]] void check_outputs(Var<Real, 3> in, const std::array<Var<Real, 3>, N>& out,
                                     const std::array<Shape<2>, N>& extents) {
  for (std::size_t n = 0; n < N; ++n) {
    in.tape().recorder().require_usable("map_sequences", out[n]);
    if (out[n].shape() != Shape<3>{in.extent(0), extents[n][0], extents[n][1]}) {
      throw ShapeError(concatenate({"map_sequences: the function gives ", out[n].shape(), ", but output ", n,
                                    " needs (", in.extent(0), ", ", extents[n][0], ", ", extents[n][1], ")"}));
    }
    bool is_own = &out[n].node() != &in.node();
    for (std::size_t other = 0; other < n; ++other) is_own = is_own && &out[n].node() != &out[other].node();
    // In evaluation dropout gives back its input; there, no gradients have to be kept apart.
    if (in.tape().training() && !is_own) {
      throw Error(
          concatenate({"map_sequences: output ", n,
                       " of the function must be a variable of its own, not its input or another output"}));
    }
  }
}

/// The outputs of a call: one variable holds all of them, to be recorded and looked through for bad numbers.
template <std::size_t N, Scalar Real>
struct MappedOutputs {
  Var<Real, 1> whole;
  std::array<Var<Real, 3>, N> parts;

  MappedOutputs(Tape<Real>& tape, Index B, const std::array<Shape<2>, N>& extents)
      : MappedOutputs(tape, B, extents, std::make_index_sequence<N>()) {}

  /// Elements of a sequence.
  static Index row(const std::array<Shape<2>, N>& extents, std::size_t count = N) {
    Index sum = 0;
    for (std::size_t n = 0; n < count; ++n) sum = count_sum(sum, element_count(extents[n]));
    return sum;
  }

 private:
  template <std::size_t... n>
  MappedOutputs(Tape<Real>& tape, Index B, const std::array<Shape<2>, N>& extents, std::index_sequence<n...>)
      : whole(make_whole(tape, count_product(B, row(extents)))),
        parts{part(B, extents[n], count_product(B, row(extents, n)))...} {}

  static Var<Real, 1> make_whole(Tape<Real>& tape, Index size) {
    const auto whole = tape.variable(tape.recorder().made(size, true), Shape<1>{size});
    // With several outputs, one may get its gradient although another gets none.
    if (N > 1 && tape.training()) tape.recorder().gradient(whole.node());
    return whole;
  }
  Var<Real, 3> part(Index B, const Shape<2>& extent, Index offset) const {
    const Shape<3> shape{B, extent[0], extent[1]};
    if (N == 1) return whole.tape().variable(&whole.node(), shape);
    Node<Real>& all = whole.node();
    const Index begin = has_values<Real> ? offset : 0;
    Node<Real>* node = whole.tape().recorder().given(all.value + begin, all.grad ? all.grad + begin : nullptr,
                                                     element_count(shape), true);
    node->output = all.output + begin;
    node->is_computed = true;
    return whole.tape().variable(node, shape);
  }
};

/// Enters the call in the ledger of the tape, with its backward function.
template <std::size_t N, Scalar Real, class Backward>
void record_mapped(Tape<Real>& tape, const MappedOutputs<N, Real>& outputs, Index B, Index copied,
                   double seconds, const Backward& backward) {
  Recorder<Real>& recorder = tape.recorder();
  const std::size_t entry = recorder.ledger().find(recorder.part(), Tape<Real>::nested_operation);
  recorder.ledger().entries()[entry].seconds.forward += seconds;
  const Index elements = outputs.whole.size();
  recorder.ledger().add_forward(entry, costs::map_sequences(B, copied, 0).forward, count_product(2, elements),
                                tape.training() ? elements : 0);
  if (!tape.training()) return;
  auto* closure = new (recorder.arena().template take<Backward>(1)) Backward(backward);
  recorder.record(&outputs.whole.node(), entry, {}, 0, closure,
                  [](void* self) { (*static_cast<const Backward*>(self))(); });
}

void add_folded_cost(auto& recorder, const CollectedElements& elements) {
  recorder.add_backward_cost(costs::map_sequences(0, 0, elements.groups).backward,
                             count_sum(elements.groups, elements.parameters));
}

/// map_sequences on shapes alone: all chunks of one length are run as one, and its costs taken times.
template <std::size_t N, class Function>
std::array<Var<Shapes, 3>, N> map_shapes(Var<Shapes, 3> x, const std::array<Shape<2>, N>& extents,
                                         const Function& f) {
  Tape<Shapes>& tape = x.tape();
  const auto [B, T, C] = x.shape();
  const SequenceGroups cut(B, T);
  const MappedOutputs<N, Shapes> outputs(tape, B, extents);
  const Index rest = B % cut.per_chunk;
  const std::size_t lengths = rest > 0 ? 2 : 1, first_child = tape.groups().add(lengths, tape);
  auto* nodes = tape.recorder().arena().template take<Node<Shapes>*>(static_cast<Index>(lengths * N));
  for (std::size_t i = 0; i < lengths; ++i) {
    Tape<Shapes>& inner = tape.groups().tape(first_child + i);
    inner.reset();
    inner.groups().set_times(i == 0 ? B / cut.per_chunk : 1);
    const Index length = i == 0 ? cut.per_chunk : rest;
    const auto in = inner.variable(inner.recorder().given(nullptr, nullptr, length * T * C, x.wants_grad()),
                                   Shape<3>{length, T, C});
    const std::array<Var<Shapes, 3>, N> out = f(in);
    check_outputs(in, out, extents);
    for (std::size_t n = 0; n < N; ++n) nodes[i * N + n] = &out[n].node();
  }
  record_mapped(tape, outputs, B, MappedOutputs<N, Shapes>::row(extents), 0, [=, &tape] {
    if (x.wants_grad()) tape.recorder().destination(x.node());
    for (std::size_t i = 0; i < lengths * N; ++i) {
      tape.groups().tape(first_child + i / N).recorder().gradient(*nodes[i]);
    }
    for (std::size_t i = 0; i < lengths; ++i) tape.groups().tape(first_child + i).backward();
    CollectedElements elements = fold_gradients(tape, first_child, 1);
    elements.groups = count_product(elements.groups, cut.groups);
    add_folded_cost(tape.recorder(), elements);
  });
  return outputs.parts;
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
  Recorder<Real>& recorder = tape.recorder();
  recorder.require_usable("map_sequences", x);
  const Index B = x.extent(0), T = x.extent(1), C = x.extent(2);
  const SequenceGroups cut(B, T);
  const Index row = T * C;

  if constexpr (!has_values<Real>) return detail::map_shapes(x, extents, f);
  const WorkClock clock;
  const detail::MappedOutputs<N, Real> outputs(tape, B, extents);

  // Per chunk: the nodes whose gradients connect its tape to this one.
  struct Chunk {
    Node<Real>* in;
    std::array<Node<Real>*, N> out;
  };
  Chunk* chunks = recorder.arena().template take<Chunk>(cut.chunks);
  // In evaluation nothing is kept: a tape for each thread is enough, and its memory stays in cache.
  const auto children = static_cast<std::size_t>(tape.training() ? cut.groups : Index(threads()));
  const std::size_t first_child = tape.groups().add(children, tape);
  const std::optional<Random> dropout = recorder.next_dropout_stream();
  const auto child_of = [=, &tape](Index group) -> Tape<Real>& {
    return tape.groups().tape(first_child + static_cast<std::size_t>(tape.training() ? group : thread_index()));
  };
  if (!tape.training()) {
    for (std::size_t i = first_child; i < tape.groups().size(); ++i) tape.groups().tape(i).reset();
  }

  parallel_for(cut.groups, [&](Index group) {
    Tape<Real>& inner = child_of(group);
    if (inner.training()) {
      inner.reset(dropout ? std::optional(dropout->child(static_cast<std::uint64_t>(group))) : std::nullopt);
    }
    for (Index chunk = cut.first_chunk(group); chunk < cut.first_chunk(group + 1); ++chunk) {
      const Arena::Mark before = inner.recorder().arena().mark();
      const Index first = cut.first_sequence(chunk), length = cut.chunk_length(chunk);
      const auto in =
          inner.variable(inner.recorder().given(x.value() + first * row, nullptr, length * row, x.wants_grad()),
                         Shape<3>{length, T, C});
      const std::array<Var<Real, 3>, N> out = f(in);
      detail::check_outputs(in, out, extents);
      chunks[chunk].in = &in.node();
      for (std::size_t n = 0; n < N; ++n) {
        std::copy_n(out[n].value(), out[n].size(),
                    outputs.parts[n].output() + first * element_count(extents[n]));
        chunks[chunk].out[n] = &out[n].node();
      }
      if (!inner.training()) inner.recorder().arena().rewind_to(before);
    }
  });
  // The function sees x where it lies.
  for (Index chunk = 0; tape.training() && chunk < cut.chunks; ++chunk) {
    if (chunks[chunk].in->needed_by) x.node().needed_by = chunks[chunk].in->needed_by;
  }

  // What the function's operations took stands in their own entries.
  const double seconds =
      recorder.is_timed() ? clock.seconds() - tape.groups().seconds(first_child, children).forward : 0;
  detail::record_mapped(tape, outputs, B, outputs.row(extents), seconds, [=, &tape] {
    const Destination<Real> dx = x.wants_grad() ? x.grad_into() : Destination<Real>(nullptr);
    std::array<Real*, N> dy;
    for (std::size_t n = 0; n < N; ++n) dy[n] = tape.recorder().gradient(outputs.parts[n].node());
    std::vector<Arena>& lenders = tape.groups().lenders();
    parallel_for(cut.groups, [&](Index group) {
      for (Index chunk = cut.first_chunk(group); chunk < cut.first_chunk(group + 1); ++chunk) {
        const Index first = cut.first_sequence(chunk);
        if (dx.data) {
          chunks[chunk].in->grad = dx.data + first * row;
          if (dx.store == StoreMode::assign)
            std::fill_n(dx.data + first * row, cut.chunk_length(chunk) * row, Real(0));
        }
        for (std::size_t n = 0; n < N; ++n) {
          chunks[chunk].out[n]->grad = dy[n] + first * (outputs.parts[n].size() / cut.sequences);
        }
      }
      child_of(group).recorder().backward(lenders[static_cast<std::size_t>(thread_index())]);
    });
    // As much for each thread: which one runs what is chance.
    std::size_t most = 0;
    for (const Arena& lender : lenders) most = std::max(most, lender.high_water());
    for (Arena& lender : lenders) lender.reserve(most);
    detail::add_folded_cost(tape.recorder(), detail::fold_gradients(tape, first_child, cut.groups));
    if (tape.recorder().is_timed()) {
      tape.recorder().take_backward_seconds(tape.groups().seconds(first_child, children).backward);
    }
  });
  return outputs.parts;
}

}  // namespace slm
