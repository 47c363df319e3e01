#pragma once
// What the tests of optimizers share: small models, their gradients, and what every optimizer has to do.
#include <algorithm>
#include <limits>
#include <string>
#include <vector>

#include "error_message.hpp"
#include "nn/module_test_support.hpp"
#include "slm/optim/parameter_list.hpp"

namespace optim_test {

using namespace slm;
using namespace slm_test;
using namespace module_test;

inline constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

/// Two vectors: all that an optimizer, or clipping, sees of a model.
template <Scalar Real>
struct Pair {
  Parameter<Real, 1> first, second;

  Pair(Index first_size, Index second_size) : first({first_size}), second({second_size}) {}
  static void fields(auto& self, auto&& f) { f("first", self.first), f("second", self.second); }
};

/// More than two update blocks, the last of them not full, and one number more.
template <Scalar Real>
Pair<Real> large_pair() {
  Pair<Real> model(2 * update_block + 300, 1);
  randomise(model);
  return model;
}

/// Random gradients, the same ones for the same step.
template <class Model>
void draw_gradients(const Model& model, int step) {
  Random random = Random(seed, "gradients").child(static_cast<std::uint64_t>(step));
  for_each_parameter(model, [&](const std::string&, const auto& parameter) {
    for (auto& g : parameter.grad) g = static_cast<std::remove_reference_t<decltype(g)>>(random.normal());
  });
}

/// All gradients side by side.
template <class Module>
std::vector<double> all_gradients_of(const Module& module) {
  std::vector<double> all;
  for (const auto& [name, gradient] : gradients_of(module))
    all.insert(all.end(), gradient.begin(), gradient.end());
  return all;
}

template <class Module>
bool gradients_are_clear(const Module& module) {
  const std::vector<double> all = all_gradients_of(module);
  return std::all_of(all.begin(), all.end(), [](double g) { return g == 0; });
}

/// The weights of a large model after three steps of an Optimizer on so many threads.
template <class Optimizer, class Config>
std::vector<double> trained_weights(const Config& config, int thread_count) {
  const Threads scope(thread_count);
  auto model = large_pair<float>();
  Optimizer optimizer(model, config);
  for (int step = 0; step < 3; ++step) {
    draw_gradients(model, step);
    optimizer.step();
  }
  return weights_of(model);
}

template <class Optimizer, class Config>
void check_threads(const Config& config) {
  const std::vector<double> one = trained_weights<Optimizer>(config, 1);
  CHECK_FALSE(same_bits(one, weights_of(large_pair<float>())));
  CHECK(same_bits(trained_weights<Optimizer>(config, 2), one));
  CHECK(same_bits(trained_weights<Optimizer>(config, 3), one));
}

/// step(rate) is what step() would be had the optimizer that rate, and leaves its own rate alone.
template <class Optimizer, class Config>
void check_step_with_rate(const Config& config) {
  constexpr double other_rate = 0.25;
  auto model = large_pair<double>(), expected = model;
  Config other = config;
  other.learning_rate = other_rate;
  Optimizer optimizer(model, config), reference(expected, other);
  draw_gradients(model, 0), draw_gradients(expected, 0);
  optimizer.step(other_rate), reference.step();
  CHECK(same_bits(weights_of(model), weights_of(expected)));

  draw_gradients(model, 1), draw_gradients(expected, 1);
  optimizer.step(), reference.step(config.learning_rate);
  CHECK(same_bits(weights_of(model), weights_of(expected)));
}

/// Every step leaves all gradients zero, those of a step of rate 0, too.
template <class Optimizer>
void check_gradients_cleared() {
  auto model = large_pair<float>();
  Optimizer optimizer(model);
  for (const double rate : {0.1, 0.0}) {
    draw_gradients(model, 0);
    CHECK_FALSE(gradients_are_clear(model));
    optimizer.step(rate);
    CHECK(gradients_are_clear(model));
  }
}

/// The message with which an Optimizer refuses a configuration.
template <class Optimizer, class Config>
std::string refusal(const Config& config) {
  Pair<float> model(2, 3);
  return message_of<ConfigError>([&] { Optimizer(model, config); });
}

/// That message begins with the optimizer's name and has what was needed and what it got.
template <class Optimizer, class Config>
void check_refused(const char* name, const Config& config, const char* needed, const char* got) {
  const std::string message = refusal<Optimizer>(config);
  INFO("message: ", message);
  CHECK(message.starts_with(name));
  CHECK(has(message, needed));
  CHECK(has(message, got));
}

}  // namespace optim_test
