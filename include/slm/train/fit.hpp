#pragma once
// The training loop: epochs of random windows, a validation after each, the best weights at the end.
#include <algorithm>
#include <concepts>
#include <exception>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "slm/train/fit_checks.hpp"
#include "slm/train/gradient_exchange.hpp"

namespace slm {

namespace detail {

/// Clips the gradients and steps; returns what that costs. The rate is that of a schedule, if there is one.
template <class Updates>
Cost update(Updates& optimizer, const FitConfig& config, double rate) {
  Cost cost;
  if (config.clip > 0) {
    const double norm = clip_gradients(optimizer.list(), config.clip);
    cost += clip_gradients_cost(optimizer.list(), norm > config.clip);
  }
  if (config.learning_rate) {
    require_not_negative("fit: learning rate", rate);
    optimizer.step(rate);
  } else {
    optimizer.step();
  }
  return cost + optimizer.step_cost();
}

/// How large a batch is, which is made where that is not known without, or where it is computed here.
template <class Source, class AnyBatch>
BatchSize size_of_batch(const Source& windows, Index i, bool own, AnyBatch& batch) {
  if constexpr (requires {
                  { windows.size(i) } -> std::same_as<BatchSize>;
                }) {
    if (!own) return windows.size(i);
  }
  windows.fill(i, batch);
  return {static_cast<Index>(batch.inputs.size()), static_cast<Index>(batch.targets.size())};
}

/// The body of `fit`.
template <class Model, Scalar Real, class Updates, class Source, class List, class LossFunction>
FitResult train_epochs(Model& model, Updates& optimizer, const Source& train, const List& valid,
                       const Random& dropout, const FitConfig& config, FitState<Real>& state,
                       const LossFunction& loss_of) {
  using AnyBatch = BatchOf<List>;
  check_fit(config);
  Ranks* const ranks = config.ranks;
  const bool is_first = !ranks || ranks->rank() == 0;  // the one that reports
  require_config(!state.failed,
                 {"fit: expected a training that stands between two steps, got one that an error ",
                  "ended in epoch ", state.epochs.size() + 1, ", which can go on from a checkpoint only"});
  const FittedParameters<Real> parameters(std::as_const(model));
  parameters.require_all(optimizer.list());
  require_config(!optimizer.list().empty(), "fit: the optimizer has no parameter to update");
  parameters.require_same(state.parameters);
  const Index steps_done = state.steps + state.unfinished.steps;
  require_config(optimizer.steps() >= steps_done, {"fit: expected the optimizer of the training so far, of ",
                                                   steps_done, " steps, got one of ", optimizer.steps()});
  require_same_text(state, train);
  try_validation<Real>(std::as_const(model), valid, loss_of);
  const auto windows_of = [&](Index epoch) { return train.epoch(epoch - 1, config.windows_per_epoch); };
  const auto done = [&] { return static_cast<Index>(state.epochs.size()); };
  if (state.within_epoch()) {
    const auto windows = windows_of(done() + 1);
    require_same_batches<AnyBatch>(state.unfinished, windows, {windows, config, done() + 1});
  }
  if (ranks) {
    const auto windows = windows_of(std::min(done() + 1, config.epochs));
    agree_to_fit<Real, AnyBatch>(parameters, optimizer, state, windows, dropout, config);
  }
  Tape<Real> tape;
  tape.set_products(config.products);
  const bool asks_to_stop = ranks ? ranks->answer(bool(config.stop)) : bool(config.stop);
  state.parameters = parameters.texts;
  if (!state.last.empty()) {
    state.last.restore(model);
    state.last = {};
  }
  GradientExchange<Real> exchange(ranks);
  std::vector<AnyBatch> batches;                    // of a step
  std::vector<DependentOn<Real, BatchSize>> sizes;  // of these
  UnfinishedEpoch& now = state.unfinished;
  Spent spent = state.within_epoch() ? now.spent : state.spent;
  bool stopped = false;
  const auto out_of_patience = [&] {
    return config.patience > 0 && done() - state.best_epoch >= config.patience;
  };
  while (done() < config.epochs && !out_of_patience()) {
    const Index epoch = done() + 1;
    const double start = clock_seconds();
    const double seconds_before = now.seconds;
    const auto seconds = [&] { return seconds_before + seconds_since(start); };
    const auto windows = windows_of(epoch);
    const EpochSteps steps(windows, config, epoch);
    const Index most = steps.per_step;
    batches.resize(std::max(batches.size(), static_cast<std::size_t>(most)));
    now.batches = batches_text(windows, most, batches[0]);
    while (now.steps < steps.count && !stopped) {
      const Index step = state.steps + now.steps, first = now.steps * most;
      const Index parts = std::min(most, steps.batches - first);
      const Random stream = dropout.child(static_cast<std::uint64_t>(step));
      state.failed = true;
      exchange.begin(parts);
      sizes.assign(static_cast<std::size_t>(parts), {});
      BatchSize all;
      for (Index part = 0; part < parts; ++part) {
        BatchSize& its = sizes[static_cast<std::size_t>(part)];
        const bool own = part >= exchange.first() && part < exchange.end();
        its = size_of_batch(windows, first + part, own, batches[static_cast<std::size_t>(part)]);
        all.inputs += its.inputs, all.targets += its.targets;
      }
      const auto share_of = [&](Index part) {
        const auto size = static_cast<double>(sizes[static_cast<std::size_t>(part)].targets);
        return parts == 1 ? 1 : size / static_cast<double>(all.targets);
      };
      PassCosts costs;
      for (Index part = exchange.first(); part < exchange.end(); ++part) {
        const AnyBatch& batch = batches[static_cast<std::size_t>(part)];
        tape.reset(config.micro_batches == 1 ? stream : stream.child(static_cast<std::uint64_t>(part)));
        const Var<Real, 0> loss = loss_of(std::as_const(model), tape, batch);
        const auto value = static_cast<double>(loss.item());
        if (!is_finite(value)) {
          const std::string which = parts > 1 ? make_text({"micro-batch ", part, " of step "}) : "step ";
          const std::string kept = put_back_best(model, state);
          throw_error<NumericError>({"fit: the loss of ", which, step, " in epoch ", epoch,
                                     " is not finite; the first operation with such a value is ",
                                     tape.first_not_finite(),
                                     kept.empty() ? "; no epoch had a finite validation loss" : kept});
        }
        tape.backward(loss, static_cast<Real>(share_of(part)));
        costs += tape.costs();
        exchange.fold(optimizer.list(), value);
      }
      const Index sent = ranks ? ranks->sent_by_all() : 0;
      exchange.sum(optimizer.list(), costs);
      spent.training += costs;
      double step_loss = 0;
      for (Index part = 0; part < parts; ++part) {
        const double value = exchange.losses()[static_cast<std::size_t>(part)];
        step_loss += share_of(part) * value;
        now.loss_sum += value * static_cast<double>(sizes[static_cast<std::size_t>(part)].targets);
      }
      const double rate = config.learning_rate ? config.learning_rate(step) : 0;
      spent.optimizer += exchange.cost(optimizer.list()) + update(optimizer, config, rate);
      ++now.steps;
      now.targets += all.targets;
      now.seconds = seconds();
      now.spent = spent;
      state.failed = false;
      if (config.on_step && is_first)
        config.on_step({epoch, step, steps.count, config.epochs, step_loss, all.inputs, spent, rate,
                        ranks ? ranks->sent_by_all() - sent : 0});
      if (asks_to_stop) {
        stopped = is_first && config.stop();
        if (ranks) stopped = ranks->answer(stopped);
      }
    }
    if (stopped) break;

    if (ranks) ranks->agree({{"weights after an epoch (as a checksum)", fingerprint_of(parameters)}});
    const double valid_nll = evaluate<Real>(std::as_const(model), valid, loss_of, &spent.validation, ranks);
    EpochReport report{epoch, now.loss_sum / static_cast<double>(now.targets), valid_nll, seconds(), false,
                       spent};
    report.best = state.is_best(valid_nll);
    if (report.best) {
      if (const std::string found = weight_not_finite(std::as_const(model)); !found.empty()) {
        state.failed = true;
        const std::string kept = put_back_best(model, state);
        throw_error<NumericError>({"fit: after epoch ", epoch, ": expected finite weights, got ", found, kept});
      }
      state.best.take(model);
      state.best_epoch = epoch;
    }
    state.epochs.push_back(report);
    state.steps += now.steps;
    state.spent = spent;
    now = {};
    if (config.on_epoch && is_first) config.on_epoch(report);
  }
  if (state.best.empty()) {
    if (!stopped || done() > 0) {
      throw_error<NumericError>(
          "fit: no epoch had a finite validation loss; the model has the weights of the last step");
    }
    if (const std::string found = weight_not_finite(std::as_const(model)); !found.empty()) {
      throw_error<NumericError>(
          {"fit: stopped before the first validation: expected finite weights, got ", found});
    }
  } else {
    if (state.within_epoch() || state.best_epoch < done()) state.last.take(model);
    state.best.restore(model);
  }
  return {state.epochs, state.best_epoch, stopped, spent};
}

}  // namespace detail

/// Trains a model and leaves it with the weights of the epoch of lowest validation NLL.
///
/// `dropout` is the stream that dropout draws from; the windows of `train` come from their own, so that how
/// often `valid` is evaluated changes nothing. Step s draws from `dropout.child(s)`; with several micro-batches
/// batch i of it from `dropout.child(s).child(i)`.
///
/// With `micro_batches` of G a step has the gradient of the mean loss over the targets of G batches, which run
/// one after another in the memory of one; it is added up along one tree (see `GradientTree`), so that its bits
/// depend on G only.                                                     PyTorch: loss.backward() G times
///
/// When the loss is not finite, or weights are not after an epoch that would be the best, the weights of the
/// best epoch are put back and a `NumericError` names the step and the first operation whose value is not
/// finite, as far as no later operation has overwritten it. A training in which no validation loss was finite
/// ends with a `NumericError`, too, and so does one that `stop` ends before the first with weights that are
/// not. What the model does not take of the validation windows is found out before the first step, and so are
/// parameters that are used within the model, but that it does not name (see `Module`): another model, as a
/// teacher, is asked before or after it.
///
/// `state` is where the training begins and, after every step, where it stands. Given again with the same
/// model and optimizer, or as all three are read from a file (see train/checkpoint.hpp), it lets a training go
/// on with the same bits as if it had never ended, also one that `stop` has ended in the middle of an epoch, as
/// on Ctrl-C (see `StopOnSignal`). What an error has ended within a step goes on from a file only: else a
/// `ConfigError`. The state of a model with other parameters is a `ShapeError`, and where the windows are those
/// of another text than before, which their `text_checksum` says, it is a `DataError`; so are other batches in
/// an epoch that is under way. Between two epochs windows, schedule and micro-batches may change.
///
/// With `ranks` all of them call this with the same, and each computes its share of the parts of a step and of
/// the validation; there are at most G. Model, state, losses and costs are those of one process, bit for bit,
/// on every rank. `on_step`, `on_epoch` and `stop` are called on rank 0 alone. What differs between ranks at
/// the start, or in the weights after an epoch, is a `ConfigError`; an error of one rank is one of all.
///
/// What model, optimizer, windows and loss have to be, nn/contracts.hpp says. The loss is `batch_loss`, the
/// mean cross entropy, unless another is given.
template <class Model, Scalar Real, class Updates, class Source, class List,
          class LossFunction = MeanCrossEntropy>
FitResult fit(Model& model, Updates& optimizer, const Source& train, const List& valid, const Random& dropout,
              const FitConfig& config, FitState<Real>& state, const LossFunction& loss_of = {}) {
  static_assert(!std::is_const_v<Model>, "fit: the model must not be const");
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
  try {
    return detail::train_epochs(model, optimizer, train, valid, dropout, config, state, loss_of);
  } catch (const std::exception& error) {
    if (config.ranks) {
      // As on the rank whose numbers are not finite.
      if (dynamic_cast<const NumericError*>(&error) && state.failed) detail::put_back_best(model, state);
      config.ranks->fail(error);
    }
    throw;
  }
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
