#pragma once
// What may stand for a real number: float to train, double to check, or a type that opts in.
#include <concepts>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "slm/core/check.hpp"

namespace slm {

/// True for the built-in floating-point types; specialise it for a number type of your own.
template <class T>
inline constexpr bool is_scalar = std::is_floating_point_v<T>;

/// A number type that tensors, operations and models can be made of.
template <class T>
concept Scalar = is_scalar<std::remove_cv_t<T>>;

/// A scalar without values: its tensors have a shape and no memory, and operations on it compute nothing. What
/// runs a model of it is what the model costs (see flops/model_cost.hpp).
struct Shapes {
  Shapes() = default;
  template <class Number>
  requires std::is_arithmetic_v<Number>
  constexpr Shapes(Number) {}

  // Operations and their kernels are compiled with it, and never run.
  friend constexpr Shapes operator+(Shapes, Shapes) { return {}; }
  friend constexpr Shapes operator-(Shapes, Shapes) { return {}; }
  friend constexpr Shapes operator*(Shapes, Shapes) { return {}; }
  friend constexpr Shapes operator/(Shapes, Shapes) { return {}; }
  friend constexpr Shapes operator-(Shapes) { return {}; }
  friend constexpr Shapes& operator+=(Shapes& a, Shapes) { return a; }
  friend constexpr Shapes& operator*=(Shapes& a, Shapes) { return a; }
  friend constexpr bool operator<(Shapes, Shapes) { return false; }
  friend constexpr bool operator>(Shapes, Shapes) { return false; }
  friend constexpr bool operator<=(Shapes, Shapes) { return false; }
  friend constexpr bool operator==(Shapes, Shapes) { return false; }
  friend constexpr bool is_finite(Shapes) { return true; }
  friend constexpr bool operator>=(Shapes, Shapes) { return false; }
  friend constexpr Shapes exp(Shapes) { return {}; }
  friend constexpr Shapes log(Shapes) { return {}; }
  friend constexpr Shapes log1p(Shapes) { return {}; }
  friend constexpr Shapes sqrt(Shapes) { return {}; }
  friend constexpr Shapes erf(Shapes) { return {}; }
  friend constexpr Shapes tanh(Shapes) { return {}; }
  friend constexpr Shapes sigmoid(Shapes) { return {}; }
  friend constexpr Shapes abs(Shapes) { return {}; }
};
template <>
inline constexpr bool is_scalar<Shapes> = true;

/// Whether tensors of T hold numbers.
template <class T>
inline constexpr bool has_values = !std::is_same_v<std::remove_cv_t<T>, Shapes>;

/// What a number type that counts its arithmetic is told of work that its operators cannot see; it
/// specialises this. Other types are told nothing.
template <class T>
struct Observer {
  /// Lives while a product of (m, k) by (k, n) matrices runs.
  struct ProductScope {
    constexpr ProductScope(std::int64_t, std::int64_t, std::int64_t) {}
  };
  /// Random numbers were made for numbers of this type.
  static constexpr void draws(std::int64_t) {}
};

namespace detail {

/// The exponent's bits of a number in memory, which the compiler cannot know. Under -ffast-math, clang takes
/// for granted that no argument or result of a function is infinite or NaN, and that their bits are not those
/// of one: hence the reference, and the line of assembly without an instruction.
template <class Bits, class Real>
Bits exponent_of(const Real& x, Bits mask) {
  static_assert(sizeof(Bits) == sizeof(Real));
  Bits bits;
  std::memcpy(&bits, &x, sizeof bits);
  asm("" : "+r"(bits));
  return bits & mask;
}

}  // namespace detail

/// Whether x is neither infinite nor NaN; also with -ffast-math.
inline bool is_finite(const float& x) {
  constexpr std::uint32_t mask = 0x7f80'0000u;
  return detail::exponent_of(x, mask) != mask;
}
inline bool is_finite(const double& x) {
  constexpr std::uint64_t mask = 0x7ff0'0000'0000'0000u;
  return detail::exponent_of(x, mask) != mask;
}
/// Without a way around -ffast-math: its bits differ from machine to machine.
inline bool is_finite(const long double& x) { return __builtin_isfinite(x); }

namespace detail {

/// T, but as a type that depends on Real: what a template makes of it, as a vector, is compiled with the
/// template and not by everyone who reads it.
template <class Real, class T>
using DependentOn = std::conditional_t<sizeof(Real) == 0, Real, T>;

}  // namespace detail

}  // namespace slm
