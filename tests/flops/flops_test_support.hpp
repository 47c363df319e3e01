#pragma once
// What the tests of costs share.
#include <doctest/doctest.h>

#include "flops/counted.hpp"
#include "threads.hpp"

namespace slm::test {

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
