#pragma once
// Transcendental functions for loops: branch-free in float, so that the compiler turns a loop over them
// into vector code; always inlined, because a call in the loop would undo that. Every other type takes the
// standard library's.
#include <algorithm>
#include <bit>
#include <cstdint>
#include <limits>

#include "slm/core/libm.hpp"
#include "slm/core/scalar.hpp"
#include "slm/core/shape.hpp"
#include "slm/core/simd.hpp"

namespace slm::math {
inline namespace SLM_INSTRUCTION_SET {

namespace detail {

/// A mask to choose with: a branch would keep compilers from vectorising.
constexpr std::uint32_t all_ones_if(bool condition) { return 0 - static_cast<std::uint32_t>(condition); }

/// ln(1 + r) + n ln 2 in float, for r from √½ - 1 to √2 - 1.
[[gnu::always_inline]] inline float log_of_parts(float r, float n) {
  float p = 6.7466417760e-2F;
  p = p * r + -1.1675657475e-1F;
  p = p * r + 1.1888164831e-1F;
  p = p * r + -1.2405588233e-1F;
  p = p * r + 1.4219551938e-1F;
  p = p * r + -1.6667995874e-1F;
  p = p * r + 2.0002118679e-1F;
  p = p * r + -2.5000009599e-1F;
  p = p * r + 3.3333312604e-1F;
  const float square = r * r;
  return ((p * r * square + n * -2.12194440e-4F) - 0.5F * square) + r + n * 0.693359375F;
}

/// The logarithm of what has the bits `given`: `result`, but for zeros, infinity, and what has none.
[[gnu::always_inline]] inline float log_or_edge(float result, std::uint32_t given) {
  constexpr std::uint32_t infinity = 0x7F80'0000u, quiet_nan = 0x7FC0'0000u, minus = 0x8000'0000u;
  const std::uint32_t zero = all_ones_if(given << 1 == 0), outside = all_ones_if(given - 1 >= infinity - 1);
  const std::uint32_t beyond = infinity | (quiet_nan & ~zero & all_ones_if(given != infinity)) | (minus & zero);
  return std::bit_cast<float>((std::bit_cast<std::uint32_t>(result) & ~outside) | (beyond & outside));
}

/// e^(-x²/2) in float, to 3e-7 + 6e-8 x² of itself, for |x| up to 13: 2^n 2^f with |f| <= ½, and a polynomial
/// for 2^f.
[[gnu::always_inline]] inline float gaussian(float x) {
  constexpr float half_log2_e = 0.72134752F, shifter = 12582912.0F;  // adding 1.5 * 2^23 rounds to an integer
  const float square = x * x;
  const std::uint32_t shifted = std::bit_cast<std::uint32_t>(square * -half_log2_e + shifter);
  const std::int32_t exponent = static_cast<std::int32_t>(shifted - 0x4B40'0000u);
  const float f = square * -half_log2_e - static_cast<float>(exponent);
  float p = 1.3271541102e-3F;
  p = p * f + 9.6713602543e-3F;
  p = p * f + 5.5507063866e-2F;
  p = p * f + 2.4022245407e-1F;
  p = p * f + 6.9314700365e-1F;
  p = p * f + 1.0F;
  return std::bit_cast<float>(std::bit_cast<std::uint32_t>(p) + (static_cast<std::uint32_t>(exponent) << 23));
}

}  // namespace detail

/// e^x in float, within 1.1 units in the last place where the result is a normal number; below, subnormal
/// numbers and then 0, above 88.72 infinity. x = n ln 2 + r with |r| <= ln 2 / 2, and a polynomial for e^r
/// (Cody and Waite 1980 for the reduction; polynomial and split of ln 2 from Cephes, Moshier 1992, expf).
[[gnu::always_inline]] inline float exp(float x) {
  constexpr std::uint32_t sign = 0x8000'0000u, infinity = 0x7F80'0000u, quiet_nan = 0x7FC0'0000u;
  constexpr std::uint32_t most = std::bit_cast<std::uint32_t>(104.0F);  // e^-104 is 0 and e^104 infinity
  constexpr float shifter = 12582912.0F;  // 1.5 * 2^23: adding it rounds to an integer
  // Bits, not comparisons of floats: those may trap, which keeps compilers from vectorising.
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(x), magnitude = bits & ~sign;
  const float clamped = std::bit_cast<float>(std::min(magnitude, most) | (bits & sign));
  const float shifted = clamped * 1.44269504F + shifter;
  const std::int32_t exponent = std::bit_cast<std::int32_t>(shifted) - 0x4B40'0000;
  const float n = static_cast<float>(exponent);  // shifted - shifter, which -ffast-math would simplify
  const float r = (clamped - n * 0.693359375F) - n * -2.12194440e-4F;
  float p = 1.9875691500e-4F;
  p = p * r + 1.3981999507e-3F;
  p = p * r + 8.3334519073e-3F;
  p = p * r + 4.1665795894e-2F;
  p = p * r + 1.6666665459e-1F;
  p = p * r + 5.0000001201e-1F;
  p = p * r * r + r + 1.0F;
  // 2^n in two factors, because neither 2^128 nor 2^-150 is a normal float.
  const std::int32_t half = exponent >> 1;
  const float scale = std::bit_cast<float>((half + 127) << 23);
  const float rest = std::bit_cast<float>((exponent - half + 127) << 23);
  const std::uint32_t nan = quiet_nan & detail::all_ones_if(magnitude > infinity);
  return std::bit_cast<float>(std::bit_cast<std::uint32_t>(p * scale * rest) | nan);
}

/// ln x in float, within 0.9 units in the last place, of subnormal numbers, too; -infinity at 0, NaN below.
/// x = 2^n m with m from √½ to √2, and a polynomial for ln m around 1.
[[gnu::always_inline]] inline float log(float x) {
  constexpr std::uint32_t smallest_normal = 0x0080'0000u, root_of_half = 0x3F35'04F3u;
  const std::uint32_t given = std::bit_cast<std::uint32_t>(x);
  const std::uint32_t tiny = detail::all_ones_if(given < smallest_normal);
  const std::uint32_t scaled = std::bit_cast<std::uint32_t>(x * 8388608.0F);  // 2^23
  const std::uint32_t bits = (scaled & tiny) | (given & ~tiny);
  const std::int32_t exponent = static_cast<std::int32_t>(bits - root_of_half) >> 23;
  const float r = std::bit_cast<float>(bits - (static_cast<std::uint32_t>(exponent) << 23)) - 1.0F;
  const float n = static_cast<float>(exponent - static_cast<std::int32_t>(23 & tiny));
  return detail::log_or_edge(detail::log_of_parts(r, n), given);
}

/// ln(1 + x) in float, within 1.4 units in the last place; -infinity at -1, NaN below. 1 + x = 2^n m as in
/// `log`, and the same polynomial for ln m, where m - 1 is made from x and not from the rounded sum.
[[gnu::always_inline]] inline float log1p(float x) {
  constexpr std::uint32_t root_of_half = 0x3F35'04F3u;
  const std::uint32_t sum = std::bit_cast<std::uint32_t>(1.0F + x);
  const std::int32_t exponent = static_cast<std::int32_t>(sum - root_of_half) >> 23;
  const std::uint32_t shift = static_cast<std::uint32_t>(exponent) << 23;
  const float scaled = std::bit_cast<float>(std::bit_cast<std::uint32_t>(x) - shift);  // 2^-n x
  const float one_scaled = std::bit_cast<float>(std::max(127 - exponent, 0) << 23);    // 2^-n
  const float r = scaled + (one_scaled - 1.0F);
  return detail::log_or_edge(detail::log_of_parts(r, static_cast<float>(exponent)), sum);
}

/// erf x in float, within 1.3 units in the last place: an odd polynomial near 0, 1 - e^q(|x|) beyond.
[[gnu::always_inline]] inline float erf(float x) {
  constexpr std::uint32_t sign = 0x8000'0000u, infinity = 0x7F80'0000u, quiet_nan = 0x7FC0'0000u;
  constexpr std::uint32_t most = std::bit_cast<std::uint32_t>(4.0F);  // erf 4 is 1
  constexpr std::uint32_t border = std::bit_cast<std::uint32_t>(0.92F);
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(x), magnitude = bits & ~sign;
  const float a = std::bit_cast<float>(std::min(magnitude, most));
  float q = -2.1094957155e-5F;
  q = q * a + 4.3446159072e-4F;
  q = q * a + -4.1710582950e-3F;
  q = q * a + 2.5119415515e-2F;
  q = q * a + -1.0828007192e-1F;
  q = q * a + -6.3334692150e-1F;
  q = q * a + -1.1295149233F;
  q = q * a + 1.7468300932e-4F;
  const float far = 1.0F - exp(q);
  const float square = x * x;
  float p = 8.3823906709e-5F;
  p = p * square + -8.1455976856e-4F;
  p = p * square + 5.2012861102e-3F;
  p = p * square + -2.6859500127e-2F;
  p = p * square + 1.1283697326e-1F;
  p = p * square + -3.7612633854e-1F;
  p = p * square + 1.283791666e-1F;
  const float near = p * x + x;
  const std::uint32_t is_near = detail::all_ones_if(magnitude < border),
                      nan = quiet_nan & detail::all_ones_if(magnitude > infinity);
  const std::uint32_t value =
      (std::bit_cast<std::uint32_t>(near) & is_near) | (std::bit_cast<std::uint32_t>(far) & ~is_near) | nan;
  return std::bit_cast<float>((value & ~sign) | (bits & sign));
}

/// tanh x in float, within 1.1 units in the last place: an odd polynomial near 0, 1 - 2 / (e^2|x| + 1) beyond.
[[gnu::always_inline]] inline float tanh(float x) {
  constexpr std::uint32_t sign = 0x8000'0000u, border = std::bit_cast<std::uint32_t>(0.8F);
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(x), magnitude = bits & ~sign;
  const float a = std::bit_cast<float>(magnitude);
  const float far = 1.0F - 2.0F / (exp(a + a) + 1.0F);
  const float square = a * a;
  float p = 1.5847647824e-3F;
  p = p * square + -7.4095722460e-3F;
  p = p * square + 2.1303000584e-2F;
  p = p * square + -5.3852334371e-2F;
  p = p * square + 1.3332221062e-1F;
  p = p * square + -3.3333297360e-1F;
  const float near = p * square * a + a;
  const std::uint32_t is_near = detail::all_ones_if(magnitude < border);
  const std::uint32_t value =
      (std::bit_cast<std::uint32_t>(near) & is_near) | (std::bit_cast<std::uint32_t>(far) & ~is_near);
  return std::bit_cast<float>((value & ~sign) | (bits & sign));
}

/// σ(x) = 1 / (1 + e^-x) in float, within 2.5 units in the last place down to -87.3; 0 below -88.72.
[[gnu::always_inline]] inline float sigmoid(float x) { return 1.0F / (1.0F + exp(-x)); }

/// x Φ(x) in float, Φ the normal distribution function (Hendrycks and Gimpel 2016, eq. 2), within 1.1e-7 of
/// max(1, |x|); for x < 0 within 7e-8, down to -2 within 1e-6 of itself, too, and -0 from -6 on.
/// It is max(x, 0) - a (1 - Φ(a)) with a = |x|, and 1 - Φ(a) is (6 - a)² times a quotient of two polynomials
/// (minimax fit, by weighted least squares as in Lawson 1961). No digits cancel where x < 0.
[[gnu::always_inline]] inline float gelu(float x) {
  constexpr std::uint32_t sign = 0x8000'0000u, infinity = 0x7F80'0000u, quiet_nan = 0x7FC0'0000u;
  constexpr float most = 6.0F;
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(x), magnitude = bits & ~sign;
  const float a = std::bit_cast<float>(std::min(magnitude, std::bit_cast<std::uint32_t>(most)));
  float numerator = 1.6016860172e-5F;
  numerator = numerator * a + -3.4054170828e-4F;
  numerator = numerator * a + 2.7511769440e-3F;
  numerator = numerator * a + -1.0017862543e-2F;
  numerator = numerator * a + 1.3888888992e-2F;
  float denominator = 3.2646945328e-5F;
  denominator = denominator * a + -1.3976517948e-4F;
  denominator = denominator * a + 6.7398755345e-4F;
  denominator = denominator * a + -3.2055808697e-4F;
  denominator = denominator * a + 1.5238857595e-3F;
  denominator = denominator * a + 2.0742993802e-2F;
  denominator = denominator * a + -3.4858651459e-2F;
  denominator = denominator * a + 2.6143243909e-1F;
  denominator = denominator * a + -2.5673428178e-1F;
  denominator = denominator * a + 1.0F;
  const float rest = most - a;
  const float tail = rest * rest * numerator / denominator;
  // max(x, 0), but -0 for x < 0, so that a result of 0 has the sign of x.
  const float positive = std::bit_cast<float>(bits & (sign | detail::all_ones_if(bits < sign)));
  const std::uint32_t nan = quiet_nan & detail::all_ones_if(magnitude > infinity);
  return std::bit_cast<float>(std::bit_cast<std::uint32_t>(positive - a * tail) | nan);
}

/// Φ(x) + x φ(x) in float, the derivative of x Φ(x), within 1.4e-7, for x < 0 within 7.5e-8; 0 or 1 from
/// |x| = 6.5 on. It is D(a) with a = |x| for x < 0 and else 1 - D(a), where D(a) = 1 - Φ(a) - a φ(a) is
/// e^(-a²/2) times a polynomial (a minimax fit, too).
[[gnu::always_inline]] inline float gelu_derivative(float x) {
  constexpr std::uint32_t sign = 0x8000'0000u, infinity = 0x7F80'0000u, quiet_nan = 0x7FC0'0000u;
  constexpr std::uint32_t most = std::bit_cast<std::uint32_t>(6.5F);
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(x), magnitude = bits & ~sign;
  const float a = std::bit_cast<float>(magnitude);
  float p = 5.1000146328e-8F;
  p = p * a + -1.4325219126e-6F;
  p = p * a + 1.8222830477e-5F;
  p = p * a + -1.4060831745e-4F;
  p = p * a + 7.4832513928e-4F;
  p = p * a + -2.9863007367e-3F;
  p = p * a + 9.5610618591e-3F;
  p = p * a + -2.5979310274e-2F;
  p = p * a + 6.2212903053e-2F;
  p = p * a + -1.3290202618e-1F;
  p = p * a + 2.4998918176e-1F;
  p = p * a + -7.9788404703e-1F;
  p = p * a + 0.5F;
  const std::uint32_t below = std::bit_cast<std::uint32_t>(p * detail::gaussian(a));  // D(a)
  const std::uint32_t positive = detail::all_ones_if(bits < sign),
                      is_near = detail::all_ones_if(magnitude < most);
  const float limit = std::bit_cast<float>(std::bit_cast<std::uint32_t>(1.0F) & positive);
  const float slope = limit + std::bit_cast<float>((below ^ (sign & positive)) & is_near);
  const std::uint32_t nan = quiet_nan & detail::all_ones_if(magnitude > infinity);
  return std::bit_cast<float>(std::bit_cast<std::uint32_t>(slope) | nan);
}

namespace standard {
/// The logistic function, which the standard library does not have.
template <Scalar Real>
Real sigmoid(Real x) {
  using libm::exp;
  return Real(1) / (Real(1) + exp(-x));
}
}  // namespace standard

template <Scalar Real>
Real exp(Real x) {
  using libm::exp;
  return exp(x);
}
template <Scalar Real>
Real log(Real x) {
  using libm::log;
  return log(x);
}
template <Scalar Real>
Real sqrt(Real x) {
  using libm::sqrt;
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
  using libm::erf;
  return erf(x);
}
template <Scalar Real>
Real log1p(Real x) {
  using libm::log1p;
  return log1p(x);
}
template <Scalar Real>
Real tanh(Real x) {
  using libm::tanh;
  return tanh(x);
}
template <Scalar Real>
Real sigmoid(Real x) {
  using standard::sigmoid;
  return sigmoid(x);
}
/// x Φ(x)
template <Scalar Real>
Real gelu(Real x) {
  return x * (Real(0.5) + Real(0.5) * math::erf(x * Real(0.70710678118654752440)));
}
/// Φ(x) + x φ(x)
template <Scalar Real>
Real gelu_derivative(Real x) {
  const Real distribution = Real(0.5) + Real(0.5) * math::erf(x * Real(0.70710678118654752440));
  const Real density = Real(0.39894228040143267794) * math::exp(Real(-0.5) * (x * x));
  return distribution + x * density;
}
/// |x|
template <Scalar Real>
Real abs(Real x) {
  using libm::abs;
  return abs(x);
}

}  // namespace SLM_INSTRUCTION_SET
}  // namespace slm::math
