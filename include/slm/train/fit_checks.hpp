#pragma once
// What `fit` holds of what it is given and of where it stands, so that a mistake is an error before the first
// step.
#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "slm/data/checksum.hpp"
#include "slm/optim/parameter_list.hpp"
#include "slm/train/fit_config.hpp"
#include "slm/train/loss.hpp"

namespace slm {

namespace detail {

inline void check_fit(const FitConfig& config) {
  require_config(
      config.epochs >= 1 && config.windows_per_epoch >= 1,
      {"fit: needs at least 1 epoch of 1 window, got ", config.epochs, " of ", config.windows_per_epoch});
  require_config(config.micro_batches >= 1,
                 {"fit: a step needs at least 1 micro-batch, got ", config.micro_batches});
  require_config(!config.ranks || config.ranks->count() <= config.micro_batches,
                 {"fit: expected at least one micro-batch for each rank, got ", config.micro_batches, " for ",
                  config.ranks ? config.ranks->count() : 1, " ranks"});
  require_config(config.patience >= 0, {"fit: patience must not be negative, got ", config.patience});
  require_not_negative("fit: clip", config.clip);
}

/// A model's parameters, as an optimizer and the state of a training have to know them.
template <Scalar Real>
struct FittedParameters {
  std::vector<const Real*> weights;
  std::vector<std::string> texts;     // name and shape
  std::vector<const Real*> in_order;  // the same as the model names them
  std::vector<Index> sizes;           // of these

  template <class Model>
  explicit FittedParameters(const Model& model) {
    for_each_parameter(model, [&](const std::string& name, const auto& its) {
      constexpr bool fits = std::is_same_v<decltype(its.value.data()), const Real*>;
      static_assert(fits, "fit: model, optimizer and state must have one scalar");
      if constexpr (fits) weights.push_back(its.value.data());
      sizes.push_back(its.value.size());
      texts.push_back(make_text({in_quotes(name), " of shape ", its.value.shape()}));
    });
    in_order = weights;
    std::sort(weights.begin(), weights.end());
  }

  void require_all(const ParameterList<Real>& list) const {
    for (const auto& its : list) {
      require_config(std::binary_search(weights.begin(), weights.end(), its.value),
                     {"fit: the optimizer updates ", in_quotes(its.name),
                      ", which is no parameter of the model, though one of it may have that name"});
    }
  }
  void require_same(const std::vector<std::string>& expected) const {
    if (expected.empty() || expected == texts) return;
    std::size_t i = 0;
    while (i < expected.size() && i < texts.size() && expected[i] == texts[i]) ++i;
    const auto text = [i](const auto& all) { return i < all.size() ? all[i] : std::string("none"); };
    throw_error<ShapeError>({"fit: the state is of a model with other parameters: expected ", text(expected),
                             ", got ", text(texts)});
  }
};

/// Evaluates a first batch for the errors that it may throw, which would else end a training after its first
/// epoch: windows that the model does not take, parameters that it does not name.
template <Scalar Real, class Model, class List, class LossFunction>
void try_validation(const Model& model, const List& valid, const LossFunction& loss_of) {
  require_config(valid.batches() >= 1, {"fit: the validation windows make no batch"});
  Tape<Real> tape(Mode::evaluate);
  tape.recorder().set_names_required(true);
  tape.recorder().parts().learn(&model, &type_mark<Model>, &walk_any<Model>);
  const auto batch = valid.batch(0);
  loss_of(model, tape, batch);
}

/// "nan in 'head.bias'", of the first weight that is not finite; empty where all are.
template <class Model>
std::string weight_not_finite(const Model& model) {
  std::string text;
  for_each_parameter(model, [&](const std::string& name, const auto& parameter) {
    for (const auto weight : parameter.value) {
      if (!text.empty() || is_finite(weight)) continue;
      text = make_text({static_cast<double>(weight), " in ", in_quotes(name)});
    }
  });
  return text;
}

/// Puts the weights of the best epoch back, if there is one; returns what an error says of it.
template <class Model, Scalar Real>
std::string put_back_best(Model& model, const FitState<Real>& state) {
  if (state.best.empty()) return "";
  state.best.restore(model);
  return make_text({"; the model has the weights of epoch ", state.best_epoch, " again"});
}

/// Throws unless a training goes on with the text of before, as far as the windows say which that is.
template <Scalar Real, class Source>
void require_same_text(FitState<Real>& state, const Source& train) {
  if constexpr (requires { train.text_checksum(); }) {
    const std::string text = train.text_checksum();
    if (!state.text.empty() && state.text != text) {
      throw_error<DataError>({"fit: expected to go on with the text of the training so far, of checksum ",
                              state.text, ", got windows of another, of checksum ", text});
    }
    state.text = text;
  }
}

/// How an epoch's batches make steps.
struct EpochSteps {
  Index batches, per_step, count;

