#pragma once
// What one core can do at most: fused multiplications and additions that never leave the registers.
#include <algorithm>
#include <chrono>

#include "slm/core/simd.hpp"

namespace slm::bench {

inline double seconds_now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

/// FLOP/s of one run of a few microseconds. Take the best of many, in turn with what is to be compared: the
/// clock and what else the machine does change from moment to moment.
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

}  // namespace slm::bench
