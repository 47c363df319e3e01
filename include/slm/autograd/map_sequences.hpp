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

/// What map_sequences costs beside its function: it copies outputs of `outputs` elements in all, and adds up
/// gradients of `collected` elements of all groups.
inline PassCosts map_sequences_costs(Index outputs, Index collected) {
  return {{.moved = outputs}, {.elementwise = collected}};
}

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
    const auto& first = sums(0)[k];
    const Index size = first.size;
    Real* target = first.target;
    bool* target_is_empty = first.target_is_empty;
    Index filled = 0;
    for (Index group = 0; group < groups; ++group) filled += *sums(group)[k].is_empty ? 0 : 1;
    if (tape.groups().collects()) {
      const auto& own =
          tape.groups().collect(first.parameter, target, size, tape.recorder().arena(), target_is_empty);
      target = own.memory, target_is_empty = own.is_empty;
    }
    if (filled == 0) continue;
    if (target_is_empty && std::exchange(*target_is_empty, false) && has_values<Real>) {
      std::fill_n(target, size, Real(0));
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
    elements.groups = count_sum(elements.groups, count_product(filled, size));
    elements.parameters = count_sum(elements.parameters, size);
  }
  return elements;
}

/// The function of map_sequences whatever its type, so that the rest is compiled once: takes a chunk and gives
/// the nodes of what it returns.
template <Scalar Real>
using ChunkFunction = FunctionRef<void(Var<Real, 3> in, Node<Real>** out)>;

[[noreturn, gnu::noinline, gnu::cold]] inline void throw_not_own(std::size_t output) {
  throw_error<Error>({"map_sequences: output ", output,
                      " of the function must be a variable of its own, not its input or another output"});
}

/// The node of output n, which must have the promised shape and be a variable of its own.
template <Scalar Real>
[[gnu::noinline]] Node<Real>* checked_output(Var<Real, 3> in, Var<Real, 3> out, std::size_t n,
                                             const Shape<2>& extent, Node<Real>* const* before) {
  in.tape().recorder().require_usable("map_sequences", out);
  if (out.shape() != Shape<3>{in.extent(0), extent[0], extent[1]}) {
    throw_error<ShapeError>({"map_sequences: the function gives ", out.shape(), ", but output ", n, " needs (",
                             in.extent(0), ", ", extent[0], ", ", extent[1], ")"});
  }
  Node<Real>* node = &out.node();
  // In evaluation dropout gives back its input; there, no gradients have to be kept apart.
  const bool is_own = node != &in.node() && std::find(before, before + n, node) == before + n;
  if (in.tape().training() && !is_own) throw_not_own(n);
  return node;
}

/// A call, as long as its tape remembers it. One variable holds all outputs, to be recorded and looked through
/// for bad numbers; chunk k gave the nodes out[k N] … out[k N + N - 1].
template <Scalar Real>
struct MappedSequences : Recorder<Real>::Record {
  Tape<Real>& tape;
  Var<Real, 3> x;
  SequenceGroups cut;
  std::size_t N, first_tape, tapes;
  const Index* sizes;  // elements of a sequence of each output
  Node<Real>** outputs;
  Node<Real>** in;
  Node<Real>** out;

  Recorder<Real>& recorder() const { return tape.recorder(); }
  /// The tape that runs a group, or in evaluation, where nothing is kept, the one of this thread: its memory
  /// stays in cache.
  Tape<Real>& tape_of(Index group) const {
    return tape.groups().tape(first_tape + static_cast<std::size_t>(tape.training() ? group : thread_index()));
  }
  Var<Real, 3> chunk_on(Tape<Real>& inner, Index first, Index length) const {
    const Index row = x.extent(1) * x.extent(2);
    const Real* values = has_values<Real> ? x.value() + first * row : nullptr;
    return inner.variable(inner.recorder().given(values, nullptr, length * row, x.wants_grad()),
                          Shape<3>{length, x.extent(1), x.extent(2)});
  }

  void forward_group(Index group, ChunkFunction<Real> f, const std::optional<Random>& dropout) const {
    Tape<Real>& inner = tape_of(group);
    if (inner.training()) {
      inner.reset(dropout ? std::optional(dropout->child(static_cast<std::uint64_t>(group))) : std::nullopt);
    }
    for (Index chunk = cut.first_chunk(group); chunk < cut.first_chunk(group + 1); ++chunk) {
      const Arena::Mark before = inner.recorder().arena().mark();
      const Index first = cut.first_sequence(chunk);
      const auto few = chunk_on(inner, first, cut.chunk_length(chunk));
      Node<Real>** nodes = out + static_cast<std::size_t>(chunk) * N;
      f(few, nodes);
      in[chunk] = &few.node();
      for (std::size_t n = 0; n < N; ++n) {
        std::copy_n(nodes[n]->value, nodes[n]->size, outputs[n]->output + first * sizes[n]);
      }
      if (!inner.training()) inner.recorder().arena().rewind_to(before);
    }
  }

