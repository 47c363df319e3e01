#pragma once
// A tiny training for the tests of `fit` and of what keeps it.
#include <functional>
#include <vector>

#include "nn/module_test_support.hpp"
#include "slm/models/mlp_lm.hpp"
#include "slm/optim/adam.hpp"
#include "slm/train/fit.hpp"

namespace train_test {

using namespace module_test;

inline constexpr Index window = 3, batch = 8;
inline constexpr Index windows_per_epoch = 20, steps_per_epoch = 3;  // batches of 8, 8 and 4

/// A token that the training text does not have.
inline constexpr Token unseen = 4;
inline constexpr MlpConfig model_config{
    .vocabulary = 5, .context = window, .width = 4, .hidden = 6, .dropout = 0.2};

/// 0 1 2 3 0 1 2 3 …, but for every fourth token or so, which may be any of these.
inline const std::vector<Token>& text() {
  static const std::vector<Token> tokens = [] {
    Random random(seed, "text");
    std::vector<Token> made;
    for (Index i = 0; i < 200; ++i) {
      made.push_back(static_cast<Token>(random.below(4) == 0 ? random.below(4) : i % 4));
    }
    return made;
  }();
  return tokens;
}

/// The first windows of the text; of 40 the loss falls in every epoch of a small rate.
inline SequentialWindows<> valid_windows(Index count = 40) { return {text(), window, batch, count}; }

/// Rates by epoch; the last one holds for all that follow.
inline std::function<double(Index)> rates(std::vector<double> by_epoch) {
  return [by_epoch](Index step) {
    return by_epoch[std::min(static_cast<std::size_t>(step / steps_per_epoch), by_epoch.size() - 1)];
  };
}
inline constexpr double good = 0.02, bad = 3;

/// A model with dropout, its optimizer and where its training stands.
struct Training {
  MlpLM<float> model;
  Adam<float> optimizer;
  FitState<float> state;
  std::vector<std::vector<double>> weights;  // after each epoch of this object

  explicit Training(const char* init = "init", const MlpConfig& config = model_config)
      : model(config, Random(seed, init)), optimizer(model) {}
  Training(const Training&) = delete;  // the optimizer refers to the model
  Training& operator=(const Training&) = delete;

  FitResult fit(FitConfig config, const Windows<>& valid = valid_windows()) {
    config.windows_per_epoch = windows_per_epoch;
    const auto asked = config.on_epoch;
    config.on_epoch = [&](const EpochReport& report) {
      weights.push_back(weights_of(model));
      if (asked) asked(report);
    };
    return slm::fit(model, optimizer, train_windows(), valid, Random(seed, "dropout"), config, state);
  }

  static RandomWindows<> train_windows() { return {text(), window, batch, Random(seed, "data")}; }
};

/// What of the reports does not depend on the clock.
inline std::vector<double> numbers_of(const std::vector<EpochReport>& epochs) {
  std::vector<double> numbers;
  for (const EpochReport& report : epochs) {
    for (const double x : {static_cast<double>(report.epoch), report.train_nll, report.valid_nll,
                           static_cast<double>(report.best)}) {
      numbers.push_back(x);
    }
    const Spent& spent = report.spent;
    for (const Cost& cost :
         {spent.training.forward, spent.training.backward, spent.optimizer, spent.validation}) {
      for (const CostKind& kind : cost_kinds) numbers.push_back(static_cast<double>(cost.*kind.count));
    }
  }
  return numbers;
}

/// Everything that a training goes on from, but for the seconds it took.
inline std::vector<double> numbers_of(Training& training) {
  const FitState<float>& state = training.state;
  std::vector<double> numbers = numbers_of(state.epochs);
  const auto append = [&](const auto& more) { numbers.insert(numbers.end(), more.begin(), more.end()); };
  append(numbers_of({{.spent = state.spent}}));
  append(std::vector<Index>{state.best_epoch, state.steps, training.optimizer.steps(), state.failed});
  const UnfinishedEpoch& unfinished = state.unfinished;
  append(std::vector<Index>{unfinished.steps, unfinished.targets});
  append(numbers_of({{.train_nll = unfinished.loss_sum, .spent = unfinished.spent}}));
  append(state.best.values());
  append(state.last.values());
  append(weights_of(training.model));
  for (const auto& moments : training.optimizer.moments()) append(moments.first), append(moments.second);
  return numbers;
}

}  // namespace train_test
