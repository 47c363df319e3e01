// Texts read token by token, with weights in every format, against a loop that only reads as many bytes as the
// model's weights have in floats. Both run in turn: a machine's memory is as fast as others leave it.
#include <algorithm>
#include <vector>

#include "report.hpp"
#include "slm/generate/sample.hpp"
#include "slm/models/transformer_lm.hpp"
#include "slm/nn/module.hpp"

namespace {

using namespace slm;

double median(std::vector<double> numbers) {
  std::sort(numbers.begin(), numbers.end());
  return numbers[numbers.size() / 2];
}

/// Adds up floats on all threads, each of which has the same ones every time.
class ReadingLoop {
 public:
  explicit ReadingLoop(Index floats) : numbers_({floats}) { std::fill(numbers_.begin(), numbers_.end(), 1.0F); }

  void operator()() {
    constexpr Index lanes = 64;
    const Index parts = threads(), rows = numbers_.size() / lanes;
    parallel_for(
        parts,
        [&](Index part) {
          float sums[lanes] = {};
          const float* from = numbers_.data() + rows * part / parts * lanes;
          for (Index row = rows * part / parts; row < rows * (part + 1) / parts; ++row, from += lanes) {
            for (Index l = 0; l < lanes; ++l) sums[l] += from[l];
          }
          benchmark::DoNotOptimize(sums);
        },
        Tasks::to_the_same);
  }

 private:
  Tensor<float, 1> numbers_;
};

/// `count` tokens of each text, the likeliest one after the other, from a decoder that begins at none.
void read_tokens(Decoder<TransformerLM<float>, float>& decoder, Index count) {
  const Index texts = decoder.texts();
  Sampler<float> sampler;
  Random random(1);
  Tokens<2> next({texts, 1});
  std::fill(next.begin(), next.end(), 1);
  decoder.clear();
  for (Index i = 0; i < count; ++i) {
    const auto logits = decoder.read_texts(next);
    const std::size_t V = logits.size() / static_cast<std::size_t>(texts);
    for (Index b = 0; b < texts; ++b) {
      next.data()[b] = sampler(logits.subspan(static_cast<std::size_t>(b) * V, V), {.temperature = 0}, random);
    }
  }
}

void run(benchmark::State& state, const TransformerConfig& config, WeightFormat format) {
  const Index texts = state.range(0), count = config.context - 1;
  const TransformerLM<float> model(config, Random(1, "init"));
  const Index weights = parameter_count(model);
  ReadingLoop reading(weights);
  Decoder decoder(model, {.weights = format, .texts = texts});
  read_tokens(decoder, 1);
  std::vector<double> tokens, loops, shares;
  const MeasuredLoops measured;
  for (auto _ : state) {
    const auto seconds = [](const auto& work) {
      const double start = bench::seconds_now();
      work();
      return bench::seconds_now() - start;
    };
    const Index repetitions = std::max<Index>(1, 250'000'000 / weights);
    const double loop = seconds([&] {
                          for (Index i = 0; i < repetitions; ++i) reading();
                        }) /
                        static_cast<double>(repetitions);
    const Index before = measured.shared();
    const double token = seconds([&] { read_tokens(decoder, count); }) / static_cast<double>(count);
    state.counters["barriers/token"] =
        static_cast<double>(measured.shared() - before) / static_cast<double>(count);
    tokens.push_back(static_cast<double>(texts) / token), loops.push_back(1 / loop);
    shares.push_back(loop / token);
  }
  state.counters["tokens/s"] = median(tokens);
  state.counters["readings/s"] = median(loops);
  state.counters["of reading"] = median(shares);
  bench::report_core(state);
}

void add(const char* name, const TransformerConfig& config) {
  for (const EnumName<WeightFormat>& format : weight_format_names) {
    const std::string full_name = std::string(name) + "/" + std::string(format.name);
    benchmark::RegisterBenchmark(full_name.c_str(),
                                 [=](benchmark::State& state) { run(state, config, format.value); })
        ->ArgName("texts")
        ->Args({1})
        ->Args({8})
        ->UseRealTime()
        ->Unit(benchmark::kMillisecond);
  }
}

/// Rotary positions, RMSNorm and SwiGLU without biases, and one matrix for embedding and head.
TransformerConfig llama(Index vocabulary, Index width, Index layers, Index heads, Index feed_forward) {
  return {.vocabulary = vocabulary,
          .context = 256,
          .width = width,
          .layers = layers,
          .heads = heads,
          .feed_forward = feed_forward,
          .position = Position::rotary,
          .activation = Activation::swiglu,
          .normalization = Normalization::rms,
          .biases = false,
          .tied = true};
}

[[maybe_unused]] const bool added = [] {
  add("15M", llama(32'000, 288, 6, 6, 768));
  add("0.7M", llama(512, 128, 3, 4, 344));
  return true;
}();

}  // namespace
