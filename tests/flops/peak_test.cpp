// The peak of products: what its rounds say they compute, against a number that counts it.
#include "../examples/studies/harness/peak.hpp"

#include <doctest/doctest.h>

#include <cmath>

#include "flops/flops_test_support.hpp"

using namespace slm;

namespace {

/// What a round for as many threads as loops use says, checked on one thread: counts belong to the thread that
/// computes.
Cost checked_round() {
  studies::detail::PeakRound<flops::Counted<float>> round(8);
  const slm_test::Threads one_thread(1);
  flops::reset_tally();
  const Cost cost = round();
  test::check_equal(cost, flops::tally().cost(), "round");
  CHECK(cost.multiply_adds >= 8 * 8 * 8);
  return cost;
}

}  // namespace

TEST_CASE("a round costs what it says, the same on each thread") {
  const slm_test::Threads threads_before(1);
  const Cost of_one = checked_round();
  set_threads(3);
  CHECK(checked_round() == of_one * threads());
}

TEST_CASE("the peak is a speed") {
  const double peak = studies::measured_peak(0.01);
  CHECK(std::isfinite(peak));
  CHECK(peak > 0);
}
