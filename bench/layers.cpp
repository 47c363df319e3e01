// Each layer's forward pass, and both passes, on 64 windows of 128 tokens.
#include <string>

#include "layer.hpp"
#include "slm/models/transformer_lm.hpp"
#include "suite.hpp"

namespace {

using namespace slm;
using bench::LayerSize;

constexpr Index B = 64, T = 128, V = 65, head_width = 32;

/// One of each activation, under its name.
void add_feed_forward(const std::string& at, const LayerSize& size) {
  const Index C = size.C, F = 4 * C;
  for (const auto& [activation, name] : enum_names(Activation())) {
    Random random(1, "init");
    bench::add_layer(make_text({"FeedForward ", name, at}), FeedForward<float>(C, F, activation, 0, random),
                     size);
  }
}

void add_attention(const std::string& at, const LayerSize& size, bool rotary) {
  Random random(1, "init");
  const Index C = size.C, heads = C / head_width;
  CausalSelfAttention<float> layer(C, heads, 0, AttentionInit::linear, random);
  if (rotary) layer.rotary.emplace(T, head_width);
  bench::add_layer("CausalSelfAttention" + std::string(rotary ? " rotary" : "") + at, layer, size);
}

/// One of each place of the norms, under its name.
void add_block(const std::string& at, const LayerSize& size) {
  for (const auto& [norm, name] : enum_names(NormPlacement())) {
    const TransformerConfig config{.vocabulary = V,
                                   .context = T,
                                   .width = size.C,
                                   .layers = 1,
                                   .heads = size.C / head_width,
                                   .feed_forward = 4 * size.C,
                                   .norm = norm};
    const TransformerLM<float> model(config, Random(1, "init"));
    bench::add_layer(make_text({"TransformerBlock ", name, "-norm", at}), model.blocks[0], size);
  }
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
  bench::report(state, tape);
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
  bench::add_layer("Linear" + at, Linear<float>(C, C, random), size);
  bench::add_layer("LayerNorm" + at, LayerNorm<float>(C), size);
  bench::add_layer("RMSNorm" + at, RMSNorm<float>(C), size);
  add_attention(at, size, false);
  add_attention(at, size, true);
  add_feed_forward(at, size);
  add_block(at, size);
}

const bench::Suite suite([](bool full) {
  add_layers(128);
  if (!full) return;
  for (const Index C : {64, 256, 512}) add_layers(C);
});

}  // namespace
