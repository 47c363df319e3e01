#pragma once
// Counter-based random numbers: a stream is a seed and a name, an element of it is an index. The same bits
// come out in any order and on any thread, and drawing from one stream never moves another. They are the same
// on every platform, too, but for what is computed from them in floating point: the last bits of uniform(low,
// high) and of normal() depend on the compiler's flags and on the standard library.
//
// Source: Salmon, Moraes, Dror, Shaw, "Parallel Random Numbers: As Easy as 1, 2, 3", SC 2011
// (Philox-4x32 with 10 rounds).
#include <array>
#include <bit>
#include <cstdint>
#include <numbers>
#include <string_view>

#include "slm/core/libm.hpp"
#include "slm/core/shape.hpp"

namespace slm {

/// One Philox-4x32-10 block: four 32-bit words from a 128-bit counter and a 64-bit key.
constexpr std::array<std::uint32_t, 4> philox(std::array<std::uint32_t, 4> counter,
                                              std::array<std::uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t a = std::uint64_t(0xD2511F53u) * counter[0];
    const std::uint64_t b = std::uint64_t(0xCD9E8D57u) * counter[2];
    counter = {static_cast<std::uint32_t>(b >> 32) ^ counter[1] ^ key[0], static_cast<std::uint32_t>(b),
               static_cast<std::uint32_t>(a >> 32) ^ counter[3] ^ key[1], static_cast<std::uint32_t>(a)};
    key = {key[0] + 0x9E3779B9u, key[1] + 0xBB67AE85u};
  }
  return counter;
}

/// A random stream. Its state is two numbers, the key and the next index, so that saving it is saving
/// those. Copying it forks it.
class Random {
 public:
  Random() = default;

  /// The stream of this name for this seed. Streams of different names are independent.
  explicit Random(std::uint64_t seed, std::string_view name = "") : key_(mix(seed)) {
    for (const char letter : name) key_ = mix(key_ ^ static_cast<unsigned char>(letter));
  }

  /// The independent stream number `index` below this one: of a step, a layer, a group of sequences.
  Random child(std::uint64_t index) const {
    Random stream;
    stream.key_ = mix(mix(key_ + 0x51'7C'C1'B7'27'22'0A'95u) ^ index);
    return stream;
  }

  std::uint64_t key() const { return key_; }
  std::uint64_t next_index() const { return next_; }
  void seek(std::uint64_t index) { next_ = index; }

  /// Element `index` of the stream as 64 random bits, whatever was drawn before.
  std::uint64_t bits_at(std::uint64_t index) const {
    const auto words = block_at(index);
    return std::uint64_t(words[0]) << 32 | words[1];
  }

  /// The four 32-bit words of counter `index`.
  std::array<std::uint32_t, 4> block_at(std::uint64_t index) const {
    return philox({static_cast<std::uint32_t>(index), static_cast<std::uint32_t>(index >> 32), 0, 0},
                  {static_cast<std::uint32_t>(key_), static_cast<std::uint32_t>(key_ >> 32)});
  }

  /// The next 64 random bits.
  std::uint64_t bits() { return bits_at(next_++); }

  /// Uniform in [0, 1): 53 random bits.
  double uniform() { return static_cast<double>(bits() >> 11) * 0x1p-53; }
  /// Uniform in [low, high).
  double uniform(double low, double high) { return low + (high - low) * uniform(); }

  /// Standard normal, by Box and Muller's transform of one block's two uniforms.
  double normal() {
    const auto words = block_at(next_++);
    const double u = (static_cast<double>(words[0]) + 1) * 0x1p-32;  // (0, 1]: log is finite
    const double v = static_cast<double>(words[1]) * 0x1p-32;
    return libm::sqrt(-2 * libm::log(u)) * libm::cos(2 * std::numbers::pi * v);
  }

  /// Uniform in 0 … count-1, without bias: draws of as many bits as the range has, until one falls in it.
  Index below(Index count) {
    require_config(count > 0, "Random::below: the range is empty");
    const std::uint64_t mask = std::bit_ceil(static_cast<std::uint64_t>(count)) - 1;
    for (;;) {
      const auto draw = static_cast<Index>(bits() & mask);
      if (draw < count) return draw;
    }
  }

 private:
  /// A bijection of 64-bit words that spreads every input bit (the finaliser of MurmurHash3, Appleby).
  static constexpr std::uint64_t mix(std::uint64_t x) {
    x += 0x9E37'79B9'7F4A'7C15u;
    x = (x ^ (x >> 33)) * 0xFF51'AFD7'ED55'8CCDu;
    x = (x ^ (x >> 33)) * 0xC4CE'B9FE'1A85'EC53u;
    return x ^ (x >> 33);
  }

  std::uint64_t key_ = mix(0);
  std::uint64_t next_ = 0;
};

/// A stream as an argument of what draws from it: one of the caller's, which has moved on afterwards, so that
/// the next layer draws other numbers, or one that is made for the call, `Random(1, "init")`. A constant one,
/// which cannot move on, is neither.
class RandomArgument {
 public:
  RandomArgument(Random& stream) : stream_(&stream) {}
  RandomArgument(Random&& made) : made_(made), stream_(&made_) {}
  RandomArgument(const Random&) = delete;  // copy it: Random(stream)
  /// Of the same stream, for the length of the other's call.
  RandomArgument(const RandomArgument& other) : stream_(other.stream_) {}
  RandomArgument& operator=(const RandomArgument&) = delete;

  Random* operator->() const { return stream_; }

 private:
  Random made_;
  Random* stream_;
};

}  // namespace slm
