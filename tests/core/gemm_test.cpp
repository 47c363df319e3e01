#include "slm/core/gemm.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "slm/core/gemm_eigen.hpp"
#include "threads.hpp"

using namespace slm;

namespace {

// Reproducible on every standard library: a uniform distribution of <random> is not.
class Draws {
 public:
  explicit Draws(unsigned seed) : engine_(seed) {}
  Index below(Index bound) { return static_cast<Index>(engine_() % static_cast<std::uint64_t>(bound)); }
  double signed_unit() { return static_cast<double>(engine_() >> 11) * 0x1p-52 - 1; }

 private:
  std::mt19937_64 engine_;
};

/// A matrix of random numbers that owns its memory, with a row stride and a first address of any kind.
template <class Real>
struct Stored {
  std::vector<Real> memory;
  Index rows, columns, stride, offset;

  Stored(Index row_count, Index column_count, Draws& draws, Index gap = 0, Index start = 0)
      : rows(row_count), columns(column_count), stride(column_count + gap), offset(start) {
    memory.resize(static_cast<std::size_t>(offset + rows * stride));
    for (Real& x : memory) x = static_cast<Real>(draws.signed_unit());
  }
  /// One to put results in.
  Stored(Index row_count, Index column_count)
      : memory(static_cast<std::size_t>(row_count * column_count)),
        rows(row_count),
        columns(column_count),
        stride(column_count),
        offset(0) {}
  Real& at(Index i, Index j) { return memory[static_cast<std::size_t>(offset + i * stride + j)]; }
  Matrix<const Real> view() const { return {memory.data() + offset, rows, columns, stride}; }
  Matrix<Real> target() { return {memory.data() + offset, rows, columns, stride}; }
};

template <class Real>
bool same_bits(const Stored<Real>& a, const Stored<Real>& b) {
  return a.memory.size() == b.memory.size() &&
         std::memcmp(a.memory.data(), b.memory.data(), a.memory.size() * sizeof(Real)) == 0;
}

/// The operands of one product of A (m, k) and B (k, n), each stored as the product wants it.
template <Transposed transposed, class Real>
struct Case {
  Index m, n, k;
  Stored<Real> a, b, c;

  Case(Index rows, Index columns, Index depth, Draws& draws, Index gap = 0, Index start = 0)
      : m(rows),
        n(columns),
        k(depth),
        a(transposed.left ? k : m, transposed.left ? m : k, draws, gap, start),
        b(transposed.right ? n : k, transposed.right ? k : n, draws, gap, start),
        c(m, n, draws, gap, start) {}

  Real left(Index i, Index p) { return transposed.left ? a.at(p, i) : a.at(i, p); }
  Real right(Index p, Index j) { return transposed.right ? b.at(j, p) : b.at(p, j); }

