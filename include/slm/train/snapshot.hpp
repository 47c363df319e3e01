#pragma once
// A copy of a model's weights, to go back to.
#include <algorithm>

#include "slm/nn/module.hpp"

namespace slm {

/// A copy of all of a model's weights.
template <Scalar Real>
class Snapshot {
 public:
  template <class Model>
  void take(const Model& model) {
    const Index count = parameter_count(model);
    if (values_.size() != count) values_ = Tensor<Real, 1>({count});
    Real* to = values_.data();
    for_each_parameter(model, [&](const std::string&, const auto& parameter) {
      to = std::copy_n(parameter.value.data(), parameter.value.size(), to);
    });
  }

  /// Puts the weights back. The model must be one like that they were taken from: throws `ShapeError`, and
  /// changes nothing, where it has another number of parameters or none were taken.
  template <class Model>
  void restore(Model& model) const {
    for_each(model, [](const std::string&, auto& parameter, const Real* values) {
      std::copy_n(values, parameter.value.size(), parameter.value.data());
    });
  }

  /// Calls visit(name, parameter, values) for every parameter of the model, where `values` are its weights in
  /// this copy. Throws as `restore` does, before the first call.
  template <class Model, class Visit>
  void for_each(Model& model, const Visit& visit) const {
    if (const Index count = parameter_count(model); count != values_.size()) {
      throw_error<ShapeError>(
          {"Snapshot: expected a model of ", values_.size(), " parameters, as were taken, got one of ", count});
    }
    const Real* values = values_.data();
    for_each_parameter(model, [&](const std::string& name, auto& parameter) {
      visit(name, parameter, values);
      values += parameter.value.size();
    });
  }

  bool empty() const { return values_.size() == 0; }

  /// All weights one after the other, to save and to load.
  Tensor<Real, 1>& values() { return values_; }
  const Tensor<Real, 1>& values() const { return values_; }

 private:
  Tensor<Real, 1> values_;
};

}  // namespace slm
