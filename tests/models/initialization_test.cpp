// How every parameter of the studied models starts, against the protocol: PyTorch's default for each layer.
//
// Statistical bounds are those that a right sample exceeds once in 10,000; the seed is fixed, so a test that
// passes keeps passing.
#include <cmath>
#include <functional>
#include <numbers>
#include <numeric>

#include "study_test_support.hpp"

using namespace study_test;

namespace {

constexpr double normal_quantile = 3.8906;  // of 1 − 0.5e-4

struct Distribution {
  double variance, fourth_moment;
  std::function<double(double)> cumulative;
};

Distribution standard_normal() {
  return {1, 3, [](double x) { return 0.5 * std::erfc(-x / std::numbers::sqrt2); }};
}

Distribution uniform(double bound) {
  return {bound * bound / 3, std::pow(bound, 4) / 5, [=](double x) { return (x + bound) / (2 * bound); }};
}

/// Mean, variance and the whole distribution (Kolmogorov and Smirnov) of a sample of mean zero.
void check_distribution(std::vector<double> x, const Distribution& expected) {
  const double n = static_cast<double>(x.size());
  const double mean = std::accumulate(x.begin(), x.end(), 0.0) / n;
  const double square = std::inner_product(x.begin(), x.end(), x.begin(), 0.0) / n;
  CHECK(std::abs(mean) <= normal_quantile * std::sqrt(expected.variance / n));
  const double spread = std::sqrt((expected.fourth_moment - expected.variance * expected.variance) / n);
  CHECK(std::abs(square - expected.variance) <= normal_quantile * spread);

  std::sort(x.begin(), x.end());
  double distance = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double at = expected.cumulative(x[i]), below = static_cast<double>(i) / n;
    distance = std::max({distance, at - below, below + 1 / n - at});
  }
  CHECK(distance <= std::sqrt(-std::log(0.5e-4) / 2 / n));
}

void check_uniform(const std::vector<double>& x, double bound) {
  const auto [lowest, highest] = std::minmax_element(x.begin(), x.end());
  const double edge = static_cast<float>(bound);
  CHECK(*lowest >= -edge);
  CHECK(*highest <= edge);
  // Of n samples none is within 2 · 10/n of a bound's end once in e¹⁰.
  const double gap = 2 * bound * 10 / static_cast<double>(x.size());
  CHECK(*lowest <= -edge + gap);
  CHECK(*highest >= edge - gap);
  check_distribution(x, uniform(bound));
}

bool all_equal(const std::vector<double>& x, double value) {
  return std::all_of(x.begin(), x.end(), [=](double element) { return element == value; });
}

/// What the protocol says of a parameter: `inputs` are those of its layer.
void check_start(const std::string& name, const std::vector<double>& x, AttentionInit attention, Index inputs) {
  CAPTURE(name);
  const auto is = [&](const char* part) { return name.find(part) != std::string::npos; };
  const double linear_bound = 1 / std::sqrt(static_cast<double>(inputs));
  const bool packed = attention == AttentionInit::xavier;
  if (is("embedding") || is("positions")) {
    check_distribution(x, standard_normal());
  } else if (is("norm")) {
    CHECK(all_equal(x, is("weight") ? 1 : 0));
  } else if (is("attention") && is("bias") && packed) {
    CHECK(all_equal(x, 0));
  } else if (is("qkv.weight") && packed) {
    check_uniform(x, std::sqrt(6.0 / static_cast<double>(inputs + 3 * inputs)));
  } else {
    check_uniform(x, linear_bound);
  }
}

AttentionInit attention_init(const TransformerConfig& config) { return config.attention_init; }
AttentionInit attention_init(const auto&) { return AttentionInit::linear; }

}  // namespace

TEST_CASE("initialisation: each parameter of each studied model starts as the protocol says") {
  for (const studies::Run& run : kinds_of_run()) {
    CAPTURE(name_of(run));
    std::visit(
        [](const auto& config) {
          Index inputs = 0;
          for_each_parameter(build(config), [&](const std::string& name, const auto& parameter) {
            // A layer's bias follows its weight.
            if constexpr (std::tuple_size_v<std::decay_t<decltype(parameter.value.shape())>> == 2) {
              inputs = parameter.value.extent(1);
            }
            check_start(name, as_doubles(parameter.value), attention_init(config), inputs);
          });
        },
        run.config);
  }
}

TEST_CASE("initialisation: no two parameters of a model are alike") {
  for (const studies::Run& run : kinds_of_run()) {
    CAPTURE(name_of(run));
    std::vector<std::pair<std::string, std::vector<double>>> drawn;
    std::visit(
        [&](const auto& config) {
          for_each_parameter(build(config), [&](const std::string& name, const auto& parameter) {
            const std::vector<double> x = as_doubles(parameter.value);
            if (!all_equal(x, x[0])) drawn.emplace_back(name, x);
          });
        },
        run.config);
    // Hundreds of pairs: five standard deviations.
    for (std::size_t a = 0; a < drawn.size(); ++a) {
      for (std::size_t b = 0; b < a; ++b) {
        const auto &x = drawn[a].second, &y = drawn[b].second;
        const std::size_t n = std::min(x.size(), y.size());
        const auto dot = [n](const auto& u, const auto& v) {
          return std::inner_product(u.begin(), u.begin() + static_cast<std::ptrdiff_t>(n), v.begin(), 0.0);
        };
        CAPTURE(drawn[a].first);
        CAPTURE(drawn[b].first);
        const double correlation = dot(x, y) / std::sqrt(dot(x, x) * dot(y, y));
        CHECK(std::abs(correlation) <= 5 / std::sqrt(static_cast<double>(n)));
      }
    }
  }
}

TEST_CASE("initialisation: with a deviation, matrices are normal, biases zero and gains one") {
  const TransformerConfig config = {.vocabulary = 60,
                                    .context = 40,
                                    .width = 48,
                                    .layers = 2,
                                    .heads = 2,
                                    .query_key_norm = true,
                                    .initial_deviation = 0.02};
  std::size_t matrices = 0;
  for_each_parameter(build(config), [&](const std::string& name, const auto& parameter) {
    CAPTURE(name);
    std::vector<double> x = as_doubles(parameter.value);
    if constexpr (std::tuple_size_v<std::decay_t<decltype(parameter.value.shape())>> == 2) {
      ++matrices;
      for (double& element : x) element /= 0.02;
      check_distribution(x, standard_normal());
    } else {
      CHECK(all_equal(x, name.ends_with("bias") ? 0 : 1));
    }
  });
  CHECK(matrices == 2 + 2 * 4 + 1);
}

TEST_CASE("initialisation: a model of doubles starts where that of floats does, but for rounding") {
  const TransformerConfig config = {.vocabulary = 11, .context = 6, .width = 8, .heads = 2};
  const TransformerLM<double> model(config, Random(seed, "model"));
  std::vector<double> rounded = weights_of(model);
  for (double& x : rounded) x = static_cast<float>(x);
  CHECK(same_bits(rounded, weights_of(build(config))));
}
