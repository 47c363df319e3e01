// Steps of several micro-batches.
#include <cmath>
#include <utility>

#include "error_message.hpp"
#include "slm/optim/sgd.hpp"
#include "train_test_support.hpp"

using namespace train_test;
using slm_test::message_of;

namespace {

/// The windows of an epoch: batches of 8, 8 and 4.
Batch batch_of(Index epoch, Index i) {
  return Training::train_windows().epoch(epoch, windows_per_epoch).batch(i);
}

struct Trained {
  std::vector<double> weights, losses;
  std::vector<StepReport> steps;
  FitResult result;
};

/// A training of two epochs with clipping and dropout.
Trained train(Index micro_batches) {
  Training training;
  Trained trained;
  trained.result = training.fit({.epochs = 2,
                                 .micro_batches = micro_batches,
                                 .clip = 0.2,
                                 .learning_rate = rates({good}),
                                 .on_step = [&](const StepReport& report) {
                                   trained.steps.push_back(report);
                                   trained.losses.push_back(report.loss);
                                 }});
  trained.weights = weights_of(training.model);
  return trained;
}

}  // namespace

TEST_CASE("a step of micro-batches is the loop one would write by hand") {
  struct Part {
    Index batch;
    float share;
  };
  const auto train_by_hand = [](const std::vector<std::vector<Part>>& steps) {
    MlpLM<float> model(model_config, Random(seed, "init"));
    Adam optimizer(model);
    Tape<float> tape;
    Trained trained;
    for (Index epoch = 0, step = 0; epoch < 2; ++epoch) {
      for (const std::vector<Part>& parts : steps) {
        std::vector<std::vector<float>> sums;  // of one part each
        double loss = 0;
        for (const Part& part : parts) {
          tape.reset(Random(seed, "dropout")
                         .child(static_cast<std::uint64_t>(step))
                         .child(static_cast<std::uint64_t>(sums.size())));
          const auto mean = batch_loss(model, tape, batch_of(epoch, part.batch));
          tape.backward(mean, part.share);
          loss += static_cast<double>(part.share) * static_cast<double>(mean.item());
          sums.emplace_back();
          for (const auto& its : optimizer.list()) {
            sums.back().insert(sums.back().end(), its.grad, its.grad + its.size);
            std::fill_n(its.grad, its.size, 0.0F);
          }
        }
        while (sums.size() > 1) {  // (0 + 1) + 2
          for (std::size_t i = 0; i < sums[0].size(); ++i) sums[0][i] += sums[1][i];
          sums.erase(sums.begin() + 1);
        }
        const float* sum = sums[0].data();
        for (const auto& its : optimizer.list())
          std::copy_n(std::exchange(sum, sum + its.size), its.size, its.grad);
        clip_gradients(optimizer.list(), 0.2);
        optimizer.step(good);
        trained.losses.push_back(loss);
        ++step;
      }
    }
    trained.weights = weights_of(model);
    return trained;
  };
  const auto check = [](const Trained& actual, const Trained& expected) {
    CHECK(same_bits(actual.weights, expected.weights));
    REQUIRE(actual.losses.size() == expected.losses.size());
    for (std::size_t i = 0; i < actual.losses.size(); ++i)
      CHECK(actual.losses[i] == doctest::Approx(expected.losses[i]).epsilon(1e-7));
  };
  check(train(2), train_by_hand({{{0, 0.5F}, {1, 0.5F}}, {{2, 1}}}));
  const auto three = train_by_hand({{{0, 0.4F}, {1, 0.4F}, {2, 0.2F}}});
  check(train(3), three);
  check(train(4), three);  // an epoch has no more
  CHECK_FALSE(same_bits(train(1).weights, three.weights));
}

TEST_CASE("micro-batches make the step of one batch of all their windows") {
  // Without dropout, in double: the gradient of the mean over 8 + 8 + 4 windows.
  MlpConfig config = model_config;
  config.dropout = 0;
  const auto weights = [&](Index B, Index micro_batches) {
    MlpLM<double> model(config, Random(seed));
    SGD optimizer(model, {.learning_rate = 0.5});
    fit(model, optimizer, RandomWindows<>(text(), window, B, Random(seed, "data")), valid_windows(),
        Random(seed), {.epochs = 1, .windows_per_epoch = windows_per_epoch, .micro_batches = micro_batches});
    return weights_of(model);
  };
  const auto expected = weights(20, 1);
  const std::pair<Index, Index> cuts[] = {{8, 3}, {4, 5}, {20, 2}, {1, 20}};
  for (const auto& cut : cuts) {
    CAPTURE(cut.first);
    const auto actual = weights(cut.first, cut.second);
    double largest = 0;
    for (std::size_t i = 0; i < actual.size(); ++i) {
      largest = std::max(largest, std::abs(actual[i] - expected[i]));
    }
    CHECK(largest <= 1e-14);
  }
  CHECK_FALSE(same_bits(weights(8, 1), expected));
}

TEST_CASE("micro-batches give the same bits on any number of threads") {
  for (const Index micro_batches : {2, 3}) {
    std::vector<double> expected;
    for (const int threads : {1, 2, 3}) {
      const slm_test::Threads scope(threads);
      const auto actual = train(micro_batches).weights;
      if (expected.empty()) expected = actual;
      CHECK(same_bits(actual, expected));
    }
  }
}

TEST_CASE("steps of micro-batches are reported with all that they read and cost") {
  const Trained one = train(1), two = train(2);
  REQUIRE(one.steps.size() == 6);
  REQUIRE(two.steps.size() == 4);
  const Training training;
  const Index n = parameter_count(training.model);
  const auto& list = training.optimizer.list();
  const Cost update = training.optimizer.step_cost() + clip_gradients_cost(list, true);
  for (std::size_t i = 0; i < 4; ++i) {
    CAPTURE(i);
    const StepReport& step = two.steps[i];
    CHECK(step.step == static_cast<Index>(i));
    CHECK(step.steps_per_epoch == 2);
    CHECK(step.tokens == (i % 2 == 0 ? 16 : 4) * window);
    // As much as the batches cost one by one.
    CHECK(step.spent.training == one.steps[i / 2 * 3 + (i % 2 == 0 ? 1 : 2)].spent.training);
    const auto steps = static_cast<Index>(i + 1);
    CHECK(step.spent.optimizer == update * steps + Cost{.elementwise = n, .moved = n} * ((steps + 1) / 2));
  }
  const double sum = 16 * two.losses[0] + 4 * two.losses[1];
  CHECK(two.result.epochs[0].train_nll == doctest::Approx(sum / 20).epsilon(1e-14));
}

TEST_CASE("a micro-batch whose loss is not finite is named") {
  Training training;
  const FitConfig config{.epochs = 2, .micro_batches = 2, .on_step = [&](const StepReport& report) {
                           if (report.step == 1) training.model.head.bias.value(0) = std::nanf("");
                         }};
  CHECK(message_of<NumericError>([&] { training.fit(config); }) ==
        "fit: the loss of micro-batch 0 of step 2 in epoch 2 is not finite; the first operation with such a "
        "value is "
        "linear in head; no epoch had a finite validation loss");
}
