#include "slm/optim/adam.hpp"

#include <cmath>
#include <limits>

#include "optim_test_support.hpp"
#include "slm/io/safetensors.hpp"

using namespace optim_test;

namespace {

/// One weight as the papers have it, in double.
struct AdamByHand {
  double weight;
  AdamConfig config;
  double m = 0, v = 0;
  int steps = 0;

  void step(double g) {
    ++steps;
    m = config.beta1 * m + (1 - config.beta1) * g;
    v = config.beta2 * v + (1 - config.beta2) * g * g;
    const double unbiased_m = m / (1 - std::pow(config.beta1, steps));
    const double unbiased_v = v / (1 - std::pow(config.beta2, steps));
    weight -= config.learning_rate * config.weight_decay * weight;
    weight -= config.learning_rate * unbiased_m / (std::sqrt(unbiased_v) + config.epsilon);
  }
};

/// Every constant of its own, and an epsilon that shows.
constexpr AdamConfig vivid = {
    .learning_rate = 0.03, .beta1 = 0.8, .beta2 = 0.95, .epsilon = 0.1, .weight_decay = 0.2};

/// Three steps of a large model, each weight against the formula.
template <Scalar Real>
void compare_by_hand(const AdamConfig& config, double bound) {
  auto model = large_pair<Real>();
  Adam<Real> optimizer(model, config);
  std::vector<AdamByHand> expected;
  for (const double weight : weights_of(model)) expected.push_back({weight, config});
  for (int step = 0; step < 3; ++step) {
    CAPTURE(step);
    draw_gradients(model, step);
    const std::vector<double> gradients = all_gradients_of(model);
    optimizer.step();
    const std::vector<double> weights = weights_of(model);
    REQUIRE(weights.size() == expected.size());
    double error = 0;
    for (std::size_t i = 0; i < weights.size(); ++i) {
      expected[i].step(gradients[i]);
      error = std::max(error, std::abs(weights[i] - expected[i].weight));
    }
    CHECK(error <= bound);
  }
}

}  // namespace

TEST_CASE("AdamW gives PyTorch's numbers") {
  const auto golden = SafeTensors::read(SLM_TESTS_DIR "/golden/operations.safetensors");
  const auto constant = [&](const std::string& name) {
    return std::stod(golden.metadata().at("adamw." + name));
  };
  Pair<double> model(9, 1);
  Adam<double> optimizer(model, {.learning_rate = constant("learning_rate"),
                                 .beta1 = constant("beta1"),
                                 .beta2 = constant("beta2"),
                                 .epsilon = constant("eps"),
                                 .weight_decay = constant("weight_decay")});
  golden.copy_into("adamw.start", model.first.value);
  for (const std::string step : {"1", "2"}) {
    CAPTURE(step);
    Tensor<double, 1> after({9});
    golden.copy_into("adamw.grad" + step, model.first.grad);
    golden.copy_into("adamw.after" + step, after);
    optimizer.step();
    CHECK(relative_error(as_doubles(model.first.value), as_doubles(after)) <= 1e-14);
  }
}

TEST_CASE_TEMPLATE("Adam's first two steps are those of a calculation by hand", Real, float, double) {
  Pair<Real> model(1, 1);
  Adam<Real> optimizer(model, {.learning_rate = 0.5, .beta1 = 0.5, .beta2 = 0.75, .epsilon = 1});
  const double bound = 2 * static_cast<double>(std::numeric_limits<Real>::epsilon());
  model.first.value(0) = 1;
  model.first.grad(0) = 4;
  optimizer.step();  // without their bias the moments are 4 and 16
  CHECK(std::abs(static_cast<double>(model.first.value(0)) - (1 - 0.5 * 4 / (4 + 1))) <= bound);
  model.first.grad(0) = 2;
  optimizer.step();  // 0.5·2 + 0.5·2 = 2 and 0.75·4 + 0.25·4 = 4, over 1 − 0.5² and 1 − 0.75²
  CHECK(std::abs(static_cast<double>(model.first.value(0)) -
                 (0.6 - 0.5 * (2 / 0.75) / (std::sqrt(4 / 0.4375) + 1))) <= bound);
  CHECK(model.second.value(0) == 0);  // no gradient, no change
}

