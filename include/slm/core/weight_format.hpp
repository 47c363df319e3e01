#pragma once
// Numbers of weights in fewer bits.
#include <algorithm>
#include <bit>
#include <cstdint>
#include <limits>
#include <span>

#include "slm/core/names.hpp"
#include "slm/core/shape.hpp"

namespace slm {

/// How the numbers of a matrix of weights are kept: as they are, rounded to bfloat16 (8 bits of exponent, 7 of
/// fraction; half of a float's bytes), or, row after row, as whole numbers from −127 to 127 times a scale of
/// the row's (a quarter).
enum class WeightFormat { full, bfloat16, int8 };

inline constexpr EnumName<WeightFormat> weight_format_names[] = {
    {WeightFormat::full, "full"}, {WeightFormat::bfloat16, "bfloat16"}, {WeightFormat::int8, "int8"}};
constexpr std::span<const EnumName<WeightFormat>> enum_names(WeightFormat) { return weight_format_names; }

/// The bits of the bfloat16 next to a finite float, of two equally near ones the even; larger numbers than any
/// become the largest.
inline std::uint16_t bf16_from_float(float x) {
  const auto bits = std::bit_cast<std::uint32_t>(x);
  const std::uint32_t rounded = bits + 0x7fff + (bits >> 16 & 1), sign = bits & 0x8000'0000;
  const std::uint32_t largest = sign | 0x7f7f'0000;
  return static_cast<std::uint16_t>(((rounded & 0x7fff'ffff) > 0x7f7f'ffff ? largest : rounded) >> 16);
}
/// The number whose bfloat16 bits these are: the upper half of a float's. Exact.
inline float float_from_bf16(std::uint16_t bits) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16);
}

/// What int8 counts a row (count) in: the largest magnitude by 127, rounded up to 16 bits of fraction. So every
/// multiple of it up to the 127th is a float, and a row of such multiples has the same scale again. Not below
/// the smallest normal float; 0 for a row of zeros.
template <class Real>
float int8_scale(const Real* row, Index count) {
  float largest = 0;
  for (Index i = 0; i < count; ++i) {
    const auto x = static_cast<float>(row[i]), magnitude = x < 0 ? -x : x;
    largest = magnitude > largest ? magnitude : largest;
  }
  if (largest == 0) return 0;
  constexpr std::uint32_t dropped = 0x7f;  // of 23 bits of fraction
  const auto bits_of = [](float x) { return std::bit_cast<std::uint32_t>(x); };
  const std::uint32_t up = bits_of(std::max(largest / 127, std::numeric_limits<float>::min())) + dropped;
  const std::uint32_t most = bits_of(std::numeric_limits<float>::max() / 127);  // 127 of it are a number, too
  return std::bit_cast<float>(std::min(up, most) & ~dropped);
}
/// The multiple of the scale next to a number of its row, of two equally near ones the larger in magnitude.
template <class Real>
std::int8_t int8_from(Real x, float scale) {
  if (scale == 0) return 0;
  const float multiple = static_cast<float>(x) / scale;
  return static_cast<std::int8_t>(multiple + (multiple < 0 ? -0.5F : 0.5F));
}

/// A row of finite weights as the format keeps it: from (count) → to (count), of which one lies `step` behind
/// the other; with step 1 it may be the same memory.
template <class Real>
void round_row(const Real* from, Real* to, Index count, WeightFormat format, Index step = 1) {
  switch (format) {
    case WeightFormat::full:
      for (Index i = 0; i < count; ++i) to[i * step] = from[i];
      return;
    case WeightFormat::bfloat16:
      for (Index i = 0; i < count; ++i) {
        to[i * step] = static_cast<Real>(float_from_bf16(bf16_from_float(static_cast<float>(from[i]))));
      }
      return;
    case WeightFormat::int8: {
      const float scale = int8_scale(from, count);
      for (Index i = 0; i < count; ++i) {
        to[i * step] = static_cast<Real>(static_cast<float>(int8_from(from[i], scale)) * scale);
      }
      return;
    }
  }
  throw_error<ConfigError>("WeightFormat: the format is none that there is");
}

}  // namespace slm
