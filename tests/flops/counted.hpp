#pragma once
// A number that counts its own arithmetic. It runs through the same templates, kernels and matrix products
// as float does, so that a formula can be held against what was executed.
//
//   flops::reset_tally();
//   LinearLM<flops::Counted<double>> model(config, random);  …
//   flops::tally().cost().elementwise
//
// Counts belong to the thread that computes: use one thread, or add up what each counted.
//
// What counts as what: a ± b, a · b and a / b are one operation each, and so are their forms with =. A
// comparison is <, >, <=, >=, == or !=; max and min make one each. exp, log, log1p, sqrt, erf, tanh and sigmoid
// are one transcendental operation each. A change of sign (−a, |a|, copysign) only flips a bit: it is tallied
// apart and is no FLOP. Conversions and copies are not counted. Inside a matrix product all is tallied apart,
// and the product counts as m·n·k multiply-adds whatever the library makes of it.
#include <cmath>
#include <limits>
#include <type_traits>

#include "slm/core/cost.hpp"
#include "slm/core/gemm_eigen.hpp"
#include "slm/core/scalar.hpp"

namespace slm::flops {

/// Operations of numbers, as they were executed.
struct Arithmetic {
  Index additions = 0;  // and subtractions
  Index multiplications = 0;
  Index divisions = 0;
  Index transcendental = 0;
  Index comparisons = 0;
  Index sign_changes = 0;

  bool operator==(const Arithmetic&) const = default;
};

struct Tally {
  Arithmetic outside;       // of products
  Arithmetic inside;        // what the products were made of
  Index multiply_adds = 0;  // what the products were asked for: m·n·k each
  Index draws = 0;

  /// As the formulas count. Lookups and copies are not seen by a number.
  Cost cost() const {
    return {.multiply_adds = multiply_adds,
            .elementwise = outside.additions + outside.multiplications + outside.divisions,
            .transcendental = outside.transcendental,
            .comparisons = outside.comparisons,
            .draws = draws};
  }
};

namespace detail {
struct Counter {
  Tally tally;
  Arithmetic* here = &tally.outside;
};
inline Counter& counter() {
  thread_local Counter counter;
  return counter;
}
inline Arithmetic& here() { return *counter().here; }
}  // namespace detail

/// What this thread has counted since it was reset.
inline const Tally& tally() { return detail::counter().tally; }
inline void reset_tally() { detail::counter().tally = {}; }

/// T is float or double.
template <class T>
struct Counted {
  T value;

  Counted() = default;
  template <class Number>
  requires std::is_arithmetic_v<Number>
  constexpr Counted(Number x) : value(static_cast<T>(x)) {}
  template <class Number>
  requires std::is_arithmetic_v<Number>
  explicit constexpr operator Number() const { return static_cast<Number>(value); }

  friend Counted operator+(Counted a, Counted b) {
    return ++detail::here().additions, Counted(a.value + b.value);
  }
  friend Counted operator-(Counted a, Counted b) {
    return ++detail::here().additions, Counted(a.value - b.value);
  }
  friend Counted operator*(Counted a, Counted b) {
    return ++detail::here().multiplications, Counted(a.value * b.value);
  }
  friend Counted operator/(Counted a, Counted b) {
    return ++detail::here().divisions, Counted(a.value / b.value);
  }
  friend Counted operator-(Counted a) { return ++detail::here().sign_changes, Counted(-a.value); }

  Counted& operator+=(Counted b) { return *this = *this + b; }
  Counted& operator-=(Counted b) { return *this = *this - b; }
  Counted& operator*=(Counted b) { return *this = *this * b; }
  Counted& operator/=(Counted b) { return *this = *this / b; }

  friend bool operator<(Counted a, Counted b) { return ++detail::here().comparisons, a.value < b.value; }
  friend bool operator>(Counted a, Counted b) { return ++detail::here().comparisons, a.value > b.value; }
  friend bool operator<=(Counted a, Counted b) { return ++detail::here().comparisons, a.value <= b.value; }
  friend bool operator>=(Counted a, Counted b) { return ++detail::here().comparisons, a.value >= b.value; }
  friend bool operator==(Counted a, Counted b) { return ++detail::here().comparisons, a.value == b.value; }
  friend bool operator!=(Counted a, Counted b) { return ++detail::here().comparisons, a.value != b.value; }

  friend Counted exp(Counted x) { return ++detail::here().transcendental, Counted(std::exp(x.value)); }
  friend Counted log(Counted x) { return ++detail::here().transcendental, Counted(std::log(x.value)); }
  friend Counted sqrt(Counted x) { return ++detail::here().transcendental, Counted(std::sqrt(x.value)); }
  friend Counted erf(Counted x) { return ++detail::here().transcendental, Counted(std::erf(x.value)); }

  friend Counted log1p(Counted x) { return ++detail::here().transcendental, Counted(std::log1p(x.value)); }
  friend Counted tanh(Counted x) { return ++detail::here().transcendental, Counted(std::tanh(x.value)); }
  friend Counted sigmoid(Counted x) {
    return ++detail::here().transcendental, Counted(1 / (1 + std::exp(-x.value)));
  }

  friend Counted abs(Counted x) { return ++detail::here().sign_changes, Counted(std::fabs(x.value)); }
  friend Counted fabs(Counted x) { return abs(x); }
  friend Counted copysign(Counted x, Counted sign) {
    return ++detail::here().sign_changes, Counted(std::copysign(x.value, sign.value));
  }
  friend Counted max(Counted a, Counted b) { return a < b ? b : a; }
  friend Counted min(Counted a, Counted b) { return b < a ? b : a; }

  friend bool is_finite(Counted x) { return slm::is_finite(x.value); }
};

}  // namespace slm::flops

namespace slm {

template <class T>
inline constexpr bool is_scalar<flops::Counted<T>> = true;

template <class T>
struct Observer<flops::Counted<T>> {
  /// Enters the product, and sets apart what it is made of.
  class ProductScope {
   public:
    ProductScope(Index m, Index k, Index n) : before_(flops::detail::counter().here) {
      auto& counter = flops::detail::counter();
      counter.tally.multiply_adds += m * k * n;
      counter.here = &counter.tally.inside;
    }
    ~ProductScope() { flops::detail::counter().here = before_; }
    ProductScope(const ProductScope&) = delete;
    ProductScope& operator=(const ProductScope&) = delete;

   private:
    flops::Arithmetic* before_;
  };

  static void draws(Index count) { flops::detail::counter().tally.draws += count; }
};

}  // namespace slm

template <class T>
struct std::numeric_limits<slm::flops::Counted<T>> : std::numeric_limits<T> {};

template <class T>
struct Eigen::NumTraits<slm::flops::Counted<T>> : Eigen::NumTraits<T> {
  using Real = slm::flops::Counted<T>;
  using NonInteger = Real;
  using Nested = Real;
  using Literal = Real;
};
