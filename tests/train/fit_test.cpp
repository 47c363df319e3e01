// The training loop: when it ends, what it leaves in the model, what it reports, and going on.
#include "slm/train/fit.hpp"

#include <cmath>
#include <limits>

#include "error_message.hpp"
#include "slm/models/transformer_lm.hpp"
#include "slm/optim/schedule.hpp"
#include "slm/optim/sgd.hpp"
#include "train_test_support.hpp"

using namespace train_test;
using slm_test::message_of;

namespace {

constexpr float not_a_number = std::numeric_limits<float>::quiet_NaN();

/// The epochs that were the best so far.
std::vector<Index> best_epochs(const FitResult& result) {
  std::vector<Index> epochs;
  for (const EpochReport& report : result.epochs) {
    if (report.best) epochs.push_back(report.epoch);
  }
  return epochs;
}

using Epochs = std::vector<Index>;

/// True from the call of this number on.
std::function<bool()> true_at(Index number) {
  return [number, calls = Index(0)]() mutable { return ++calls >= number; };
}

/// No window of the text has a finite loss where this token is read.
void spoil_unseen_token(Training& training) {
  auto& weight = training.model.embedding.weight.value;
  weight.data()[unseen * weight.extent(1)] = not_a_number;
}
std::vector<Token> text_with_unseen_token() {
  std::vector<Token> tokens = text();
  tokens[5] = unseen;
  return tokens;
}

/// One step's loss and gradients, as `fit` computes them.
template <class Model>
float gradients_by_hand(const Model& model, const Batch& windows, Index step) {
  Tape<float> tape;
  tape.reset(Random(seed, "dropout").child(static_cast<std::uint64_t>(step)));
  const auto loss = batch_loss(model, tape, windows);
  tape.backward(loss);
  return loss.item();
}

/// What a step on this number of windows costs, but for the update.
PassCosts costs_of_windows(Index count) {
  const MlpLM<float> model(model_config, Random(seed));
  Tape<float> tape;
  tape.reset(Random(seed, "dropout"));
  tape.backward(batch_loss(model, tape, Batch{Tokens<2>({count, window}), Tokens<1>({count})}));
  return tape.costs();
}

}  // namespace

TEST_CASE("patience ends a training after as many epochs in a row without a better one") {
  // A rate of zero leaves the weights and so the loss as they are: not better.
  const auto trained = [](Index patience, const std::vector<double>& by_epoch) {
    Training training;
    return training.fit({.epochs = 8, .patience = patience, .learning_rate = rates(by_epoch)});
  };
  const FitResult two = trained(2, {good, good, 0});
  CHECK(best_epochs(two) == Epochs{1, 2});
  CHECK(two.epochs.size() == 4);
  CHECK(two.best_epoch == 2);
  CHECK_FALSE(two.stopped);
  CHECK(trained(1, {good, good, 0}).epochs.size() == 3);
  CHECK(trained(5, {good, good, 0}).epochs.size() == 7);
  CHECK(trained(6, {good, good, 0}).epochs.size() == 8);

  // A better epoch begins the count anew.
  const FitResult again = trained(2, {good, 0, good, 0});
  CHECK(best_epochs(again) == Epochs{1, 3});
  CHECK(again.epochs.size() == 5);
  CHECK(trained(1, {good, 0, good, 0}).epochs.size() == 2);

  CHECK(trained(0, {good, 0}).epochs.size() == 8);
}

TEST_CASE("a training without a finite validation loss ends with an error, after its patience or its epochs") {
  Training training;
  spoil_unseen_token(training);
  const auto other = text_with_unseen_token();
  const SequentialWindows<> valid(other, window, batch, 40);
  const auto training_fails = [&](Index patience) {
    return message_of<NumericError>([&] { training.fit({.epochs = 4, .patience = patience}, valid); });
  };
  const std::string message =
      "fit: no epoch had a finite validation loss; the model has the weights of the last step";
  CHECK(training_fails(3) == message);
  CHECK(training.state.epochs.size() == 3);
  CHECK(training.state.best_epoch == 0);
  CHECK(std::isnan(training.state.epochs[0].valid_nll));
  CHECK(std::isfinite(training.state.epochs[0].train_nll));
  CHECK(training_fails(0) == message);
  CHECK(training.state.epochs.size() == 4);
  // No weights are better than the last ones: they stay.
  CHECK(same_bits(weights_of(training.model), training.weights.back()));
}