  std::string text() const {
    return std::to_string(m) + " x " + std::to_string(n) + " x " + std::to_string(k) + ", product " +
           std::to_string(transposed.left + 2 * transposed.right) + ", stride of C " + std::to_string(c.stride);
  }
};

/// All that this build can multiply with: the kernel, Eigen, and the library that it was configured for.
template <class Real>
std::vector<GemmBackend> multipliers() {
  std::vector<GemmBackend> all{GemmBackend::eigen};
#ifdef SLM_HAS_VECTORS
  all.push_back(GemmBackend::slm);
#endif
  if (std::find(all.begin(), all.end(), gemm_backend<Real>()) == all.end()) all.push_back(gemm_backend<Real>());
  return all;
}

template <Transposed transposed, class Real>
void run(GemmBackend by, const Case<transposed, Real>& operands, Matrix<Real> c, StoreMode store) {
#ifdef SLM_HAS_VECTORS
  if (by == GemmBackend::slm) {
    return detail::kernel_gemm<transposed, Real>(operands.a.view(), operands.b.view(), c, store);
  }
#endif
  if (by == GemmBackend::eigen) {
    return detail::eigen_gemm<transposed, Real>(operands.a.view(), operands.b.view(), c, store);
  }
  REQUIRE(by == gemm_backend<Real>());
  gemm<transposed, Real>(operands.a.view(), operands.b.view(), c, store);
}

/// Multiplies in every way and compares with a plain loop in a wider type. A sum of k products in any order is
/// off by at most (k - 1) roundings of Σ|a||b|, each product by one, the addition to C by one more (Higham
/// 2002, section 3.1); the kernel rounds at most 256 times in a block and once for each block.
template <Transposed transposed, class Real>
void check_against_loop(Case<transposed, Real> operands, StoreMode store) {
  using Wide = std::conditional_t<std::is_same_v<Real, float>, double, long double>;
  const auto [m, n, k] = std::array{operands.m, operands.n, operands.k};
  Stored<Wide> exact(m, n), magnitudes(m, n);
  for (Index i = 0; i < m; ++i) {
    for (Index j = 0; j < n; ++j) {
      const Wide start = store == StoreMode::add ? Wide(operands.c.at(i, j)) : Wide(0);
      Wide sum = start, magnitude = std::fabs(start);
      for (Index p = 0; p < k; ++p) {
        const Wide term = Wide(operands.left(i, p)) * Wide(operands.right(p, j));
        sum += term;
        magnitude += std::fabs(term);
      }
      exact.at(i, j) = sum;
      magnitudes.at(i, j) = magnitude;
    }
  }
  const Wide unit = std::numeric_limits<Real>::epsilon() / Wide(2);
  for (const GemmBackend by : multipliers<Real>()) {
    const Wide roundings = Wide(by == GemmBackend::slm ? std::min<Index>(k, 256) + (k + 255) / 256 + 1 : k + 2);
    Stored<Real> c = operands.c;
    run(by, operands, c.target(), store);
    Wide worst = 0;  // in units of the bound
    for (Index i = 0; i < m; ++i) {
      for (Index j = 0; j < n; ++j) {
        const Wide bound = roundings * (unit * magnitudes.at(i, j) + std::numeric_limits<Real>::min());
        worst = std::max(worst, std::fabs(c.at(i, j) - exact.at(i, j)) / bound);
        c.at(i, j) = operands.c.at(i, j);
      }
    }
    INFO(operands.text());
    CAPTURE(static_cast<int>(by));
    CHECK(worst <= 1);
    CHECK(same_bits(c, operands.c));  // what lies between the rows of C was left alone
  }
}

template <Transposed transposed, class Real>
void check_sizes(Index m, Index n, Index k, Draws& draws) {
  for (const StoreMode store : {StoreMode::assign, StoreMode::add}) {
    check_against_loop(Case<transposed, Real>(m, n, k, draws, draws.below(4), draws.below(4)), store);
  }
}

template <class Visit>
void for_each_product(const Visit& visit) {
  visit(std::integral_constant<Transposed, Transposed::none>());
  visit(std::integral_constant<Transposed, Transposed::a>());
  visit(std::integral_constant<Transposed, Transposed::b>());
  visit(std::integral_constant<Transposed, Transposed{true, true}>());
}

}  // namespace

TEST_CASE_TEMPLATE("products agree with a plain loop at sizes around the edges of tiles", Real, float, double) {
  constexpr std::array<Index, 6> large{63, 64, 65, 127, 129, 200};
  for_each_product([&](auto transposed) {
    Draws draws(1);
    for (int sample = 0; sample < 60; ++sample) {
      std::array<Index, 3> size{1 + draws.below(40), 1 + draws.below(40), 1 + draws.below(40)};
      if (sample % 2 == 0)
        size[static_cast<std::size_t>(draws.below(3))] = large[static_cast<std::size_t>(draws.below(6))];
      check_sizes<transposed(), Real>(size[0], size[1], size[2], draws);
    }
    for (Index m = 1; m <= 26; ++m) check_sizes<transposed(), Real>(m, 37, 9, draws);
    for (Index n = 1; n <= 70; ++n) check_sizes<transposed(), Real>(3, n, 9, draws);
    for (Index k = 1; k <= 40; ++k) check_sizes<transposed(), Real>(7, 33, k, draws);
  });
}

TEST_CASE_TEMPLATE("products agree with a plain loop where they are cut into blocks", Real, float, double) {
  for_each_product([&](auto transposed) {
    Draws draws(2);
    for (const Index k : {255, 256, 257, 511, 513, 1000}) {
      for (const Index m : {1, 2, 5, 13}) check_sizes<transposed(), Real>(m, 43, k, draws);
    }
    for (const Index m : {1, 6, 31}) {
      check_sizes<transposed(), Real>(m, 1500, 17, draws);
      check_sizes<transposed(), Real>(m, 300, 300, draws);
    }
    check_sizes<transposed(), Real>(129, 127, 200, draws);
    check_sizes<transposed(), Real>(3, 20, 5000, draws);
    for (const Index m : {7, 8, 40, 64, 65}) check_sizes<transposed(), Real>(m, 65, 1030, draws);
    check_sizes<transposed(), Real>(40, 300, 1030, draws);
  });
}

