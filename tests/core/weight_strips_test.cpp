// Products with weights in strips, against products with the weights that the format stands for.
#include "slm/core/weight_strips.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <utility>
#include <vector>

#include "slm/core/gemm_eigen.hpp"
#include "slm/core/random.hpp"
#include "threads.hpp"

using namespace slm;

namespace {

template <class Real>
std::vector<Real> numbers(Index count, std::uint64_t seed) {
  Random random(seed);
  std::vector<Real> x(static_cast<std::size_t>(count));
  for (Real& value : x) value = static_cast<Real>(random.uniform(-1, 1));
  return x;
}

/// A matrix W (outputs, inputs) packed, and the numbers that it stands for.
template <class Real>
struct Weights {
  Index outputs, inputs;
  std::vector<Real> rounded, memory;
  PackedMatrix<Real> packed{};

  Weights(Index n, Index k, WeightFormat format) : outputs(n), inputs(k), rounded(numbers<Real>(n * k, 2)) {
    const auto W = rounded;
    for (Index i = 0; i < n; ++i) round_row(W.data() + i * k, rounded.data() + i * k, k, format);
    const Packing<Real>& packing = weight_packing<Real>(format);
    memory.resize(static_cast<std::size_t>(packing.bytes(k, n)) / sizeof(Real) + 1);
    packing.pack({W.data(), n, k}, true, memory.data());
    packed = {memory.data(), k, n, 0, n, &packing};
  }
};

template <class Real>
void check_near(const std::vector<Real>& actual, const std::vector<Real>& expected, Index k) {
  // Sums of k terms of at most 1, in two orders.
  const Real bound = 2 * static_cast<Real>(k * k) * std::numeric_limits<Real>::epsilon();
  for (std::size_t i = 0; i < actual.size(); ++i) CHECK(std::abs(actual[i] - expected[i]) <= bound);
}

/// The same bits, unless a library makes the products: its depend on the sizes of the matrices.
template <class Real>
void check_same(const std::vector<Real>& actual, const std::vector<Real>& expected, Index k) {
  if (gemm_backend<Real>() != GemmBackend::slm) return check_near(actual, expected, k);
  CHECK(std::memcmp(actual.data(), expected.data(), actual.size() * sizeof(Real)) == 0);
}

/// x (m, k) Wᵀ + row, on one thread, in two parts of the columns and in tiles that threads share: all the same.
template <class Real>
std::vector<Real> product(const Weights<Real>& weights, Index m, const Real* row) {
  const Index n = weights.outputs, k = weights.inputs, gap = 3;
  const auto x = numbers<Real>(30 * (k + gap), 1);
  const Matrix<const Real> left(x.data(), m, k, k + gap);
  std::vector<Real> at_once(static_cast<std::size_t>(m * n)), in_parts = at_once, in_tiles = at_once;
  packed_gemm<Real>(left, weights.packed, {at_once.data(), m, n}, StoreMode::assign, row);
  parallel_packed_gemm<Real>(left, weights.packed, {in_tiles.data(), m, n}, StoreMode::assign, row);
  const Index together = weights.packed.together(), cut = (n + together) / (2 * together) * together;
  const Matrix<Real> c(in_parts.data(), m, n);
  for (const auto& [first, count] : {std::pair<Index, Index>{0, cut}, {cut, n - cut}}) {
    if (count == 0) continue;
    packed_gemm<Real>(left, weights.packed.part(first, count), c.block(0, first, m, count), StoreMode::assign,
                      row ? row + first : nullptr);
  }
  check_same(in_tiles, at_once, k);
  check_same(in_parts, at_once, k);
  return at_once;
}

}  // namespace

TEST_CASE_TEMPLATE("a product with weights in strips is one with the numbers that the format stands for", Real,
                   float, double, long double) {
  for (const WeightFormat format : {WeightFormat::full, WeightFormat::bfloat16, WeightFormat::int8}) {
    using Extents = std::pair<Index, Index>;
    for (const Extents& extents : {Extents{1, 1}, {3, 0}, {33, 7}, {64, 128}, {200, 300}, {650, 520}}) {
      const Index n = extents.first, k = extents.second;
      const Weights<Real> weights(n, k, format);
      const auto row = numbers<Real>(n, 3);
      for (const bool with_row : {false, true}) {
        const Real* start = with_row ? row.data() : nullptr;
        const auto all = product(weights, 30, start);
        for (const Index m : {1, 2, 5, 16, 17, 30}) {
          INFO(name_of(format) << ": " << m << " x " << k << " x " << n << ", row " << with_row);
          const auto actual = product(weights, m, start);
          auto expected = actual;
          const auto x = numbers<Real>(30 * (k + 3), 1);
          gemm<Transposed::b, Real>({x.data(), m, k, k + 3}, {weights.rounded.data(), n, k},
                                    {expected.data(), m, n}, StoreMode::assign, start);
          // However many rows there are, a row has the same bits.
          check_same(actual, {all.begin(), all.begin() + m * n}, k);
          if (std::is_same_v<Real, float> && format == WeightFormat::int8) {
            check_near(actual, expected, k);
          } else {
            check_same(actual, expected, k);
          }
        }
      }
    }
  }
}

TEST_CASE("threads do not change the bits of a product of one row") {
  for (const WeightFormat format : {WeightFormat::full, WeightFormat::bfloat16, WeightFormat::int8}) {
    const Weights<float> weights(1000, 300, format);
    std::vector<float> first;
    for (const int count : {1, 2, 3}) {
      const slm_test::Threads setting(count);
      const auto y = product<float>(weights, 1, nullptr);
      if (first.empty()) first = y;
      check_same(y, first, 300);
    }
  }
}

TEST_CASE("floats take the bytes of their format") {
  if (gemm_backend<float>() != GemmBackend::slm) return;
  const auto bytes = [](WeightFormat format) { return weight_packing<float>(format).bytes(300, 1024); };
  CHECK(bytes(WeightFormat::full) == 300 * 1024 * 4);
  CHECK(bytes(WeightFormat::bfloat16) == 300 * 1024 * 2);
  CHECK(bytes(WeightFormat::int8) == 300 * 1024 + 1024 * 4);
}

TEST_CASE("a format that is none is refused") {
  CHECK_THROWS_WITH_AS(weight_packing<float>(static_cast<WeightFormat>(7)),
                       "weight_packing: the format is none that there is", ConfigError);
}
