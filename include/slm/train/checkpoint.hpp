#pragma once
// A training between two epochs as a safetensors file, so that it can go on after its program was ended, with
// the same bits as if it had not been.
#include <string>
#include <vector>

#include "slm/io/safetensors.hpp"
#include "slm/optim/adam.hpp"
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

}  // namespace detail

/// Writes the weights, Adam's moments and what `fit` has done so far. The file is replaced as a whole or not at
/// all. Throws `DataError` where it cannot be written.
template <template <Scalar> class Model, Scalar Real>
void save_checkpoint(const std::string& path, const Model<Real>& model, Adam<Real>& optimizer,
                     const FitState<Real>& state, const Metadata& metadata = {}) {
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
  progress[0] = state.best_epoch;
  progress[1] = state.steps;
  progress[2] = optimizer.steps();

  std::vector<TensorRecord> records;
  for_each_parameter(model, [&](const std::string& name, const auto& parameter) {
    records.push_back(tensor_record("weight." + name, parameter.value));
  });
  for (std::size_t k = 0; k < optimizer.list().size(); ++k) {
    records.push_back(tensor_record("adam.first." + optimizer.list()[k].name, optimizer.moments()[k].first));
    records.push_back(tensor_record("adam.second." + optimizer.list()[k].name, optimizer.moments()[k].second));
  }
  records.push_back(tensor_record("best", state.best.values()));
  records.push_back(tensor_record("fit.epochs", numbers));
  records.push_back(tensor_record("fit.spent", spent));
  records.push_back(tensor_record("fit.progress", progress));
  write_safetensors(path, records, metadata);
}

/// Reads what `save_checkpoint` wrote, for a model and an optimizer of the same sizes. Throws `DataError` where
/// the file does not fit; model, optimizer and state may then be changed in part.
template <template <Scalar> class Model, Scalar Real>
void load_checkpoint(const SafeTensors& file, Model<Real>& model, Adam<Real>& optimizer,
                     FitState<Real>& state) {
  const auto epochs = file.find("fit.epochs").shape.at(0);
  Tensor<double, 2> numbers({epochs, detail::numbers_of_epoch});
  Tensor<std::int64_t, 2> spent({epochs, detail::counts_of_spent});
  Tensor<std::int64_t, 1> progress({3});
  file.copy_into("fit.epochs", numbers);
  file.copy_into("fit.spent", spent);
  file.copy_into("fit.progress", progress);
  const Index best_epoch = progress[0];
  if (best_epoch < 0 || best_epoch > epochs || progress[1] < 0 || progress[2] < 0) {
    throw DataError(concatenate({"load_checkpoint '", file.path(), "': expected counts of ", epochs,
                                 " epochs, got best epoch ", best_epoch, ", ", progress[1], " steps and ",
                                 progress[2], " updates"}));
  }
  for_each_parameter(model, [&](const std::string& name, auto& parameter) {
    file.copy_into("weight." + name, parameter.value);
  });
  for (std::size_t k = 0; k < optimizer.list().size(); ++k) {
    file.copy_into("adam.first." + optimizer.list()[k].name, optimizer.moments()[k].first);
    file.copy_into("adam.second." + optimizer.list()[k].name, optimizer.moments()[k].second);
  }
  optimizer.set_steps(progress[2]);

  state = {.epochs = {}, .best_epoch = best_epoch, .steps = progress[1], .spent = {}, .best = {}};
  state.best.take(model);
  if (best_epoch > 0) {
    file.copy_into("best", state.best.values());
  } else {
    state.best = {};
  }
  const double* number = numbers.data();
  const std::int64_t* count = spent.data();
  double lowest = std::numeric_limits<double>::infinity();
  for (Index i = 1; i <= epochs; ++i) {
    EpochReport report{.epoch = i, .train_nll = number[0], .valid_nll = number[1], .seconds = number[2]};
    number += detail::numbers_of_epoch;
    report.best = report.valid_nll < lowest;
    if (report.best) lowest = report.valid_nll;
    detail::for_each_count(report.spent, [&](Index& value) { value = *count++; });
    state.spent = report.spent;
    state.epochs.push_back(report);
  }
}

}  // namespace slm
