// A causal self-attention layer against an MLP layer on the same 4,096 tokens: with equal parameters, and with
// equal FLOPs as executed, over windows and widths.
#include <string>

#include "layer.hpp"
#include "slm/flops/model_cost.hpp"
#include "slm/nn/attention.hpp"
#include "slm/nn/feed_forward.hpp"
#include "suite.hpp"

namespace {

using namespace slm;
using bench::LayerSize;

constexpr Index tokens = 4096, head_width = 32;

/// FLOPs of both passes of a layer of shapes.
template <class Layer>
Index flops_of(const Layer& layer, const LayerSize& size) {
  const Tensor<Shapes, 3> x({size.B, size.T, size.C});
  const auto step = [&](Tape<Shapes>& tape) { return bench::on_chunks(layer, tape.input(x, true)); };
  return flops::step_cost(layer, Mode::train, step).total().total().flops();
}

template <Scalar Real>
CausalSelfAttention<Real> attention_layer(const LayerSize& size, Random& random) {
  return {size.C, size.C / head_width, 0, AttentionInit::linear, random};
}
template <Scalar Real>
FeedForward<Real> mlp_layer(const LayerSize& size, Index width, Random& random) {
  return {size.C, width, Activation::relu, 0, random};
}

/// The hidden width, a multiple of 16, with which an MLP comes closest to the FLOPs of attention.
Index width_of_equal_flops(const LayerSize& size) {
  constexpr Index step = 16;
  Random random;
  const auto of_mlp = [&](Index width) { return flops_of(mlp_layer<Shapes>(size, width, random), size); };
  const Index slope = of_mlp(2 * step) - of_mlp(step);
  const Index wanted = flops_of(attention_layer<Shapes>(size, random), size) - of_mlp(step);
  return step * (1 + (wanted + slope / 2) / slope);
}

void add_all(Index T, Index C) {
  const LayerSize size{tokens / T, T, C};
  const std::string at = "/T:" + std::to_string(T) + "/C:" + std::to_string(C);
  Random random(1, "init");
  bench::add_layer("attention" + at, attention_layer<float>(size, random), size);
  const auto add_mlp = [&](const std::string& name, Index width) {
    bench::add_layer(name + at, mlp_layer<float>(size, width, random), size);
  };
  add_mlp("mlp_equal_parameters", 2 * C);  // 4C² + 3C, and attention 4C² + 4C
  add_mlp("mlp_equal_flops", width_of_equal_flops(size));
}

const bench::Suite suite([](bool full) {
  for (const Index T : {64, 128, 256, 512, 1024, 2048}) add_all(T, 128);
  add_all(128, 64);
  add_all(128, 256);
  if (!full) return;
  add_all(4096, 128);
  add_all(128, 512);
  add_all(128, 1024);
});

}  // namespace
