#pragma once
#include "operations/entry.hpp"
#include "slm/autograd/ops/unary.hpp"

namespace slm::detail {

/// Functions of one number take any shape; `costs` is that of one element.
template <Scalar Real, class Function>
OperationEntry<Real> unary_entry(const char* name, const char* formula, const Function& apply,
                                 const PassCosts& costs, bool positive = false) {
  const auto f = priced(apply, [costs](auto x) { return costs * element_count(x); });
  const auto x = [positive](auto... extents) {
    Named input("x", extents...);
    input.positive = positive;
    return input;
  };
  return {.name = name,
          .formula = formula,
          .small = {example<Real>("", f, x(25)), example<Real>("rank 3", f, x(2, 3, 4))},
          .large = {example<Real>("", f, x(3, 130, 130))},
          .refused = {}};
}

template <Scalar Real>
OperationEntry<Real> negate_entry() {
  return unary_entry<Real>(
      "negate", "y = −x", [](auto x) { return negate(x); }, kernels::Negate::costs);
}

template <Scalar Real>
OperationEntry<Real> shift_entry() {
  return unary_entry<Real>(
      "shift", "y = x + s", [](auto x) { return shift(x, Real(0.5)); }, kernels::Shift<Real>::costs);
}

template <Scalar Real>
OperationEntry<Real> exp_entry() {
  return unary_entry<Real>(
      "exp", "y = eˣ", [](auto x) { return exp(x); }, kernels::Exp::costs);
}

template <Scalar Real>
OperationEntry<Real> log_entry() {
  return unary_entry<Real>(
      "log", "y = ln x", [](auto x) { return log(x); }, kernels::Log::costs, true);
}

template <Scalar Real>
OperationEntry<Real> sqrt_entry() {
  return unary_entry<Real>(
      "sqrt", "y = √x", [](auto x) { return sqrt(x); }, kernels::Sqrt::costs, true);
}

template <Scalar Real>
OperationEntry<Real> square_entry() {
  return unary_entry<Real>(
      "square", "y = x²", [](auto x) { return square(x); }, kernels::Square::costs);
}

template <Scalar Real>
OperationEntry<Real> tanh_entry() {
  return unary_entry<Real>(
      "tanh", "y = tanh x", [](auto x) { return tanh(x); }, kernels::Tanh::costs);
}

template <Scalar Real>
OperationEntry<Real> sigmoid_entry() {
  return unary_entry<Real>(
      "sigmoid", "y = 1 / (1 + e⁻ˣ)", [](auto x) { return sigmoid(x); }, kernels::Sigmoid::costs);
}

template <Scalar Real>
OperationEntry<Real> softplus_entry() {
  return unary_entry<Real>(
      "softplus", "y = ln(1 + eˣ)", [](auto x) { return softplus(x); }, kernels::Softplus::costs);
}

template <Scalar Real>
OperationEntry<Real> abs_entry() {
  return unary_entry<Real>(
      "abs", "y = |x|", [](auto x) { return abs(x); }, kernels::Abs::costs);
}

template <Scalar Real>
OperationEntry<Real> minimum_entry() {
  return unary_entry<Real>(
      "minimum", "y = min(x, s)", [](auto x) { return minimum(x, Real(0.5)); }, kernels::Minimum<Real>::costs);
}

template <Scalar Real>
OperationEntry<Real> maximum_entry() {
  return unary_entry<Real>(
      "maximum", "y = max(x, s)", [](auto x) { return maximum(x, Real(0.5)); }, kernels::Maximum<Real>::costs);
}

/// Of functions that reach over both of their arguments; the costs by hand.
template <Scalar Real>
OperationEntry<Real> elementwise_entry() {
  auto entry =
      unary_entry<Real>("elementwise", "y = f(x) of one's own f",
                        [](auto x) {
                          return elementwise(
                              "elementwise", x, [](auto v) { return math::log(1 + math::exp(v)); },
                              [](auto v) { return math::sigmoid(v); });
                        },
                        {{.elementwise = 1, .transcendental = 2}, {.elementwise = 2, .transcendental = 1}});
  const auto of_result = priced(
      [](auto x) {
        return elementwise(
            "elementwise", x, [](auto v) { return v * math::exp(v); },
            [](auto v, auto y) { return y + y / v; });
      },
      [](auto x) {
        return PassCosts{{.elementwise = 1, .transcendental = 1}, {.elementwise = 4}} * element_count(x);
      });
  entry.small.push_back(example<Real>("derivative of x and y", of_result, Named("x", 25)));
  return entry;
}

}  // namespace slm::detail
