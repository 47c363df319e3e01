// Every differentiable operation over sizes: its forward pass, and both passes.
#include <algorithm>

#include "operation_list.hpp"
#include "operations/table.hpp"
#include "report.hpp"
#include "suite.hpp"
#include "upstream.hpp"

namespace {

using namespace slm;
using bench::Operation;

void run(benchmark::State& state, const Operation& operation, bool backward) {
  const Index B = state.range(0), C = state.range(1);
  const bench::Inputs inputs(B, C);
  Tape<float> tape;  // training, where dropout drops
  bench::Upstream upstream;
  for (auto _ : state) {
    tape.reset(Random(1, "dropout"));
    const auto y = operation.apply(tape, inputs);
    if (backward) upstream.backward(y);
    benchmark::DoNotOptimize(y.value());
  }
  bench::report(state, tape);
}

/// Throws where an operation of the table has no benchmark.
void require_all(const std::vector<Operation>& operations) {
  for (const auto& entry : operation_table<float>()) {
    const auto is_it = [&](const Operation& operation) { return operation.name == entry.name; };
    if (std::none_of(operations.begin(), operations.end(), is_it)) {
      throw Error("bench/operation_list.hpp has no '" + entry.name + "', which the table of operations has");
    }
  }
}

const bench::Suite suite([](bool full) {
  const std::vector<Operation> operations = bench::operations();
  require_all(operations);
  for (const Operation& operation : operations) {
    for (const bool backward : {false, true}) {
      const std::string name = operation.name + (backward ? "/forward+backward" : "/forward");
      auto* added = benchmark::RegisterBenchmark(
          name.c_str(), [=](benchmark::State& state) { run(state, operation, backward); });
      added->ArgNames({"B", "C"})->UseRealTime()->Unit(benchmark::kMicrosecond);
      if (full) {
        added->ArgsProduct({{1, 8, 64}, {64, 128, 256, 512}});
      } else {
        added->ArgsProduct({{1, 64}, {128}});
      }
    }
  }
});

}  // namespace