TEST_CASE("the weights of the best epoch are in the model at the end") {
  Training training;
  const auto result = training.fit({.epochs = 5, .learning_rate = rates({good, good, bad, bad, 0})});
  REQUIRE(best_epochs(result) == Epochs{1, 2});
  CHECK(result.best_epoch == 2);
  CHECK(result.epochs[4].valid_nll > result.epochs[1].valid_nll);
  CHECK(same_bits(weights_of(training.model), training.weights[1]));
  CHECK(training.weights[4] != training.weights[1]);
  CHECK(evaluate(training.model, valid_windows()) == result.epochs[1].valid_nll);

  Training rising;
  const auto last = rising.fit({.epochs = 3, .learning_rate = rates({good})});
  REQUIRE(last.best_epoch == 3);
  CHECK(same_bits(weights_of(rising.model), rising.weights[2]));
}

TEST_CASE("a training is the loop one would write by hand, with clipping and rates") {
  struct Case {
    double clip;
    std::function<double(Index)> rate;
  };
  const auto falling = [](Index step) { return 0.5 / static_cast<double>(step + 1); };
  const RandomWindows<> train = Training::train_windows();
  std::vector<std::vector<double>> ends;
  const Schedule schedule{
      .decay = Decay::trapezoid, .peak = 0.4, .floor = 0.1, .warmup = 2, .steps = 6, .decay_steps = 2};
  for (const Case& config : {Case{0, {}}, {0.05, {}}, {0, falling}, {0.05, falling}, {0, schedule}}) {
    CAPTURE(ends.size());
    MlpLM<float> model(model_config, Random(seed)), by_hand(model_config, Random(seed));
    SGD optimizer(model, {.learning_rate = 0.3}), other(by_hand, {.learning_rate = 0.3});
    std::vector<double> losses, weights;
    fit(model, optimizer, train, valid_windows(), Random(seed, "dropout"),
        {.epochs = 2,
         .windows_per_epoch = windows_per_epoch,
         .clip = config.clip,
         .learning_rate = config.rate,
         .on_step =
             [&](const StepReport& report) {
               losses.push_back(report.loss);
               CHECK(report.learning_rate == (config.rate ? config.rate(report.step) : 0));
             },
         .on_epoch = [&](const EpochReport&) { weights = weights_of(model); }});

    std::vector<double> losses_by_hand;
    for (Index step = 0; step < 2 * steps_per_epoch; ++step) {
      const auto windows = train.epoch(step / steps_per_epoch, windows_per_epoch).batch(step % steps_per_epoch);
      losses_by_hand.push_back(static_cast<double>(gradients_by_hand(by_hand, windows, step)));
      if (config.clip > 0) CHECK(clip_gradients(other.list(), config.clip) > config.clip);
      config.rate ? other.step(config.rate(step)) : other.step();
    }
    CHECK(same_bits(losses, losses_by_hand));
    CHECK(same_bits(weights, weights_of(by_hand)));
    for (const auto& end : ends) CHECK(weights != end);
    ends.push_back(weights);
  }
}

TEST_CASE("a training at every position is the loop one would write by hand, too") {
  const TransformerConfig config{
      .vocabulary = 5, .context = window, .width = 4, .layers = 1, .heads = 2, .feed_forward_dropout = 0.2};
  const RandomWindows<SequenceBatch> train(text(), window, batch, Random(seed, "data"));
  const SequentialWindows<SequenceBatch> valid(text(), window, batch, 40);
  TransformerLM<float> model(config, Random(seed)), by_hand(config, Random(seed));
  SGD optimizer(model, {.learning_rate = 0.3}), other(by_hand, {.learning_rate = 0.3});
  std::vector<double> losses, losses_by_hand, weights;
  const auto result = fit(model, optimizer, train, valid, Random(seed, "dropout"),
                          {.epochs = 2,
                           .windows_per_epoch = windows_per_epoch,
                           .on_step =
                               [&](const StepReport& report) {
                                 losses.push_back(report.loss);
                                 CHECK(report.tokens == (report.step % steps_per_epoch < 2 ? 8 : 4) * window);
                               },
                           .on_epoch = [&](const EpochReport&) { weights = weights_of(model); }});

  Tape<float> tape;
  for (Index step = 0; step < 2 * steps_per_epoch; ++step) {
    const auto [inputs, targets] =
        train.epoch(step / steps_per_epoch, windows_per_epoch).batch(step % steps_per_epoch);
    tape.reset(Random(seed, "dropout").child(static_cast<std::uint64_t>(step)));
    const auto loss = cross_entropy(by_hand(tape, inputs), targets);
    losses_by_hand.push_back(static_cast<double>(loss.item()));
    tape.backward(loss);
    other.step();
  }
  CHECK(same_bits(losses, losses_by_hand));
  CHECK(same_bits(weights, weights_of(by_hand)));
  CHECK(result.epochs[1].valid_nll == evaluate(by_hand, valid));
}

