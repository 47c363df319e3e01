#pragma once
// Activations: ReLU, GELU and SiLU, ReLU² and the tanh form of GELU. The forward passes work in place when y =
// x.
#include "slm/core/math.hpp"
#include "slm/kernels/elementwise.hpp"
#include "slm/kernels/unary.hpp"

namespace slm::kernels {
inline namespace SLM_INSTRUCTION_SET {

/// y = max(x, 0); NaN stays NaN.
template <Scalar Real>
void relu_forward(const Real* x, Real* y, Index count) {
  for_each_element(count, [=](Index i) { y[i] = x[i] < Real(0) ? Real(0) : x[i]; });
}
/// dx += dy where y > 0
template <Scalar Real>
void relu_backward(const Real* y, const Real* dy, Into<Real> dx, Index count) {
  for_each_element(count, [=](Index i) {
    const Real slope = dy[i];  // read unconditionally, so that the loop needs no branch
    dx.data[i] = dx.before(i) + (y[i] > Real(0) ? slope : Real(0));
  });
}
inline PassCosts relu_costs(Index count) {
  return {{.comparisons = count}, {.elementwise = count, .comparisons = count}};
}

/// y = x Φ(x) with Φ the normal distribution function.          Hendrycks and Gimpel 2016, eq. 2
template <Scalar Real>
void gelu_forward(const Real* x, Real* y, Index count) {
  for_each_element(count, [=](Index i) { y[i] = math::gelu(x[i]); });
}
/// dx += dy (Φ(x) + x φ(x))
template <Scalar Real>
void gelu_backward(const Real* x, const Real* dy, Into<Real> dx, Index count) {
  for_each_element(count, [=](Index i) { dx.data[i] = dx.before(i) + dy[i] * math::gelu_derivative(x[i]); });
}
inline PassCosts gelu_costs(Index count) {
  return PassCosts{{.elementwise = 4, .transcendental = 1}, {.elementwise = 10, .transcendental = 2}} * count;
}

/// y = x σ(x)                                                    Elfwing, Uchibe, Doya 2017, eq. 1
template <Scalar Real>
void silu_forward(const Real* x, Real* y, Index count) {
  for_each_element(count, [=](Index i) { y[i] = x[i] / (Real(1) + math::exp(-x[i])); });
}
/// dx += dy σ(x) (1 + x (1 − σ(x)))
template <Scalar Real>
void silu_backward(const Real* x, const Real* dy, Into<Real> dx, Index count) {
  for_each_element(count, [=](Index i) {
    const Real sigmoid = Real(1) / (Real(1) + math::exp(-x[i]));
    dx.data[i] = dx.before(i) + dy[i] * (sigmoid * (Real(1) + x[i] * (Real(1) - sigmoid)));
  });
}
inline PassCosts silu_costs(Index count) {
  return PassCosts{{.elementwise = 2, .transcendental = 1}, {.elementwise = 8, .transcendental = 1}} * count;
}

/// y = max(x, 0)²; NaN stays NaN.                                So et al. 2021, sec. 4.1
///   dx += 2 dy max(x, 0)
struct ReluSquared {
  static constexpr Reads reads{.input = true};
  static constexpr PassCosts costs{{.elementwise = 1, .comparisons = 1}, {.elementwise = 3, .comparisons = 1}};
  // So that compilers vectorise: a product that is needed for x > 0 only would be a branch.
  template <class Real>
  static Real forward(Real x) {
    const Real signed_square = x * math::abs(x);
    return signed_square < Real(0) ? Real(0) : signed_square;
  }
  template <class Real>
  static Real backward(Real x, Real, Real dy) {
    const Real positive = x < Real(0) ? Real(0) : x;
    return dy * positive * Real(2);
  }
};

/// y = ½ x (1 + tanh u) = x σ(2u), u = √(2/π) (x + 0.044715 x³)   Hendrycks and Gimpel 2016, sec. 2
///   dx += dy σ(2u) (1 + x (1 − σ(2u)) 2u′)
/// By the logistic function, which loses no digits where tanh u is close to −1.
struct GeluTanh {
  static constexpr Reads reads{.input = true};
  static constexpr PassCosts costs{{.elementwise = 5, .transcendental = 1},
                                   {.elementwise = 13, .transcendental = 1}};
  // 2u = x (first + third x²)
  static constexpr double first = 1.59576912160573071176, third = 0.044715 * first;

  template <class Real>
  static Real forward(Real x) {
    return x * math::sigmoid(x * (Real(first) + Real(third) * (x * x)));
  }
  template <class Real>
  static Real backward(Real x, Real, Real dy) {
    const Real square = x * x;
    const Real gate = math::sigmoid(x * (Real(first) + Real(third) * square));
    const Real slope = Real(first) + Real(3 * third) * square;
    return dy * (gate * (Real(1) + x * (Real(1) - gate) * slope));
  }
};

}  // namespace SLM_INSTRUCTION_SET
}  // namespace slm::kernels
