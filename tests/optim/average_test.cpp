#include "slm/optim/average.hpp"

#include "allocation_count.hpp"
#include "flops/flops_test_support.hpp"
#include "optim_test_support.hpp"
#include "slm/optim/adam.hpp"

using namespace optim_test;

namespace {

using Average = ExponentialMovingAverage<float>;

void set_all(Pair<float>& model, float x) {
  for_each_parameter(model,
                     [&](const std::string&, auto& its) { std::fill(its.value.begin(), its.value.end(), x); });
}

}  // namespace

TEST_CASE("the first update takes the weights, later ones a share of them") {
  Pair<float> model(2, 1), copy = model;
  ExponentialMovingAverage average(model, {.decay = 0.75});
  const auto averaged = [&] {
    average.write_into(copy);
    return weights_of(copy);
  };
  set_all(model, 8), average.update();
  CHECK(averaged() == std::vector<double>{8, 8, 8});
  set_all(model, 4), average.update();
  CHECK(averaged() == std::vector<double>{7, 7, 7});
  freeze(model.first);
  set_all(model, -1), average.update();
  CHECK(averaged() == std::vector<double>{5, 5, 5});
  CHECK(average.updates() == 3);
  CHECK(weights_of(model) == std::vector<double>{-1, -1, -1});
}

TEST_CASE("weights and average change places and back, and nothing is averaged in between") {
  Pair<float> model(2, 1);
  ExponentialMovingAverage average(model, {.decay = 0.5});
  CHECK(message_of<Error>([&] { average.swap(); }) ==
        "ExponentialMovingAverage::swap: nothing was averaged yet");
  CHECK(has(message_of<Error>([&] { average.write_into(model); }), "nothing was averaged yet"));
  set_all(model, 2), average.update();
  set_all(model, 4), average.update();
  Adam adam(model);
  AveragingOptimizer both(adam, average);
  average.swap();
  CHECK(weights_of(model) == std::vector<double>{3, 3, 3});
  for (const auto& use : std::initializer_list<std::function<void()>>{
           [&] { average.update(); }, [&] { average.write_into(model); }, [&] { both.step(); },
           [&] { both.step(1); }, [&] { average.for_each_state([](const auto&, auto&) {}); }}) {
    CHECK(has(message_of<Error>(use), "the model holds the average; swap it back first"));
  }
  CHECK(adam.steps() == 0);
  average.swap();
  CHECK(weights_of(model) == std::vector<double>{4, 4, 4});
  set_all(model, 5), average.update(), average.swap();
  CHECK(weights_of(model) == std::vector<double>{4, 4, 4});
}

TEST_CASE("an average is written into a model like its own only") {
  Pair<float> model(2, 1), other(2, 2);
  ExponentialMovingAverage average(model);
  average.update();
  CHECK(has(message_of<ShapeError>([&] { average.write_into(other); }), "expected a model of the parameters"));
  CHECK(message_of<ConfigError>([&] { Average(model, {.decay = 1}); }) ==
        "ExponentialMovingAverage: decay must lie in [0, 1), got 1");
  const auto list = parameters<float>(model);
  CHECK(has(message_of<ConfigError>([&] {
              auto twice = list;
              twice.push_back(list[0]);
              Average all(twice);
            }),
            "got 'first' twice"));
}

TEST_CASE("an average follows a model that was assigned another, without allocating") {
  Stack model(3, 2, 4);
  Average average(model, {.decay = 0.5});
  average.update();
  Stack other = model;
  for_each_parameter(other,
                     [](const std::string&, auto& its) { std::fill(its.value.begin(), its.value.end(), 2); });
  model = std::move(other);
  average.update();
  const long before = slm::test::allocation_count();
  average.update();
  average.swap();
  CHECK(slm::test::allocation_count() == before);
  CHECK(weights_of(model) == std::vector<double>(18, 1.5));
}

TEST_CASE("an update costs what is counted, and has the same bits at 1, 2 and 3 threads") {
  using Number = flops::Counted<double>;
  {
    const slm_test::Threads one_thread(1);
    Pair<Number> model(5, 2);
    ExponentialMovingAverage average(model);
    average.update();
    CHECK(average.update_cost() == Cost{.moved = 7});
    flops::reset_tally();
    average.update();
    CHECK(flops::tally().cost() == average.update_cost());
    CHECK(average.update_cost() == average_update_cost(7));
  }
  const auto averaged = [](int thread_count) {
    const Threads scope(thread_count);
    auto model = large_pair<float>();
    ExponentialMovingAverage average(model);
    average.update();
    randomise(model);
    average.update();
    average.swap();
    return weights_of(model);
  };
  const auto one = averaged(1);
  CHECK(same_bits(averaged(2), one));
  CHECK(same_bits(averaged(3), one));
}

TEST_CASE("an optimizer that averages is its optimizer and an update after each step") {
  Pair<float> model(2, 3), expected = model;
  Adam adam(model), reference(expected);
  ExponentialMovingAverage average(model, {.decay = 0.5}), expected_average(expected, {.decay = 0.5});
  AveragingOptimizer optimizer(adam, average);
  static_assert(Optimizer<decltype(optimizer)>);
  CHECK(message_of<ConfigError>([&] { AveragingOptimizer of_two(adam, expected_average); }) ==
        "AveragingOptimizer: expected an average of what the optimizer updates, got one of another model");
  for (int step = 0; step < 3; ++step) {
    draw_gradients(model, step), draw_gradients(expected, step);
    step == 1 ? optimizer.step(0.1) : optimizer.step();
    step == 1 ? reference.step(0.1) : reference.step();
    expected_average.update();
  }
  CHECK(same_bits(weights_of(model), weights_of(expected)));
  CHECK(optimizer.steps() == 3);
  CHECK(optimizer.step_cost() == adam_step_cost(5) + average_update_cost(5));
  average.swap(), expected_average.swap();
  CHECK(same_bits(weights_of(model), weights_of(expected)));
}