TEST_CASE("steps are reported with their place, their loss and what was spent") {
  for (const double clip : {0.0, 1e-3}) {
    CAPTURE(clip);
    Training training;
    std::vector<StepReport> steps;
    std::vector<EpochReport> epochs;
    const auto valid = valid_windows(30);
    const auto result = training.fit({.epochs = 3,
                                      .clip = clip,
                                      .on_step = [&](const StepReport& report) { steps.push_back(report); },
                                      .on_epoch =
                                          [&](const EpochReport& report) {
                                            epochs.push_back(report);
                                            CHECK(report.valid_nll == evaluate(training.model, valid));
                                          }},
                                     valid);
    REQUIRE(steps.size() == 9);
    REQUIRE(epochs.size() == 3);
    CHECK(numbers_of(result.epochs) == numbers_of(epochs));
    CHECK(result.spent == epochs[2].spent);

    Cost validation, update = training.optimizer.step_cost();
    evaluate(training.model, valid, &validation);
    if (clip > 0) update += clip_gradients_cost(training.optimizer.list(), true);
    PassCosts training_cost;
    double sum = 0;
    for (std::size_t i = 0; i < steps.size(); ++i) {
      CAPTURE(i);
      const Index size = i % 3 == 2 ? 4 : 8;  // windows
      const StepReport& step = steps[i];
      CHECK(step.epoch == static_cast<Index>(i / 3 + 1));
      CHECK(step.step == static_cast<Index>(i));
      CHECK(step.steps_per_epoch == 3);
      CHECK(step.epochs == 3);
      CHECK(step.tokens == size * window);
      CHECK(step.learning_rate == 0);
      training_cost += costs_of_windows(size);
      CHECK(step.spent.training == training_cost);
      CHECK(step.spent.optimizer == update * static_cast<Index>(i + 1));
      CHECK(step.spent.validation == validation * static_cast<Index>(i / 3));
      sum += step.loss * static_cast<double>(size);
      if (i % 3 < 2) continue;

      const EpochReport& epoch = epochs[i / 3];
      CHECK(epoch.epoch == step.epoch);
      CHECK(epoch.train_nll == sum / windows_per_epoch);
      CHECK(epoch.seconds > 0);
      CHECK(epoch.spent.training == step.spent.training);
      CHECK(epoch.spent.optimizer == step.spent.optimizer);
      CHECK(epoch.spent.validation == validation * epoch.epoch);
      sum = 0;
    }
  }
}

TEST_CASE("a loss that is not finite is an error that names its place, and the best weights are back") {
  Training training;
  Index spoiled_step = 7;
  bool head = false;
  const auto spoil = [&](const StepReport& report) {
    if (report.step + 1 != spoiled_step) return;
    (head ? training.model.head.bias.value(1) : training.model.embedding.weight.value.data()[1]) = not_a_number;
  };
  const auto training_fails = [&] {
    return message_of<NumericError>([&] {
      training.fit({.epochs = 4, .learning_rate = rates({good, bad, good}), .on_step = spoil});
    });
  };
  SUBCASE("in an embedding") {
    CHECK(training_fails() ==
          "fit: the loss of step 7 in epoch 3 is not finite; the first operation with such a value is "
          "embedding in embedding; the model has the weights of epoch 1 again");
  }
  SUBCASE("in the logits") {
    head = true;
    CHECK(training_fails() ==
          "fit: the loss of step 7 in epoch 3 is not finite; the first operation with such a value is "
          "linear in head; the model has the weights of epoch 1 again");
  }
  SUBCASE("at the first step of an epoch") {
    spoiled_step = 6;
    CHECK(slm_test::has(training_fails(), "the loss of step 6 in epoch 3 is not finite"));
  }
  CHECK(training.weights[1] != training.weights[0]);
  CHECK(same_bits(weights_of(training.model), training.weights[0]));
}

