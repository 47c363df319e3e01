#pragma once
// What a call takes, where calls differ.
#include <algorithm>
#include <vector>

#include "slm/core/clock.hpp"

namespace slm::studies {

/// The median of the seconds of as many calls as a second has room for, three at least.
template <class F>
double median_seconds(const F& f) {
  std::vector<double> seconds;
  for (double sum = 0; sum < 1 || seconds.size() < 3; sum += seconds.back()) {
    const double start = detail::clock_seconds();
    f();
    seconds.push_back(detail::seconds_since(start));
  }
  const auto middle = seconds.begin() + static_cast<std::ptrdiff_t>(seconds.size() / 2);
  std::nth_element(seconds.begin(), middle, seconds.end());
  return *middle;
}

}  // namespace slm::studies