  template <class Source>
  EpochSteps(const Source& windows, const FitConfig& config, Index epoch)
      : batches(windows.batches()), per_step(std::min(config.micro_batches, batches)) {
    require_config(batches >= 1, {"fit: the training windows make no batch of epoch ", epoch, ", of ",
                                  config.windows_per_epoch, " windows"});
    count = (batches - 1) / per_step + 1;
  }
};

/// What an epoch is known by that is under way: its first batch, and how many make a step. Empty where batches
/// have no tokens to look at.
template <class Source, class AnyBatch>
std::string batches_text(const Source& windows, Index per_step, AnyBatch& batch) {
  if constexpr (requires { batch.inputs.data(), batch.inputs.shape(); }) {
    windows.fill(0, batch);
    const auto bytes = static_cast<std::size_t>(batch.inputs.size()) * sizeof(*batch.inputs.data());
    const std::string checksum = sha256({reinterpret_cast<const char*>(batch.inputs.data()), bytes});
    return make_text({per_step, " of shape ", std::span<const Index>(batch.inputs.shape()), ", ", checksum});
  }
  return "";
}
/// Throws unless an epoch that is under way can go on with these windows.
template <class AnyBatch, class Source>
void require_same_batches(const UnfinishedEpoch& epoch, const Source& windows, const EpochSteps& steps) {
  require_config(epoch.steps <= steps.count,
                 {"fit: the state is ", epoch.steps, " steps within an epoch of ", steps.count});
  AnyBatch batch;
  const std::string text = batches_text(windows, steps.per_step, batch);
  if (epoch.batches.empty() || epoch.batches == text) return;
  throw_error<DataError>(
      {"fit: expected to go on with the batches of the epoch that is under way, in each step ", epoch.batches,
       ", got ", text, ": other windows, another seed or other micro-batches"});
}

template <Scalar Real>
std::uint64_t fingerprint_of(const FittedParameters<Real>& parameters) {
  Fingerprint weights;
  for (std::size_t i = 0; i < parameters.sizes.size(); ++i) {
    weights.add(parameters.in_order[i], static_cast<std::size_t>(parameters.sizes[i]) * sizeof(Real));
  }
  return weights.number();
}

/// Throws unless all ranks begin alike: else their models would come apart.
template <Scalar Real, class AnyBatch, class Updates, class Source>
void agree_to_fit(const FittedParameters<Real>& parameters, Updates& optimizer, const FitState<Real>& state,
                  const Source& windows, const Random& dropout, const FitConfig& config) {
  Fingerprint names, moments, text, batches;
  for (const std::string& its : parameters.texts) names.add(its);
  optimizer.for_each_state([&](const std::string& name, const auto& tensor) {
    moments.add(name);
    moments.add(tensor.data(), static_cast<std::size_t>(tensor.size()) * sizeof(*tensor.data()));
  });
  text.add(state.text);
  AnyBatch batch;
  batches.add(batches_text(windows, std::min(config.micro_batches, Index(windows.batches())), batch));
  const UnfinishedEpoch& now = state.unfinished;
  config.ranks->agree({
      {"names and shapes of parameters (as a checksum)", names.number()},
      {"weights (as a checksum)", fingerprint_of(parameters)},
      {"steps of the optimizer", optimizer.steps()},
      {"state of the optimizer (as a checksum)", moments.number()},
      {"micro-batches", config.micro_batches},
      {"epochs to train", config.epochs},
      {"windows per epoch", config.windows_per_epoch},
      {"patience", config.patience},
      {"limit to clip at", config.clip},
      {"products (0: full, 1: bfloat16)", static_cast<Index>(config.products)},
      {"learning rate (-1: the optimizer's own)",
       config.learning_rate ? config.learning_rate(state.steps + now.steps) : -1},
      {"stream of dropout (as its key)", dropout.key()},
      {"epochs done", static_cast<Index>(state.epochs.size())},
      {"best epoch", state.best_epoch},
      {"steps done", state.steps},
      {"steps done in the epoch under way", now.steps},
      {"sum of losses in the epoch under way", now.loss_sum},
      {"training text (as a checksum)", text.number()},
      {"training batches (how many make a step, their shape and the first one, as a checksum)",
       batches.number()},
  });
}

}  // namespace detail

}  // namespace slm
