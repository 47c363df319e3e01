// What a training step costs a token as the window, the width, the depth or the batch grows: a transformer of
// three pre-norm blocks of width 128 that predicts at every one of 128 positions, with one of these changed.
#include <benchmark/benchmark.h>

#include <string>

#include "bench/training.hpp"
#include "report.hpp"
#include "suite.hpp"
#include "threads.hpp"

namespace {

using namespace slm;
using bench::Training;
using bench::TrainingSetting;

constexpr Index head_width = 32;

struct Size {
  Index B = 8, T = 128, C = 128, L = 3;

  TrainingSetting setting() const {
    return {TransformerConfig{.vocabulary = 65, .context = T, .width = C, .layers = L, .heads = C / head_width},
            B, true};
  }
  bool operator==(const Size&) const = default;
};

/// One model at a time, because the largest fill a gigabyte; its memory was found in a first step.
Training& warm_training(const Size& size) {
  static Size last{.B = 0};
  static std::unique_ptr<Training> made;
  if (size != last) {
    made.reset();
    made = bench::make_training(size.setting());
    made->train();
    last = size;
  }
  return *made;
}

void run(benchmark::State& state, const Size& size) {
  const bench::ThreadScope scope(static_cast<int>(state.range(0)));
  Training& training = warm_training(size);
  for (auto _ : state) training.train();
  const TrainingSetting setting = size.setting();
  const bench::StepWork work = step_work(setting, Mode::train);
  bench::report(state, work.flops, work.bytes);
  const auto count = [&](const char* name, auto number) { state.counters[name] = static_cast<double>(number); };
  state.counters["tokens/s"] = bench::rate(static_cast<double>(tokens(setting)));
  count("tokens", tokens(setting));
  count("FLOP", work.flops);
  count("tape bytes", training.tape_bytes());
  // Weights, their gradients and the optimizer's two moments.
  count("parameter bytes", 4 * training.parameters() * Index(sizeof(float)));
}

void add(const std::string& name, const Size& size) {
  bench::add_thread_counts(
      *benchmark::RegisterBenchmark(name.c_str(), [=](benchmark::State& state) { run(state, size); })
           ->UseRealTime()
           ->Unit(benchmark::kMillisecond));
}

/// Doubles from `first` to `last`; in a quick run only as far as `quick`, and by fours.
template <class Make>
void sweep(const std::string& name, bool full, Index first, Index last, Index quick, const Make& make) {
  for (Index value = first; value <= (full ? last : quick); value *= full ? 2 : 4) {
    add(name + ":" + std::to_string(value), make(value));
  }
}

const bench::Suite suite([](bool full) {
  sweep("window/T", full, 64, 4096, 1024, [](Index T) { return Size{.B = 4, .T = T}; });
  sweep("width/C", full, 64, 1024, 256, [](Index C) { return Size{.C = C}; });
  sweep("depth/L", full, 1, 16, 16, [](Index L) { return Size{.L = L}; });
  sweep("batch/B", full, 1, 256, 64, [](Index B) { return Size{.B = B}; });
});

}  // namespace
