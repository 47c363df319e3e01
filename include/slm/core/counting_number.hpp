#pragma once
// What a function of numbers costs, found out by running it on numbers that count what is done to them.
#include <type_traits>

#include "slm/core/cost.hpp"
#include "slm/core/libm.hpp"
#include "slm/core/scalar.hpp"

namespace slm {

/// A number that counts its arithmetic as docs/flops.md does: on each thread, since `tally` was cleared.
/// Functions of it are those of `math`; those of the standard library take no number of another type.
class CountingNumber {
 public:
  template <class Number>
  requires std::is_arithmetic_v<Number>
  constexpr CountingNumber(Number x) : value_(static_cast<double>(x)) {}

  static Cost& tally() {
    thread_local Cost tally;
    return tally;
  }

  friend CountingNumber operator+(CountingNumber a, CountingNumber b) {
    return a.count(&Cost::elementwise), a.value_ + b.value_;
  }
  friend CountingNumber operator-(CountingNumber a, CountingNumber b) {
    return a.count(&Cost::elementwise), a.value_ - b.value_;
  }
  friend CountingNumber operator*(CountingNumber a, CountingNumber b) {
    return a.count(&Cost::elementwise), a.value_ * b.value_;
  }
  friend CountingNumber operator/(CountingNumber a, CountingNumber b) {
    return a.count(&Cost::elementwise), a.value_ / b.value_;
  }
  friend CountingNumber operator-(CountingNumber a) { return -a.value_; }

  friend bool operator<(CountingNumber a, CountingNumber b) {
    return a.count(&Cost::comparisons), a.value_ < b.value_;
  }
  friend bool operator>(CountingNumber a, CountingNumber b) { return b < a; }
  friend bool operator<=(CountingNumber a, CountingNumber b) {
    return a.count(&Cost::comparisons), a.value_ <= b.value_;
  }
  friend bool operator>=(CountingNumber a, CountingNumber b) { return b <= a; }
  friend bool operator==(CountingNumber a, CountingNumber b) {
    return a.count(&Cost::comparisons), a.value_ == b.value_;
  }

  friend CountingNumber exp(CountingNumber x) { return x.counted(libm::exp(x.value_)); }
  friend CountingNumber log(CountingNumber x) { return x.counted(libm::log(x.value_)); }
  friend CountingNumber log1p(CountingNumber x) { return x.counted(libm::log1p(x.value_)); }
  friend CountingNumber sqrt(CountingNumber x) { return x.counted(libm::sqrt(x.value_)); }
  friend CountingNumber erf(CountingNumber x) { return x.counted(libm::erf(x.value_)); }
  friend CountingNumber tanh(CountingNumber x) { return x.counted(libm::tanh(x.value_)); }
  friend CountingNumber sigmoid(CountingNumber x) { return x.counted(1 / (1 + libm::exp(-x.value_))); }
  friend CountingNumber abs(CountingNumber x) { return libm::abs(x.value_); }

 private:
  static void count(Index Cost::*kind) { ++(tally().*kind); }
  static CountingNumber counted(double result) { return count(&Cost::transcendental), result; }

  double value_;
};
template <>
inline constexpr bool is_scalar<CountingNumber> = true;

/// What f costs: the arithmetic of f(1), or of f(1, 1), where f takes any number; where it takes numbers of one
/// type only, one transcendental operation. Of a function with branches it is what one of them costs.
template <class Function>
Cost counted_cost(const Function& f) {
  CountingNumber::tally() = {};
  if constexpr (std::is_invocable_v<const Function&, CountingNumber>) {
    f(CountingNumber(1));
  } else if constexpr (std::is_invocable_v<const Function&, CountingNumber, CountingNumber>) {
    f(CountingNumber(1), CountingNumber(1));
  } else {
    return {.transcendental = 1};
  }
  return CountingNumber::tally();
}

}  // namespace slm
