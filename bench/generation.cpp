// Text generated from one token to a given length, with keys and values kept and without: the study's
// transformer and a small GPT. Texts longer than the context compute the whole window for each token behind it.
#include "../examples/studies/protocol.hpp"
#include "report.hpp"
#include "slm/flops/model_cost.hpp"
#include "slm/generate/sample.hpp"

namespace {

using namespace slm;

/// Forward pass of one token's logits.
flops::ModelCost token_cost(const TransformerConfig& config, Index text, bool cache) {
  if (cache && text <= config.context) return flops::decoder_cost(config, 1, text - 1);
  auto cost =
      flops::model_cost(config, {.batch = 1, .window = std::min(text, config.context), .mode = Mode::evaluate});
  cost.parts.pop_back();  // the loss
  return cost;
}

void run(benchmark::State& state, const TransformerConfig& config) {
  const Index length = state.range(0), count = length - 1;
  const bool cache = state.range(1) != 0;
  const TransformerLM<float> model(config, Random(1, "init"));
  const Token prompt[] = {1};
  std::uint64_t texts = 0;
  for (auto _ : state) {
    const auto text = generate(model, std::span<const Token>(prompt), count, {.cache = cache},
                               Random(1, "sampling").child(texts++));
    benchmark::DoNotOptimize(text.data());
  }
  Index work = 0, elements = 0;
  for (Index text = 1; text < length; ++text) {
    const auto cost = token_cost(config, text, cache);
    work += cost.total().forward.flops();
    elements += cost.traffic().forward;
  }
  bench::report(state, work, elements * Index(sizeof(float)));
  state.counters["tokens/s"] =
      benchmark::Counter(static_cast<double>(count), benchmark::Counter::kIsIterationInvariantRate);
}

void add(const char* name, const TransformerConfig& config) {
  std::vector<Index> lengths;
  for (Index length = 16; length <= 2 * config.context; length *= 2) lengths.push_back(length);
  benchmark::RegisterBenchmark(name, [=](benchmark::State& state) { run(state, config); })
      ->ArgNames({"length", "cache"})
      ->ArgsProduct({lengths, {0, 1}})
      ->UseRealTime()
      ->Unit(benchmark::kMillisecond);
}

[[maybe_unused]] const bool added = [] {
  add("transformer", studies::transformer_model(studies::shakespeare, 128, 3));
  add("gpt", {.vocabulary = 65, .context = 64, .layers = 4});
  return true;
}();

}  // namespace
