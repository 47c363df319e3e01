#pragma once
// What the tests of optimizers share: small models, their gradients, and what every optimizer has to do.
#include <algorithm>
#include <limits>
#include <string>
#include <type_traits>
#include <vector>

#include "error_message.hpp"
#include "nn/module_test_support.hpp"
#include "slm/optim/parameter_list.hpp"

namespace optim_test {

using namespace slm;
using namespace slm_test;
using namespace module_test;

inline constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();
inline constexpr double infinity = std::numeric_limits<double>::infinity();

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

/// A step of a rate that is negative or not finite is refused, and leaves weights, gradients and steps alone.
template <class Optimizer>
void check_rate_refused(const std::string& name) {
  Pair<float> model(2, 3);
  Optimizer optimizer(model);
  draw_gradients(model, 0);
  const auto weights = weights_of(model), gradients = all_gradients_of(model);
  for (const double rate : {-0.1, not_a_number, infinity, -infinity}) {
    CHECK(message_of<ConfigError>([&] { optimizer.step(rate); }) ==
          name + ": learning rate must be finite and at least 0, got " + number_text(rate));
  }
  CHECK(same_bits(weights_of(model), weights));
  CHECK(same_bits(all_gradients_of(model), gradients));
  CHECK(optimizer.steps() == 0);
}

/// Vectors whose memory is another after an assignment, as a transformer's blocks.
struct Stack {
  std::vector<Pair<float>> pairs;

  Stack(Index count, Index first, Index second) : pairs(static_cast<std::size_t>(count), {first, second}) {}
  static void fields(auto& self, auto&& f) { f("pairs", self.pairs); }
};

/// An optimizer whose model is assigned another steps the new weights as it would have stepped the old ones, if
/// they have the same shapes; if not, it refuses, and goes on once the shapes are right again.
template <class Optimizer>
void check_assigned_model() {
  static_assert(!std::is_copy_constructible_v<Optimizer> && !std::is_move_constructible_v<Optimizer>);
  static_assert(!std::is_copy_assignable_v<Optimizer> && !std::is_move_assignable_v<Optimizer>);
  Stack model(3, 2, 4), expected = model;
  Optimizer optimizer(model), reference(expected);
  ParameterList<float> all = parameters<float>(model), some = all;
  std::erase_if(some, [](const auto& parameter) { return parameter.name != "pairs.1.second"; });
  std::swap(all.front(), all.back());
  for (int step = 0; step < 4; ++step) {
    Stack next = model;
    const float* old = model.pairs[0].first.value.data();
    model = std::move(next);
    CHECK(model.pairs[0].first.value.data() != old);
    draw_gradients(model, step), draw_gradients(expected, step);
    const double norm = clip_gradients(all, 0.5);
    CHECK(norm > 0.5);
    CHECK(clip_gradients(parameters<float>(expected), 0.5) == doctest::Approx(norm));
    draw_gradients(model, step), draw_gradients(expected, step);
    const double part = clip_gradients(some, 1e-3);
    CHECK(part < norm);
    for (float& g : expected.pairs[1].second.grad) g *= static_cast<float>(1e-3 / part);
    optimizer.step(0.25), reference.step(0.25);
    CHECK(same_bits(weights_of(model), weights_of(expected)));
    CHECK(gradients_are_clear(model));
  }
  const auto refused = [&](Stack other, const std::string& before, const std::string& now) {
    model = std::move(other);
    draw_gradients(model, 0);
    const auto weights = weights_of(model);
    const std::string message =
        "parameters: the model was assigned one of other parameters: expected " + before + ", got " + now;
    CHECK(message_of<ShapeError>([&] { optimizer.step(); }) == message);
    CHECK(message_of<ShapeError>([&] { optimizer.list(); }) == message);
    CHECK(message_of<ShapeError>([&] { optimizer.for_each_state([](const auto&, auto&) {}); }) == message);
    CHECK(message_of<ShapeError>([&] { clip_gradients(some, 1); }) == message);
    CHECK(same_bits(weights_of(model), weights));
    CHECK(optimizer.steps() == 4);
  };
  refused({3, 2, 5}, "'pairs.0.second' of shape (4)", "'pairs.0.second' of shape (5)");
  refused({2, 2, 4}, "'pairs.2.first' of shape (2)", "none");
  refused({4, 2, 4}, "none", "'pairs.3.first' of shape (2)");
  model = expected;
  draw_gradients(model, 9), draw_gradients(expected, 9);
  optimizer.step(0.25), reference.step(0.25);
  CHECK(same_bits(weights_of(model), weights_of(expected)));
  Stack elsewhere = std::move(model);
  CHECK(has(message_of<ShapeError>([&] { optimizer.step(); }),
            "expected 'pairs.0.first' of shape (2), got none"));
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
