// How one token is drawn from its logits.
#include "slm/generate/sample.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "error_message.hpp"
#include "generate/generate_test_support.hpp"

using namespace generate_test;
using slm_test::message_of;

namespace {

template <Scalar Real>
Token drawn(const std::vector<Real>& logits, const SampleConfig& config, Random& random) {
  return sample(std::span<const Real>(logits), config, random);
}

/// How often each token comes in this many draws.
constexpr Index draws = 50'000;
template <Scalar Real>
std::vector<Index> counts_of(const std::vector<Real>& logits, const SampleConfig& config) {
  Random random(seed, "draws");
  std::vector<Index> counts(logits.size());
  for (Index i = 0; i < draws; ++i) ++counts[static_cast<std::size_t>(drawn(logits, config, random))];
  return counts;
}

/// exp(weight / temperature) over their sum.
std::vector<double> softmax_of(const std::vector<double>& logits, double temperature) {
  std::vector<double> p;
  double total = 0;
  for (const double logit : logits) {
    p.push_back(std::exp(logit / temperature));
    total += p.back();
  }
  for (double& x : p) x /= total;
  return p;
}

/// Pearson's statistic Σ (count − expected)² / expected. Tokens of probability 0 must not come at all.
double chi_square(const std::vector<Index>& counts, const std::vector<double>& probabilities) {
  double sum = 0;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    const double expected = draws * probabilities[i];
    const double difference = static_cast<double>(counts[i]) - expected;
    if (expected > 0) sum += difference * difference / expected;
    if (expected == 0) CHECK(counts[i] == 0);
  }
  return sum;
}

const std::vector<double> logits = {0.5, -1, 1.25, 0, -0.25, 1};

/// Exceeded by one in a thousand samples of a true distribution: of 6 tokens, and of 2.
constexpr double limit_of_6 = 20.5, limit_of_2 = 10.8;

}  // namespace

TEST_CASE_TEMPLATE("tokens come as often as softmax(logits / temperature) says", Real, float, double) {
  const std::vector<Real> given(logits.begin(), logits.end());
  for (const double temperature : {0.5, 1.0, 2.0}) {
    CAPTURE(temperature);
    const auto counts = counts_of(given, {.temperature = temperature});
    CHECK(chi_square(counts, softmax_of(logits, temperature)) < limit_of_6);
    CHECK(chi_square(counts, softmax_of(logits, 1.1 * temperature)) >
          limit_of_6);  // the statistic sees as much
  }
  // Large logits are as good as small ones.
  std::vector<double> large = logits;
  for (double& logit : large) logit += 5000;
  CHECK(counts_of(large, {}) == counts_of(logits, {}));
}

TEST_CASE("of the top k, each comes as often as their own softmax says, and no other token does") {
  const auto check = [](Index top_k, std::vector<bool> kept, double limit) {
    CAPTURE(top_k);
    for (const double temperature : {0.5, 2.0}) {
      std::vector<double> masked = logits;
      for (std::size_t i = 0; i < masked.size(); ++i) {
        if (!kept[i]) masked[i] = -std::numeric_limits<double>::infinity();
      }
      const auto counts = counts_of(logits, {.temperature = temperature, .top_k = top_k});
      CHECK(chi_square(counts, softmax_of(masked, temperature)) < limit);
    }
  };
  check(1, {false, false, true, false, false, false}, 0.1);
  check(2, {false, false, true, false, false, true}, limit_of_2);
  check(6, std::vector<bool>(6, true), limit_of_6);
  check(100, std::vector<bool>(6, true), limit_of_6);
}

namespace {

/// Which tokens top_k and top_p leave: the likeliest first, by sorting all.
std::vector<bool> kept_by_sorting(const std::vector<float>& given, const SampleConfig& config) {
  std::vector<std::size_t> order(given.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return given[a] > given[b]; });
  if (config.top_k > 0 && config.top_k < static_cast<Index>(order.size())) {
    order.resize(static_cast<std::size_t>(config.top_k));
  }
  const auto weight = [&](std::size_t i) {
    return std::exp(static_cast<double>(given[i] - given[order[0]]) / config.temperature);
  };
  double total = 0, sum = 0;
  for (const std::size_t i : order) total += weight(i);
  std::vector<bool> kept(given.size());
  for (const std::size_t i : order) {
    if (sum >= config.top_p * total) break;
    kept[i] = true;
    sum += weight(i);
  }
  return kept;
}

}  // namespace

TEST_CASE("of the fewest tokens of probability p, each comes as often as their own softmax says") {
  // 0.37, 0.29, 0.18, 0.11, 0.08 and 0.04 where they are sorted
  const std::vector<float> given(logits.begin(), logits.end());
  for (const double top_p : {0.001, 0.36, 0.38, 0.66, 0.9, 0.999}) {
    for (const Index top_k : {0, 2, 5}) {
      CAPTURE(top_p);
      CAPTURE(top_k);
      const SampleConfig config{.top_k = top_k, .top_p = top_p};
      const std::vector<bool> kept = kept_by_sorting(given, config);
      std::vector<double> masked = logits;
      for (std::size_t i = 0; i < masked.size(); ++i) {
        if (!kept[i]) masked[i] = -std::numeric_limits<double>::infinity();
      }
      CHECK(chi_square(counts_of(given, config), softmax_of(masked, 1)) < limit_of_6);
    }
  }
}

