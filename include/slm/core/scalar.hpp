#pragma once
// What may stand for a real number: float to train, double to check, or a type that opts in.
#include <bit>
#include <concepts>
#include <cstdint>
#include <type_traits>

namespace slm {

/// True for the built-in floating-point types; specialise it for a number type of your own.
template <class T>
inline constexpr bool is_scalar = std::is_floating_point_v<T>;

template <class T>
concept Scalar = is_scalar<std::remove_cv_t<T>>;

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
