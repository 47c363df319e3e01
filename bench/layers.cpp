// Each layer's forward pass, and both passes, on 64 windows of 128 tokens.
#include <string>

#include "layer.hpp"
#include "slm/flops/model_cost.hpp"
#include "suite.hpp"

namespace {

using namespace slm;
using bench::LayerSize;

constexpr Index B = 64, T = 128, V = 65, head_width = 32;

/// The elements that a layer reads and writes, from what `price(walk)` says of its parts.
template <class Price>
flops::Traffic traffic(const LayerSize& size, const Price& price) {
  return bench::layer_cost(size, price).traffic();
}

/// No model has this layer, so that costs of models do not know it: x and y, one number a row, and the gain in
/// each chunk; the chunks hand over x and y, and add up the gain's gradients.
flops::Traffic rms_norm_traffic(const LayerSize& size) {
  const SequenceGroups cut(size.B, size.T);
  const Index rows = size.B * size.T, n = rows * size.C, gains = cut.chunks * size.C;
  return {4 * n + gains + rows, 4 * n + 3 * gains + rows + (cut.groups + 2) * size.C};
}

void add_feed_forward(const std::string& at, const LayerSize& size, Activation activation, const char* name) {
  Random random(1, "init");
  const Index C = size.C, F = 4 * C;
  bench::add_layer("FeedForward " + std::string(name) + at, FeedForward<float>(C, F, activation, 0, random),
                   size, traffic(size, [&](flops::Walk& walk) {
                     walk.linear("up", T, C, F);
                     if (activation == Activation::relu) walk.activation("", "relu", costs::relu, T * F);
                     if (activation == Activation::gelu) walk.activation("", "gelu", costs::gelu, T * F);
                     if (activation == Activation::swiglu) {
                       walk.linear("gate", T, C, F);
                       walk.activation("", "silu", costs::silu, T * F);
                       walk.multiply("", T * F);
                     }
                     walk.linear("down", T, F, C);
                   }));
}

void add_attention(const std::string& at, const LayerSize& size, bool rotary) {
  Random random(1, "init");
  const Index C = size.C, heads = C / head_width;
  CausalSelfAttention<float> layer(C, heads, 0, AttentionInit::linear, random);
  if (rotary) layer.rotary.emplace(T, head_width);
  bench::add_layer("CausalSelfAttention" + std::string(rotary ? " rotary" : "") + at, layer, size,
                   traffic(size, [&](flops::Walk& walk) {
                     walk.linear("qkv", T, C, 3 * C);
                     if (rotary) walk.rotary("", T, 3 * C, 2 * C, head_width, 0);
                     walk.attention("", T, T, heads, head_width, 0);
                     walk.linear("proj", T, C, C);
                   }));
}

void add_block(const std::string& at, const LayerSize& size, NormPlacement norm, const char* name) {
  const TransformerConfig config{.vocabulary = V,
                                 .context = T,
                                 .width = size.C,
                                 .layers = 1,
                                 .heads = size.C / head_width,
                                 .feed_forward = 4 * size.C,
                                 .norm = norm};
  const TransformerLM<float> model(config, Random(1, "init"));
  bench::add_layer("TransformerBlock " + std::string(name) + at, model.blocks[0], size,
                   traffic(size, [&](flops::Walk& walk) { flops::detail::BlockWalk(walk, config, 0).all(T); }));
}

/// Reads tokens, where the other layers read features.
void run_embedding(benchmark::State& state, Index C, bool backward) {
  Random random(1, "init");
  Embedding<float> layer(V, C, random);
  Tokens<2> tokens({B, T});
  for (Token& token : tokens) token = static_cast<Token>(random.below(V));
  Tape<float> tape;
  bench::Upstream upstream;
  for (auto _ : state) {
    tape.reset();
    const auto y = layer(tape, tokens);
    if (backward) upstream.backward(y);
    benchmark::DoNotOptimize(y.value());
  }
  flops::Walk walk(Mode::train, B);
  walk.embedding("", T, V, C);
  bench::report(state, tape.costs(), std::move(walk).finish().traffic(), backward);
}

void add_layers(Index C) {
  const LayerSize size{B, T, C};
  const std::string at = "/C:" + std::to_string(C);
  Random random(1, "init");
  for (const bool backward : {false, true}) {
    benchmark::RegisterBenchmark(("Embedding" + at + (backward ? "/forward+backward" : "/forward")).c_str(),
                                 [=](benchmark::State& state) { run_embedding(state, C, backward); })
        ->UseRealTime()
        ->Unit(benchmark::kMicrosecond);
  }
  bench::add_layer("Linear" + at, Linear<float>(C, C, random), size,
                   traffic(size, [&](flops::Walk& walk) { walk.linear("", T, C, C); }));
  bench::add_layer("LayerNorm" + at, LayerNorm<float>(C), size,
                   traffic(size, [&](flops::Walk& walk) { walk.norm("", T, C); }));
  bench::add_layer("RMSNorm" + at, RMSNorm<float>(C), size, rms_norm_traffic(size));
  add_attention(at, size, false);
  add_attention(at, size, true);
  add_feed_forward(at, size, Activation::relu, "ReLU");
  add_feed_forward(at, size, Activation::gelu, "GELU");
  add_feed_forward(at, size, Activation::swiglu, "SwiGLU");
  add_block(at, size, NormPlacement::post, "post-norm");
  add_block(at, size, NormPlacement::pre, "pre-norm");
}

const bench::Suite suite([](bool full) {
  add_layers(128);
  if (!full) return;
  for (const Index C : {64, 256, 512}) add_layers(C);
});

}  // namespace
