#pragma once
// A copy of a model's weights, to go back to.
#include <algorithm>

#include "slm/nn/module.hpp"

namespace slm {

template <Scalar Real>
class Snapshot {
 public:
  template <class Model>
  void take(const Model& model) {
    if (empty()) values_ = Tensor<Real, 1>({parameter_count(model)});
    Real* to = values_.data();
    for_each_parameter(model, [&](const std::string&, const auto& parameter) {
      to = std::copy_n(parameter.value.data(), parameter.value.size(), to);
    });
  }

  /// Puts the weights back. The model must be the one they were taken from.
  template <class Model>
  void restore(Model& model) const {
    const Real* from = values_.data();
    for_each_parameter(model, [&](const std::string&, auto& parameter) {
      std::copy_n(from, parameter.value.size(), parameter.value.data());
      from += parameter.value.size();
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
