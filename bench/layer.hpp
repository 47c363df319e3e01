#pragma once
// A layer as in training: sequences in chunks, chunks on threads.
#include <array>

#include "report.hpp"
#include "slm/flops/walk.hpp"
#include "slm/nn/module.hpp"
#include "upstream.hpp"

namespace slm::bench {

/// Sequences, positions and width of what a layer reads and gives.
struct LayerSize {
  Index B, T, C;
};

/// The cost of a layer on chunks, from what `price(walk)` says of its parts.
template <class Price>
flops::ModelCost layer_cost(const LayerSize& size, const Price& price) {
  flops::Walk walk(Mode::train, size.B);
  walk.enter_groups(size.B, size.T);
  price(walk);
  walk.leave_groups(size.B, size.T, size.T * size.C);
  return std::move(walk).finish();
}

/// Runs layer(Var<float, 3>) → Var<float, 3>, (S, T, C) → (S, T, C), of the given traffic.
template <class Layer>
void run_layer(benchmark::State& state, const Layer& layer, const LayerSize& size,
               const flops::Traffic& traffic, bool backward) {
  Tensor<float, 3> x({size.B, size.T, size.C});
  Random random(1, "bench");
  for (float& number : x) number = static_cast<float>(random.uniform()) - 0.5F;
  Tape<float> tape;  // training, where the forward pass keeps what the backward pass needs
  Upstream upstream;
  const auto apply = [&](Var<float, 3> part) { return std::array{layer(part)}; };
  for (auto _ : state) {
    tape.reset();
    const auto y = map_sequences<1>(tape.input(x, true), {Shape<2>{size.T, size.C}}, apply)[0];
    if (backward) upstream.backward(y);
    benchmark::DoNotOptimize(y.value());
  }
  report(state, tape.costs(), traffic, backward);
  state.counters["parameters"] = static_cast<double>(parameter_count(layer));
}

/// Registers a layer's forward pass, and both passes.
template <class Layer>
void add_layer(const std::string& name, const Layer& layer, const LayerSize& size,
               const flops::Traffic& traffic) {
  for (const bool backward : {false, true}) {
    benchmark::RegisterBenchmark(
        (name + (backward ? "/forward+backward" : "/forward")).c_str(),
        [=](benchmark::State& state) { run_layer(state, layer, size, traffic, backward); })
        ->UseRealTime()
        ->Unit(benchmark::kMicrosecond);
  }
}

}  // namespace slm::bench
