// A causal self-attention layer against an MLP layer on the same 4,096 tokens: with equal parameters, and with
// equal FLOPs as executed, over windows and widths. Layers run as in training: sequences in chunks, chunks on
// threads.
#include <array>
#include <string>

#include "report.hpp"
#include "slm/autograd/map_sequences.hpp"
#include "slm/flops/walk.hpp"
#include "slm/nn/attention.hpp"
#include "slm/nn/feed_forward.hpp"

namespace {

using namespace slm;

constexpr Index tokens = 4096, head_width = 32;

/// A window and a width of the layers.
struct Size {
  Index T, C;
  Index B() const { return tokens / T; }
  std::string text() const { return "T:" + std::to_string(T) + "/C:" + std::to_string(C); }
};

template <class Parts>
flops::ModelCost cost_of(const Size& size, const Parts& parts) {
  flops::Walk walk(Mode::train, size.B());
  walk.enter_groups(size.B(), size.T);
  parts(walk);
  walk.leave_groups(size.B(), size.T, size.T * size.C);
  return std::move(walk).finish();
}

flops::ModelCost attention_cost(const Size& size) {
  return cost_of(size, [&](flops::Walk& walk) {
    walk.linear("qkv", size.T, size.C, 3 * size.C);
    walk.attention("attention", size.T, size.T, size.C / head_width, head_width, 0);
    walk.linear("proj", size.T, size.C, size.C);
  });
}

flops::ModelCost mlp_cost(const Size& size, Index width) {
  return cost_of(size, [&](flops::Walk& walk) {
    walk.linear("up", size.T, size.C, width);
    walk.activation("relu", "relu", costs::relu, size.T * width);
    walk.linear("down", size.T, width, size.C);
  });
}

/// The hidden width, a multiple of 16, with which an MLP comes closest to the FLOPs of attention.
Index width_of_equal_flops(const Size& size) {
  constexpr Index step = 16;
  const auto flops = [&](Index width) { return mlp_cost(size, width).total().total().flops(); };
  const Index slope = (flops(2 * step) - flops(step));
  const Index wanted = attention_cost(size).total().total().flops() - flops(step);
  return step * (1 + (wanted + slope / 2) / slope);
}

template <class Layer>
void run(benchmark::State& state, const Layer& layer, const Size& size, const flops::ModelCost& cost,
         bool backward) {
  Tensor<float, 3> x({size.B(), size.T, size.C});
  Random random(1, "bench");
  for (float& number : x) number = static_cast<float>(random.uniform()) - 0.5F;
  Tape<float> tape(backward ? Mode::train : Mode::evaluate);
  const auto apply = [&](Var<float, 3> part) { return std::array{layer(part)}; };
  for (auto _ : state) {
    tape.reset();
    const auto y = map_sequences<1>(tape.input(x, true), {Shape<2>{size.T, size.C}}, apply)[0];
    if (backward) {
      std::fill_n(y.grad(), y.size(), 1.0F);
      tape.backward();
    }
    benchmark::DoNotOptimize(y.value());
  }
  bench::report(state, cost, backward);
}

template <class Layer>
void add(const std::string& name, const Layer& layer, const Size& size, const flops::ModelCost& cost) {
  for (const bool backward : {false, true}) {
    const std::string pass = backward ? "forward+backward" : "forward";
    benchmark::RegisterBenchmark((name + "/" + size.text() + "/" + pass).c_str(),
                                 [=](benchmark::State& state) { run(state, layer, size, cost, backward); })
        ->UseRealTime()
        ->Unit(benchmark::kMicrosecond);
  }
}

void add_all(const Size& size) {
  Random random(1, "init");
  const auto mlp = [&](Index width) { return FeedForward<float>(size.C, width, Activation::relu, 0, random); };
  add("attention", CausalSelfAttention<float>(size.C, size.C / head_width, 0, AttentionInit::linear, random),
      size, attention_cost(size));
  const Index same_parameters = 2 * size.C, same_flops = width_of_equal_flops(size);
  add("mlp_equal_parameters", mlp(same_parameters), size, mlp_cost(size, same_parameters));
  add("mlp_equal_flops", mlp(same_flops), size, mlp_cost(size, same_flops));
}

[[maybe_unused]] const bool added = [] {
  for (const Index T : {64, 128, 256, 512, 1024, 2048}) add_all({T, 128});
  for (const Index C : {64, 256, 512}) add_all({128, C});
  return true;
}();

}  // namespace
