#pragma once
// Activations: ReLU, GELU and SiLU, ReLU² and the tanh form of GELU.
#include "slm/core/math.hpp"
#include "slm/kernels/elementwise.hpp"
#include "slm/kernels/unary.hpp"

namespace slm::kernels {
inline namespace SLM_INSTRUCTION_SET {

/// y = max(x, 0); NaN stays NaN.
///   dx += dy where y > 0
struct Relu {
  static constexpr Reads reads{.output = true};
  static constexpr PassCosts costs{{.comparisons = 1}, {.elementwise = 1, .comparisons = 1}};
  template <class Real>
  static Real forward(Real x) {
    return x < Real(0) ? Real(0) : x;
  }
  template <class Real>
  static Real backward(Real, Real y, Real dy) {
    return y > Real(0) ? dy : Real(0);
  }
};

/// y = x Φ(x) with Φ the normal distribution function.          Hendrycks and Gimpel 2016, eq. 2
///   dx += dy (Φ(x) + x φ(x))
struct Gelu {
  static constexpr Reads reads{.input = true};
  static constexpr PassCosts costs{{.elementwise = 4, .transcendental = 1},
                                   {.elementwise = 10, .transcendental = 2}};
  template <class Real>
  static Real forward(Real x) {
    return math::gelu(x);
  }
  template <class Real>
  static Real backward(Real x, Real, Real dy) {
    return dy * math::gelu_derivative(x);
  }
};

/// y = x σ(x)                                                    Elfwing, Uchibe, Doya 2017, eq. 1
///   dx += dy σ(x) (1 + x (1 − σ(x)))
struct Silu {
  static constexpr Reads reads{.input = true};
  static constexpr PassCosts costs{{.elementwise = 2, .transcendental = 1},
                                   {.elementwise = 8, .transcendental = 1}};
  template <class Real>
  static Real forward(Real x) {
    return x / (Real(1) + math::exp(-x));
  }
  template <class Real>
  static Real backward(Real x, Real, Real dy) {
    const Real sigmoid = Real(1) / (Real(1) + math::exp(-x));
    return dy * (sigmoid * (Real(1) + x * (Real(1) - sigmoid)));
  }
};

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
