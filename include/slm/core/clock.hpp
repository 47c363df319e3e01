#pragma once
// A clock to measure with. With <chrono> come streams and locales, which every user's compiler would read.
#include <time.h>

#include "slm/core/language.hpp"

namespace slm::detail {

/// Seconds since some time in the past, on a clock that is never set.
inline double clock_seconds() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}
inline double seconds_since(double start) { return clock_seconds() - start; }

}  // namespace slm::detail
