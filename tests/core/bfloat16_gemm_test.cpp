// Products of operands that are rounded to bfloat16, against products of numbers that were rounded before.
#include "slm/core/bfloat16_gemm.hpp"

#include <doctest/doctest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "slm/core/denormals.hpp"
#include "slm/core/packed_gemm.hpp"
#include "slm/core/random.hpp"
#include "threads.hpp"

using namespace slm;

#ifdef SLM_HAS_VECTORS

namespace {

float rounded(float x) {
  return std::bit_cast<float>(detail::round_to_bfloat16(std::bit_cast<std::uint32_t>(x)));
}

std::vector<float> numbers(Index count, Random random) {
  std::vector<float> x(static_cast<std::size_t>(count));
  for (float& value : x) value = static_cast<float>(random.uniform(-1, 1));
  return x;
}
std::vector<float> rounded(std::vector<float> x) {
  for (float& value : x) value = rounded(value);
  return x;
}

enum class How { at_once, in_tiles, packed, packed_in_tiles, in_parts };

/// C (m, n) (+)= A B + row, with rows that lie apart, has the bits of the float product of rounded operands.
template <Transposed transposed>
void check(Index m, Index k, Index n, StoreMode store, bool with_row, How how) {
  INFO(m << " x " << k << " x " << n << ", transposed " << transposed.left << transposed.right << ", add "
         << (store == StoreMode::add) << ", row " << with_row << ", how " << static_cast<int>(how));
  constexpr Index gap = 3;
  const Index a_rows = transposed.left ? k : m, a_columns = transposed.left ? m : k;
  const Index b_rows = transposed.right ? n : k, b_columns = transposed.right ? k : n;
  const auto a = numbers(a_rows * (a_columns + gap), Random(1)),
             b = numbers(b_rows * (b_columns + gap), Random(2));
  const auto a_rounded = rounded(a), b_rounded = rounded(b), row = numbers(n, Random(3));
  const auto left = [&](const auto& x) {
    return Matrix<const float>(x.data(), a_rows, a_columns, a_columns + gap);
  };
  const auto right = [&](const auto& x) {
    return Matrix<const float>(x.data(), b_rows, b_columns, b_columns + gap);
  };
  const float* start = with_row ? row.data() : nullptr;
  auto expected = numbers(m * (n + gap), Random(4)), actual = expected;
  gemm<transposed, float>(left(a_rounded), right(b_rounded), {expected.data(), m, n, n + gap}, store, start);

  const Matrix<float> c(actual.data(), m, n, n + gap);
  if (how == How::at_once) detail::rounded_gemm<transposed, float>(left(a), right(b), c, store, start);
  if (how == How::in_tiles) {
    parallel_gemm<transposed, float>(left(a), right(b), c, store, start, Products::bfloat16);
  }
  if constexpr (!transposed.left) {
    const Packing<float>* packing = packing_for<float>(Products::bfloat16);
    std::vector<float> memory(static_cast<std::size_t>(packed_size<float>(k, n, packing)));
    const PackedMatrix<float> packed = pack_matrix<transposed, float>(right(b), memory.data(), packing);
    const Index cut = n / (2 * packed.together()) * packed.together();
    if (how == How::packed) packed_gemm<float>(left(a), packed, c, store, start);
    if (how == How::packed_in_tiles) parallel_packed_gemm<float>(left(a), packed, c, store, start);
    if (how == How::in_parts) {
      packed_gemm<float>(left(a), packed.part(0, cut), c.block(0, 0, m, cut), store, start);
      packed_gemm<float>(left(a), packed.part(cut, n - cut), c.block(0, cut, m, n - cut), store,
                         with_row ? start + cut : nullptr);
    }
  }
  CHECK((actual.empty() || std::memcmp(actual.data(), expected.data(), actual.size() * sizeof(float)) == 0));
}

}  // namespace

