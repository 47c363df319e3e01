#pragma once
// What every benchmark says beside its time.
#include <benchmark/benchmark.h>

#include "slm/flops/parts.hpp"
#include "slm/flops/peak.hpp"

namespace slm::bench {

/// FLOP/s of float products on all threads, measured once.
inline double machine_peak() {
  static const double peak = flops::measured_peak();
  return peak;
}

/// FLOPs as executed and bytes that cross the kernels' boundaries, of one iteration.
inline void report(benchmark::State& state, Index flops, Index bytes) {
  const auto rate = [](double count) {
    return benchmark::Counter(count, benchmark::Counter::kIsIterationInvariantRate);
  };
  const auto work = static_cast<double>(flops), traffic = static_cast<double>(bytes);
  state.counters["FLOP/s"] = rate(work);
  state.counters["%peak"] = rate(100 * work / machine_peak());
  state.counters["B/s"] = rate(traffic);
  if (bytes > 0) state.counters["FLOP/B"] = work / traffic;
}

/// The same of a forward pass alone or of both passes.
inline void report(benchmark::State& state, const flops::ModelCost& cost, bool backward) {
  const PassCosts costs = cost.total();
  const flops::Traffic traffic = cost.traffic();
  const Index elements = backward ? count_sum(traffic.forward, traffic.backward) : traffic.forward;
  report(state, (backward ? costs.total() : costs.forward).flops(),
         count_product(elements, Index(sizeof(float))));
}

}  // namespace slm::bench
