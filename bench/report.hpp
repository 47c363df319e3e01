#pragma once
// What every benchmark says beside its time.
#include <benchmark/benchmark.h>

#include "peak.hpp"
#include "slm/autograd/tape.hpp"

namespace slm::bench {

/// A count of one iteration, as a rate.
inline benchmark::Counter rate(double count) {
  return benchmark::Counter(count, benchmark::Counter::kIsIterationInvariantRate);
}

/// The speed of one core in this moment, by which runs of different days can be compared.
inline void report_core(benchmark::State& state) { state.counters["core FLOP/s"] = core_peak(); }

/// FLOPs as executed and bytes that cross the kernels' boundaries, of one iteration.
inline void report(benchmark::State& state, Index flops, Index bytes) {
  const auto work = static_cast<double>(flops), traffic = static_cast<double>(bytes);
  state.counters["FLOP/s"] = rate(work);
  state.counters["%peak"] = rate(100 * work / machine_peak());
  state.counters["B/s"] = rate(traffic);
  if (bytes > 0) state.counters["FLOP/B"] = work / traffic;
  report_core(state);
}

/// The same of what a tape has recorded: of the backward pass if it has run.
inline void report(benchmark::State& state, const Tape<float>& tape) {
  OperationCost sum;
  for (const PartCost& part : tape.costs_by_part()) sum += part.cost;
  report(state, sum.passes.total().flops(),
         count_product(count_sum(sum.traffic.forward, sum.traffic.backward), Index(sizeof(float))));
}

}  // namespace slm::bench
