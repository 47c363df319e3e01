#pragma once
// All parameters of a model in one list, for what treats them alike.
#include <cmath>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "slm/core/parallel.hpp"
#include "slm/core/reduce.hpp"
#include "slm/nn/module.hpp"

namespace slm {

/// One parameter's memory. It stays valid when the model is moved and when another of the same sizes is copied
/// into it (`model = best`), not when the model is destroyed or another is moved into it.
template <Scalar Real>
struct ParameterView {
  std::string name;
  Real* value;
  Real* grad;
  Index size;
};

template <Scalar Real>
using ParameterList = std::vector<ParameterView<Real>>;

template <class T>
inline constexpr bool is_parameter_list = false;
template <Scalar Real>
inline constexpr bool is_parameter_list<ParameterList<Real>> = true;
template <Scalar Real>
inline constexpr bool is_parameter_list<const ParameterList<Real>> = true;

/// The scalar of what an optimizer updates.
template <class Optimizer>
using ScalarOf = std::remove_pointer_t<decltype(std::declval<Optimizer&>().list().front().value)>;

/// The parameters of a model, or of any struct with fields, in the order of its fields:
/// `parameters<float>(net)`.
template <Scalar Real, class Model>
ParameterList<Real> parameters(Model& model) {
  ParameterList<Real> list;
  for_each_parameter(model, [&](const std::string& name, auto& parameter) {
    constexpr bool fits = std::is_same_v<decltype(parameter.value.data()), Real*>;
    static_assert(fits,
                  "parameters: the model must not be const, and the scalar of all its parameters must be Real");
    if constexpr (fits) {
      list.push_back({name, parameter.value.data(), parameter.grad.data(), parameter.value.size()});
    }
  });
  return list;
}

/// Elements of all parameters.
template <Scalar Real>
Index element_count(const ParameterList<Real>& list) {
  Index count = 0;
  for (const auto& parameter : list) count += parameter.size;
  return count;
}

/// Elements a thread updates at a time.
inline constexpr Index update_block = 16384;

/// Calls f(parameter, begin, end) for blocks of elements of all parameters, shared among threads.
template <Scalar Real, class Function>
void for_each_block(const ParameterList<Real>& list, const Function& f) {
  const auto blocks_of = [](const auto& parameter) {
    return (parameter.size + update_block - 1) / update_block;
  };
  Index blocks = 0;
  for (const auto& parameter : list) blocks += blocks_of(parameter);
  parallel_for(blocks, [&](Index block) {
    std::size_t k = 0;
    for (; block >= blocks_of(list[k]); ++k) block -= blocks_of(list[k]);
    const Index begin = block * update_block;
    f(k, begin, std::min(begin + update_block, list[k].size));
  });
}

/// Scales all gradients together so that their Euclidean norm is at most `limit`; returns the norm before.
template <Scalar Real>
double clip_gradients(const ParameterList<Real>& list, double limit) {
  require_config(limit > 0, {"clip_gradients: the limit must be positive, got ", limit});
  double square = 0;
  for (const auto& parameter : list) {
    const Real* g = parameter.grad;
    square += static_cast<double>(sum_over<Real>(parameter.size, [=](Index i) { return g[i] * g[i]; }));
  }
  const double norm = std::sqrt(square);
  if (norm > limit) {
    const Real factor = static_cast<Real>(limit / norm);
    for_each_block(list, [&](std::size_t k, Index begin, Index end) {
      for (Index i = begin; i < end; ++i) list[k].grad[i] *= factor;
    });
  }
  return norm;
}
/// `scaled`: whether the norm was above the limit.
template <Scalar Real>
Cost clip_gradients_cost(const ParameterList<Real>& list, bool scaled) {
  Cost sum;
  for (const auto& parameter : list) {
    const Cost elements{.elementwise = parameter.size};
    sum += elements + sum_over_cost(parameter.size) + elements.when(scaled);
  }
  return sum;
}

}  // namespace slm
