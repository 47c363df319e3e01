#pragma once
// Benchmarks that take turns at using one thread and several.
#include <benchmark/benchmark.h>

#include "slm/core/parallel.hpp"

namespace slm::bench {

/// Loops use `count` threads while it lives.
class ThreadScope {
 public:
  explicit ThreadScope(int count) : before_(threads()) { set_threads(count); }
  ~ThreadScope() { set_threads(before_); }
  ThreadScope(const ThreadScope&) = delete;
  ThreadScope& operator=(const ThreadScope&) = delete;

 private:
  int before_;
};

/// 1, 2, 4, … up to as many as loops use by default.
inline void add_thread_counts(benchmark::internal::Benchmark& benchmark) {
  benchmark.ArgName("threads");
  for (int count = 1; count < threads(); count *= 2) benchmark.Arg(count);
  benchmark.Arg(threads());
}

}  // namespace slm::bench