TEST_CASE_TEMPLATE("an empty sum is zero", Real, float, double) {
  for_each_product([&](auto transposed) {
    Draws draws(3);
    Case<transposed(), Real> operands(5, 7, 0, draws);
    const auto a = operands.a.view(), b = operands.b.view();
    const Stored<Real> before = operands.c, row(1, 7, draws);
    gemm<transposed(), Real>(a, b, operands.c.target(), StoreMode::add);
    CHECK(same_bits(operands.c, before));
    gemm<transposed(), Real>(a, b, operands.c.target(), StoreMode::assign);
    for (const Real x : operands.c.memory) CHECK(x == Real(0));
    gemm<transposed(), Real>(a, b, operands.c.target(), StoreMode::assign, row.memory.data());
    for (Index i = 0; i < 5; ++i) {
      for (Index j = 0; j < 7; ++j) CHECK(operands.c.at(i, j) == row.view().row(0)[j]);
    }
  });
}

TEST_CASE_TEMPLATE("a product without rows or columns does nothing", Real, float, double) {
  for_each_product([&](auto transposed) {
    Draws draws(4);
    for (const auto& [m, n] : {std::pair<Index, Index>(0, 5), {5, 0}, {0, 0}}) {
      const Case<transposed(), Real> operands(m, n, 3, draws);
      const Matrix<Real> nothing(nullptr, m, n);
      gemm<transposed(), Real>(operands.a.view(), operands.b.view(), nothing, StoreMode::assign);
      parallel_gemm<transposed(), Real>(operands.a.view(), operands.b.view(), nothing, StoreMode::add);
    }
  });
}

#ifdef SLM_HAS_VECTORS
TEST_CASE_TEMPLATE("an element's bits depend on its row, its column and the depth only", Real, float, double) {
  for_each_product([&](auto transposed) {
    for (const Index k : {1, 31, 128, 300, 1100}) {
      Draws draws(5);
      Case<transposed(), Real> operands(29, 75, k, draws, 3);
      Stored<Real> whole = operands.c, moved = operands.c, part = operands.c;
      run(GemmBackend::slm, operands, whole.target(), StoreMode::add);

      // The same operands at other addresses and with another stride.
      Draws other_draws(6);
      Case<transposed(), Real> elsewhere(29, 75, k, other_draws, 8, 1);
      for (Index i = 0; i < operands.a.rows; ++i) {
        for (Index j = 0; j < operands.a.columns; ++j) elsewhere.a.at(i, j) = operands.a.at(i, j);
      }
      for (Index i = 0; i < operands.b.rows; ++i) {
        for (Index j = 0; j < operands.b.columns; ++j) elsewhere.b.at(i, j) = operands.b.at(i, j);
      }
      run(GemmBackend::slm, elsewhere, moved.target(), StoreMode::add);
      CHECK(same_bits(whole, moved));

      // Any cut into rows and columns.
      for (Index row = 0; row < 29;) {
        const Index height = std::min<Index>(1 + draws.below(9), 29 - row);
        for (Index column = 0; column < 75;) {
          const Index width = std::min<Index>(1 + draws.below(40), 75 - column);
          const auto a = transposed().left ? operands.a.view().block(0, row, k, height)
                                           : operands.a.view().block(row, 0, height, k);
          const auto b = transposed().right ? operands.b.view().block(column, 0, width, k)
                                            : operands.b.view().block(0, column, k, width);
          detail::kernel_gemm<transposed(), Real>(a, b, part.target().block(row, column, height, width),
                                                  StoreMode::add);
          column += width;
        }
        row += height;
      }
      CHECK(same_bits(whole, part));
    }
  });
}

TEST_CASE_TEMPLATE("sums begin at the numbers of a row, however many rows there are", Real, float, double) {
  for_each_product([&](auto transposed) {
    for (const auto& [k, store] : {std::pair<Index, StoreMode>{1, StoreMode::assign},
                                   {31, StoreMode::add},
                                   {300, StoreMode::assign},
                                   {300, StoreMode::add},
                                   {1100, StoreMode::assign},
                                   {1100, StoreMode::add}}) {
      INFO("depth ", k, ", add ", store == StoreMode::add);
      Draws draws(9);
      const Case<transposed(), Real> operands(40, 300, k, draws, 3, 1);
      const Stored<Real> row(1, 300, draws);
      Stored<Real> whole = operands.c, one_by_one = operands.c;
      const auto a = operands.a.view(), b = operands.b.view();
      detail::kernel_gemm<transposed(), Real>(a, b, whole.target(), store, row.memory.data());
      for (Index i = 0; i < 40; ++i) {
        const auto a_row = transposed().left ? a.block(0, i, k, 1) : a.block(i, 0, 1, k);
        detail::kernel_gemm<transposed(), Real>(a_row, b, one_by_one.target().block(i, 0, 1, 300), store,
                                                row.memory.data());
      }
      CHECK(same_bits(whole, one_by_one));
      // Against the sums without the row: some 2 k roundings of numbers of at most k.
      Stored<Real> without = operands.c;
      detail::kernel_gemm<transposed(), Real>(a, b, without.target(), store);
      Real worst = 0;
      for (Index i = 0; i < 40; ++i) {
        for (Index j = 0; j < 300; ++j) {
          worst = std::max(worst, std::fabs(without.at(i, j) + row.view().row(0)[j] - whole.at(i, j)));
        }
      }
      const Real depth = static_cast<Real>(k + 1);
      CHECK(worst <= 2 * depth * depth * std::numeric_limits<Real>::epsilon());
    }
  });
}
#endif

