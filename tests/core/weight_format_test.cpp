#include "slm/core/weight_format.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "slm/core/random.hpp"

using namespace slm;

namespace {

constexpr float largest = std::numeric_limits<float>::max(), smallest = std::numeric_limits<float>::min();

std::vector<float> rounded(const std::vector<float>& row, WeightFormat format) {
  std::vector<float> to(row.size());
  round_row(row.data(), to.data(), static_cast<Index>(row.size()), format);
  return to;
}

/// Of several magnitudes, zeros among them.
std::vector<float> numbers(Index count, float magnitude, std::uint64_t seed) {
  Random random(seed);
  std::vector<float> row(static_cast<std::size_t>(count));
  for (float& x : row) x = random.uniform() < 0.1 ? 0 : magnitude * static_cast<float>(random.normal());
  return row;
}

}  // namespace

TEST_CASE("every bfloat16 is itself, and what lies between two becomes the nearer, or the even one") {
  for (std::uint32_t bits = 0; bits < 0x7f7f; ++bits) {
    const auto half = static_cast<std::uint16_t>(bits);
    const float x = float_from_bf16(half), next = float_from_bf16(static_cast<std::uint16_t>(half + 1));
    const float middle = x + (next - x) / 2;
    REQUIRE(bf16_from_float(x) == half);
    REQUIRE(bf16_from_float(-x) == (half | 0x8000));
    REQUIRE(bf16_from_float(std::nextafter(middle, 0.0F)) == half);
    REQUIRE(bf16_from_float(std::nextafter(middle, largest)) == half + 1);
    REQUIRE(bf16_from_float(middle) == half + half % 2);
  }
  CHECK(bf16_from_float(largest) == 0x7f7f);
  CHECK(bf16_from_float(-largest) == 0xff7f);
}

TEST_CASE("int8 is off by half a scale at most, and what it has made stays as it is") {
  for (const float magnitude : {1.0F, 1e-3F, 1e30F, 3e-36F}) {
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
      CAPTURE(magnitude);
      const auto row = numbers(150, magnitude, seed), once = rounded(row, WeightFormat::int8);
      const float scale = int8_scale(row.data(), 150);
      float highest = 0;
      for (std::size_t i = 0; i < row.size(); ++i) {
        REQUIRE(std::abs(once[i] - row[i]) <= scale * 0.5001F);
        REQUIRE(std::abs(int8_from(row[i], scale)) <= 127);
        highest = std::max(highest, std::abs(row[i]));
      }
      CHECK(127 * scale >= highest);
      CHECK(126.99F * scale <= highest * 1.0001F);
      CHECK(int8_scale(once.data(), 150) == scale);
      CHECK(rounded(once, WeightFormat::int8) == once);
    }
  }
}

TEST_CASE("rows of zeros, and of the smallest and the largest numbers") {
  for (const WeightFormat format : {WeightFormat::full, WeightFormat::bfloat16, WeightFormat::int8}) {
    CAPTURE(name_of(format));
    CHECK(rounded({0, 0, 0}, format) == std::vector<float>{0, 0, 0});
    for (const float x : rounded({largest, -largest, 1}, format)) CHECK(std::isfinite(x));
    const auto tiny = rounded({smallest, -smallest / 2, 0}, format);
    CHECK(std::abs(tiny[0] - smallest) <= smallest / 2);
    CHECK(tiny[2] == 0);
    CHECK(rounded({}, format).empty());
  }
}

TEST_CASE("a format that is none is refused") {
  const float x = 1;
  float y = 0;
  CHECK_THROWS_WITH_AS(round_row(&x, &y, 1, static_cast<WeightFormat>(7)),
                       "WeightFormat: the format is none that there is", ConfigError);
}
