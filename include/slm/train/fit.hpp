#pragma once
// The training loop: epochs of random windows, a validation after each, the best weights at the end.
#include <algorithm>
#include <chrono>
#include <functional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "slm/optim/parameter_list.hpp"
#include "slm/train/loss.hpp"
#include "slm/train/snapshot.hpp"
#include "slm/train/spent.hpp"

namespace slm {

/// What happened in an epoch. Epochs count from 1.
struct EpochReport {
  Index epoch = 0;
  double train_nll = 0;  // nats per token, mean over the epoch's batches while training
  double valid_nll = 0;  // nats per token, after the epoch
  double seconds = 0;    // of training and validation
  bool best = false;     // the lowest validation NLL so far
  Spent spent = {};      // since the training began
};

/// What happened in a step. Steps count from 0 over all epochs.
struct StepReport {
  Index epoch = 0, step = 0;
  Index steps_per_epoch = 0, epochs = 0;
  double loss = 0;   // nats per token
  Index tokens = 0;  // tokens read in this step
  Spent spent = {};  // since the training began
};

struct FitConfig {
  Index epochs = 1;
  Index windows_per_epoch = 0;  // drawn anew each epoch
  Index patience = 0;           // stop after so many epochs without a better one; 0: never
  double clip = 0;              // largest norm of the gradient; 0: no clipping
  std::function<double(Index step)> learning_rate = {};   // empty: the optimizer's own
  std::function<void(const StepReport&)> on_step = {};    // may be empty
  std::function<void(const EpochReport&)> on_epoch = {};  // may be empty
  std::function<bool()> stop = {};                        // asked after every step; true ends the training
};

struct FitResult {
  std::vector<EpochReport> epochs;
  Index best_epoch = 0;  // 0: none was finished before `stop` that had a finite validation loss
  bool stopped = false;  // by `stop`, before the last epoch's end
  Spent spent;
};

/// Where a training stands after an epoch. With the model's and the optimizer's numbers it is all that is
/// needed to go on as if nothing had happened, because random streams are counted by epoch and step.
template <Scalar Real>
struct FitState {
  std::vector<EpochReport> epochs;
  Index best_epoch = 0;  // 0: none had a finite validation loss
  Index steps = 0;
  Spent spent;                // of these epochs
  Snapshot<Real> best;        // weights of `best_epoch`
  Snapshot<Real> last;        // weights of the last epoch, where `fit` ended with those of another in the model
  bool within_epoch = false;  // model and optimizer are past these epochs, in the middle of the next
  std::string text;           // checksum of the text trained on; empty: not known

