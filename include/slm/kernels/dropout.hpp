#pragma once
// Dropout. The mask is never stored: forward and backward draw the same numbers from the same stream.
#include <array>

#include "slm/core/libm.hpp"
#include "slm/core/random.hpp"
#include "slm/kernels/elementwise.hpp"

namespace slm::kernels {
inline namespace SLM_INSTRUCTION_SET {

/// Draws of one call of `dropout_draws`.
inline constexpr Index dropout_block = 128;

/// 128 random 16-bit numbers, a fixed function of the stream, a row and a block of that row. Each 32-bit
/// counter goes through three rounds of multiplying and shifting (a bijection that spreads every bit, with the
/// shifts and factors of triple32: Wellons, "Prospecting for hash functions", 2018), with the row's key mixed
/// in twice: much cheaper than Philox, and good enough to drop by. Real is what they are drawn for.
template <Scalar Real>
void dropout_draws(const Random& stream, std::uint64_t row, Index block, std::uint16_t* draws) {
  Observer<Real>::draws(dropout_block);
  constexpr std::uint32_t words = dropout_block / 2;
  const std::uint64_t key = stream.child(row).key();
  const auto first = static_cast<std::uint32_t>(block) * words + static_cast<std::uint32_t>(key);
  const auto second = static_cast<std::uint32_t>(key >> 32);
  for (std::uint32_t i = 0; i < words; ++i) {
    std::uint32_t x = first + i;
    x = (x ^ (x >> 17)) * 0xED5AD4BBu;
    x = ((x ^ (x >> 11)) + second) * 0xAC4C1B51u;
    x = (x ^ (x >> 15)) * 0x31848BABu;
    x ^= x >> 14;
    draws[i] = static_cast<std::uint16_t>(x);
    draws[i + words] = static_cast<std::uint16_t>(x >> 16);
  }
}

inline Cost dropout_draws_cost() { return {.draws = dropout_block}; }

/// Drops with probability p, rounded to a multiple of 2^-16, and scales what is kept so that the mean stays
/// exact for the rounded probability.                                        Srivastava et al. 2014, sec. 10
struct Dropout {
  Random stream;
  std::uint32_t threshold = 0;  // a draw below it drops

  Dropout() = default;
  Dropout(const Random& random, double p)
      : stream(random), threshold(static_cast<std::uint32_t>(libm::lround(p * draws))) {}

  /// Whether p is a probability with which something is kept, rounded or not.
  static bool can_drop(double p) { return p >= 0 && p < 1 && libm::lround(p * draws) < draws; }

  explicit operator bool() const { return threshold > 0; }
  template <Scalar Real>
  Real scale() const {
    return Real(1.0 * draws / (draws - static_cast<double>(threshold)));
  }

 private:
  static constexpr int draws = 65536;  // how many different ones there are
};

#ifdef __clang__  // as in elementwise.hpp
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wpass-failed"
#endif
/// Calls f(i, factor) for every element: with 0 where it is dropped, with the scale where it is kept.
template <Scalar Real, class Function>
void for_each_dropped(const Dropout& dropout, Index count, const Function& f) {
  parallel_blocks(count, elementwise_block, [&](Index begin, Index end) {
    // Copies, because g++ vectorises no loop that reads them through a reference.
    const Real scale = dropout.scale<Real>();
    const std::uint32_t threshold = dropout.threshold;
    std::array<std::uint16_t, dropout_block> draws;
    for (Index start = begin; start < end; start += dropout_block) {
      dropout_draws<Real>(dropout.stream, 0, start / dropout_block, draws.data());
      const Index length = std::min(dropout_block, end - start);
      SLM_INDEPENDENT_ITERATIONS
      for (Index i = 0; i < length; ++i) {
        f(start + i, draws[static_cast<std::size_t>(i)] < threshold ? Real(0) : scale);
      }
    }
  });
}
#ifdef __clang__
#pragma clang diagnostic pop
#endif

/// y = x ∘ mask / (1 − p). In place when y = x.
template <Scalar Real>
void dropout_forward(const Real* x, const Dropout& dropout, Real* y, Index count) {
  for_each_dropped<Real>(dropout, count, [=](Index i, Real factor) { y[i] = x[i] * factor; });
}
/// dx += dy ∘ mask / (1 − p)
template <Scalar Real>
void dropout_backward(const Dropout& dropout, const Real* dy, Into<Real> dx, Index count) {
  for_each_dropped<Real>(dropout, count,
                         [=](Index i, Real factor) { dx.data[i] = dx.before(i) + dy[i] * factor; });
}
inline PassCosts dropout_costs(Index count) {
  const Index blocks = count / dropout_block + (count % dropout_block > 0 ? 1 : 0);  // the last maybe in part
  const Cost draws = dropout_draws_cost() * blocks;
  return {Cost{.elementwise = count} + draws, Cost{.elementwise = 2} * count + draws};
}

}  // namespace SLM_INSTRUCTION_SET
}  // namespace slm::kernels
