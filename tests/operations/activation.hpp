#pragma once
#include "operations/unary.hpp"
#include "slm/autograd/ops/activation.hpp"

namespace slm::detail {

template <Scalar Real>
OperationEntry<Real> relu_entry() {
  return unary_entry<Real>(
      "relu", "y = max(x, 0)", [](auto x) { return relu(x); }, kernels::Relu::costs);
}

template <Scalar Real>
OperationEntry<Real> gelu_entry() {
  return unary_entry<Real>(
      "gelu", "y = x Φ(x), Φ the standard normal distribution function", [](auto x) { return gelu(x); },
      kernels::Gelu::costs);
}

template <Scalar Real>
OperationEntry<Real> silu_entry() {
  return unary_entry<Real>(
      "silu", "y = x σ(x), σ the logistic function", [](auto x) { return silu(x); }, kernels::Silu::costs);
}

template <Scalar Real>
OperationEntry<Real> relu_squared_entry() {
  return unary_entry<Real>(
      "relu_squared", "y = max(x, 0)²", [](auto x) { return relu_squared(x); }, kernels::ReluSquared::costs);
}

template <Scalar Real>
OperationEntry<Real> gelu_tanh_entry() {
  return unary_entry<Real>(
      "gelu_tanh", "y = ½ x (1 + tanh(√(2/π) (x + 0.044715 x³)))", [](auto x) { return gelu_tanh(x); },
      kernels::GeluTanh::costs);
}

template <Scalar Real>
OperationEntry<Real> dropout_entry() {
  const auto f = priced([](auto x) { return dropout(x, 0.375); },
                        [](auto x) { return kernels::dropout_costs(element_count(x)); });
  OperationEntry<Real> entry{
      .name = "dropout",
      .formula = "y = x ∘ m / (1 − p), m one with probability 1 − p and else zero",
      .small = {example<Real>("", f, Named("x", 25)), example<Real>("rank 3", f, Named("x", 2, 3, 4))},
      .large = {example<Real>("", f, Named("x", 3, 130, 130))},
      .refused = {}};
  const auto refuse = [&](double p, const char* text) {
    entry.refused.push_back({example<Real>(
                                 "", [p](auto x) { return dropout(x, p); }, Named("x", 2, 3)),
                             {"[0, 1)", text}});
  };
  refuse(1, "got 1");
  refuse(0.999995, "got 0.999995");
  refuse(-0.25, "got -0.25");
  return entry;
}

}  // namespace slm::detail
