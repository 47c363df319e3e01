#pragma once
// Learning rates as functions of the step.
#include <algorithm>
#include <numbers>

#include "slm/core/libm.hpp"
#include "slm/core/names.hpp"
#include "slm/optim/parameter_list.hpp"

namespace slm {

/// How the rate falls from its peak: not at all, on half a cosine wave (Loshchilov and Hutter 2017, without
/// restarts), on a line, or on a line after a time at the peak (Zhai et al. 2022; "warm-up, stable, decay", Hu
/// et al. 2024).
enum class Decay { constant, cosine, linear, trapezoid };

inline constexpr EnumName<Decay> decay_names[] = {{Decay::constant, "constant"},
                                                  {Decay::cosine, "cosine"},
                                                  {Decay::linear, "linear"},
                                                  {Decay::trapezoid, "trapezoid"}};
constexpr std::span<const EnumName<Decay>> enum_names(Decay) { return decay_names; }

/// A warm-up on a line from 0, then a decay that ends at `floor` after `steps`, and stays there.
///   auto rate = Schedule{.decay = Decay::cosine, .peak = 1e-3, .floor = 1e-4, .warmup = 100, .steps = 5000};
///   optimizer.step(rate(step));                     // or FitConfig{.learning_rate = rate}
struct Schedule {
  Decay decay = Decay::constant;
  double peak = 3e-4;
  double floor = 0;
  Index warmup = 0;       // steps until the peak is reached
  Index steps = 0;        // all of them, from the warm-up to the floor; not used by a constant rate
  Index decay_steps = 0;  // of a trapezoid: the last ones, in which its rate falls

  /// The rate of step 0, 1, … Throws a `ConfigError` where the schedule is none.
  double operator()(Index step) const {
    require_not_negative("Schedule: peak", peak);
    require_not_negative("Schedule: floor", floor);
    require_config(floor <= peak, {"Schedule: the floor ", floor, " is above the peak ", peak});
    require_config(warmup >= 0 && (decay == Decay::constant || steps > warmup),
                   {"Schedule: a decay needs more steps than the warm-up, got ", steps, " and ", warmup});
    require_config(
        decay != Decay::trapezoid || (decay_steps >= 1 && decay_steps <= steps - warmup),
        {"Schedule: a trapezoid needs 1 to ", steps - warmup, " steps to decay in, got ", decay_steps});
    if (step < warmup) return peak * static_cast<double>(step + 1) / static_cast<double>(warmup);
    const Index begin = decay == Decay::trapezoid ? steps - decay_steps : warmup;
    const double done =
        std::clamp(static_cast<double>(step - begin) / static_cast<double>(steps - begin), 0.0, 1.0);
    switch (decay) {
      case Decay::constant:
        break;
      case Decay::cosine:
        return floor + (peak - floor) * (0.5 * (1 + libm::cos(std::numbers::pi * done)));
      case Decay::linear:
      case Decay::trapezoid:
        return floor + (peak - floor) * (1 - done);
    }
    return peak;
  }
};

}  // namespace slm
