#pragma once
// A copy of a model's weights, to go back to.
#include <vector>

#include "slm/nn/module.hpp"

namespace slm {

template <Scalar Real>
class Snapshot {
 public:
  template <class Model>
  void take(const Model& model) {
    values_.clear();
    for_each_parameter(model, [&](const std::string&, const auto& parameter) {
      values_.insert(values_.end(), parameter.value.begin(), parameter.value.end());
    });
  }

  /// Puts the weights back. The model must be the one they were taken from.
  template <class Model>
  void restore(Model& model) const {
    auto from = values_.begin();
    for_each_parameter(model, [&](const std::string&, auto& parameter) {
      std::copy_n(from, parameter.value.size(), parameter.value.begin());
      from += parameter.value.size();
    });
  }

  bool empty() const { return values_.empty(); }

 private:
  std::vector<Real> values_;
};

}  // namespace slm