  void backward_group(Index group, const Destination<Real>& dx, Arena& lender) const {
    const Index row = x.extent(1) * x.extent(2);
    for (Index chunk = cut.first_chunk(group); chunk < cut.first_chunk(group + 1); ++chunk) {
      const Index first = cut.first_sequence(chunk);
      if (dx.data) {
        in[chunk]->grad = dx.data + first * row;
        if (dx.store == StoreMode::assign) {
          std::fill_n(dx.data + first * row, cut.chunk_length(chunk) * row, Real(0));
        }
      }
      for (std::size_t n = 0; n < N; ++n) {
        out[static_cast<std::size_t>(chunk) * N + n]->grad = outputs[n]->grad + first * sizes[n];
      }
    }
    tape_of(group).recorder().backward(lender);
  }

  void backward() const {
    // The outputs' gradients are parts of one, which is kept where one of them is.
    for (std::size_t n = 0; n < N; ++n) this->output->keeps_grad |= outputs[n]->keeps_grad;
    const Destination<Real> dx = x.wants_grad() ? x.grad_into() : Destination<Real>(nullptr);
    for (std::size_t n = 0; n < N; ++n) recorder().gradient(*outputs[n]);
    CollectedElements elements;
    if constexpr (has_values<Real>) {
      std::vector<Arena>& lenders = tape.groups().lenders();
      parallel_for(cut.groups, [&](Index group) {
        backward_group(group, dx, lenders[static_cast<std::size_t>(thread_index())]);
      });
      // As much for each thread: which one runs what is chance.
      std::size_t most = 0;
      for (const Arena& lender : lenders) most = std::max(most, lender.high_water());
      for (Arena& lender : lenders) lender.reserve(most);
      elements = fold_gradients(tape, first_tape, cut.groups);
    } else {
      for (std::size_t i = 0; i < tapes * N; ++i) {
        tape.groups().tape(first_tape + i / N).recorder().gradient(*out[i]);
      }
      for (std::size_t i = 0; i < tapes; ++i) tape.groups().tape(first_tape + i).backward();
      elements = fold_gradients(tape, first_tape, Index(1));
      elements.groups = count_product(elements.groups, cut.groups);
    }
    recorder().add_backward_cost(map_sequences_costs(0, elements.groups).backward,
                                 count_sum(elements.groups, elements.parameters));
    if (recorder().is_timed())
      recorder().take_backward_seconds(tape.groups().seconds(first_tape, tapes).backward);
  }
};

/// A module whatever its type, or none.
struct AnyModule {
  const void* address = nullptr;
  WalkAny walk = nullptr;
};

