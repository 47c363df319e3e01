#include "slm/optim/schedule.hpp"

#include <doctest/doctest.h>

#include <cmath>

#include "error_message.hpp"

using namespace slm;
using namespace slm_test;

namespace {

constexpr Decay decays[] = {Decay::constant, Decay::cosine, Decay::linear};

/// Four steps of warm-up and eight of decay, from 1 to a quarter: numbers without rounding.
Schedule schedule_of(Decay decay) {
  return {.decay = decay, .peak = 1, .floor = 0.25, .warmup = 4, .steps = 12};
}

}  // namespace

TEST_CASE("a warm-up rises on a line and reaches the peak with its last step") {
  for (const Decay decay : decays) {
    const Schedule rate = schedule_of(decay);
    CHECK(rate(0) == 0.25);
    CHECK(rate(1) == 0.5);
    CHECK(rate(2) == 0.75);
    CHECK(rate(3) == 1);
    CHECK(rate(4) == 1);  // where the decay begins
  }
}

TEST_CASE("without a warm-up the first step has the peak's rate") {
  for (const Decay decay : decays) {
    CHECK(Schedule{.decay = decay, .peak = 0.5, .steps = 8}(0) == 0.5);
  }
}

TEST_CASE("a constant rate stays at its peak and needs no number of steps") {
  const Schedule rate{.peak = 0.5, .floor = 0.25, .warmup = 4};
  for (const Index step : {4, 8, 12, 1'000'000}) CHECK(rate(step) == 0.5);
  CHECK(schedule_of(Decay::constant)(12) == 1);
}

TEST_CASE("a linear decay falls on a line to its floor and stays there") {
  const Schedule rate = schedule_of(Decay::linear);
  CHECK(rate(6) == 1 - 0.75 / 4);
  CHECK(rate(8) == 0.625);
  CHECK(rate(11) == 0.25 + 0.75 / 8);
  for (const Index step : {12, 13, 1'000'000}) CHECK(rate(step) == 0.25);
}

TEST_CASE("a cosine decay falls on half a wave to its floor and stays there") {
  const Schedule rate = schedule_of(Decay::cosine);
  const double quarter = std::sqrt(0.5);  // cos π/4
  CHECK(std::abs(rate(6) - (0.25 + 0.75 * (1 + quarter) / 2)) <= 1e-15);
  CHECK(std::abs(rate(8) - 0.625) <= 1e-15);
  CHECK(std::abs(rate(10) - (0.25 + 0.75 * (1 - quarter) / 2)) <= 1e-15);
  for (const Index step : {12, 13, 1'000'000}) CHECK(rate(step) == 0.25);
}

TEST_CASE("a trapezoid stays at its peak until its last steps, in which it falls on a line to its floor") {
  Schedule rate = schedule_of(Decay::trapezoid);
  rate.decay_steps = 4;
  const double expected[] = {0.25, 0.5, 0.75, 1, 1, 1, 1, 1, 1, 0.8125, 0.625, 0.4375, 0.25, 0.25};
  for (Index step = 0; step < 14; ++step) {
    CAPTURE(step);
    CHECK(rate(step) == expected[step]);
  }
  CHECK(rate(1'000'000) == 0.25);
}

TEST_CASE("a trapezoid that falls as soon as its warm-up is over is a line") {
  Schedule rate = schedule_of(Decay::trapezoid);
  rate.decay_steps = 8;
  for (Index step = 0; step < 14; ++step) CHECK(rate(step) == schedule_of(Decay::linear)(step));
}

TEST_CASE("a trapezoid without steps to decay in, or with more than there are, is refused") {
  Schedule rate = schedule_of(Decay::trapezoid);
  for (const Index steps : {0, -1, 9}) {
    rate.decay_steps = steps;
    CHECK(message_of<ConfigError>([&] { rate(0); }) ==
          "Schedule: a trapezoid needs 1 to 8 steps to decay in, got " + std::to_string(steps));
  }
}

TEST_CASE("a schedule of no steps to decay in, or of a warm-up before step 0, is refused") {
  const auto refusal = [](const Schedule& rate) { return message_of<ConfigError>([&] { rate(0); }); };
  for (const Decay decay : {Decay::cosine, Decay::linear}) {
    CHECK(refusal({.decay = decay, .warmup = 5, .steps = 5}) ==
          "Schedule: a decay needs more steps than the warm-up, got 5 and 5");
    CHECK(has(refusal({.decay = decay}), "got 0 and 0"));
    CHECK(refusal({.decay = decay, .warmup = 5, .steps = 6}) == "no error");
  }
  for (const Decay decay : decays) CHECK(has(refusal({.decay = decay, .warmup = -1, .steps = 6}), "6 and -1"));
}

TEST_CASE("a schedule of rates that are negative or not finite is refused") {
  const auto refusal = [](const Schedule& rate) { return message_of<ConfigError>([&] { rate(0); }); };
  for (const double bad : {-1e-3, std::nan(""), HUGE_VAL}) {
    CAPTURE(bad);
    for (const Decay decay : decays) {
      CHECK(refusal({.decay = decay, .peak = bad, .steps = 6}) ==
            "Schedule: peak must be finite and at least 0, got " + number_text(bad));
      CHECK(refusal({.decay = decay, .floor = bad, .steps = 6}) ==
            "Schedule: floor must be finite and at least 0, got " + number_text(bad));
    }
  }
  CHECK(refusal({.decay = Decay::cosine, .peak = 1e-3, .floor = 0.5, .steps = 6}) ==
        "Schedule: the floor 0.5 is above the peak 0.001");
}
