#pragma once
// A training after any step as a safetensors file, so that it can go on after its program was ended, with the
// same bits as if it had not been.
#include <algorithm>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "slm/io/format.hpp"
#include "slm/io/safetensors.hpp"
#include "slm/train/fit.hpp"

namespace slm {

namespace detail {

/// Calls visit(count) for every count in `spent`.
template <class AnySpent, class Visit>
void for_each_count(AnySpent& spent, const Visit& visit) {
  for (auto* cost : {&spent.training.forward, &spent.training.backward, &spent.optimizer, &spent.validation}) {
    for (const auto& kind : cost_kinds) visit(cost->*kind.count);
  }
}
inline constexpr Index counts_of_spent = 4 * static_cast<Index>(cost_kinds.size());

/// Train NLL, validation NLL, seconds.
inline constexpr Index numbers_of_epoch = 3;

/// An epoch that is under way, in a file of a training that is within one: its numbers (sum of losses, seconds)
/// and counts (steps, targets, then those of what was spent).
inline constexpr const char *unfinished_numbers = "fit.unfinished.numbers",
                            *unfinished_counts = "fit.unfinished.counts";
inline constexpr Index counts_of_unfinished = 2 + counts_of_spent;

/// Calls visit(name, tensor) for the model's weights and the optimizer's state, by their names in the file.
template <class Model, class Updates, class Visit>
void for_each_tensor(Model& model, Updates& optimizer, const Visit& visit) {
  for_each_parameter(
      model, [&](const std::string& name, auto& parameter) { visit("weight." + name, parameter.value); });
  optimizer.for_each_state(visit);
}
/// The same of what is in a file: an optimizer may have state that is not always saved.
template <class Model, class Updates, class Visit>
void for_each_tensor(Model& model, Updates& optimizer, const SafeTensors& file, const Visit& visit) {
  for_each_parameter(
      model, [&](const std::string& name, auto& parameter) { visit("weight." + name, parameter.value); });
  const auto has = [&](const std::string& name, const auto&) { return file.contains(name); };
  if constexpr (requires { optimizer.for_each_state(visit, has); }) {
    optimizer.for_each_state(visit, has);
  } else {
    optimizer.for_each_state(visit);
  }
}

/// A tensor of this shape, which the one in the file must have before memory is taken.
template <class T, std::size_t Rank>
Tensor<T, Rank> read_tensor(const SafeTensors& file, std::string_view name, const Shape<Rank>& shape) {
  file.check<T>(file.find(name), shape);
  Tensor<T, Rank> tensor(shape);
  file.copy_into(name, tensor);
  return tensor;
}

}  // namespace detail

/// Writes the last step's weights, the optimizer's state (`for_each_state`), what `fit` has done so far, and
/// the checksum of the text that it trained on: within `on_step`, `on_epoch` or after `fit`. The file is
/// replaced as a whole or not at all. Throws `DataError` where it cannot be written, and `ConfigError` where an
/// error has ended the training in the middle of a step.
template <class Model, class Updates, Scalar Real>
void save_checkpoint(const Model& model, Updates& optimizer, const FitState<Real>& state,
                     const std::string& path, const Metadata& metadata = {}) {
  static_assert(Optimizer<Updates>, "save_checkpoint: it must be an Optimizer, see slm/nn/contracts.hpp");
  require_config(!state.failed, {"save_checkpoint: expected a training that stands between two steps, got one ",
                                 "that an error ended in epoch ", state.epochs.size() + 1});
  const auto epochs = static_cast<Index>(state.epochs.size());
  Tensor<double, 2> numbers({epochs, detail::numbers_of_epoch});
  Tensor<std::int64_t, 2> spent({epochs, detail::counts_of_spent});
  Tensor<std::int64_t, 1> progress({3});
  double* number = numbers.data();
  std::int64_t* count = spent.data();
  for (const EpochReport& epoch : state.epochs) {
    for (const double value : {epoch.train_nll, epoch.valid_nll, epoch.seconds}) *number++ = value;
    detail::for_each_count(epoch.spent, [&](Index value) { *count++ = value; });
  }
  progress(0) = state.best_epoch;
  progress(1) = state.steps;
  progress(2) = optimizer.steps();

  std::vector<TensorRecord> records;
  detail::for_each_tensor(model, optimizer, [&](const std::string& name, const auto& tensor) {
    records.push_back(tensor_record(name, tensor));
  });
  if (!state.last.empty()) {  // the model has the best epoch's weights
    auto record = records.begin();
    state.last.for_each(model, [&](const std::string&, const auto&, const Real* weights) {
      record->bytes = {reinterpret_cast<const std::byte*>(weights), record->bytes.size()};
      ++record;
    });
  }
  records.push_back(tensor_record("best", state.best.values()));
  records.push_back(tensor_record("fit.epochs", numbers));
  records.push_back(tensor_record("fit.spent", spent));
  records.push_back(tensor_record("fit.progress", progress));
  Tensor<double, 1> unfinished({2});
  Tensor<std::int64_t, 1> counts({detail::counts_of_unfinished});
  if (state.within_epoch()) {
    const UnfinishedEpoch& epoch = state.unfinished;
    unfinished(0) = epoch.loss_sum, unfinished(1) = epoch.seconds;
    counts(0) = epoch.steps, counts(1) = epoch.targets;
    std::int64_t* to = counts.data() + 2;
    detail::for_each_count(epoch.spent, [&](Index value) { *to++ = value; });
    records.push_back(tensor_record(detail::unfinished_numbers, unfinished));
    records.push_back(tensor_record(detail::unfinished_counts, counts));
  }
  Metadata about = with_format(metadata);
  if (!state.text.empty()) about["fit.text"] = state.text;
  if (state.within_epoch() && !state.unfinished.batches.empty()) {
    about["fit.batches"] = state.unfinished.batches;
  }
  detail::named_in_errors("save_checkpoint", [&] { write_safetensors(path, records, about); });
}

/// Reads what `save_checkpoint` wrote, for a model and an optimizer of the same sizes. All of it is checked
/// before the first number changes: throws `DataError` where the file does not fit. `fit` then goes on with the
/// same text only.
template <class Model, class Updates, Scalar Real>
void load_checkpoint(Model& model, Updates& optimizer, FitState<Real>& state, const SafeTensors& file) {
  static_assert(Optimizer<Updates>, "load_checkpoint: it must be an Optimizer, see slm/nn/contracts.hpp");
  const auto fail = [&](std::initializer_list<MessagePart> pieces) {
    throw_error<DataError>({"load_checkpoint '", file.path(), "': ", make_text(pieces)});
  };
  try {
    require_known_format(file.metadata(), detail::first_format);
  } catch (const DataError& error) {
    fail({error.what()});
  }
  if (!file.contains("fit.epochs") && !file.contains("fit.progress")) {
    const bool is_model = file.metadata().contains("tokenizer.unit");
    fail({"it is a model without its training, which ", is_model ? "load_model" : "load_weights", " reads"});
  }
  const std::vector<Index>& shape = file.find("fit.epochs").shape;
  const Index epochs = shape.empty() ? 0 : shape.front();
  const auto numbers =
      detail::read_tensor<double>(file, "fit.epochs", Shape<2>{epochs, detail::numbers_of_epoch});
  const auto spent =
      detail::read_tensor<std::int64_t>(file, "fit.spent", Shape<2>{epochs, detail::counts_of_spent});
  const auto progress = detail::read_tensor<std::int64_t>(file, "fit.progress", Shape<1>{3});

  FitState<Real> loaded;
  loaded.steps = progress(1);
  if (const auto text = file.metadata().find("fit.text"); text != file.metadata().end()) {
    loaded.text = text->second;
  }
  const double* number = numbers.data();
  const std::int64_t* count = spent.data();
  for (Index epoch = 1; epoch <= epochs; ++epoch, number += detail::numbers_of_epoch) {
    EpochReport report{.epoch = epoch, .train_nll = number[0], .valid_nll = number[1], .seconds = number[2]};
    report.best = loaded.is_best(report.valid_nll);
    if (report.best) loaded.best_epoch = epoch;
    detail::for_each_count(report.spent, [&](Index& value) { value = *count++; });
    loaded.spent = report.spent;
    loaded.epochs.push_back(report);
  }
  const auto negative = [](Index value) { return value < 0; };
  if (std::any_of(spent.begin(), spent.end(), negative))
    fail({"expected costs of 0 or more, got a negative one"});
  if (progress(0) != loaded.best_epoch || progress(1) < 0 || progress(2) < 0) {
    fail({"expected best epoch ", loaded.best_epoch, " of ", epochs,
          " and counts of 0 or more, got best epoch ", progress(0), ", ", progress(1), " steps and ",
          progress(2), " updates"});
  }
  const Index best_size = loaded.best_epoch > 0 ? parameter_count(model) : 0;
  loaded.best.values() = detail::read_tensor<Real>(file, "best", Shape<1>{best_size});

  std::size_t expected = 4;
  if (file.contains(detail::unfinished_numbers) || file.contains(detail::unfinished_counts)) {
    expected += 2;
    const auto unfinished = detail::read_tensor<double>(file, detail::unfinished_numbers, Shape<1>{2});
    const auto counts = detail::read_tensor<std::int64_t>(file, detail::unfinished_counts,
                                                          Shape<1>{detail::counts_of_unfinished});
    UnfinishedEpoch& epoch = loaded.unfinished;
    epoch.loss_sum = unfinished(0), epoch.seconds = unfinished(1);
    epoch.steps = counts(0), epoch.targets = counts(1);
    if (const auto text = file.metadata().find("fit.batches"); text != file.metadata().end()) {
      epoch.batches = text->second;
    }
    const std::int64_t* from = counts.data() + 2;
    detail::for_each_count(epoch.spent, [&](Index& value) { value = *from++; });
    if (!is_finite(epoch.loss_sum) || epoch.steps < 1 || std::any_of(counts.begin(), counts.end(), negative)) {
      fail(
          {"expected an epoch with a finite sum of losses, 1 step or more and counts of 0 or more, got a sum "
           "of ",
           epoch.loss_sum, " and ", epoch.steps, " steps, or a negative count"});
    }
  }
  detail::for_each_tensor(model, optimizer, file, [&](const std::string& name, const auto& tensor) {
    file.check<Real>(file.find(name), tensor.shape());
    ++expected;
  });
  if (const std::size_t actual = file.records().size(); actual != expected) {
    fail({"expected the ", expected, " tensors of this model and optimizer, got ", actual});
  }

  optimizer.set_steps(progress(2));
  detail::for_each_tensor(model, optimizer, file,
                          [&](const std::string& name, auto& tensor) { file.copy_into(name, tensor); });
  loaded.parameters = detail::FittedParameters<Real>(std::as_const(model)).texts;
  state = std::move(loaded);
}
template <class Model, class Updates, Scalar Real>
void load_checkpoint(Model& model, Updates& optimizer, FitState<Real>& state, const std::string& path) {
  detail::named_in_errors("load_checkpoint",
                          [&] { load_checkpoint(model, optimizer, state, SafeTensors::read(path)); });
}

}  // namespace slm
