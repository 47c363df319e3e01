// A causal self-attention layer against an MLP layer on the same 4,096 tokens: with equal parameters, and with
// equal FLOPs as executed, over windows and widths.
#include <string>

#include "layer.hpp"
#include "slm/nn/attention.hpp"
#include "slm/nn/feed_forward.hpp"
#include "suite.hpp"

namespace {

using namespace slm;
using bench::LayerSize;

constexpr Index tokens = 4096, head_width = 32;

flops::ModelCost attention_cost(const LayerSize& size) {
  return bench::layer_cost(size, [&](flops::Walk& walk) {
    walk.linear("qkv", size.T, size.C, 3 * size.C);
    walk.attention("attention", size.T, size.T, size.C / head_width, head_width, 0);
    walk.linear("proj", size.T, size.C, size.C);
  });
}

flops::ModelCost mlp_cost(const LayerSize& size, Index width) {
  return bench::layer_cost(size, [&](flops::Walk& walk) {
    walk.linear("up", size.T, size.C, width);
    walk.activation("relu", "relu", costs::relu, size.T * width);
    walk.linear("down", size.T, width, size.C);
  });
}

/// The hidden width, a multiple of 16, with which an MLP comes closest to the FLOPs of attention.
Index width_of_equal_flops(const LayerSize& size) {
  constexpr Index step = 16;
  const auto of_mlp = [&](Index width) { return mlp_cost(size, width).total().total().flops(); };
  const Index slope = of_mlp(2 * step) - of_mlp(step);
  const Index wanted = attention_cost(size).total().total().flops() - of_mlp(step);
  return step * (1 + (wanted + slope / 2) / slope);
}

void add_all(Index T, Index C) {
  const LayerSize size{tokens / T, T, C};
  const std::string at = "/T:" + std::to_string(T) + "/C:" + std::to_string(C);
  Random random(1, "init");
  const CausalSelfAttention<float> attention(C, C / head_width, 0, AttentionInit::linear, random);
  bench::add_layer("attention" + at, attention, size, attention_cost(size).traffic());
  const auto add_mlp = [&](const std::string& name, Index width) {
    const FeedForward<float> mlp(C, width, Activation::relu, 0, random);
    bench::add_layer(name + at, mlp, size, mlp_cost(size, width).traffic());
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
