#include <cmath>

#include "optim_test_support.hpp"

using namespace optim_test;

namespace {

/// Gradients (0, 3) and (4): of norm 5 together.
Pair<float> three_and_four() {
  Pair<float> model(2, 1);
  model.first.grad(1) = 3;
  model.second.grad(0) = 4;
  return model;
}

}  // namespace

TEST_CASE("clipping scales all gradients together to the limit and returns the norm before") {
  auto model = three_and_four();
  CHECK(clip_gradients(parameters<float>(model), 2.5) == 5);
  CHECK(all_gradients_of(model) == std::vector<double>{0, 1.5, 2});
  CHECK(clip_gradients(parameters<float>(model), 2.5) == 2.5);
  CHECK(weights_of(model) == std::vector<double>{0, 0, 0});
}

TEST_CASE("gradients of a norm up to the limit stay as they are") {
  for (const double limit : {5.0, 6.0, 1e300}) {
    auto model = three_and_four();
    CHECK(clip_gradients(parameters<float>(model), limit) == 5);
    CHECK(all_gradients_of(model) == std::vector<double>{0, 3, 4});
  }
  Pair<float> still(2, 1);
  CHECK(clip_gradients(parameters<float>(still), 1) == 0);
  CHECK(all_gradients_of(still) == std::vector<double>{0, 0, 0});
}

TEST_CASE_TEMPLATE("the gradients of several update blocks are clipped to the limit, each by the same factor",
                   Real, float, double) {
  auto model = large_pair<Real>();
  draw_gradients(model, 0);
  const std::vector<double> before = all_gradients_of(model);
  double square = 0;
  for (const double g : before) square += g * g;
  const double norm = std::sqrt(square), limit = 0.5;
  const double bound = std::is_same_v<Real, float> ? 1e-6 : 1e-14;

  CHECK(std::abs(clip_gradients(parameters<Real>(model), limit) / norm - 1) <= bound);
  std::vector<double> expected;
  for (const double g : before) expected.push_back(g * limit / norm);
  const std::vector<double> after = all_gradients_of(model);
  double error = 0;
  for (std::size_t i = 0; i < after.size(); ++i) error = std::max(error, std::abs(after[i] / expected[i] - 1));
  CHECK(error <= 2 * bound);
  CHECK(std::abs(clip_gradients(parameters<Real>(model), limit) / limit - 1) <= bound);
}

TEST_CASE("clipping has the same bits at 1, 2 and 3 threads") {
  const auto clipped = [](int thread_count) {
    const Threads scope(thread_count);
    auto model = large_pair<float>();
    draw_gradients(model, 0);
    std::vector<double> numbers = {clip_gradients(parameters<float>(model), 0.5)};
    const std::vector<double> gradients = all_gradients_of(model);
    numbers.insert(numbers.end(), gradients.begin(), gradients.end());
    return numbers;
  };
  const std::vector<double> one = clipped(1);
  CHECK(same_bits(clipped(2), one));
  CHECK(same_bits(clipped(3), one));
}

TEST_CASE("a limit that is not positive is refused, and the gradients stay as they are") {
  for (const double limit : {0.0, -1.0, not_a_number, infinity}) {
    CAPTURE(limit);
    auto model = three_and_four();
    const std::string message =
        message_of<ConfigError>([&] { clip_gradients(parameters<float>(model), limit); });
    CHECK(has(message, "clip_gradients: the limit must be positive, got "));
    CHECK(all_gradients_of(model) == std::vector<double>{0, 3, 4});
  }
}