TEST_CASE("without a finite validation loss there are no weights to put back, and the error says so") {
  Training training;
  const auto other = text_with_unseen_token();
  Index spoiled_step = 1;
  const auto training_fails = [&] {
    return message_of<NumericError>([&] {
      training.fit({.epochs = 4,
                    .on_step =
                        [&](const StepReport& report) {
                          if (report.step + 1 == spoiled_step) training.model.head.bias.value(1) = not_a_number;
                        }},
                   SequentialWindows<>(other, window, batch, 40));
    });
  };
  SUBCASE("in the first epoch") {
    CHECK(training_fails() ==
          "fit: the loss of step 1 in epoch 1 is not finite; the first operation with such a value is "
          "linear in head; no epoch had a finite validation loss");
  }
  SUBCASE("after finished epochs") {
    spoil_unseen_token(training);
    spoiled_step = 8;
    CHECK(training_fails() ==
          "fit: the loss of step 8 in epoch 3 is not finite; the first operation with such a value is "
          "linear in head; no epoch had a finite validation loss");
    CHECK(training.weights.size() == 2);
  }
  CHECK(std::isnan(training.model.head.bias.value(1)));
}

TEST_CASE("a training that is told to stop does not leave weights in silence that are no numbers") {
  Training training;
  FitConfig config{.epochs = 3, .stop = true_at(2)};
  const auto message = [&] { return message_of<NumericError>([&] { training.fit(config); }); };
  SUBCASE("before the first validation") {
    config.learning_rate = [](Index step) { return step == 1 ? 1e39 : good; };  // infinite as a float
    const std::string text = message();
    CHECK(slm_test::has(text, "fit: stopped before the first validation: expected finite weights, got "));
    CHECK(slm_test::has(text, " in 'embedding.weight'"));
  }
  SUBCASE("after validations without a finite loss") {
    spoil_unseen_token(training);
    config.stop = true_at(5);
    const auto other = text_with_unseen_token();
    CHECK(message_of<NumericError>([&] {
            training.fit(config, SequentialWindows<>(other, window, batch, 40));
          }) == "fit: no epoch had a finite validation loss; the model has the weights of the last step");
  }
}

TEST_CASE("a training that is told to stop ends after that very step") {
  Training training;
  Index steps = 0;
  std::vector<double> weights;
  const auto stopped_after = [&](Index step) {
    return training.fit({.epochs = 3,
                         .learning_rate = rates({good}),
                         .on_step =
                             [&](const StepReport& report) {
                               ++steps;
                               weights = weights_of(training.model);
                               CHECK(report.step < step);
                             },
                         .stop = true_at(step)});
  };
  SUBCASE("in an epoch: the best weights are back") {
    const auto result = stopped_after(4);
    CHECK(steps == 4);
    CHECK(result.stopped);
    CHECK(result.epochs.size() == 1);
    CHECK(result.best_epoch == 1);
    CHECK(result.spent.optimizer == training.optimizer.step_cost() * 4);
    CHECK(training.state.spent == result.epochs[0].spent);
    CHECK(training.state.unfinished.spent == result.spent);
    CHECK(training.state.unfinished.steps == 1);
    CHECK(same_bits(weights_of(training.model), training.weights[0]));
    CHECK(weights != training.weights[0]);
  }
  SUBCASE("in the first epoch: there are no better weights than those it has") {
    const auto result = stopped_after(2);
    CHECK(steps == 2);
    CHECK(result.stopped);
    CHECK(result.epochs.empty());
    CHECK(result.best_epoch == 0);
    CHECK(same_bits(weights_of(training.model), weights));
  }
  SUBCASE("at the last step of an epoch: it is not finished") {
    const auto result = stopped_after(6);
    CHECK(steps == 6);
    CHECK(result.stopped);
    CHECK(result.epochs.size() == 1);
  }
  SUBCASE("never") {
    CHECK_FALSE(stopped_after(10).stopped);
    CHECK(steps == 9);
  }
}

