#pragma once
// A layer as in training: sequences in chunks, chunks on threads.
#include <array>

#include "report.hpp"
#include "slm/autograd/map_sequences.hpp"
#include "slm/nn/module.hpp"
#include "upstream.hpp"

namespace slm::bench {

/// Sequences, positions and width of what a layer reads and gives.
struct LayerSize {
  Index B, T, C;
};

/// The layer on chunks of x (B, T, C).
template <class Layer, Scalar Real>
Var<Real, 3> on_chunks(const Layer& layer, Var<Real, 3> x) {
  const auto apply = [&](Var<Real, 3> part) { return std::array{layer(part)}; };
  return map_sequences<1>(x, {Shape<2>{x.extent(1), x.extent(2)}}, apply)[0];
}

/// Runs layer(Var<float, 3>) → Var<float, 3>, (S, T, C) → (S, T, C).
template <class Layer>
void run_layer(benchmark::State& state, const Layer& layer, const LayerSize& size, bool backward) {
  Tensor<float, 3> x({size.B, size.T, size.C});
  Random random(1, "bench");
  for (float& number : x) number = static_cast<float>(random.uniform()) - 0.5F;
  Tape<float> tape;  // training, where the forward pass keeps what the backward pass needs
  Upstream upstream;
  for (auto _ : state) {
    tape.reset();
    const auto y = on_chunks(layer, tape.input(x, true));
    if (backward) upstream.backward(y);
    benchmark::DoNotOptimize(y.value());
  }
  report(state, tape);
  state.counters["parameters"] = static_cast<double>(parameter_count(layer));
}

/// Registers a layer's forward pass, and both passes.
template <class Layer>
void add_layer(const std::string& name, const Layer& layer, const LayerSize& size) {
  for (const bool backward : {false, true}) {
    benchmark::RegisterBenchmark((name + (backward ? "/forward+backward" : "/forward")).c_str(),
                                 [=](benchmark::State& state) { run_layer(state, layer, size, backward); })
        ->UseRealTime()
        ->Unit(benchmark::kMicrosecond);
  }
}

}  // namespace slm::bench
