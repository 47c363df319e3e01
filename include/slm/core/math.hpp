#pragma once
// Transcendental functions for loops: branch-free in float, so that the compiler turns a loop over them
// into vector code. Every other type takes the standard library's.
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

#include "slm/core/scalar.hpp"
#include "slm/core/shape.hpp"
#include "slm/core/simd.hpp"

namespace slm::math {

/// e^x in float, within 1.1 units in the last place where the result is a normal number; below, subnormal
/// numbers and then 0, above 88.72 infinity. x = n ln 2 + r with |r| <= ln 2 / 2, and a polynomial for e^r
/// (Cody and Waite 1980 for the reduction).
inline float exp(float x) {
  constexpr std::uint32_t sign = 0x8000'0000u, infinity = 0x7F80'0000u, quiet_nan = 0x7FC0'0000u;
  constexpr std::uint32_t most = std::bit_cast<std::uint32_t>(104.0F);  // e^-104 is 0 and e^104 infinity
  constexpr float shifter = 12582912.0F;  // 1.5 * 2^23: adding it rounds to an integer
  // Bits, not comparisons of floats: those may trap, which keeps compilers from vectorising.
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(x), magnitude = bits & ~sign;
  const float clamped = std::bit_cast<float>(std::min(magnitude, most) | (bits & sign));
  const float shifted = clamped * 1.44269504F + shifter;
  const float n = shifted - shifter;
  const float r = (clamped - n * 0.693359375F) - n * -2.12194440e-4F;
  float p = 1.9875691500e-4F;
  p = p * r + 1.3981999507e-3F;
  p = p * r + 8.3334519073e-3F;
  p = p * r + 4.1665795894e-2F;
  p = p * r + 1.6666665459e-1F;
  p = p * r + 5.0000001201e-1F;
  p = p * r * r + r + 1.0F;
  // 2^n in two factors, because neither 2^128 nor 2^-150 is a normal float.
  const std::int32_t exponent = std::bit_cast<std::int32_t>(shifted) - 0x4B40'0000;
  const std::int32_t half = exponent >> 1;
  const float scale = std::bit_cast<float>((half + 127) << 23);
  const float rest = std::bit_cast<float>((exponent - half + 127) << 23);
  const std::uint32_t nan = quiet_nan & (0 - static_cast<std::uint32_t>(magnitude > infinity));
  return std::bit_cast<float>(std::bit_cast<std::uint32_t>(p * scale * rest) | nan);
}

/// tanh x in float, within 1.6 units in the last place: an odd polynomial near 0, (1 - e^-2|x|)/(1 + e^-2|x|)
/// beyond.
inline float tanh(float x) {
  const float magnitude = std::fabs(x);
  const float decay = exp(-2.0F * magnitude);
  const float far = (1.0F - decay) / (1.0F + decay);
  const float square = x * x;
  float p = -5.70498872745e-3F;
  p = p * square + 2.06390887954e-2F;
  p = p * square + -5.37397155531e-2F;
  p = p * square + 1.33314422036e-1F;
  p = p * square + -3.33332819422e-1F;
  const float near = p * square * x + x;
  return std::copysign(magnitude < 0.625F ? near : far, x);
}

template <Scalar Real>
Real exp(Real x) {
  using std::exp;
  return exp(x);
}
template <Scalar Real>
Real tanh(Real x) {
  using std::tanh;
  return tanh(x);
}
template <Scalar Real>
Real log(Real x) {
  using std::log;
  return log(x);
}
template <Scalar Real>
Real sqrt(Real x) {
  using std::sqrt;
  return sqrt(x);
}
/// root[i] = √x[i] for i in [0, count).
template <Scalar Real>
void sqrt(const Real* x, Real* root, Index count) {
  Index i = 0;
#ifdef SLM_HAS_VECTORS
  if constexpr (std::is_same_v<Real, float> || std::is_same_v<Real, double>) {
    for (; i + simd::lanes<Real> <= count; i += simd::lanes<Real>) {
      simd::store(root + i, simd::sqrt<Real>(simd::load(x + i)));
    }
  }
#endif
  for (; i < count; ++i) root[i] = sqrt(x[i]);
}
template <Scalar Real>
Real erf(Real x) {
  using std::erf;
  return erf(x);
}

}  // namespace slm::math
