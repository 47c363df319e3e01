#pragma once
// Transcendental functions for loops: branch-free in float, so that the compiler turns a loop over them
// into vector code. Every other type takes the standard library's.
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

#include "slm/core/scalar.hpp"

namespace slm::math {

/// e^x in float, within 2 units in the last place; 0 below -87.34 (no subnormals), infinity above 88.72.
/// x = n ln 2 + r with |r| <= ln 2 / 2, and a polynomial for e^r (Cody and Waite 1980 for the reduction).
inline float exp(float x) {
  constexpr float lowest = -87.336544F, highest = 88.722835F;
  constexpr float shifter = 12582912.0F;  // 1.5 * 2^23: adding it rounds to an integer
  const float clamped = x < lowest ? lowest : (x > highest ? highest : x);
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
  // 2^n in two factors, because 2^128 is not a float while e^88.7 is.
  const std::int32_t exponent = std::bit_cast<std::int32_t>(shifted) - 0x4B40'0000;
  const std::int32_t half = exponent >> 1;
  const float scale = std::bit_cast<float>((half + 127) << 23);
  const float rest = std::bit_cast<float>((exponent - half + 127) << 23);
  const float result = p * scale * rest;
  const float saturated = x > highest ? std::numeric_limits<float>::infinity() : result;
  return x < lowest ? 0.0F : saturated;
}

/// tanh x in float, within 4 units in the last place: an odd polynomial near 0, (1 - e^-2|x|)/(1 + e^-2|x|)
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
  return magnitude < 0.625F ? near : std::copysign(far, x);
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
template <Scalar Real>
Real erf(Real x) {
  using std::erf;
  return erf(x);
}

}  // namespace slm::math