TEST_CASE_TEMPLATE("threads do not change the bits", Real, float, double) {
  const slm_test::Threads restore;
  constexpr std::array<std::array<Index, 3>, 5> sizes{
      {{128, 384, 128}, {64, 65, 1030}, {300, 40, 70}, {1, 3000, 200}, {600, 1100, 8}}};
  for_each_product([&](auto transposed) {
    Draws draws(7);
    for (const auto& [m, n, k] : sizes) {
      const Case<transposed(), Real> operands(m, n, k, draws, 1);
      for (const StoreMode store : {StoreMode::assign, StoreMode::add}) {
        set_threads(1);
        Stored<Real> one = operands.c;
        parallel_gemm<transposed(), Real>(operands.a.view(), operands.b.view(), one.target(), store);
        for (const int count : {2, 3}) {
          set_threads(count);
          Stored<Real> several = operands.c;
          parallel_gemm<transposed(), Real>(operands.a.view(), operands.b.view(), several.target(), store);
          CHECK(same_bits(one, several));
        }
        if (gemm_backend<Real>() == GemmBackend::slm) {
          Stored<Real> uncut = operands.c;
          gemm<transposed(), Real>(operands.a.view(), operands.b.view(), uncut.target(), store);
          CHECK(same_bits(one, uncut));
        }
      }
    }
  });
}

TEST_CASE_TEMPLATE("NaN and infinity reach every element they belong to, and no other", Real, float, double) {
  constexpr Real nan = std::numeric_limits<Real>::quiet_NaN(), infinity = std::numeric_limits<Real>::infinity();
  for_each_product([&](auto transposed) {
    for (const Real bad : {nan, infinity}) {
      Draws draws(8);
      const Index m = 13, n = 37, k = 21;
      Case<transposed(), Real> operands(m, n, k, draws);
      // A bad number in row 12 of A and column 36 of B, the last of each, meets zeros only: zero times
      // infinity is no number, and nothing may be skipped.
      for (Index j = 0; j < n; ++j) (transposed().right ? operands.b.at(j, 4) : operands.b.at(4, j)) = 0;
      for (Index i = 0; i < m; ++i) (transposed().left ? operands.a.at(5, i) : operands.a.at(i, 5)) = 0;
      (transposed().left ? operands.a.at(4, 12) : operands.a.at(12, 4)) = bad;
      (transposed().right ? operands.b.at(36, 5) : operands.b.at(5, 36)) = bad;
      for (const GemmBackend by : multipliers<Real>()) {
        run(by, operands, operands.c.target(), StoreMode::assign);
        Index wrong = 0;
        for (Index i = 0; i < m; ++i) {
          for (Index j = 0; j < n; ++j) wrong += !is_finite(operands.c.at(i, j)) != (i == 12 || j == 36);
        }
        CAPTURE(static_cast<int>(by));
        CHECK(wrong == 0);
      }
    }
  });
}

TEST_CASE("number types without a kernel are multiplied, too") {
  for_each_product([&](auto transposed) {
    Draws draws(9);
    Case<transposed(), long double> operands(9, 11, 6, draws, 2);
    Stored<long double> c = operands.c;
    gemm<transposed(), long double>(operands.a.view(), operands.b.view(), c.target(), StoreMode::add);
    for (Index i = 0; i < 9; ++i) {
      for (Index j = 0; j < 11; ++j) {
        long double sum = operands.c.at(i, j);
        for (Index p = 0; p < 6; ++p) sum += operands.left(i, p) * operands.right(p, j);
        CHECK(std::fabs(static_cast<double>(c.at(i, j) - sum)) <= 1e-17);
      }
    }
  });
}
