// Whole training steps and evaluation batches of every model of the protocol and of a small GPT, on one thread
// and on several.
#include <benchmark/benchmark.h>

#include "bench/models.hpp"
#include "report.hpp"
#include "suite.hpp"
#include "threads.hpp"

namespace {

using namespace slm;
using bench::Training;
using bench::TrainingSetting;

/// A model is made once, and its memory found in a first step.
Training& warm_training(const std::string& name, const TrainingSetting& setting) {
  static std::map<std::string, std::unique_ptr<Training>> made;
  std::unique_ptr<Training>& training = made[name];
  if (!training) {
    training = bench::make_training(setting);
    training->train();
    training->evaluate();
  }
  return *training;
}

void run(benchmark::State& state, const std::string& name, const TrainingSetting& setting, Mode mode) {
  const bench::ThreadScope scope(static_cast<int>(state.range(0)));
  Training& training = warm_training(name, setting);
  for (auto _ : state) mode == Mode::train ? training.train() : training.evaluate();
  const bench::StepWork work = step_work(setting, mode);
  bench::report(state, work.flops, work.bytes);
  state.counters["tokens/s"] = bench::rate(static_cast<double>(tokens(setting)));
  if (mode == Mode::train) state.counters["tape bytes"] = static_cast<double>(training.tape_bytes());
}

const bench::Suite suite([](bool) {
  for (const auto& [name, setting] : bench::models()) {
    if (name == "gpt2") continue;  // three gigabytes: only compare.py times it
    for (const Mode mode : {Mode::train, Mode::evaluate}) {
      const std::string text = name + (mode == Mode::train ? "/train" : "/evaluate");
      bench::add_thread_counts(
          *benchmark::RegisterBenchmark(text.c_str(),
                                        [name = name, setting = setting, mode](benchmark::State& state) {
                                          run(state, name, setting, mode);
                                        })
               ->UseRealTime()
               ->Unit(benchmark::kMillisecond));
    }
  }
});

}  // namespace