TEST_CASE("products are rounded in steps alone: an evaluation is one of the weights as they are") {
  if (!has_bfloat16_products<float>()) return;
  const FitConfig config{.epochs = 1, .products = Products::bfloat16};
  Training full, rounded, by_hand;
  const double of_full = full.fit({.epochs = 1}).epochs[0].valid_nll;
  const EpochReport epoch = rounded.fit(config).epochs[0];
  CHECK(epoch.valid_nll != of_full);
  CHECK(epoch.valid_nll == doctest::Approx(of_full).epsilon(1e-3));
  CHECK(epoch.valid_nll == evaluate(rounded.model, valid_windows()));

  Tape<float> tape;
  tape.set_products(Products::bfloat16);
  const RandomWindows<> train = Training::train_windows();
  for (Index step = 0; step < steps_per_epoch; ++step) {
    tape.reset(Random(seed, "dropout").child(static_cast<std::uint64_t>(step)));
    tape.backward(batch_loss(by_hand.model, tape, train.epoch(0, windows_per_epoch).batch(step)));
    by_hand.optimizer.step();
  }
  CHECK(evaluate(by_hand.model, valid_windows()) == epoch.valid_nll);
}

TEST_CASE("evaluating more often, or on more windows, changes no weights") {
  const auto weights = [](Index windows, bool often) {
    Training training;
    training.fit({.epochs = 3,
                  .on_step =
                      [&](const StepReport&) {
                        if (often) evaluate(training.model, valid_windows());
                      }},
                 valid_windows(windows));
    return training.weights;
  };
  const auto expected = weights(1, false);
  REQUIRE(expected.size() == 3);
  for (const auto& actual : {weights(150, false), weights(1, true)}) {
    for (std::size_t i = 0; i < 3; ++i) CHECK(same_bits(actual[i], expected[i]));
  }
}

TEST_CASE("a training that goes on ends with the same bits as one that was never interrupted") {
  std::vector<double> by_epoch;
  SUBCASE("after an epoch that was the best") { by_epoch = {good}; }
  SUBCASE("after epochs that were worse") { by_epoch = {good, good, bad, bad, good}; }
  SUBCASE("when a later epoch is the best") { by_epoch = {good, 0, 0, 0, good}; }
  const FitConfig config{.epochs = 6, .clip = 1, .learning_rate = rates(by_epoch)};
  Training whole, parts;
  const auto expected = whole.fit(config);

  FitConfig beginning = config;
  for (const Index epochs : {1, 4, 4, 2}) {  // the last two have nothing to do
    beginning.epochs = epochs;
    parts.fit(beginning);
    const auto best = static_cast<std::size_t>(parts.state.best_epoch);
    CHECK(same_bits(weights_of(parts.model), parts.weights[best - 1]));
  }
  CHECK(parts.weights.size() == 4);
  const auto result = parts.fit(config);
  REQUIRE(parts.weights.size() == 6);
  for (std::size_t i = 0; i < 6; ++i) CHECK(same_bits(parts.weights[i], whole.weights[i]));
  CHECK(same_bits(numbers_of(parts), numbers_of(whole)));
  CHECK(result.best_epoch == expected.best_epoch);
  CHECK(result.spent == expected.spent);
}

TEST_CASE("what an error ended within a step does not go on") {
  Training training;
  const FitConfig config{.epochs = 4, .learning_rate = rates({good, bad})};
  FitConfig failing = config;
  SUBCASE("of a loss that is not finite") {
    failing.learning_rate = [](Index step) { return step < 7 ? good : 1e38; };
    CHECK_THROWS_AS(training.fit(failing), NumericError);
  }
  SUBCASE("of a rate") {
    failing.learning_rate = [](Index step) { return step < 7 ? good : -1; };
    CHECK_THROWS_AS(training.fit(failing), ConfigError);
  }
  CHECK(training.state.epochs.size() == 2);
  CHECK(training.state.last.empty());
  const auto before = numbers_of(training);
  CHECK(message_of<ConfigError>([&] { training.fit(config); }) ==
        "fit: expected a training that stands between two steps, got one that an error ended in epoch 3, which "
        "can "
        "go on from a checkpoint only");
  CHECK(same_bits(numbers_of(training), before));
}

