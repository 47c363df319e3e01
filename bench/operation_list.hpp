#pragma once
// The operations as benchmarks call them: on B windows of T positions and width C.
#include <functional>
#include <string>
#include <vector>

#include "slm/autograd/map_sequences.hpp"
#include "slm/autograd/ops.hpp"
#include "slm/flops/walk.hpp"

namespace slm::bench {

inline constexpr Index T = 128, V = 64, head_width = 32;

/// Inputs of all operations.
struct Inputs {
  Tensor<float, 3> x, other, wide, turned;
  Tensor<float, 2> W, table, positions;
  Tensor<float, 1> gain, shift;
  Tokens<2> tokens;
  RotaryTable<float> rotary{T, head_width};

  Inputs(Index B, Index C)
      : x({B, T, C}),
        other({B, T, C}),
        wide({B, T, 3 * C}),
        turned({B, C, T}),
        W({C, C}),
        table({V, C}),
        positions({T, C}),
        gain({C}),
        shift({C}),
        tokens({B, T}) {
    Random random(1, "bench");
    const auto fill = [&](auto&... tensors) {
      const auto one = [&](auto& tensor) {
        for (float& number : tensor) number = static_cast<float>(random.uniform()) - 0.5F;
      };
      (one(tensors), ...);
    };
    fill(x, other, wide, turned, W, table, positions, gain, shift);
    for (Token& token : tokens) token = static_cast<Token>(random.below(V));
  }
};

/// A call, with its output flattened, and the elements that it reads and writes: every operand once, every
/// result once, every gradient that is added to twice.
struct Operation {
  std::string name;
  std::function<Var<float, 1>(Tape<float>&, const Inputs&)> apply;
  std::function<flops::Traffic(Index B, Index C)> traffic;
};

namespace detail {

/// `f` of an input that wants its gradient and of the other inputs, as a benchmark needs it.
template <class Function>
auto on(const Function& f) {
  return [f](Tape<float>& tape, const Inputs& in) {
    const auto given = [&](const auto& tensor) { return tape.input(tensor, true); };
    const auto y = f(given, in);
    return Var<float, 1>(tape, y.node(), {y.size()});
  };
}

/// The elements that models' costs speak of.
template <class Price>
auto as_walked(const Price& price) {
  return [price](Index B, Index C) {
    flops::Walk walk(Mode::train, B);
    price(walk, C);
    return std::move(walk).finish().traffic();
  };
}

/// Multiples of the B T C elements of x.
inline auto times(Index forward, Index backward) {
  return [=](Index B, Index C) { return flops::Traffic{forward * B * T * C, backward * B * T * C}; };
}

}  // namespace detail

inline std::vector<Operation> operations() {
  using detail::on, detail::as_walked, detail::times;
  return {
      {"add", on([](auto given, auto& in) { return add(given(in.x), given(in.other)); }), times(3, 5)},
      {"multiply", on([](auto given, auto& in) { return multiply(given(in.x), given(in.other)); }),
       times(3, 7)},
      {"scale", on([](auto given, auto& in) { return scale(given(in.x), 0.5F); }), times(2, 3)},
      {"add_bias", on([](auto given, auto& in) { return add_bias(given(in.x), given(in.shift)); }),
       [](Index B, Index C) {
         const Index n = B * T * C;
         return flops::Traffic{2 * n + C, 3 * n + 2 * C};
       }},
      {"sum", on([](auto given, auto& in) { return sum(given(in.x)); }), times(1, 2)},
      {"linear", on([](auto given, auto& in) { return linear(given(in.x), given(in.W), given(in.shift)); }),
       as_walked([](auto& walk, Index C) { walk.linear("", T, C, C); })},
      {"matmul", on([](auto given, auto& in) { return matmul(given(in.x), given(in.turned)); }),
       [](Index B, Index C) {
         const Index operands = 2 * B * T * C, result = B * T * T;
         return flops::Traffic{operands + result, 3 * operands + result};
       }},
      {"relu", on([](auto given, auto& in) { return relu(given(in.x)); }), times(2, 4)},
      {"gelu", on([](auto given, auto& in) { return gelu(given(in.x)); }), times(2, 4)},
      {"silu", on([](auto given, auto& in) { return silu(given(in.x)); }), times(2, 4)},
      {"dropout", on([](auto given, auto& in) { return dropout(given(in.x), 0.1); }), times(2, 3)},
      {"softmax", on([](auto given, auto& in) { return softmax(given(in.x)); }), times(2, 4)},
      {"cross_entropy", on([](auto given, auto& in) { return cross_entropy(given(in.x), in.tokens); }),
       as_walked([](auto& walk, Index C) { walk.cross_entropy("", T, C); })},
      {"layer_norm",
       on([](auto given, auto& in) { return layer_norm(given(in.x), given(in.gain), given(in.shift)); }),
       as_walked([](auto& walk, Index C) { walk.norm("", T, C); })},
      {"rms_norm", on([](auto given, auto& in) { return rms_norm(given(in.x), given(in.gain)); }),
       [](Index B, Index C) {
         const Index rows = B * T, n = rows * C;
         return flops::Traffic{2 * n + C + rows, 4 * n + 3 * C + rows};
       }},
      {"embedding", on([](auto given, auto& in) { return embedding(in.tokens, given(in.table)); }),
       as_walked([](auto& walk, Index C) { walk.embedding("", T, V, C); })},
      {"add_positions",
       on([](auto given, auto& in) { return add_positions(given(in.x), given(in.positions)); }),
       as_walked([](auto& walk, Index C) { walk.add_positions("", T, T, C); })},
      {"concat_window", on([](auto given, auto& in) { return concat_window(given(in.x)); }), times(0, 0)},
      {"last_position", on([](auto given, auto& in) { return last_position(given(in.x)); }),
       as_walked([](auto& walk, Index C) { walk.last_position("", T, C); })},
      {"causal_attention",
       on([](auto given, auto& in) { return causal_attention(given(in.wide), in.x.extent(2) / head_width); }),
       as_walked([](auto& walk, Index C) { walk.attention("", T, T, C / head_width, head_width, 0); })},
      {"rotary_embedding",
       on([](auto given, auto& in) { return rotary_embedding(given(in.x), in.rotary, in.x.extent(2)); }),
       as_walked([](auto& walk, Index C) { walk.rotary("", T, C, C, head_width, 0); })},
      // A function that does next to nothing, so that it is the chunks that are timed.
      {"map_sequences", on([](auto given, auto& in) {
         const auto x = given(in.x);
         const auto half = [](Var<float, 3> part) { return std::array{scale(part, 0.5F)}; };
         return map_sequences<1>(x, {Shape<2>{T, x.extent(2)}}, half)[0];
       }),
       times(4, 3)},
  };
}

}  // namespace slm::bench
