#pragma once
// What the tests of costs share.
#include <doctest/doctest.h>

#include "slm/core/parallel.hpp"
#include "slm/flops/counted.hpp"

namespace slm::test {

/// One thread while it lives: counts belong to the thread that computes.
class OneThread {
 public:
  OneThread() : before_(threads()) { set_threads(1); }
  ~OneThread() { set_threads(before_); }
  OneThread(const OneThread&) = delete;
  OneThread& operator=(const OneThread&) = delete;

 private:
  int before_;
};

/// A cost without what a number cannot see: look-ups and copies.
inline Cost without_copies(Cost cost) {
  cost.lookups = cost.moved = 0;
  return cost;
}
inline PassCosts without_copies(const PassCosts& costs) {
  return {without_copies(costs.forward), without_copies(costs.backward)};
}

inline void check_equal(const Cost& actual, const Cost& expected, std::string_view pass) {
  for (const auto& kind : cost_kinds) {
    INFO(std::string(pass) << " " << std::string(kind.name));
    CHECK(actual.*kind.count == expected.*kind.count);
  }
}
inline void check_equal(const PassCosts& actual, const PassCosts& expected) {
  check_equal(actual.forward, expected.forward, "forward");
  check_equal(actual.backward, expected.backward, "backward");
}

}  // namespace slm::test
