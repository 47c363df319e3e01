#include "slm/core/reduce.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <vector>

using namespace slm;

TEST_CASE("sum_over adds every term once") {
  for (Index count = 0; count <= 100; ++count) {
    std::vector<int> asked(static_cast<std::size_t>(count));
    const double total = sum_over<double>(count, [&](Index i) {
      ++asked[static_cast<std::size_t>(i)];
      return static_cast<double>(i * i);
    });
    CHECK(total == static_cast<double>((count - 1) * count * (2 * count - 1) / 6));
    CHECK(std::all_of(asked.begin(), asked.end(), [](int n) { return n == 1; }));
  }
}

TEST_CASE("sum_over has the stated order: 16 lanes, folded in halves") {
  for (const Index count : {5, 16, 37, 1000}) {
    const auto term = [](Index i) { return 1.0F / static_cast<float>(3 * i + 1); };
    float lane[16] = {};
    for (Index i = 0; i < count; ++i) lane[i % 16] += term(i);
    for (const int width : {8, 4, 2, 1}) {
      for (int l = 0; l < width; ++l) lane[l] += lane[l + width];
    }
    CHECK(sum_over<float>(count, term) == lane[0]);
  }
}

TEST_CASE("sum_over keeps the rounding error of a long sum small") {
  constexpr Index count = 1 << 20;
  const double exact = count * static_cast<double>(0.1F);
  const double error =
      std::abs(static_cast<double>(sum_over<float>(count, [](Index) { return 0.1F; })) - exact);
  CHECK(error / exact < 1e-3);  // one running sum is off by 4e-2
}

TEST_CASE("max_of finds the largest number wherever it is") {
  for (Index count = 1; count <= 70; ++count) {
    for (Index place = 0; place < count; ++place) {
      std::vector<float> x(static_cast<std::size_t>(count), -5.0F);
      x[static_cast<std::size_t>(place)] = -2.0F;
      CHECK(max_of(x.data(), count) == -2);
    }
  }
  const std::vector<float> all_low(40, -std::numeric_limits<float>::infinity());
  CHECK(max_of(all_low.data(), 40) == -std::numeric_limits<float>::infinity());
}