TEST_CASE("a state is not gone on from with a model of another size") {
  Training training;
  training.fit({.epochs = 2, .learning_rate = rates({good, bad})});
  REQUIRE(training.state.best_epoch == 1);
  MlpConfig larger = model_config;
  larger.hidden = 7;
  Training other("init", larger);
  other.state = training.state;
  const auto before = numbers_of(other);
  CHECK(message_of<ShapeError>([&] { other.fit({.epochs = 3}); }) ==
        "fit: the state is of a model with other parameters: expected 'hidden.0.weight' of shape (6, 12), got "
        "'hidden.0.weight' of shape (7, 12)");
  CHECK(same_bits(numbers_of(other), before));
}

TEST_CASE(
    "weights that are not finite after an epoch with a finite loss are an error, the best ones are back") {
  // The embedding of a token that neither text has: no loss shows it.
  Training training;
  FitConfig config{.epochs = 4, .learning_rate = rates({good})};
  SUBCASE("in the first epoch") {
    spoil_unseen_token(training);
    CHECK(message_of<NumericError>([&] { training.fit(config); }) ==
          "fit: after epoch 1: expected finite weights, got nan in 'embedding.weight'");
  }
  SUBCASE("later") {
    config.on_step = [&](const StepReport& report) {
      if (report.step == 7) spoil_unseen_token(training);
    };
    CHECK(message_of<NumericError>([&] { training.fit(config); }) ==
          "fit: after epoch 3: expected finite weights, got nan in 'embedding.weight'; the model has the "
          "weights of "
          "epoch 2 again");
    CHECK(training.state.best_epoch == 2);
    CHECK(same_bits(weights_of(training.model), training.weights[1]));
  }
  CHECK(training.state.failed);
}

TEST_CASE("an optimizer of another model is refused, one of some of the model's parameters is not") {
  Training training, other;
  const auto go = [&](auto& optimizer) {
    return message_of<ConfigError>([&] {
      fit(training.model, optimizer, Training::train_windows(), valid_windows(), Random(seed),
          {.windows_per_epoch = 5});
    });
  };
  CHECK(slm_test::has(go(other.optimizer), "which is no parameter of the model"));
  ParameterList<float> list = parameters<float>(training.model);
  list.erase(list.begin());
  Adam some(std::move(list));
  CHECK(go(some) == "no error");
}

TEST_CASE("a training of no epoch or no window is refused") {
  Training training;
  const auto refused = [&](const FitConfig& config) {
    return message_of<ConfigError>([&] {
      fit(training.model, training.optimizer, Training::train_windows(), valid_windows(), Random(seed), config);
    });
  };
  CHECK(refused({.epochs = 0, .windows_per_epoch = 5}) ==
        "fit: needs at least 1 epoch of 1 window, got 0 of 5");
  CHECK(refused({.epochs = 2}) == "fit: needs at least 1 epoch of 1 window, got 2 of 0");
  CHECK(refused({.windows_per_epoch = 5, .micro_batches = 0}) ==
        "fit: a step needs at least 1 micro-batch, got 0");
  CHECK(refused({.windows_per_epoch = 5, .patience = -1}) == "fit: patience must not be negative, got -1");
  for (const double none : {-1.0, double(not_a_number), HUGE_VAL}) {
    CHECK(refused({.windows_per_epoch = 5, .clip = none}) ==
          "fit: clip must be finite and at least 0, got " + number_text(none));
    const auto before = weights_of(training.model);
    CHECK(refused({.windows_per_epoch = 5, .learning_rate = [=](Index) { return none; }}) ==
          "fit: learning rate must be finite and at least 0, got " + number_text(none));
    CHECK(same_bits(weights_of(training.model), before));
  }
}

