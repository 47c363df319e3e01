#pragma once
// The operations as benchmarks call them: on B windows of T positions and width C.
#include <functional>
#include <string>
#include <vector>

#include "slm/autograd/map_sequences.hpp"
#include "slm/autograd/ops.hpp"
#include "slm/autograd/ops/recurrent.hpp"

namespace slm::bench {

inline constexpr Index T = 128, V = 64, head_width = 32;

/// Inputs of all operations.
struct Inputs {
  Tensor<float, 3> x, other, narrow, wide, wider, turned;
  Tensor<float, 2> W, gru, lstm, table, positions;
  Tensor<float, 1> gain, shift, gru_bias, lstm_bias;
  Tokens<2> tokens;
  Tokens<1> rows;
  Tensor<bool, 2> mask;
  RotaryTable<float> rotary{T, head_width};

  Inputs(Index B, Index C)
      : x({B, T, C}),
        other({B, T, C}),
        narrow({B, T, 2 * C}),
        wide({B, T, 3 * C}),
        wider({B, T, 4 * C}),
        turned({B, C, T}),
        W({C, C}),
        gru({3 * C, C}),
        lstm({4 * C, C}),
        table({V, C}),
        positions({T, C}),
        gain({C}),
        shift({C}),
        gru_bias({3 * C}),
        lstm_bias({4 * C}),
        tokens({B, T}),
        rows({B}),
        mask({T, C}) {
    Random random(1, "bench");
    const auto fill = [&](auto&... tensors) {
      const auto one = [&](auto& tensor) {
        for (float& number : tensor) number = static_cast<float>(random.uniform()) - 0.5F;
      };
      (one(tensors), ...);
    };
    fill(x, other, narrow, wide, wider, turned, W, gru, lstm, table, positions, gain, shift, gru_bias,
         lstm_bias);
    for (Token& token : tokens) token = static_cast<Token>(random.below(V));
    for (Token& row : rows) row = static_cast<Token>(random.below(B));
    for (bool& masked : mask) masked = random.below(2) == 0;
  }
};

/// A call, with its output flattened.
struct Operation {
  std::string name;
  std::function<Var<float, 1>(Tape<float>&, const Inputs&)> apply;
};

namespace detail {

/// `f` of inputs that want their gradients, as a benchmark needs it.
template <class Function>
auto on(const Function& f) {
  return [f](Tape<float>& tape, const Inputs& in) {
    const auto given = [&](const auto& tensor) { return tape.input(tensor, true); };
    const auto y = f(given, in);
    return reshape(y, Shape<1>{y.size()});
  };
}

}  // namespace detail

inline std::vector<Operation> operations() {
  using detail::on;
  constexpr auto half = [](Var<float, 3> part) { return std::array{scale(part, 0.5F)}; };
  return {
      {"add", on([](auto given, auto& in) { return add(given(in.x), given(in.other)); })},
      {"multiply", on([](auto given, auto& in) { return multiply(given(in.x), given(in.other)); })},
      {"scale", on([](auto given, auto& in) { return scale(given(in.x), 0.5F); })},
      {"add_bias", on([](auto given, auto& in) { return add_bias(given(in.x), given(in.shift)); })},
      {"sum", on([](auto given, auto& in) { return sum(given(in.x)); })},
      {"subtract", on([](auto given, auto& in) { return subtract(given(in.x), given(in.other)); })},
      {"divide", on([](auto given, auto& in) { return divide(given(in.x), given(in.other)); })},
      {"broadcast", on([](auto given, auto& in) { return broadcast(given(in.positions), in.x.shape()); })},
      {"negate", on([](auto given, auto& in) { return negate(given(in.x)); })},
      {"shift", on([](auto given, auto& in) { return shift(given(in.x), 0.5F); })},
      {"exp", on([](auto given, auto& in) { return exp(given(in.x)); })},
      {"log", on([](auto given, auto& in) { return log(given(in.x)); })},
      {"sqrt", on([](auto given, auto& in) { return sqrt(given(in.x)); })},
      {"square", on([](auto given, auto& in) { return square(given(in.x)); })},
      {"tanh", on([](auto given, auto& in) { return tanh(given(in.x)); })},
      {"sigmoid", on([](auto given, auto& in) { return sigmoid(given(in.x)); })},
      {"softplus", on([](auto given, auto& in) { return softplus(given(in.x)); })},
      {"abs", on([](auto given, auto& in) { return abs(given(in.x)); })},
      {"minimum", on([](auto given, auto& in) { return minimum(given(in.x), 0.25F); })},
      {"maximum", on([](auto given, auto& in) { return maximum(given(in.x), 0.25F); })},
      {"elementwise", on([](auto given, auto& in) {
         return elementwise(
             "elementwise", given(in.x), [](auto x) { return x * x; }, [](auto x) { return x + x; });
       })},
      {"mean", on([](auto given, auto& in) { return mean(given(in.x), last_axis); })},
      {"max", on([](auto given, auto& in) { return max(given(in.x), last_axis); })},
      {"logsumexp", on([](auto given, auto& in) { return logsumexp(given(in.x), last_axis); })},
      {"log_softmax", on([](auto given, auto& in) { return log_softmax(given(in.x)); })},
      {"linear", on([](auto given, auto& in) { return linear(given(in.x), given(in.W), given(in.shift)); })},
      {"matmul", on([](auto given, auto& in) { return matmul(given(in.x), given(in.turned)); })},
      {"relu", on([](auto given, auto& in) { return relu(given(in.x)); })},
      {"gelu", on([](auto given, auto& in) { return gelu(given(in.x)); })},
      {"silu", on([](auto given, auto& in) { return silu(given(in.x)); })},
      {"relu_squared", on([](auto given, auto& in) { return relu_squared(given(in.x)); })},
      {"gelu_tanh", on([](auto given, auto& in) { return gelu_tanh(given(in.x)); })},
      {"dropout", on([](auto given, auto& in) { return dropout(given(in.x), 0.1); })},
      {"softmax", on([](auto given, auto& in) { return softmax(given(in.x)); })},
      {"cross_entropy", on([](auto given, auto& in) { return cross_entropy(given(in.x), in.tokens); })},
      {"linear_cross_entropy",
       on([](auto given, auto& in) { return linear_cross_entropy(given(in.x), given(in.table), in.tokens); })},
      {"token_losses", on([](auto given, auto& in) {
         return token_losses(given(in.x), in.tokens, {.label_smoothing = 0.1, .z_loss = 1e-4});
       })},
      {"mean_squared_error",
       on([](auto given, auto& in) { return mean_squared_error(given(in.x), given(in.other)); })},
      {"layer_norm",
       on([](auto given, auto& in) { return layer_norm(given(in.x), given(in.gain), given(in.shift)); })},
      {"rms_norm", on([](auto given, auto& in) { return rms_norm(given(in.x), given(in.gain)); })},
      {"embedding", on([](auto given, auto& in) { return embedding(in.tokens, given(in.table)); })},
      {"add_positions",
       on([](auto given, auto& in) { return add_positions(given(in.x), given(in.positions)); })},
      {"reshape", on([](auto given, auto& in) { return reshape(given(in.x), Shape<1>{in.x.size()}); })},
      {"concat_window", on([](auto given, auto& in) { return concat_window(given(in.x)); })},
      {"last_position", on([](auto given, auto& in) { return last_position(given(in.x)); })},
      {"transpose", on([](auto given, auto& in) { return transpose(given(in.x), 1, 2); })},
      {"slice", on([](auto given, auto& in) { return slice(given(in.x), 1, T / 4, T / 2); })},
      {"select", on([](auto given, auto& in) { return select(given(in.x), T / 2); })},
      {"concatenate", on([](auto given, auto& in) {
         return concatenate({given(in.x), given(in.other)}, 2);
       })},
      {"stack", on([](auto given, auto& in) {
         return stack({given(in.x), given(in.other)});
       })},
      {"gather_rows", on([](auto given, auto& in) { return gather_rows(given(in.x), in.rows); })},
      {"gather", on([](auto given, auto& in) { return gather(given(in.x), in.tokens); })},
      {"masked_fill", on([](auto given, auto& in) { return masked_fill(given(in.x), in.mask, -1.0F); })},
      {"causal_attention",
       on([](auto given, auto& in) { return causal_attention(given(in.wide), in.x.extent(2) / head_width); })},
      {"attention", on([](auto given, auto& in) {
         return attention(given(in.wide), {.heads = in.x.extent(2) / head_width, .causal = false});
       })},
      {"rotary_embedding",
       on([](auto given, auto& in) { return rotary_embedding(given(in.x), in.rotary, in.x.extent(2)); })},
      {"gru", on([](auto given, auto& in) { return gru(given(in.wide), given(in.gru), given(in.gru_bias)); })},
      {"lstm",
       on([](auto given, auto& in) { return lstm(given(in.wider), given(in.lstm), given(in.lstm_bias)); })},
      {"min_gru", on([](auto given, auto& in) { return min_gru(given(in.narrow)); })},
      // Of a function that does next to nothing, so that it is the chunks that are timed.
      {"map_sequences", on([half](auto given, auto& in) {
         const auto x = given(in.x);
         return map_sequences<1>(x, {Shape<2>{T, x.extent(2)}}, half)[0];
       })},
  };
}

}  // namespace slm::bench