TEST_CASE("of many tokens, those are drawn that sorting leaves") {
  Random random(seed, "logits");
  for (const std::size_t V : {255U, 256U, 257U, 3000U}) {
    std::vector<float> given(V);
    for (float& x : given) x = static_cast<float>(std::round(20 * random.normal()) / 8);  // many are equal
    for (const SampleConfig& config :
         {SampleConfig{.top_k = 3}, SampleConfig{.top_k = 200}, SampleConfig{.top_p = 0.3},
          SampleConfig{.temperature = 3, .top_p = 0.9}, SampleConfig{.top_k = 100, .top_p = 0.7}}) {
      CAPTURE(V);
      CAPTURE(config.top_k);
      CAPTURE(config.top_p);
      const std::vector<bool> kept = kept_by_sorting(given, config);
      std::vector<bool> came(V);
      Sampler<float> sampler;
      Random draw(seed, "draws");
      for (int i = 0; i < 20'000; ++i) {
        came[static_cast<std::size_t>(sampler(std::span<const float>(given), config, draw))] = true;
      }
      for (std::size_t i = 0; i < V; ++i) CHECK((kept[i] || !came[i]));
      CHECK(std::count(came.begin(), came.end(), true) > std::count(kept.begin(), kept.end(), true) / 2);
    }
  }
}

TEST_CASE("a probability so near 1 that rounded sums do not reach it leaves out nobody") {
  std::vector<float> given(5000);
  Random random(seed, "logits");
  for (float& x : given) x = static_cast<float>(random.normal());
  for (const double top_p : {1 - 1e-6, 1 - 1e-8, 1 - 1e-12, 1 - 1e-16}) {
    CAPTURE(top_p);
    Sampler<float> near, all;
    Random of_near(seed, "draws"), of_all(seed, "draws");
    Index same = 0;
    for (int i = 0; i < 2000; ++i) {
      same += near(std::span<const float>(given), {.top_p = top_p}, of_near) ==
              all(std::span<const float>(given), {}, of_all);
    }
    CHECK(same > 1900);
  }
}

TEST_CASE("a temperature as small or as large as a number can be") {
  for (const double temperature : {1e-300, 1e-45, 1e-39}) {
    CHECK(counts_of(std::vector<float>{0, 1, -1e38F, 1e38F}, {.temperature = temperature})[3] == draws);
    CHECK(counts_of(logits, {.temperature = temperature})[2] == draws);
  }
  for (const double temperature : {1e30, 1e300}) {
    CHECK(chi_square(counts_of(std::vector<float>{0, 1, -1, 5, 2, 3}, {.temperature = temperature}),
                     std::vector<double>(6, 1.0 / 6)) < limit_of_6);
  }
}

TEST_CASE("at temperature 0 the likeliest token is taken, and of equal ones the first") {
  Random random(seed);
  for (int i = 0; i < 100; ++i) {
    CHECK(drawn(logits, {.temperature = 0}, random) == 2);
    CHECK(drawn(logits, {.temperature = 0, .top_k = 3}, random) == 2);
    CHECK(drawn(std::vector<float>{-3, -1, -2, -1}, {.temperature = 0}, random) == 1);
  }
  // Of equal tokens the first are among the top k and the top p, too.
  const auto likely = counts_of(std::vector<float>{1, 2, 1, 1}, {.top_p = 0.6});
  CHECK(likely[0] > 0);
  CHECK(likely[2] + likely[3] == 0);
  const auto counts = counts_of(std::vector<float>{1, 2, 1, 1}, {.top_k = 2});
  CHECK(counts[0] > 0);
  CHECK(counts[2] + counts[3] == 0);
}

TEST_CASE("the same stream draws the same tokens, another one others") {
  const auto text = [](const char* stream) {
    Random random(seed, stream);
    std::vector<Token> tokens;
    for (int i = 0; i < 50; ++i) tokens.push_back(drawn(logits, {}, random));
    return tokens;
  };
  CHECK(text("a") == text("a"));
  CHECK(text("a") != text("b"));
}

TEST_CASE("what cannot be drawn from is refused") {
  Random random(seed);
  const auto refused = [&](const std::vector<float>& given, const SampleConfig& config) {
    return message_of<Error>([&] { drawn(given, config, random); });
  };
  constexpr float infinity = std::numeric_limits<float>::infinity();
  CHECK(refused({}, {}) == "sample: there are no logits");
  CHECK(refused({1, 2}, {.temperature = -0.5}) ==
        "sample: temperature must be finite and at least 0, got -0.5");
  CHECK(refused({1, 2}, {.top_k = -2}) == "sample: top_k must not be negative, got -2");
  for (const double top_p : {0.0, -1.0, 1.5, std::nan("")}) {
    CHECK(
        slm_test::has(refused({1, 2}, {.top_p = top_p}), "sample: top_p must be above 0 and at most 1, got "));
  }
  CHECK(slm_test::has(refused({1, 2}, {.temperature = std::nan("")}), "must be finite and at least 0, got"));
  for (const float bad : {std::nanf(""), infinity, -infinity}) {
    CHECK(refused({1, 2, bad}, {}) == "sample: a logit is not finite");
    CHECK(refused({bad, 1, 2}, {.temperature = 0}) == "sample: a logit is not finite");
  }
  CHECK_THROWS_AS(drawn(std::vector<float>{}, {}, random), ConfigError);
  CHECK_THROWS_AS(drawn(std::vector<float>{infinity}, {}, random), NumericError);
}