TEST_CASE("a loss of one's own is what is trained and what is validated") {
  // Twice the mean cross entropy: steps of half the rate with it are those of the whole rate without.
  Index calls = 0;
  const auto twice = [&](const auto& model, auto& tape, const Batch& windows) {
    ++calls;
    return scale(cross_entropy(model.next_token(tape, windows.inputs), windows.targets), 2.0F);
  };
  MlpLM<float> model(model_config, Random(seed)), usual(model_config, Random(seed));
  SGD half(model, {.learning_rate = 0.125}), whole(usual, {.learning_rate = 0.25});
  const FitConfig config{.epochs = 2, .windows_per_epoch = windows_per_epoch};
  const auto expected =
      fit(usual, whole, Training::train_windows(), valid_windows(), Random(seed, "dropout"), config);
  CHECK(calls == 0);
  FitState<float> state;
  const auto result = fit(model, half, Training::train_windows(), valid_windows(), Random(seed, "dropout"),
                          config, state, twice);
  CHECK(calls == 1 + 2 * (steps_per_epoch + 40 / batch));  // and once before, to find a misfit
  CHECK(same_bits(weights_of(model), weights_of(usual)));
  for (std::size_t i = 0; i < 2; ++i) {
    CHECK(result.epochs[i].train_nll == 2 * expected.epochs[i].train_nll);
    CHECK(result.epochs[i].valid_nll == 2 * expected.epochs[i].valid_nll);
  }
  Cost cost, usual_cost;
  CHECK(evaluate(model, valid_windows(), twice, &cost) == result.epochs[1].valid_nll);
  CHECK(evaluate<float>(model, valid_windows(), twice) == result.epochs[1].valid_nll);
  CHECK(evaluate(model, valid_windows(), MeanCrossEntropy(), &usual_cost) == expected.epochs[1].valid_nll);
  CHECK(cost.elementwise == usual_cost.elementwise + 40 / batch);
  calls = 0;
  fit(model, half, Training::train_windows(), valid_windows(), Random(seed, "dropout"), config, twice);
  CHECK(calls > 0);
}

namespace {

/// Batches of a program's own: the same two windows, again and again.
struct TwoWindows {
  Index count = 3;
  Index batches() const { return count; }
  Batch batch(Index) const { return {random_tokens<2>({2, window}, 4), random_tokens<1>({2}, 4)}; }
  void fill(Index i, Batch& made) const { made = batch(i); }
};
struct TwoWindowsSource {
  TwoWindows epoch(Index, Index windows) const { return {windows / 2}; }
};

/// Steps by the sign of the gradient, as a program writes an optimizer.
class SignDescent {
 public:
  explicit SignDescent(ParameterList<float> list) : parameters_(std::move(list)) {}
  void step() { step(1e-2); }
  void step(double rate) {
    refresh(parameters_);
    for_each_block(parameters_, [&](std::size_t k, Index begin, Index end) {
      for (Index i = begin; i < end; ++i) {
        float &w = parameters_[k].value[i], &g = parameters_[k].grad[i];
        w -= std::copysign(static_cast<float>(rate), g);
        g = 0;
      }
    });
    ++steps_;
  }
  Cost step_cost() const { return {.elementwise = element_count(parameters_)}; }
  const ParameterList<float>& list() const { return refresh(parameters_); }
  Index steps() const { return steps_; }
  void set_steps(Index steps) { steps_ = steps; }
  void for_each_state(const auto&) {}

 private:
  ParameterList<float> parameters_;
  Index steps_ = 0;
};

}  // namespace

TEST_CASE("a program's own optimizer and batches are trained with") {
  static_assert(Optimizer<Adam<float>> && Optimizer<SGD<double>>);
  static_assert(BatchSource<RandomWindows<SequenceBatch>> && BatchList<Windows<>>);
  static_assert(Optimizer<SignDescent> && BatchSource<TwoWindowsSource> && BatchList<TwoWindows>);
  MlpLM<float> model(model_config, Random(seed));
  SignDescent optimizer(parameters<float>(model));
  const auto result = fit(model, optimizer, TwoWindowsSource(), TwoWindows(), Random(seed, "dropout"),
                          {.epochs = 3, .windows_per_epoch = 10});
  CHECK(optimizer.steps() == 3 * 5);
  CHECK(result.best_epoch == 3);
  CHECK(result.epochs[2].valid_nll < result.epochs[0].valid_nll);
}

/// A model that is no template.
struct PlainModel : MlpLM<float> {
  using MlpLM<float>::MlpLM;
};

TEST_CASE("a struct that is no template is trained like the model it is") {
  PlainModel plain(model_config, Random(seed));
  MlpLM<float> model(model_config, Random(seed));
  Adam<float> plain_optimizer(plain);
  Adam optimizer(model);
  const FitConfig config{.epochs = 2, .windows_per_epoch = windows_per_epoch};
  const auto train = [&](auto& trained, auto& its_optimizer) {
    fit(trained, its_optimizer, Training::train_windows(), valid_windows(), Random(seed), config);
    return weights_of(trained);
  };
  CHECK(same_bits(train(plain, plain_optimizer), train(model, optimizer)));
}
