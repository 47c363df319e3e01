#include <cmath>

#include "slm/optim/sgd.hpp"

#include "optim_test_support.hpp"

using namespace optim_test;

namespace {

constexpr SgdConfig vivid = {.learning_rate = 0.03, .momentum = 0.8, .weight_decay = 0.2};

}  // namespace

TEST_CASE_TEMPLATE("SGD without momentum and decay moves against the gradient", Real, float, double) {
  Pair<Real> model(1, 1);
  SGD<Real> optimizer(model, {.learning_rate = 0.5});
  for (const double expected : {0.25, -0.5}) {
    model.first.grad(0) = Real(1.5);
    model.first.value(0) = Real(expected + 0.75);
    optimizer.step();
    CHECK(static_cast<double>(model.first.value(0)) == expected);
  }
  CHECK(model.second.value(0) == 0);
}

TEST_CASE_TEMPLATE("SGD's first two steps are those of a calculation by hand", Real, float, double) {
  Pair<Real> model(1, 1);  // all numbers are sums of a few powers of two, so that nothing is rounded
  SGD<Real> optimizer(model, {.learning_rate = 0.125, .momentum = 0.5, .weight_decay = 0.25});
  model.first.value(0) = 1;
  model.first.grad(0) = Real(0.5);
  optimizer.step();
  const double momentum = 0.5 + 0.25 * 1, weight = 1 - 0.125 * momentum;
  CHECK(static_cast<double>(model.first.value(0)) == weight);
  model.first.grad(0) = -1;
  optimizer.step();
  CHECK(static_cast<double>(model.first.value(0)) == weight - 0.125 * (0.5 * momentum - 1 + 0.25 * weight));
  CHECK(model.second.value(0) == 0);
}

TEST_CASE("every weight of a model of several update blocks follows SGD's formula") {
  auto model = large_pair<double>();
  SGD<double> optimizer(model, vivid);
  std::vector<double> expected = weights_of(model), momentum(expected.size());
  for (int step = 0; step < 3; ++step) {
    CAPTURE(step);
    draw_gradients(model, step);
    const std::vector<double> gradients = all_gradients_of(model);
    optimizer.step();
    const std::vector<double> weights = weights_of(model);
    double error = 0;
    for (std::size_t i = 0; i < expected.size(); ++i) {
      momentum[i] = vivid.momentum * momentum[i] + gradients[i] + vivid.weight_decay * expected[i];
      expected[i] -= vivid.learning_rate * momentum[i];
      error = std::max(error, std::abs(weights[i] - expected[i]));
    }
    CHECK(error <= 1e-14);
  }
}

TEST_CASE("a rate given to a step of SGD takes the place of the configured one, for that step") {
  check_step_with_rate<SGD<double>>(vivid);
}

TEST_CASE("SGD refuses a step of a rate that is none before anything changes") {
  check_rate_refused<SGD<float>>("SGD");
}

TEST_CASE("SGD steps the weights of a model that its model was assigned") {
  check_assigned_model<SGD<float>>();
}

TEST_CASE("a step of SGD clears the gradients") { check_gradients_cleared<SGD<float>>(); }

TEST_CASE("SGD's steps have the same bits at 1, 2 and 3 threads") { check_threads<SGD<float>>(vivid); }

TEST_CASE("SGD refuses a configuration that makes no optimizer, and names what it needs and got") {
  const auto refused = [](const SgdConfig& config, const char* needed, const char* got) {
    check_refused<SGD<float>>("SGD: ", config, needed, got);
  };
  for (const double bad : {-2.0, not_a_number, infinity}) {
    const std::string got = "got " + number_text(bad);
    refused({.learning_rate = bad}, "learning rate must be finite and at least 0", got.c_str());
    refused({.weight_decay = bad}, "weight decay must be finite and at least 0", got.c_str());
    refused({.momentum = bad}, "momentum must lie in [0, 1)", got.c_str());
  }
  refused({.momentum = 1}, "momentum must lie in [0, 1)", "got 1");
  CHECK(refusal<SGD<float>>(SgdConfig{.learning_rate = 0}) == "no error");
}