/// map_sequences for any number of outputs, whose nodes it gives.
template <Scalar Real>
Node<Real>** map_chunks(Var<Real, 3> x, std::span<const Shape<2>> extents, ChunkFunction<Real> f,
                        AnyModule module) {
  const WorkClock clock(x.tape().recorder().is_timed());
  Tape<Real>& tape = x.tape();
  Recorder<Real>& recorder = tape.recorder();
  Arena& arena = recorder.arena();
  recorder.require_usable("map_sequences", x);
  const Index B = x.extent(0);
  const SequenceGroups cut(B, x.extent(1));
  const auto N = static_cast<Index>(extents.size());
  // On shapes alone all chunks of one length are one.
  const Index tapes = !has_values<Real> ? (B % cut.per_chunk > 0 ? 2 : 1)
                      : tape.training() ? cut.groups
                                        : threads();
  const Index chunks = has_values<Real> ? cut.chunks : tapes;

  Index* sizes = arena.take<Index>(N);
  Index row = 0;
  for (Index n = 0; n < N; ++n)
    row = count_sum(row, sizes[n] = element_count(extents[static_cast<std::size_t>(n)]));
  Node<Real>* whole = recorder.made(count_product(B, row), true);
  // With several outputs, one may get its gradient although another gets none.
  if (N > 1 && tape.training()) recorder.gradient(*whole);
  const auto nodes = [&](Index count) { return arena.template take<Node<Real>*>(count); };
  const auto run = [](const typename Recorder<Real>::Record& self) {
    static_cast<const MappedSequences<Real>&>(self).backward();
  };
  const std::size_t first_tape = tape.groups().add(static_cast<std::size_t>(tapes), tape);
  auto* call = arena.make(MappedSequences<Real>{{nullptr, whole, run},
                                                tape,
                                                x,
                                                cut,
                                                extents.size(),
                                                first_tape,
                                                static_cast<std::size_t>(tapes),
                                                sizes,
                                                nodes(N),
                                                nodes(chunks),
                                                nodes(chunks * N)});
  Index offset = 0;
  for (Index n = 0; n < N; ++n) {
    call->outputs[n] = whole;
    if (N == 1) break;
    const Index begin = has_values<Real> ? B * offset : 0;
    Node<Real>* part = recorder.given(whole->value + begin, whole->grad ? whole->grad + begin : nullptr,
                                      count_product(B, sizes[n]), true);
    part->output = whole->output + begin;
    part->is_computed = true;
    call->outputs[n] = part;
    offset += sizes[n];
  }

  const std::optional<Random> dropout = recorder.next_dropout_stream();
  if constexpr (has_values<Real>) {
    // Products are made on one thread then, and of so many rows that packing counts.
    if (module.walk && cut.chunks > 2 && gemm_backend<Real>() == GemmBackend::slm) {
      tape.groups().packed().add(module.address, module.walk, tape.training());
    }
    for (Index i = 0; !tape.training() && i < tapes; ++i) {
      tape.groups().tape(call->first_tape + static_cast<std::size_t>(i)).reset();
    }
    parallel_for(cut.groups, [&](Index group) { call->forward_group(group, f, dropout); });
    // The function sees x where it lies.
    for (Index chunk = 0; tape.training() && chunk < cut.chunks; ++chunk) {
      if (call->in[chunk]->claimed_by) x.node().claimed_by = call->in[chunk]->claimed_by;
    }
  } else {
    for (Index i = 0; i < tapes; ++i) {
      Tape<Real>& inner = tape.groups().tape(call->first_tape + static_cast<std::size_t>(i));
      inner.reset();
      inner.groups().set_times(i == 0 ? B / cut.per_chunk : 1);
      const auto few = call->chunk_on(inner, 0, i == 0 ? cut.per_chunk : B % cut.per_chunk);
      f(few, call->out + i * N);
    }
  }

  // An output wants a gradient where something in it does. All chunks are alike.
  if (tape.training() && chunks > 0) {
    whole->wants_grad = false;
    for (Index n = 0; n < N; ++n) {
      const bool wanted = call->out[n]->wants_grad;
      call->outputs[n]->wants_grad = wanted;
      whole->wants_grad |= wanted;
    }
  }

  const std::size_t entry = recorder.ledger().find(recorder.part(), Tape<Real>::nested_operation);
  recorder.ledger().add_forward(entry, map_sequences_costs(whole->size, 0).forward,
                                count_product(2, whole->size), tape.training() ? whole->size : 0);
  if (recorder.is_timed()) {
    // What the function's operations took stands in their own entries.
    recorder.ledger().entries()[entry].seconds.forward +=
        clock.seconds() - tape.groups().seconds(call->first_tape, call->tapes).forward;
  }
  if (tape.training()) recorder.add(*call, entry, {}, 0);
  return call->outputs;
}

}  // namespace detail

/// Applies `f` to groups of sequences: x (B, T, C) → N variables (B, extents[n]).
///
/// `f` takes a variable (S, T, C), S <= B, and returns std::array<Var<Real, 3>, N> of shapes
/// (S, extents[n]), computed from it and from parameters and each a variable of its own; it must treat every
/// sequence alike. It is called on several threads at once. Where the module is given that has the matrices `f`
/// multiplies by, a part of a model or a vector of parts, they are packed once a call and not for each group.
template <std::size_t N, Scalar Real, class Function, class... Module>
requires(sizeof...(Module) <=
         1) std::array<Var<Real, 3>, N> map_sequences(Var<Real, 3> x, const std::array<Shape<2>, N>& extents,
                                                      const Function& f, const Module&... module) {
  Node<Real>** nodes = detail::map_chunks<Real>(
      x, extents,
      [&](Var<Real, 3> in, Node<Real>** chunk) {
        const std::array<Var<Real, 3>, N> out = f(in);
        for (std::size_t n = 0; n < N; ++n) chunk[n] = detail::checked_output(in, out[n], n, extents[n], chunk);
      },
      detail::AnyModule{&module..., detail::walk_any<Module>...});
  const auto outputs = [&]<std::size_t... n>(std::index_sequence<n...>) {
    return std::array<Var<Real, 3>, N>{
        x.tape().variable(nodes[n], Shape<3>{x.extent(0), extents[n][0], extents[n][1]})...};
  };
  return outputs(std::make_index_sequence<N>());
}

}  // namespace slm