TEST_CASE("a float becomes the bfloat16 next to it, of two equally near ones the even") {
  const auto number = [](std::uint32_t bits) { return std::bit_cast<float>(bits); };
  CHECK(rounded(1.0F) == 1.0F);
  CHECK(rounded(1.0F + 0x1p-9F) == 1.0F);
  CHECK(rounded(1.0F + 0x1p-8F) == 1.0F);            // half way, to the even
  CHECK(rounded(1.0F + 0x3p-8F) == 1.0F + 0x1p-6F);  // half way, to the even above
  CHECK(rounded(-1.0F - 0x1.02p-8F) == -1.0F - 0x1p-7F);
  CHECK(std::signbit(rounded(-0.0F)));
  constexpr float infinity = std::numeric_limits<float>::infinity();
  CHECK(rounded(infinity) == infinity);
  CHECK(rounded(-infinity) == -infinity);
  CHECK(rounded(number(0x7f7f'7fff)) == number(0x7f7f'0000));  // the largest, and what is beyond it
  CHECK(rounded(number(0x7f7f'8000)) == infinity);
  CHECK(rounded(-std::numeric_limits<float>::max()) == -infinity);
  for (const std::uint32_t bits : {0x7f80'0001u, 0x7fff'ffffu, 0xffff'ffffu, 0x7fc0'0000u}) {
    CHECK(std::isnan(rounded(number(bits))));
  }
  CHECK(std::bit_cast<std::uint32_t>(rounded(number(0x0080'0000))) == 0x0080'0000);  // the smallest normal one
  CHECK(std::bit_cast<std::uint32_t>(rounded(number(0x007f'ffff))) == 0);            // and below it
  CHECK(std::bit_cast<std::uint32_t>(rounded(number(0x8000'0001))) == 0x8000'0000);
  // Registers round as single numbers do.
  const auto x = numbers(16, Random(5));
  const auto words = detail::rounded_words(x.data());
  for (int l = 0; l < simd::lanes<float>; ++l) {
    CHECK(std::bit_cast<float>(std::uint32_t(words[l])) == rounded(x[static_cast<std::size_t>(l)]));
  }
}

TEST_CASE("products have the bits of float products of rounded operands") {
  if (!has_bfloat16_products<float>()) return;
  const FlushDenormals scope;
  const slm_test::Threads two(2);
  struct Size {
    Index m, k, n;
  };
  for (const auto& [m, k, n] : {Size{1, 1, 1},
                                {1, 7, 40},
                                {2, 8, 33},
                                {3, 257, 5},
                                {13, 31, 70},
                                {130, 300, 37},
                                {65, 1025, 17},
                                {16, 1100, 16},
                                {150, 64, 2100},
                                {300, 17, 100},
                                {0, 5, 3},
                                {4, 5, 0}}) {
    for (const StoreMode store : {StoreMode::assign, StoreMode::add}) {
      for (const bool with_row : {false, true}) {
        for (const How how : {How::at_once, How::in_tiles}) {
          check<Transposed::none>(m, k, n, store, with_row, how);
          check<Transposed::a>(m, k, n, store, with_row, how);
          check<Transposed::b>(m, k, n, store, with_row, how);
        }
        for (const How how : {How::packed, How::packed_in_tiles, How::in_parts}) {
          if (how == How::in_parts && n == 0) continue;
          check<Transposed::none>(m, k, n, store, with_row, how);
          check<Transposed::b>(m, k, n, store, with_row, how);
        }
      }
    }
  }
}

TEST_CASE("an empty sum is zero, or the row") {
  const std::vector<float> row{1.0009F, 2, 3};
  std::vector<float> c(6, 7);
  parallel_gemm<Transposed::none, float>({nullptr, 2, 0}, {nullptr, 0, 3}, {c.data(), 2, 3}, StoreMode::assign,
                                         row.data(), Products::bfloat16);
  CHECK(c == std::vector<float>{1.0009F, 2, 3, 1.0009F, 2, 3});
}

TEST_CASE("what is not a number stays so, and what is too large becomes infinite") {
  if (!has_bfloat16_products<float>()) return;
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(),
                          std::numeric_limits<float>::max()}) {
    std::vector<float> a(40, 1), b(40, 1);
    a[17] = bad;
    float c = 0;
    parallel_gemm<Transposed::none, float>({a.data(), 1, 40}, {b.data(), 40, 1}, {&c, 1, 1}, StoreMode::assign,
                                           nullptr, Products::bfloat16);
    CHECK_FALSE(std::isfinite(c));
    CHECK(std::isnan(c) == std::isnan(bad));
  }
}

#ifdef __AVX512BF16__
TEST_CASE("the processor's instruction gives the bits of floats") {
  if (!__builtin_cpu_supports("avx512bf16")) return;
  REQUIRE(detail::instruction_adds_in_order());
  const FlushDenormals scope;
  for (const Index k : {1, 2, 7, 64, 255, 256, 257, 1001}) {
    for (const Index m : {1, 2, 5, 12, 40, 130}) {
      const Index n = 45;
      const auto a = numbers(m * k, Random(1)), b = numbers(n * k, Random(2));
      std::vector<float> by_pairs(static_cast<std::size_t>(m * n), 2), by_floats = by_pairs;
      const Matrix<const float> left(a.data(), m, k), right(b.data(), n, k);
      using namespace detail;
      bfloat16_gemm<PairForm>(Transposed::b, left, right, {by_pairs.data(), m, n}, StoreMode::add, nullptr);
      bfloat16_gemm<FloatForm>(Transposed::b, left, right, {by_floats.data(), m, n}, StoreMode::add, nullptr);
      CHECK(std::memcmp(by_pairs.data(), by_floats.data(), by_pairs.size() * sizeof(float)) == 0);
    }
  }
}
#endif

#endif
