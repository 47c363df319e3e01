#pragma once
// What may stand for a real number: float to train, double to check, or a type that opts in.
#include <bit>
#include <concepts>
#include <cstdint>
#include <type_traits>

#include "slm/core/check.hpp"

namespace slm {

/// True for the built-in floating-point types; specialise it for a number type of your own.
template <class T>
inline constexpr bool is_scalar = std::is_floating_point_v<T>;

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

/// Whether x is neither infinite nor NaN. Looks at the bits, so that -ffast-math cannot remove the test.
inline bool is_finite(float x) { return (std::bit_cast<std::uint32_t>(x) & 0x7f80'0000u) != 0x7f80'0000u; }
inline bool is_finite(double x) {
  return (std::bit_cast<std::uint64_t>(x) & 0x7ff0'0000'0000'0000u) != 0x7ff0'0000'0000'0000u;
}

}  // namespace slm
