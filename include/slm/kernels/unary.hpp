#pragma once
// Functions of one number, each with its derivative and what both cost, and the loops that apply one to every
// element. A function says
//
//   reads                 what `backward` looks at beside the gradient; what it does not may be anything
//   costs                 of one element, in both passes
//   forward(x)            y = f(x)
//   backward(x, y, dy)    what is added to dx: dy f′(x)
#include "slm/core/math.hpp"
#include "slm/kernels/elementwise.hpp"

namespace slm::kernels {
inline namespace SLM_INSTRUCTION_SET {

struct Reads {
  bool input = false, output = false;
};

/// y = −x
struct Negate {
  static constexpr Reads reads{};
  static constexpr PassCosts costs{{}, {.elementwise = 1}};
  static auto forward(auto x) { return -x; }
  static auto backward(auto, auto, auto dy) { return -dy; }
};

/// y = x + s
template <class Real>
struct Shift {
  static constexpr Reads reads{};
  static constexpr PassCosts costs{{.elementwise = 1}, {.elementwise = 1}};
  Real s;
  Real forward(Real x) const { return x + s; }
  static Real backward(Real, Real, Real dy) { return dy; }
};

/// y = s − x
template <class Real>
struct SubtractFrom {
  static constexpr Reads reads{};
  static constexpr PassCosts costs{{.elementwise = 1}, {.elementwise = 1}};
  Real s;
  Real forward(Real x) const { return s - x; }
  static Real backward(Real, Real, Real dy) { return -dy; }
};

/// y = x / s
template <class Real>
struct DivideBy {
  static constexpr Reads reads{};
  static constexpr PassCosts costs{{.elementwise = 1}, {.elementwise = 2}};
  Real s;
  Real forward(Real x) const { return x / s; }
  Real backward(Real, Real, Real dy) const { return dy / s; }
};

/// y = s / x
///   dx −= dy y / x
template <class Real>
struct DivideNumber {
  static constexpr Reads reads{.input = true, .output = true};
  static constexpr PassCosts costs{{.elementwise = 1}, {.elementwise = 3}};
  Real s;
  Real forward(Real x) const { return s / x; }
  static Real backward(Real x, Real y, Real dy) { return -(dy * y / x); }
};

/// y = eˣ
struct Exp {
  static constexpr Reads reads{.output = true};
  static constexpr PassCosts costs{{.transcendental = 1}, {.elementwise = 2}};
  static auto forward(auto x) { return math::exp(x); }
  static auto backward(auto, auto y, auto dy) { return dy * y; }
};

/// y = ln x
struct Log {
  static constexpr Reads reads{.input = true};
  static constexpr PassCosts costs{{.transcendental = 1}, {.elementwise = 2}};
  static auto forward(auto x) { return math::log(x); }
  static auto backward(auto x, auto, auto dy) { return dy / x; }
};

/// y = √x
///   dx += dy / 2y
struct Sqrt {
  static constexpr Reads reads{.output = true};
  static constexpr PassCosts costs{{.transcendental = 1}, {.elementwise = 3}};
  static auto backward(auto, auto y, auto dy) { return dy / (y + y); }
};

/// y = x²
struct Square {
  static constexpr Reads reads{.input = true};
  static constexpr PassCosts costs{{.elementwise = 1}, {.elementwise = 3}};
  static auto forward(auto x) { return x * x; }
  static auto backward(auto x, auto, auto dy) { return dy * (x + x); }
};

/// y = tanh x
///   dx += dy (1 − y²)
struct Tanh {
  static constexpr Reads reads{.output = true};
  static constexpr PassCosts costs{{.transcendental = 1}, {.elementwise = 4}};
  static auto forward(auto x) { return math::tanh(x); }
  static auto backward(auto, auto y, auto dy) { return dy * (1 - y * y); }
};

/// y = σ(x) = 1 / (1 + e⁻ˣ)
///   dx += dy y (1 − y)
struct Sigmoid {
  static constexpr Reads reads{.output = true};
  static constexpr PassCosts costs{{.transcendental = 1}, {.elementwise = 4}};
  static auto forward(auto x) { return math::sigmoid(x); }
  static auto backward(auto, auto y, auto dy) { return dy * (y * (1 - y)); }
};

/// y = ln(1 + eˣ) = max(x, 0) + ln(1 + e^−|x|), which overflows nowhere.
///   dx += dy σ(x)
struct Softplus {
  static constexpr Reads reads{.input = true};
  static constexpr PassCosts costs{{.elementwise = 1, .transcendental = 2, .comparisons = 1},
                                   {.elementwise = 2, .transcendental = 1}};
  template <class Real>
  static Real forward(Real x) {
    return (x < Real(0) ? Real(0) : x) + math::log1p(math::exp(-math::abs(x)));
  }
  static auto backward(auto x, auto, auto dy) { return dy * math::sigmoid(x); }
};

/// y = |x|
///   dx += dy sign(x), nothing at 0
struct Abs {
  static constexpr Reads reads{.input = true};
  static constexpr PassCosts costs{{}, {.elementwise = 1, .comparisons = 2}};
  static auto forward(auto x) { return math::abs(x); }
  template <class Real>
  static Real backward(Real x, Real, Real dy) {
    const Real of_positive = x > Real(0) ? dy : Real(0);
    return x < Real(0) ? -dy : of_positive;
  }
};

/// y = min(x, s); NaN stays NaN.
///   dx += dy where x ≤ s
template <class Real>
struct Minimum {
  static constexpr Reads reads{.input = true};
  static constexpr PassCosts costs{{.comparisons = 1}, {.elementwise = 1, .comparisons = 1}};
  Real s;
  Real forward(Real x) const { return x > s ? s : x; }
  Real backward(Real x, Real, Real dy) const { return x <= s ? dy : Real(0); }
};

/// y = max(x, s); NaN stays NaN.
///   dx += dy where x ≥ s
template <class Real>
struct Maximum {
  static constexpr Reads reads{.input = true};
  static constexpr PassCosts costs{{.comparisons = 1}, {.elementwise = 1, .comparisons = 1}};
  Real s;
  Real forward(Real x) const { return x < s ? s : x; }
  Real backward(Real x, Real, Real dy) const { return x >= s ? dy : Real(0); }
};

/// y = f(x) for functions of one's own; df(x) is the derivative, or df(x, y).
template <class Real, class Function, class Derivative>
struct Elementwise {
  // `Shapes` reads what numbers read.
  using Number = std::conditional_t<has_values<Real>, Real, double>;
  static constexpr Reads reads{.input = true, .output = std::is_invocable_v<const Derivative&, Number, Number>};
  Function f;
  Derivative df;
  PassCosts costs;

  Elementwise(const Function& function, const Derivative& derivative, const PassCosts& of_both)
      : f(function), df(derivative), costs(of_both + PassCosts{{}, {.elementwise = 2}}) {}
  Real forward(Real x) const { return static_cast<Real>(f(x)); }
  Real backward(Real x, Real y, Real dy) const {
    if constexpr (reads.output) {
      return dy * static_cast<Real>(df(x, y));
    } else {
      return dy * static_cast<Real>(df(x));
    }
  }
};

/// y = f(x) for every element. In place when y = x.
template <class Function, Scalar Real>
void unary_forward(const Function& f, const Real* x, Real* y, Index count) {
  for_each_element(count, [=](Index i) { y[i] = f.forward(x[i]); });
}
/// The same of √, which has vector code of its own.
template <Scalar Real>
void unary_forward(const Sqrt&, const Real* x, Real* y, Index count) {
  parallel_blocks(count, elementwise_block,
                  [=](Index begin, Index end) { math::sqrt(x + begin, y + begin, end - begin); });
}
/// dx += dy f′(x)
template <class Function, Scalar Real>
void unary_backward(const Function& f, const Real* x, const Real* y, const Real* dy, Into<Real> dx,
                    Index count) {
  for_each_element(count, [=](Index i) { dx.data[i] = dx.before(i) + f.backward(x[i], y[i], dy[i]); });
}

}  // namespace SLM_INSTRUCTION_SET
}  // namespace slm::kernels
