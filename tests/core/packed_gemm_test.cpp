// Products with a right operand that was packed once, against other products.
#include "slm/core/packed_gemm.hpp"

#include <doctest/doctest.h>

#include <array>
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
std::vector<Real> numbers(Index count, Random random) {
  std::vector<Real> x(static_cast<std::size_t>(count));
  for (Real& value : x) value = static_cast<Real>(random.uniform(-1, 1));
  return x;
}

enum class How { at_once, in_parts, in_tiles };

/// C (m, n) (+)= A B + row, with rows that lie apart, packed and not.
template <Transposed transposed, class Real>
void check(Index m, Index k, Index n, StoreMode store, bool with_row, How how) {
  INFO(m << " x " << k << " x " << n << ", B transposed " << transposed.right << ", add "
         << (store == StoreMode::add) << ", row " << with_row << ", how " << static_cast<int>(how));
  constexpr Index gap = 3;
  const auto a = numbers<Real>(m * (k + gap), Random(1)), b = numbers<Real>(k * n + (k + n) * gap, Random(2));
  const auto row = numbers<Real>(n, Random(3));
  const Index rows = transposed.right ? n : k, columns = transposed.right ? k : n;
  const Matrix<const Real> left(a.data(), m, k, k + gap), right(b.data(), rows, columns, columns + gap);
  const Real* start = with_row ? row.data() : nullptr;
  auto expected = numbers<Real>(m * (n + gap), Random(4)), actual = expected;
  gemm<transposed, Real>(left, right, {expected.data(), m, n, n + gap}, store, start);

  std::vector<Real> memory(static_cast<std::size_t>(packed_size<Real>(k, n)));
  const PackedMatrix<Real> packed = pack_matrix<transposed, Real>(right, memory.data());
  CHECK(packed.rows == k);
  CHECK(packed.columns == n);
  const Matrix<Real> c(actual.data(), m, n, n + gap);
  // At once, in parts of the columns, and in tiles that threads share.
  const Index panel = packed.together(), cut = n / (2 * panel) * panel;
  if (how == How::at_once) packed_gemm<Real>(left, packed, c, store, start);
  if (how == How::in_tiles) parallel_packed_gemm<Real>(left, packed, c, store, start);
  if (how == How::in_parts) {
    packed_gemm<Real>(left, packed.part(0, cut), c.block(0, 0, m, cut), store, start);
    packed_gemm<Real>(left, packed.part(cut, n - cut), c.block(0, cut, m, n - cut), store,
                      with_row ? start + cut : nullptr);
  }
  if (gemm_backend<Real>() == GemmBackend::slm) {
    CHECK(std::memcmp(actual.data(), expected.data(), actual.size() * sizeof(Real)) == 0);
    return;
  }
  // A library's bits depend on how operands lie. Sums of k terms of at most 1, in two orders.
  const Real bound = 2 * static_cast<Real>(k * k) * std::numeric_limits<Real>::epsilon();
  for (std::size_t i = 0; i < actual.size(); ++i) CHECK(std::abs(actual[i] - expected[i]) <= bound);
}

}  // namespace

TEST_CASE_TEMPLATE("a product with a packed matrix has the bits of any other", Real, float, double,
                   long double) {
  for (const Index m : {1, 5, 12, 30}) {
    for (const auto& [k, n] : {std::pair<Index, Index>{1, 1}, {7, 33}, {128, 96}, {300, 45}, {520, 40}}) {
      for (const StoreMode store : {StoreMode::assign, StoreMode::add}) {
        for (const bool with_row : {false, true}) {
          for (const How how : {How::at_once, How::in_parts, How::in_tiles}) {
            check<Transposed::none, Real>(m, k, n, store, with_row, how);
            check<Transposed::b, Real>(m, k, n, store, with_row, how);
          }
        }
      }
    }
  }
}

TEST_CASE_TEMPLATE("tiles of a product with a packed matrix are shared by threads", Real, float, double) {
  const slm_test::Threads three(3);
  for (const auto& [m, k, n] : {std::array<Index, 3>{64, 600, 300}, {200, 130, 50}, {8, 520, 1000}}) {
    check<Transposed::none, Real>(m, k, n, StoreMode::assign, true, How::in_tiles);
    check<Transposed::b, Real>(m, k, n, StoreMode::add, false, How::in_tiles);
  }
}

TEST_CASE("an empty sum with a packed matrix is zero, or the row") {
  const std::vector<float> row{1, 2, 3};
  std::vector<float> c(6, 9);
  const auto packed = pack_matrix<Transposed::none, float>({nullptr, 0, 3}, nullptr);
  packed_gemm<float>({nullptr, 2, 0}, packed, {c.data(), 2, 3}, StoreMode::assign, row.data());
  CHECK(c == std::vector<float>{1, 2, 3, 1, 2, 3});
  packed_gemm<float>({nullptr, 2, 0}, packed, {c.data(), 2, 3}, StoreMode::assign);
  CHECK(c == std::vector<float>(6, 0));
}