TEST_CASE("every weight of a model of several update blocks follows Adam's formula") {
  compare_by_hand<double>({}, 1e-14);
  compare_by_hand<double>(vivid, 1e-14);
  compare_by_hand<double>(adamw_defaults, 1e-14);
  compare_by_hand<float>(vivid, 1e-6);
}

TEST_CASE("weight decay is decoupled: it shrinks weights by the step's rate and leaves the moments alone") {
  Pair<double> model(1, 1);
  model.first.value(0) = 2;
  Adam<double> optimizer(model, {.learning_rate = 0.125, .weight_decay = 0.5});
  optimizer.step();
  CHECK(model.first.value(0) == 2 * (1 - 0.125 * 0.5));
  optimizer.step(0.25);
  CHECK(model.first.value(0) == 2 * (1 - 0.125 * 0.5) * (1 - 0.25 * 0.5));
  CHECK(optimizer.moments()[0].first(0) == 0);
  CHECK(optimizer.moments()[0].second(0) == 0);
}

TEST_CASE("the defaults are PyTorch's of Adam, at a rate of 3e-4, and those of AdamW") {
  const AdamConfig adam;
  CHECK(adam.learning_rate == 3e-4);
  CHECK(adam.weight_decay == 0);
  CHECK(adamw_defaults.learning_rate == 1e-3);
  CHECK(adamw_defaults.weight_decay == 1e-2);
  for (const AdamConfig& config : {adam, adamw_defaults}) {
    CHECK(config.beta1 == 0.9);
    CHECK(config.beta2 == 0.999);
    CHECK(config.epsilon == 1e-8);
  }
}

TEST_CASE("a rate given to a step of Adam takes the place of the configured one, for that step") {
  check_step_with_rate<Adam<double>>(vivid);
}

TEST_CASE("Adam refuses a step of a rate that is none before anything changes") {
  check_rate_refused<Adam<float>>("Adam");
}

TEST_CASE("Adam steps the weights of a model that its model was assigned") {
  check_assigned_model<Adam<float>>();
}

TEST_CASE("a step of Adam clears the gradients") { check_gradients_cleared<Adam<float>>(); }

TEST_CASE("Adam's steps have the same bits at 1, 2 and 3 threads") { check_threads<Adam<float>>(vivid); }

TEST_CASE("Adam goes on from saved moments and steps with the same bits") {
  auto model = large_pair<float>();
  Adam optimizer(model, vivid);
  draw_gradients(model, 0);
  optimizer.step();

  auto copy = model;
  Adam later(copy, vivid);
  later.moments() = optimizer.moments();
  later.set_steps(optimizer.steps());
  draw_gradients(model, 1), draw_gradients(copy, 1);
  optimizer.step(), later.step();
  CHECK(later.steps() == 2);
  CHECK(same_bits(weights_of(copy), weights_of(model)));
}

TEST_CASE("Adam refuses a configuration that makes no optimizer, and names what it needs and got") {
  const auto refused = [](const AdamConfig& config, const char* needed, const char* got) {
    check_refused<Adam<float>>("Adam: ", config, needed, got);
  };
  for (const double bad : {-2.0, not_a_number, infinity}) {
    const std::string got = "got " + number_text(bad), second = "and " + number_text(bad);
    refused({.learning_rate = bad}, "learning rate must be finite and at least 0", got.c_str());
    refused({.weight_decay = bad}, "weight decay must be finite and at least 0", got.c_str());
    refused({.epsilon = bad}, "epsilon must be finite and positive", got.c_str());
    refused({.beta1 = bad}, "betas must lie in [0, 1)", got.c_str());
    refused({.beta2 = bad}, "betas must lie in [0, 1)", second.c_str());
  }
  refused({.epsilon = 0}, "epsilon must be finite and positive", "got 0");
  refused({.beta1 = 1}, "betas must lie in [0, 1)", "got 1");
  refused({.beta2 = 1}, "betas must lie in [0, 1)", "and 1");
  CHECK(refusal<Adam<float>>(AdamConfig{.learning_rate = 0, .beta1 = 0, .beta2 = 0}) == "no error");
}
