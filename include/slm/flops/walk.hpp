#pragma once
// A forward pass on shapes instead of tensors: each operation enters its part.
#include "slm/autograd/map_sequences.hpp"
#include "slm/autograd/ops.hpp"
#include "slm/flops/parts.hpp"
#include "slm/kernels/key_value_cache.hpp"

namespace slm::flops {

class Walk {
 public:
  /// Of `batch` sequences.
  Walk(Mode mode, Index batch) : mode_(mode), pieces_{{batch, 1}} {}

  ModelCost finish() && { return std::move(cost_); }

  /// What follows runs on chunks of sequences, as map_sequences cuts them.
  void enter_groups(Index B, Index T) {
    const SequenceGroups cut(B, T);
    const Index rest = B % cut.per_chunk;
    pieces_ = {{cut.per_chunk, B / cut.per_chunk}};
    if (rest > 0) pieces_.push_back({rest, 1});
    groups_begin_ = cost_.parts.size();
  }
  /// What follows runs on the whole batch again; of each sequence, `copied` elements are handed over.
  void leave_groups(Index B, Index T, Index copied) {
    Index collected = 0;
    for (std::size_t i = groups_begin_; i < cost_.parts.size(); ++i) {
      collected = count_sum(collected, cost_.parts[i].parameters);
    }
    pieces_ = {{B, 1}};
    const SequenceGroups cut(B, T);
    add("map_sequences", "map_sequences", 0, [&](Index) {
      const Index handed = count_product(B, copied), added = count_product(collected, cut.groups);
      // Every group's sums are read, and the gradients that they are added to are read and written.
      return Piece{costs::map_sequences(B, copied, added),
                   handed,
                   {count_product(2, handed), count_product(collected, cut.groups + 2)}};
    });
  }

  // The operations. `per_sequence` is the rows or elements of one sequence.

