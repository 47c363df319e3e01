#pragma once
// Activations: ReLU, GELU and SiLU. The forward passes work in place when y = x.
#include "slm/core/math.hpp"
#include "slm/kernels/elementwise.hpp"

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
  for_each_element(count, [=](Index i) {
    y[i] = x[i] * (Real(0.5) + Real(0.5) * math::erf(x[i] * Real(0.70710678118654752440)));
  });
}
/// dx += dy (Φ(x) + x φ(x))
template <Scalar Real>
void gelu_backward(const Real* x, const Real* dy, Into<Real> dx, Index count) {
  for_each_element(count, [=](Index i) {
    const Real distribution = Real(0.5) + Real(0.5) * math::erf(x[i] * Real(0.70710678118654752440));
    const Real density = Real(0.39894228040143267794) * math::exp(Real(-0.5) * (x[i] * x[i]));
    dx.data[i] = dx.before(i) + dy[i] * (distribution + x[i] * density);
  });
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

}  // namespace SLM_INSTRUCTION_SET
}  // namespace slm::kernels
