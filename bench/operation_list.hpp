#pragma once
// The operations as benchmarks call them: on B windows of T positions and width C.
#include <functional>
#include <string>
#include <vector>

#include "slm/autograd/map_sequences.hpp"
#include "slm/autograd/ops.hpp"
#include "slm/flops/parts.hpp"

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

/// Elements of x (B, T, C), and what they are made of.
struct Size {
  Index B, C;
  Index rows() const { return B * T; }
  Index n() const { return rows() * C; }
};

/// A call, with its output flattened, and the elements that it must read and write: every operand once, every
/// result and every gradient once.
struct Operation {
  std::string name;
  std::function<Var<float, 1>(Tape<float>&, const Inputs&)> apply;
  std::function<flops::Traffic(const Size&)> traffic;
};

namespace detail {

/// `f` of inputs that want their gradients, as a benchmark needs it.
template <class Function>
auto on(const Function& f) {
  return [f](Tape<float>& tape, const Inputs& in) {
    const auto given = [&](const auto& tensor) { return tape.input(tensor, true); };
    const auto y = f(given, in);
    return Var<float, 1>(tape, y.node(), {y.size()});
  };
}

/// Forward and backward multiples of the elements of x.
inline auto times(Index forward, Index backward) {
  return [=](const Size& s) { return flops::Traffic{forward * s.n(), backward * s.n()}; };
}

}  // namespace detail

inline std::vector<Operation> operations() {
  using detail::on, detail::times;
  using flops::Traffic;
  constexpr auto half = [](Var<float, 3> part) { return std::array{scale(part, 0.5F)}; };
  return {
      {"add", on([](auto given, auto& in) { return add(given(in.x), given(in.other)); }), times(3, 3)},
      {"multiply", on([](auto given, auto& in) { return multiply(given(in.x), given(in.other)); }),
       times(3, 5)},
      {"scale", on([](auto given, auto& in) { return scale(given(in.x), 0.5F); }), times(2, 2)},
      {"add_bias", on([](auto given, auto& in) { return add_bias(given(in.x), given(in.shift)); }),
       [](const Size& s) {
         return Traffic{2 * s.n() + s.C, 2 * s.n() + s.C};
       }},
      {"sum", on([](auto given, auto& in) { return sum(given(in.x)); }), times(1, 1)},
      {"linear", on([](auto given, auto& in) { return linear(given(in.x), given(in.W), given(in.shift)); }),
       [](const Size& s) {
         const Index W = s.C * s.C;
         return Traffic{2 * s.n() + W + s.C, 3 * s.n() + 2 * W + s.C};
       }},
      {"matmul", on([](auto given, auto& in) { return matmul(given(in.x), given(in.turned)); }),
       [](const Size& s) {
         const Index y = s.rows() * T;
         return Traffic{2 * s.n() + y, 4 * s.n() + y};
       }},
      {"relu", on([](auto given, auto& in) { return relu(given(in.x)); }), times(2, 3)},
      {"gelu", on([](auto given, auto& in) { return gelu(given(in.x)); }), times(2, 3)},
      {"silu", on([](auto given, auto& in) { return silu(given(in.x)); }), times(2, 3)},
      {"dropout", on([](auto given, auto& in) { return dropout(given(in.x), 0.1); }), times(2, 2)},
      {"softmax", on([](auto given, auto& in) { return softmax(given(in.x)); }), times(2, 3)},
      // Of each row also the target, the loss and the logarithm of a sum.
      {"cross_entropy", on([](auto given, auto& in) { return cross_entropy(given(in.x), in.tokens); }),
       [](const Size& s) {
         return Traffic{s.n() + 3 * s.rows(), 2 * (s.n() + s.rows())};
       }},
      // Of each row also its mean and its deviation.
      {"layer_norm",
       on([](auto given, auto& in) { return layer_norm(given(in.x), given(in.gain), given(in.shift)); }),
       [](const Size& s) {
         return Traffic{2 * (s.n() + s.C + s.rows()), 3 * (s.n() + s.C) + 2 * s.rows()};
       }},
      {"rms_norm", on([](auto given, auto& in) { return rms_norm(given(in.x), given(in.gain)); }),
       [](const Size& s) {
         return Traffic{2 * s.n() + s.C + s.rows(), 3 * s.n() + 2 * s.C + s.rows()};
       }},
      {"embedding", on([](auto given, auto& in) { return embedding(in.tokens, given(in.table)); }),
       [](const Size& s) {
         return Traffic{2 * s.n() + s.rows(), s.n() + s.rows() + V * s.C};
       }},
      {"add_positions",
       on([](auto given, auto& in) { return add_positions(given(in.x), given(in.positions)); }),
       [](const Size& s) {
         return Traffic{2 * s.n() + T * s.C, 2 * s.n() + T * s.C};
       }},
      {"concat_window", on([](auto given, auto& in) { return concat_window(given(in.x)); }), times(0, 0)},
      {"last_position", on([](auto given, auto& in) { return last_position(given(in.x)); }),
       [](const Size& s) {
         return Traffic{2 * s.B * s.C, s.B * s.C + s.n()};
       }},
      // Of each row also a logarithm of a sum for every head.
      {"causal_attention",
       on([](auto given, auto& in) { return causal_attention(given(in.wide), in.x.extent(2) / head_width); }),
       [](const Size& s) {
         const Index sums = s.n() / head_width;
         return Traffic{4 * s.n() + sums, 8 * s.n() + sums};
       }},
      {"rotary_embedding",
       on([](auto given, auto& in) { return rotary_embedding(given(in.x), in.rotary, in.x.extent(2)); }),
       times(2, 2)},
      // Of a function that does next to nothing, so that it is the chunks that are timed.
      {"map_sequences", on([half](auto given, auto& in) {
         const auto x = given(in.x);
         return map_sequences<1>(x, {Shape<2>{T, x.extent(2)}}, half)[0];
       }),
       times(4, 2)},
  };
}

}  // namespace slm::bench