  void embedding(const std::string& name, Index T, Index entries, Index C) {
    add(name, "embedding", elements(entries, C), [=](Index S) {
      const Index n = elements(S, T, C);
      return Piece{costs::embedding({count_product(S, T), C}), n, {2 * n, 3 * n}};
    });
  }
  void add_positions(const std::string& name, Index T, Index context, Index C) {
    add(name, "add_positions", elements(context, C), [=](Index S) {
      const Index n = elements(S, T, C), table = elements(T, C);
      return Piece{costs::add_positions({S, T, C}), n, {2 * n + table, 3 * n + 2 * table}};
    });
  }
  void last_position(const std::string& name, Index T, Index C) {
    add(name, "last_position", 0, [=](Index S) {
      const Index n = elements(S, C);
      return Piece{costs::last_position({S, T, C}), n, {2 * n, 3 * n}};
    });
  }
  void linear(const std::string& name, Index per_sequence, Index inputs, Index outputs) {
    const Index weights = elements(inputs, outputs), parameters = weights + outputs;
    add(name, "linear", parameters, [=](Index S) {
      const Index N = elements(S, per_sequence), x = elements(N, inputs), y = elements(N, outputs);
      return Piece{costs::linear({N, inputs, outputs}, true),
                   y,
                   {x + parameters + y, 3 * x + weights + 2 * parameters + y}};
    });
  }
  void norm(const std::string& name, Index per_sequence, Index C) {
    add(name, "layer_norm", 2 * elements(C, 1), [=](Index S) {
      const Index N = elements(S, per_sequence), n = elements(N, C), kept = 2 * N;
      return Piece{costs::layer_norm({N, C}), n + kept, {2 * n + 2 * C + kept, 4 * n + 5 * C + kept}};
    });
  }
  void activation(const std::string& name, const char* operation, PassCosts (*its_costs)(Index),
                  Index per_sequence, InPlace in_place = InPlace::no) {
    add(name, operation, 0, [=](Index S) {
      const Index n = elements(S, per_sequence);
      return Piece{its_costs(n), kept(in_place, n), {2 * n, 4 * n}};
    });
  }
  void dropout(const std::string& name, double p, Index per_sequence, InPlace in_place) {
    if (!drops(p)) return;
    add(name, "dropout", 0, [=](Index S) {
      const Index n = elements(S, per_sequence);
      return Piece{costs::dropout(n), kept(in_place, n), {2 * n, 3 * n}};
    });
  }
  void add_branch(const std::string& name, Index per_sequence, InPlace in_place) {
    add(name, "add", 0, [=](Index S) {
      const Index n = elements(S, per_sequence);
      return Piece{costs::add(n), kept(in_place, n), {3 * n, 5 * n}};
    });
  }
  void multiply(const std::string& name, Index per_sequence) {
    add(name, "multiply", 0, [=](Index S) {
      const Index n = elements(S, per_sequence);
      return Piece{costs::multiply(n), n, {3 * n, 7 * n}};
    });
  }
  void rotary(const std::string& name, Index positions, Index columns, Index rotated, Index head_width,
              Index first) {
    add(name, "rotary_embedding", 0, [=](Index S) {
      const Index N = elements(S, positions), n = elements(N, columns);
      return Piece{
          costs::rotary_embedding({N, columns, rotated, head_width, positions, first}), n, {2 * n, 3 * n}};
    });
  }
  void attention(const std::string& name, Index queries, Index keys, Index heads, Index head_width, double p) {
    const bool mask = drops(p);
    add(name, "causal_attention", 0, [=](Index S) {
      const Index C = elements(heads, head_width), sums = elements(S, heads, queries);
      const Index q = elements(S, queries, C), kv = 2 * elements(S, keys, C);
      return Piece{costs::causal_attention({S, queries, keys, heads, head_width}, mask),
                   q + sums,
                   {2 * q + kv + sums, 5 * q + 3 * kv + sums}};
    });
  }
  void store_keys_values(const std::string& name, Index T, Index C) {
    add(name, "store_keys_values", 0, [=](Index S) {
      const Index N = elements(S, T), n = 2 * elements(N, C);
      return Piece{{kernels::store_keys_values_cost({N, C, 0, N}), {}}, 0, {2 * n, 0}};
    });
  }
  void cross_entropy(const std::string& name, Index per_sequence, Index V) {
    add(name, "cross_entropy", 0, [=](Index S) {
      const Index N = elements(S, per_sequence), n = elements(N, V);
      return Piece{costs::cross_entropy({N, V}), 2 * N + 1, {n + 2 * N + 1, 3 * n + N + 1}};
    });
  }

 private:
  /// Of n elements of a result.
  static Index kept(InPlace in_place, Index n) { return in_place == InPlace::no ? n : 0; }

  /// One call of an operation.
  struct Piece {
    PassCosts costs;
    Index activations;
    Traffic traffic;
  };
  struct Chunks {
    Index sequences, times;
  };

  /// A product that leaves room for the small multiples of it above.
  static Index elements(auto... extents) {
    constexpr Index room = 16;
    return count_product(room, extents...) / room;
  }

  static void add_product(Index& sum, Index count, Index times) {
    sum = count_sum(sum, count_product(count, times));
  }

  bool drops(double p) const {
    slm::detail::require_probability("model_cost", p);
    return mode_ == Mode::train && bool(kernels::Dropout(Random(), p));
  }

  template <class Price>
  void add(const std::string& name, std::string_view operation, Index parameters, const Price& price) {
    Part part{.name = name, .operation = operation, .parameters = parameters};
    for (const auto& [sequences, times] : pieces_) {
      if (times == 0) continue;
      const Piece piece = price(sequences);
      part.calls += times;
      part.costs += piece.costs * times;
      add_product(part.activations, piece.activations, times);
      add_product(part.traffic.forward, piece.traffic.forward, times);
      add_product(part.traffic.backward, piece.traffic.backward, times);
    }
    if (mode_ == Mode::evaluate) {
      part.costs.backward = {};
      part.activations = part.traffic.backward = 0;
    }
    cost_.parts.push_back(std::move(part));
  }

  Mode mode_;
  std::vector<Chunks> pieces_;
  std::size_t groups_begin_ = 0;
  ModelCost cost_;
};

}  // namespace slm::flops