  /// Whether an epoch with this validation NLL is the best so far.
  bool is_best(double valid_nll) const {
    return is_finite(valid_nll) &&
           (best_epoch == 0 || valid_nll < epochs[static_cast<std::size_t>(best_epoch - 1)].valid_nll);
  }
};

namespace detail {

/// Throws unless a training goes on with the text of its epochs, as far as the windows say which that is.
template <Scalar Real, class Source>
void require_same_text(FitState<Real>& state, const Source& train) {
  if constexpr (requires { train.text_checksum(); }) {
    const std::string text = train.text_checksum();
    if (!state.text.empty() && state.text != text) {
      throw DataError(make_text({"fit: expected to go on with the text of the epochs so far, of checksum ",
                                 state.text, ", got windows of another, of checksum ", text}));
    }
    state.text = text;
  }
}

}  // namespace detail

/// Trains a model and leaves it with the weights of the epoch of lowest validation NLL.
///
/// `dropout` is the stream that dropout draws from; the windows of `train` come from their own, so that how
/// often `valid` is evaluated changes nothing. When the loss is not finite, the weights of the best epoch
/// are put back and a `NumericError` names the step and the first operation whose value is not finite, as far
/// as no later operation has overwritten it.
///
/// `state` is where the training begins and, after every epoch, where it stands. Given again with the same
/// model and optimizer, or as all three are read from a file (see train/checkpoint.hpp), it lets a training go
/// on with the same bits as if it had never ended. What ended in the middle of an epoch, by `stop` or an error,
/// has left the numbers of the last epoch behind and goes on from a file only: else a `ConfigError`. Where the
/// windows are those of another text than before, which their `text_checksum` says, it is a `DataError`.
///
/// What model, optimizer, windows and loss have to be, nn/contracts.hpp says. The loss is `batch_loss`, the
/// mean cross entropy, unless another is given. A training in which no validation loss was finite ends with a
/// `NumericError`, too, and so does one that `stop` ends before the first with weights that are not.
template <class Model, Scalar Real, class Updates, class Source, class List,
          class LossFunction = MeanCrossEntropy>
FitResult fit(Model& model, Updates& optimizer, const Source& train, const List& valid, const Random& dropout,
              const FitConfig& config, FitState<Real>& state, const LossFunction& loss_of = {}) {
  static_assert(Module<Model>, "fit: the model must be a Module, see slm/nn/contracts.hpp");
  static_assert(Optimizer<Updates>, "fit: the optimizer must be an Optimizer, see slm/nn/contracts.hpp");
  static_assert(BatchSource<Source>,
                "fit: the training windows must be a BatchSource, see slm/nn/contracts.hpp");
  static_assert(BatchList<List>, "fit: the validation windows must be a BatchList, see slm/nn/contracts.hpp");
  using AnyBatch = BatchOf<List>;
  static_assert(std::is_same_v<BatchOf<decltype(train.epoch(0, 1))>, AnyBatch>,
                "fit: training and validation must have batches of one type");
  static_assert(Loss<LossFunction, Model, Real, AnyBatch>,
                "fit: loss(model, tape, batch) must give a Var<Real, 0>, see slm/nn/contracts.hpp");
  require_config(
      config.epochs >= 1 && config.windows_per_epoch >= 1,
      {"fit: needs at least 1 epoch of 1 window, got ", config.epochs, " of ", config.windows_per_epoch});
  require_config(config.patience >= 0, {"fit: patience must not be negative, got ", config.patience});
  require_not_negative("fit: clip", config.clip);
  require_config(!state.within_epoch,
                 {"fit: expected a training between two epochs, got one in the middle of epoch ",
                  state.epochs.size() + 1, ", which can go on from a checkpoint only"});
  std::vector<const Real*> weights;
  for_each_parameter(model, [&](const auto&, const auto& its) { weights.push_back(its.value.data()); });
  std::sort(weights.begin(), weights.end());
  for (const auto& its : optimizer.list()) {
    require_config(
        std::binary_search(weights.begin(), weights.end(), its.value),
        {"fit: the optimizer updates ", in_quotes(its.name), ", which is no parameter of the model"});
  }
  detail::require_same_text(state, train);
  if (!state.last.empty()) {
    state.last.restore(model);
    state.last = {};
  }
  Tape<Real> tape;
  AnyBatch batch;
  Spent spent = state.spent;
  bool stopped = false;
  const auto done = [&] { return static_cast<Index>(state.epochs.size()); };
  const auto out_of_patience = [&] {
    return config.patience > 0 && done() - state.best_epoch >= config.patience;
  };
  while (done() < config.epochs && !out_of_patience()) {
    const Index epoch = done() + 1;
    Index step = state.steps;
    const auto start = std::chrono::steady_clock::now();
    const auto windows = train.epoch(epoch - 1, config.windows_per_epoch);
    double sum = 0;
    Index count = 0;
    state.within_epoch = true;
    for (Index i = 0; i < windows.batches() && !stopped; ++i, ++step) {
      windows.fill(i, batch);
      tape.reset(dropout.child(static_cast<std::uint64_t>(step)));
      const Var<Real, 0> loss = loss_of(std::as_const(model), tape, std::as_const(batch));
      if (!is_finite(loss.item())) {
        if (!state.best.empty()) state.best.restore(model);
        const std::string kept =
            state.best.empty() ? "no epoch had a finite validation loss"
                               : make_text({"the model has the weights of epoch ", state.best_epoch, " again"});
        throw NumericError(make_text({"fit: the loss of step ", step, " in epoch ", epoch,
                                      " is not finite; the first operation with such a value is ",
                                      tape.first_not_finite(), "; ", kept}));
      }
      tape.backward(loss);
      spent.training += tape.costs();
      if (config.clip > 0) {
        const double norm = clip_gradients(optimizer.list(), config.clip);
        spent.optimizer += clip_gradients_cost(optimizer.list(), norm > config.clip);
      }
      if (config.learning_rate) {
        const double rate = config.learning_rate(step);
        require_not_negative("fit: learning rate", rate);
        optimizer.step(rate);
      } else {
        optimizer.step();
      }
      spent.optimizer += optimizer.step_cost();
      sum += static_cast<double>(loss.item()) * static_cast<double>(batch.targets.size());
      count += batch.targets.size();
      if (config.on_step) {
        config.on_step({epoch, step, windows.batches(), config.epochs, static_cast<double>(loss.item()),
                        batch.inputs.size(), spent});
      }
      stopped = config.stop && config.stop();
    }
    if (stopped) break;

    const double valid_nll = evaluate<Real>(std::as_const(model), valid, loss_of, &spent.validation);
    EpochReport report{epoch, sum / static_cast<double>(count), valid_nll, 0, false, spent};
    report.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    report.best = state.is_best(report.valid_nll);
    if (report.best) {
      state.best.take(model);
      state.best_epoch = epoch;
    }
    state.epochs.push_back(report);
    state.steps = step;
    state.spent = spent;
    state.within_epoch = false;
    if (config.on_epoch) config.on_epoch(report);
  }
  if (state.best.empty()) {
    if (!stopped || done() > 0) {
      throw NumericError(
          "fit: no epoch had a finite validation loss; the model has the weights of the last step");
    }
    for_each_parameter(std::as_const(model), [](const std::string& name, const auto& parameter) {
      for (const Real weight : parameter.value) {
        if (is_finite(weight)) continue;
        throw NumericError(make_text({"fit: stopped before the first validation: expected finite weights, got ",
                                      static_cast<double>(weight), " in ", in_quotes(name)}));
      }
    });
  } else {
    if (!state.within_epoch && state.best_epoch < done()) state.last.take(model);
    state.best.restore(model);
  }
  return {state.epochs, state.best_epoch, stopped, spent};
}

/// The same from the beginning.
template <class Model, class Updates, class Source, class List, class LossFunction = MeanCrossEntropy>
FitResult fit(Model& model, Updates& optimizer, const Source& train, const List& valid, const Random& dropout,
              const FitConfig& config, const LossFunction& loss_of = {}) {
  static_assert(Optimizer<Updates>, "fit: the optimizer must be an Optimizer, see slm/nn/contracts.hpp");
  FitState<ScalarOf<Updates>> state;
  return fit(model, optimizer, train, valid, dropout, config, state, loss_of);
}

}  // namespace slm
