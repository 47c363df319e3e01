#pragma once
// Learning rates as functions of the step.
#include <algorithm>
#include <cmath>
#include <numbers>

#include "slm/optim/parameter_list.hpp"

namespace slm {

/// How the rate falls from its peak: not at all, on half a cosine wave, or on a line.
enum class Decay { constant, cosine, linear };

/// A warm-up on a line from 0, then a decay that ends at `floor` after `steps`, and stays there.
///   auto rate = Schedule{.decay = Decay::cosine, .peak = 1e-3, .floor = 1e-4, .warmup = 100, .steps = 5000};
///   optimizer.step(rate(step));
struct Schedule {
  Decay decay = Decay::constant;
  double peak = 3e-4;
  double floor = 0;
  Index warmup = 0;  // steps until the peak is reached
  Index steps = 0;   // warm-up and decay together; not used by a constant rate

  /// The rate of step 0, 1, … Throws a `ConfigError` where the schedule is none.
  double operator()(Index step) const {
    require_not_negative("Schedule: peak", peak);
    require_not_negative("Schedule: floor", floor);
    require_config(warmup >= 0 && (decay == Decay::constant || steps > warmup),
                   {"Schedule: a decay needs more steps than the warm-up, got ", steps, " and ", warmup});
    if (step < warmup) return peak * static_cast<double>(step + 1) / static_cast<double>(warmup);
    const double done = std::min(1.0, static_cast<double>(step - warmup) / static_cast<double>(steps - warmup));
    switch (decay) {
      case Decay::constant:
        break;
      case Decay::cosine:
        return floor + (peak - floor) * (0.5 * (1 + std::cos(std::numbers::pi * done)));
      case Decay::linear:
        return floor + (peak - floor) * (1 - done);
    }
    return peak;
  }
};

}  // namespace slm
