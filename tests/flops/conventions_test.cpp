// The rules by which others count.
#include "../examples/studies/conventions.hpp"

#include <doctest/doctest.h>

#include <set>

#include "../examples/studies/protocol.hpp"
#include "../examples/studies/rule_2pn.hpp"

using namespace slm;

namespace {

/// FLOPs of a training step by the rule of this name.
template <class Config>
Index by(std::string_view name, const Config& config, Index B) {
  for (const auto& convention : studies::rules) {
    if (convention.name == name) return convention(flops::layers(config), B, config.context);
  }
  FAIL("no convention " << std::string(name));
  return 0;
}

const LinearConfig& linear() { return std::get<LinearConfig>(studies::runs[0].config); }
const MlpConfig& mlp() { return std::get<MlpConfig>(studies::runs[1].config); }
const TransformerConfig& attention() { return std::get<TransformerConfig>(studies::runs[2].config); }

/// A transformer of the shape that the closed formulas are for: F = 4C.
TransformerConfig standard() {
  return {.vocabulary = 50, .context = 24, .width = 16, .layers = 3, .heads = 4, .position = Position::learned};
}

}  // namespace

TEST_CASE("PyTorch's FlopCounterMode: three models by hand, a step of 4 windows") {
  // It adds 2mkn for each mm, addmm and bmm that runs. A linear layer of R rows runs an addmm forward and two
  // mm backward, for dx and dW: 6 R inputs outputs. (The table of embeddings is trained, so that even the
  // first layer's input needs a gradient.) Counting the products that PyTorch dispatches for these models
  // gives the same numbers.
  //
  // Linear: one layer, 4 rows, 128 · 128 inputs, 65 outputs.
  CHECK(by("PyTorch", linear(), 4) == 6 * 4 * (128 * 128) * 65);
  CHECK(by("PyTorch", linear(), 4) == 25'559'040);
  // MLP: layers of 16384 to 256, 256 to 256 and 256 to 65, 4 rows each.
  CHECK(by("PyTorch", mlp(), 4) == 6 * 4 * (16'384 * 256 + 256 * 256 + 256 * 65));
  CHECK(by("PyTorch", mlp(), 4) == 102'635'520);
  // Self-attention: 4 · 128 rows through qkv (128 to 384), proj (128 to 128), up (128 to 512) and down (512 to
  // 128); the head on 4 rows, as only the last position is asked for. Scores and weighted sums are two bmm of
  // 4 · 4 heads with 128 · 128 · 32 multiply-adds each, which is 4 · 128 · 128 · 128 over all heads; masked or
  // not. Each has two more bmm in the backward pass: 6 · 2 of those.
  const Index products = 6 * 4 * 128 * (128 * 384 + 128 * 128 + 128 * 512 + 512 * 128), head = 6 * 4 * 128 * 65;
  CHECK(by("PyTorch", attention(), 4) == products + head + 12 * 4 * 128 * 128 * 128);
  CHECK(by("PyTorch", attention(), 4) == 704'842'752);
}

TEST_CASE("the paper's figures come from its rule") {
  for (const auto& run : studies::runs) {
    std::visit(
        [&](const auto& config) {
          // Study 4's were computed with half the window.
          const Index T = run.study == 4 ? 64 : config.context;
          const Index windows = run.training.windows_per_epoch * run.training.epochs;
          const auto flops = static_cast<double>(studies::rules[0](flops::layers(config), windows, T));
          CHECK(flops == doctest::Approx(run.paper.flops_2pn).epsilon(0.01));
          CHECK(flops == studies::flops_2pn(run, run.paper.parameters));
        },
        run.config);
  }
}

TEST_CASE("rules of parameters and tokens, in closed form") {
  const TransformerConfig config = standard();
  const Index B = 5, T = 24, C = 16, L = 3, V = 50, tokens = B * T;
  const Index blocks = L * (12 * C * C + 13 * C), N = blocks + V * C + T * C + 2 * C + C * V + V;
  CHECK(by("paper 2PN", config, B) == 2 * N * tokens);
  CHECK(by("Kaplan 6N", config, B) == 6 * (12 * L * C * C) * tokens);
  CHECK(by("PaLM/nanoGPT", config, B) == (6 * (N - T * C) + 12 * L * C * T) * tokens);
  CHECK(by("llm.c", config, B) == (6 * N + 6 * L * C * T) * tokens);
}

TEST_CASE("rules that add up products, in closed form") {
  const TransformerConfig config = standard();
  const Index B = 5, T = 24, C = 16, L = 3, V = 50, H = 4;
  // 72 B T L C² (1 + T / 6C + V / 12LC)
  CHECK(by("Megatron", config, B) == 72 * B * T * L * C * C + 12 * B * T * T * L * C + 6 * B * T * C * V);
  // Forward, a window: embedding, then L times qkv, scores, softmax, sums, projection, dense, then logits.
  const Index block = 2 * 3 * T * C * C + 2 * T * T * C + 3 * H * T * T + 2 * T * T * C + 2 * T * C * C +
                      2 * T * (C * 4 * C + C * 4 * C);
  CHECK(by("Chinchilla", config, B) == 3 * B * (2 * T * V * C + L * block + 2 * T * C * V));
  // Multiply-adds of the forward pass with logits at the last position; five per normalised element.
  CHECK(by("fvcore", config, B) == B * (L * (12 * T * C * C + 2 * T * T * C + 2 * 5 * T * C) + 5 * C + C * V));
}

TEST_CASE("rules for models that read a whole window") {
  const Index hidden = 16'384 * 256 + 256 * 256, head = 256 * 65, tokens = 3 * 128;
  CHECK(by("Kaplan 6N", mlp(), 3) == 6 * (hidden + head) * tokens);
  CHECK(by("Megatron", mlp(), 3) == 6 * (hidden + head) * 3);
  CHECK(by("Chinchilla", mlp(), 3) == 6 * (hidden + head) * 3 + 6 * tokens * 65 * 128);
  CHECK(by("fvcore", mlp(), 3) == (hidden + head) * 3);
}

TEST_CASE("layers have the model's parameters and the names of its parts") {
  for (const auto& run : studies::runs) {
    std::visit(
        [&](const auto& config) {
          Index parameters = 0;
          std::set<std::string> parts;
          for (const auto& part : flops::model_cost(config, {}).parts) parts.insert(part.path);
          for (const auto& layer : flops::layers(config)) {
            parameters += layer.parameters;
            CHECK_MESSAGE(parts.count(layer.path) == 1, layer.path);
          }
          CHECK(parameters == run.paper.parameters);
        },
        run.config);
  }
  TransformerConfig gated = standard();
  gated.activation = Activation::swiglu;
  Index parameters = 0;
  for (const auto& layer : flops::layers(gated)) parameters += layer.parameters;
  CHECK(parameters == flops::model_cost(gated, {}).parameters());
}
