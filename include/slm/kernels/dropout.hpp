#pragma once
// Dropout. The mask is never stored: forward and backward draw the same numbers from the same stream.
#include <array>

#include "slm/core/random.hpp"
#include "slm/kernels/elementwise.hpp"

namespace slm::kernels {

/// Draws of one call of `dropout_draws`.
inline constexpr Index dropout_block = 128;

/// 128 random 16-bit numbers, a fixed function of the stream, a row and a block of that row: 16 counters
/// side by side, so that a compiler can vectorise the rounds.
inline void dropout_draws(const Random& stream, std::uint64_t row, Index block, std::uint16_t* draws) {
  constexpr int lanes = 16;
  std::uint32_t c0[lanes], c1[lanes], c2[lanes], c3[lanes];
  for (int l = 0; l < lanes; ++l) {
    c0[l] = static_cast<std::uint32_t>(block * lanes + l);
    c1[l] = 0;
    c2[l] = static_cast<std::uint32_t>(row);
    c3[l] = static_cast<std::uint32_t>(row >> 32);
  }
  auto key0 = static_cast<std::uint32_t>(stream.key());
  auto key1 = static_cast<std::uint32_t>(stream.key() >> 32);
  for (int round = 0; round < 10; ++round) {
    for (int l = 0; l < lanes; ++l) {
      const std::uint64_t a = std::uint64_t(0xD2511F53u) * c0[l];
      const std::uint64_t b = std::uint64_t(0xCD9E8D57u) * c2[l];
      c0[l] = static_cast<std::uint32_t>(b >> 32) ^ c1[l] ^ key0;
      c1[l] = static_cast<std::uint32_t>(b);
      c2[l] = static_cast<std::uint32_t>(a >> 32) ^ c3[l] ^ key1;
      c3[l] = static_cast<std::uint32_t>(a);
    }
    key0 += 0x9E3779B9u;
    key1 += 0xBB67AE85u;
  }
  const std::uint32_t* words[] = {c0, c1, c2, c3};
  for (int w = 0; w < 4; ++w) {
    for (int l = 0; l < lanes; ++l) {
      draws[w * 2 * lanes + l] = static_cast<std::uint16_t>(words[w][l]);
      draws[(w * 2 + 1) * lanes + l] = static_cast<std::uint16_t>(words[w][l] >> 16);
    }
  }
}

/// Drops with probability p, rounded to a multiple of 2^-16, and scales what is kept so that the mean stays
/// exact for the rounded probability.                                        Srivastava et al. 2014, sec. 10
struct Dropout {
  Random stream;
  std::uint32_t threshold = 0;  // a draw below it drops

  Dropout() = default;
  Dropout(const Random& random, double p)
      : stream(random), threshold(static_cast<std::uint32_t>(std::lround(p * 65536))) {}

  explicit operator bool() const { return threshold > 0; }
  template <Scalar Real>
  Real scale() const {
    return Real(65536.0 / (65536.0 - static_cast<double>(threshold)));
  }
};

/// y = x ∘ mask / (1 − p)
template <Scalar Real>
void dropout_forward(const Real* x, const Dropout& dropout, Real* y, Index count) {
  const Real scale = dropout.scale<Real>();
  parallel_blocks(count, elementwise_block, [&](Index begin, Index end) {
    std::array<std::uint16_t, dropout_block> draws;
    for (Index start = begin; start < end; start += dropout_block) {
      dropout_draws(dropout.stream, 0, start / dropout_block, draws.data());
      const Index length = std::min(dropout_block, end - start);
      for (Index i = 0; i < length; ++i) {
        const Real factor = draws[static_cast<std::size_t>(i)] < dropout.threshold ? Real(0) : scale;
        y[start + i] = x[start + i] * factor;
      }
    }
  });
}
/// dx += dy ∘ mask / (1 − p)
template <Scalar Real>
void dropout_backward(const Dropout& dropout, const Real* dy, Real* dx, Index count) {
  const Real scale = dropout.scale<Real>();
  parallel_blocks(count, elementwise_block, [&](Index begin, Index end) {
    std::array<std::uint16_t, dropout_block> draws;
    for (Index start = begin; start < end; start += dropout_block) {
      dropout_draws(dropout.stream, 0, start / dropout_block, draws.data());
      const Index length = std::min(dropout_block, end - start);
      for (Index i = 0; i < length; ++i) {
        const Real factor = draws[static_cast<std::size_t>(i)] < dropout.threshold ? Real(0) : scale;
        dx[start + i] += dy[start + i] * factor;
      }
    }
  });
}

}  // namespace slm::kernels
