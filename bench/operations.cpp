// Every differentiable operation that the models use, over sizes: its forward pass, and both passes.
#include <functional>
#include <string>

#include "report.hpp"
#include "slm/flops/walk.hpp"

namespace {

using namespace slm;

constexpr Index T = 128, V = 65, head_width = 32;

/// Inputs of all operations for B windows of width C.
struct Inputs {
  Tensor<float, 3> x, wide;
  Tensor<float, 2> W, table, positions;
  Tensor<float, 1> gain, shift;
  Tokens<2> tokens;

  Inputs(Index B, Index C)
      : x({B, T, C}),
        wide({B, T, 3 * C}),
        W({C, C}),
        table({V, C}),
        positions({T, C}),
        gain({C}),
        shift({C}),
        tokens({B, T}) {
    Random random(1, "bench");
    const auto fill = [&](auto& tensor) {
      for (float& number : tensor) number = static_cast<float>(random.uniform()) - 0.5F;
    };
    fill(x), fill(wide), fill(W), fill(table), fill(positions), fill(gain), fill(shift);
    for (Token& token : tokens) token = static_cast<Token>(random.below(V));
  }
};

struct Operation {
  std::string name;
  std::function<Var<float, 3>(Tape<float>&, const Inputs&)> apply;
  std::function<void(flops::Walk&, Index C)> price;  // of one window
};

std::vector<Operation> operations() {
  const auto x = [](Tape<float>& tape, const Inputs& in) { return tape.input(in.x, true); };
  const auto given = [](Tape<float>& tape, const auto& tensor) { return tape.input(tensor, true); };
  return {
      {"add", [=](auto& tape, auto& in) { return add(x(tape, in), x(tape, in)); },
       [](auto& walk, Index C) { walk.add_branch("", T * C); }},
      {"multiply", [=](auto& tape, auto& in) { return multiply(x(tape, in), x(tape, in)); },
       [](auto& walk, Index C) { walk.multiply("", T * C); }},
      {"relu", [=](auto& tape, auto& in) { return relu(x(tape, in)); },
       [](auto& walk, Index C) { walk.activation("", "relu", costs::relu, T * C); }},
      {"gelu", [=](auto& tape, auto& in) { return gelu(x(tape, in)); },
       [](auto& walk, Index C) { walk.activation("", "gelu", costs::gelu, T * C); }},
      {"silu", [=](auto& tape, auto& in) { return silu(x(tape, in)); },
       [](auto& walk, Index C) { walk.activation("", "silu", costs::silu, T * C); }},
      {"dropout", [=](auto& tape, auto& in) { return dropout(x(tape, in), 0.1); },
       [](auto& walk, Index C) { walk.dropout("", 0.1, T * C); }},
      {"layer_norm",
       [=](auto& tape, auto& in) {
         return layer_norm(x(tape, in), given(tape, in.gain), given(tape, in.shift), 1e-5F);
       },
       [](auto& walk, Index C) { walk.norm("", T, C); }},
      {"linear",
       [=](auto& tape, auto& in) { return linear(x(tape, in), given(tape, in.W), given(tape, in.shift)); },
       [](auto& walk, Index C) { walk.linear("", T, C, C); }},
      {"embedding", [=](auto& tape, auto& in) { return embedding(in.tokens, given(tape, in.table)); },
       [](auto& walk, Index C) { walk.embedding("", T, V, C); }},
      {"add_positions",
       [=](auto& tape, auto& in) { return add_positions(x(tape, in), given(tape, in.positions)); },
       [](auto& walk, Index C) { walk.add_positions("", T, T, C); }},
      {"causal_attention",
       [=](auto& tape, auto& in) {
         return causal_attention(given(tape, in.wide), in.x.extent(2) / head_width, 0.0);
       },
       [](auto& walk, Index C) { walk.attention("", T, T, C / head_width, head_width, 0); }},
  };
}

void run(benchmark::State& state, const Operation& operation, bool backward) {
  const Index B = state.range(0), C = state.range(1);
  const Inputs inputs(B, C);
  flops::Walk walk(Mode::train, B);
  operation.price(walk, C);
  const flops::ModelCost cost = std::move(walk).finish();
  Tape<float> tape;  // training, where dropout drops
  for (auto _ : state) {
    tape.reset(Random(1, "dropout"));
    const auto y = operation.apply(tape, inputs);
    if (backward) {
      std::fill_n(y.grad(), y.size(), 1.0F);
      tape.backward();
    }
    benchmark::DoNotOptimize(y.value());
  }
  bench::report(state, cost, backward);
}

[[maybe_unused]] const bool added = [] {
  for (const Operation& operation : operations()) {
    for (const bool backward : {false, true}) {
      const std::string name = operation.name + (backward ? "/forward+backward" : "/forward");
      benchmark::RegisterBenchmark(name.c_str(),
                                   [=](benchmark::State& state) { run(state, operation, backward); })
          ->ArgNames({"B", "C"})
          ->ArgsProduct({{1, 64}, {64, 128, 256}})
          ->UseRealTime()
          ->Unit(benchmark::kMicrosecond);
    }
  }
  return true;
}();

}  // namespace
