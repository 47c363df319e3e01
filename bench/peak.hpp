#pragma once
// What the machine can do at most: additions and multiplications that never leave the registers, products that
// stay in cache, and numbers that come from cache or from memory.
#include <algorithm>
#include <chrono>
#include <map>

#include "harness/peak.hpp"
#include "slm/core/simd.hpp"

namespace slm::bench {

inline double seconds_now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

/// FLOP/s of fused multiplications and additions on this core, from one run of a few microseconds. Take the
/// best of many, in turn with what is to be compared: the clock and what else the machine does change from
/// moment to moment.
template <class Real>
[[gnu::noinline]] double peak_once() {
  constexpr int chains = 12;  // more than the latency of an addition hides, few enough for 16 registers
  constexpr int steps = 2000;
  volatile Real half = Real(0.5);  // the compiler must not know: it would do some of the work beforehand
  simd::Vector<Real> x[chains], factor{}, term{};
  factor += half;
  term += half;
  for (int i = 0; i < chains; ++i) x[i] = factor + static_cast<Real>(i);
  const double start = seconds_now();
  for (int step = 0; step < steps; ++step) {
#pragma GCC unroll 16
    for (int i = 0; i < chains; ++i) x[i] = x[i] * factor + term;
  }
  for (int i = 1; i < chains; ++i) x[0] += x[i];
  [[maybe_unused]] volatile Real used = x[0][0];
  return 2.0 * steps * chains * simd::lanes<Real> / (seconds_now() - start);
}

/// The best of some.
inline double core_peak() {
  double best = 0;
  for (int i = 0; i < 100; ++i) best = std::max(best, peak_once<float>());
  return best;
}

/// FLOP/s of float products that stay in cache, on as many threads as loops use now. Measured again where the
/// last time was more than two seconds ago: a clock changes faster than a set of benchmarks runs.
inline double machine_peak() {
  struct Measured {
    double peak = 0, when = -1e9;
  };
  static std::map<int, Measured> by_threads;
  Measured& last = by_threads[threads()];
  if (seconds_now() - last.when > 2) {
    last.peak = studies::measured_peak(0.03);
    last.when = seconds_now();
  }
  return last.peak;
}

/// Elements of each of the three arrays of a triad: together 6 MB, and 192 MB.
inline constexpr Index cached_elements = Index(1) << 19, uncached_elements = Index(1) << 24;

/// Bytes/s of a[i] = b[i] + s c[i] on all threads: two arrays read, one written. The best of several runs.
inline double triad(Index elements) {
  Tensor<float, 1> a({elements}), b({elements}), c({elements});
  double best = 0;
  const double begin = seconds_now();
  do {
    const double start = seconds_now();
    parallel_blocks(elements, elements / (4 * threads()), [&](Index from, Index to) {
      float* sum = a.data();
      const float *x = b.data(), *y = c.data();
      for (Index i = from; i < to; ++i) sum[i] = x[i] + 3.0F * y[i];
    });
    best = std::max(best, 3.0 * sizeof(float) * static_cast<double>(elements) / (seconds_now() - start));
  } while (seconds_now() - begin < 0.1);
  return best;
}

}  // namespace slm::bench
