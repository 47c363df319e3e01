#include "slm/core/random.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <set>
#include <vector>

using namespace slm;

namespace {

using Counter = std::array<std::uint32_t, 4>;
using Key = std::array<std::uint32_t, 2>;

}  // namespace

TEST_CASE("philox gives the numbers of its authors") {
  static_assert(philox(Counter{}, Key{}) == Counter{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
  constexpr std::uint32_t ones = 0xffffffff;
  CHECK(philox(Counter{ones, ones, ones, ones}, Key{ones, ones}) ==
        Counter{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
  CHECK(philox(Counter{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, Key{0xa4093822, 0x299f31d0}) ==
        Counter{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
}

TEST_CASE("a stream is a fixed function of seed, name and index") {
  Random random(689, "weights");
  CHECK(random.key() == Random(689, "weights").key());
  std::vector<std::uint64_t> drawn;
  for (int i = 0; i < 10; ++i) drawn.push_back(random.bits());
  CHECK(random.next_index() == 10);
  for (std::uint64_t i = 0; i < 10; ++i) CHECK(Random(689, "weights").bits_at(i) == drawn[i]);
  random.seek(3);
  CHECK(random.bits() == drawn[3]);
  Random fork = random;
  CHECK(fork.bits() == drawn[4]);
  CHECK(random.bits() == drawn[4]);
}

TEST_CASE("the numbers of a stream stay what they are, so that results of a seed can be had again") {
  // From a program in another language. Of normal the last bits belong to the standard library; 8 u is exact,
  // so that those of uniform(-3, 5) do not depend on how a compiler adds to it.
  const Random stream = Random(689, "weights").child(3);
  CHECK(stream.key() == 0x8804'ebdb'9086'8499);
  CHECK(stream.bits_at(5) == 0xc57f'182c'd466'833f);
  Random random = stream;
  for (const double x : {0.2247226929837124, 0.9753475428148812, 0.566918942174664}) {
    CHECK(random.uniform() == x);
  }
  for (const double x : {-2.0232371638791404, -1.1232834179789162, 3.1717644572810997}) {
    CHECK(random.uniform(-3, 5) == x);
  }
  for (const double x : {-0.0171123375349333, -1.3919347397411157, -1.9361299056575692, -0.15479664932144732}) {
    CHECK(std::abs(random.normal() - x) <= 1e-15 * std::abs(x));
  }
  for (const Index n : {992, 663, 995, 165, 593, 905}) CHECK(random.below(1000) == n);
  CHECK(random.next_index() == 16);
}

TEST_CASE("block_at is philox of the index under the stream's key") {
  const Random random(5, "x");
  const std::uint64_t index = 0x1234'5678'9abc'def0;
  const Key key{static_cast<std::uint32_t>(random.key()), static_cast<std::uint32_t>(random.key() >> 32)};
  CHECK(random.block_at(index) == philox({0x9abc'def0, 0x1234'5678, 0, 0}, key));
}

TEST_CASE("streams of other seeds, names and children have other keys") {
  std::set<std::uint64_t> keys;
  std::size_t streams = 0;
  const auto enter = [&](const Random& random) {
    keys.insert(random.key());
    ++streams;
    for (std::uint64_t i = 0; i < 20; ++i) {
      keys.insert(random.child(i).key());
      keys.insert(random.child(i).child(i).key());
      streams += 2;
    }
  };
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    for (const char* name : {"", "a", "b", "ab", "ba", "aa"}) enter(Random(seed, name));
  }
  CHECK(keys.size() == streams);
}

TEST_CASE("a child does not depend on what its parent drew") {
  Random random(1);
  const auto key = random.child(3).key();
  random.bits();
  CHECK(random.child(3).key() == key);
  CHECK(random.child(3).next_index() == 0);
}

TEST_CASE("uniform lies in its range with the right mean and variance") {
  Random random(2);
  constexpr int count = 100000;
  double total = 0, square = 0, lowest = 1, highest = 0;
  for (int i = 0; i < count; ++i) {
    const double x = random.uniform();
    total += x;
    square += x * x;
    lowest = std::min(lowest, x);
    highest = std::max(highest, x);
  }
  CHECK(lowest >= 0);
  CHECK(lowest < 1e-3);
  CHECK(highest < 1);
  CHECK(highest > 1 - 1e-3);
  CHECK(std::abs(total / count - 0.5) < 5e-3);  // five standard errors
  CHECK(std::abs(square / count - 1.0 / 3) < 5e-3);
  for (int i = 0; i < 1000; ++i) {
    const double x = random.uniform(-3, -2);
    CHECK(x >= -3);
    CHECK(x < -2);
  }
}

TEST_CASE("normal has the moments of the standard normal distribution") {
  Random random(3);
  constexpr int count = 100000;
  double moment[5] = {};
  int beyond_two = 0;
  for (int i = 0; i < count; ++i) {
    const double x = random.normal();
    double power = 1;
    for (double& m : moment) {
      m += power / count;
      power *= x;
    }
    beyond_two += std::abs(x) > 2;
  }
  CHECK(std::abs(moment[1]) < 0.016);  // each bound is five standard errors
  CHECK(std::abs(moment[2] - 1) < 0.023);
  CHECK(std::abs(moment[3]) < 0.062);
  CHECK(std::abs(moment[4] - 3) < 0.16);
  CHECK(std::abs(beyond_two / double(count) - 0.0455) < 0.0033);
}

TEST_CASE("below draws every number of its range equally often") {
  Random random(4);
  for (const Index range : {1, 2, 3, 6, 10, 64, 100}) {
    std::vector<double> counts(static_cast<std::size_t>(range));
    const Index draws = 1000 * range;
    for (Index i = 0; i < draws; ++i) {
      const Index drawn = random.below(range);
      REQUIRE(drawn >= 0);
      REQUIRE(drawn < range);
      ++counts[static_cast<std::size_t>(drawn)];
    }
    double chi_square = 0;
    for (const double n : counts) chi_square += (n - 1000) * (n - 1000) / 1000;
    const auto freedom = static_cast<double>(range - 1);
    CHECK(chi_square <= freedom + 5 * std::sqrt(2 * freedom));
  }
}

TEST_CASE("below has no bias where the range is no power of two") {
  // A remainder of 64 random bits would make numbers below 2^62 twice as likely as the rest.
  Random random(5);
  const Index range = Index(3) << 61;
  int low = 0;
  for (int i = 0; i < 30000; ++i) low += random.below(range) < Index(1) << 62;
  CHECK(std::abs(low - 20000) < 5 * 82);  // five standard deviations
}

TEST_CASE("below refuses an empty range") {
  Random random;
  CHECK_THROWS_AS(random.below(0), ConfigError);
  CHECK_THROWS_AS(random.below(-1), ConfigError);
}
