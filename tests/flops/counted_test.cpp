// The number that counts its own arithmetic.
#include "flops/counted.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "flops/flops_test_support.hpp"
#include "slm/core/gemm.hpp"
#include "slm/core/math.hpp"
#include "slm/core/reduce.hpp"
#include "slm/core/tensor.hpp"

using namespace slm;
using flops::Arithmetic;
using Number = flops::Counted<double>;

namespace {

/// What f counts outside products.
template <class Function>
Arithmetic counted(const Function& f) {
  flops::reset_tally();
  f();
  return flops::tally().outside;
}

/// A product's tally.
template <Transposed transposed>
flops::Tally multiplied(Index m, Index k, Index n, StoreMode store) {
  const bool a_turned = transposed.left, b_turned = transposed.right;
  const Tensor<Number, 2> a({a_turned ? k : m, a_turned ? m : k}), b({b_turned ? n : k, b_turned ? k : n});
  Tensor<Number, 2> c({m, n});
  flops::reset_tally();
  gemm<transposed, Number>({a.data(), a.extent(0), a.extent(1)}, {b.data(), b.extent(0), b.extent(1)},
                           {c.data(), m, n}, store);
  return flops::tally();
}

}  // namespace

TEST_CASE("a counted number computes what its value does") {
  // The compiler must not know them: what it works out itself it rounds better than the library does.
  volatile double three = 3, quarter = -0.25;
  const Number a = three, b = quarter;
  CHECK((a + b).value == 2.75);
  CHECK((a - b).value == 3.25);
  CHECK((a * b).value == -0.75);
  CHECK((a / b).value == -12);
  CHECK((-a).value == -3);
  Number c = a;
  c += b, c -= Number(1), c *= b, c /= a;
  CHECK(c.value == (3 - 0.25 - 1) * -0.25 / 3);
  CHECK((b < a && a > b && b <= a && a >= b && b != a && a == a));
  CHECK(math::exp(b).value == std::exp(quarter));
  CHECK(math::log(a).value == std::log(three));
  CHECK(math::sqrt(a).value == std::sqrt(three));
  CHECK(math::erf(b).value == std::erf(quarter));
  CHECK(math::log1p(b).value == std::log1p(quarter));
  CHECK(math::tanh(b).value == std::tanh(quarter));
  CHECK(math::sigmoid(b).value == 1 / (1 + std::exp(-quarter)));
  CHECK(math::abs(b).value == 0.25);
  CHECK(copysign(a, b).value == -3);
  CHECK(max(a, b).value == 3);
  CHECK(min(a, b).value == -0.25);
  CHECK(static_cast<double>(b) == -0.25);
  CHECK(static_cast<Index>(a) == 3);
  CHECK(is_finite(a));
  CHECK_FALSE(is_finite(a / Number(0)));
}

TEST_CASE("each operation is counted once, under its kind") {
  Number a = 2, b = 3;
  CHECK(counted([&] { a + b, a - b, a += b, a -= b; }) == Arithmetic{.additions = 4});
  CHECK(counted([&] { a *b, a *= b; }) == Arithmetic{.multiplications = 2});
  CHECK(counted([&] { a / b, a /= b; }) == Arithmetic{.divisions = 2});
  CHECK(counted([&] { exp(a), log(a), sqrt(a), erf(a); }) == Arithmetic{.transcendental = 4});
  CHECK(counted([&] { math::log1p(a), math::tanh(a), math::sigmoid(a); }) == Arithmetic{.transcendental = 3});
  bool sink = false;
  CHECK(counted([&] { sink = a < b; }) == Arithmetic{.comparisons = 1});
  CHECK(counted([&] { sink = a > b; }) == Arithmetic{.comparisons = 1});
  CHECK(counted([&] { sink = a <= b; }) == Arithmetic{.comparisons = 1});
  CHECK(counted([&] { sink = a >= b; }) == Arithmetic{.comparisons = 1});
  CHECK(counted([&] { sink = a == b; }) == Arithmetic{.comparisons = 1});
  CHECK(counted([&] { sink = a != b; }) == Arithmetic{.comparisons = 1});
  CHECK(sink);
  CHECK(counted([&] { max(a, b), min(a, b); }) == Arithmetic{.comparisons = 2});
  CHECK(counted([&] { -a, abs(a), fabs(a), copysign(a, b); }) == Arithmetic{.sign_changes = 4});
  CHECK(counted([&] { a = b, a = Number(1), sink = is_finite(a) && static_cast<double>(a) > 0; }) ==
        Arithmetic{});
}

TEST_CASE("a product is m·n·k multiply-adds, and what the library makes of it is set apart") {
  const slm_test::Threads one_thread(1);
  struct Size {
    Index m, k, n;
  };
  for (const Size& size :
       {Size{2, 3, 4}, Size{1, 30, 40}, Size{30, 40, 1}, Size{16, 16, 16}, Size{70, 60, 50}}) {
    const Index m = size.m, k = size.k, n = size.n;
    for (const StoreMode store : {StoreMode::assign, StoreMode::add}) {
      for (const auto& tally :
           {multiplied<Transposed::none>(m, k, n, store), multiplied<Transposed::a>(m, k, n, store),
            multiplied<Transposed::b>(m, k, n, store)}) {
        INFO(m << " x " << k << " x " << n << ", add " << (store == StoreMode::add));
        CHECK(tally.outside == Arithmetic{});
        CHECK(tally.cost() == gemm_cost(m, k, n));
        // Eigen scales each result by its alpha = 1, and adds it to what was there, zeros too; a small
        // product into an empty result saves the first addition instead.
        const Index more_multiplications = tally.inside.multiplications - m * n * k;
        const Index more_additions = tally.inside.additions - m * n * k;
        CHECK(more_multiplications >= 0);
        CHECK(more_multiplications <= m * n + 2);
        CHECK(more_additions >= -m * n);
        CHECK(more_additions <= m * n);
        CHECK(tally.inside.divisions + tally.inside.transcendental == 0);
      }
    }
  }
}

TEST_CASE("an empty product costs nothing") {
  CHECK(multiplied<Transposed::none>(0, 3, 4, StoreMode::assign).cost() == Cost());
  CHECK(multiplied<Transposed::none>(3, 4, 0, StoreMode::assign).cost() == Cost());
  CHECK(multiplied<Transposed::none>(3, 0, 4, StoreMode::assign).cost() == gemm_cost(3, 0, 4));
}

TEST_CASE("other number types carry nothing for it") {
  static_assert(std::is_empty_v<Observer<float>> && std::is_empty_v<Observer<float>::ProductScope>);
  static_assert(std::is_trivially_destructible_v<Observer<double>::ProductScope>);
  static_assert(sizeof(Number) == sizeof(double) && std::is_trivially_copyable_v<Number>);
}

TEST_CASE("sums and maxima of any length cost what their formulas say") {
  std::vector<Number> x(100);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = Number(static_cast<double>(i * i % 17));
  for (Index count = 1; count <= 100; ++count) {
    INFO(count);
    flops::reset_tally();
    sum_over<Number>(count, [&](Index i) { return x[static_cast<std::size_t>(i)]; });
    CHECK(flops::tally().cost() == sum_over_cost(count));
    flops::reset_tally();
    max_of(x.data(), count);
    CHECK(flops::tally().cost() == max_of_cost(count));
  }
}

TEST_CASE("counts that 64 bits cannot hold are an error") {
  const Index most = std::numeric_limits<Index>::max();
  CHECK(count_product(most, 1) == most);
  CHECK(count_product(most, 0) == 0);
  CHECK(count_sum(most - 1, 1) == most);
  CHECK_THROWS_AS(count_sum(most, 1), ConfigError);
  CHECK_THROWS_AS(count_product(most / 2 + 1, 2), ConfigError);
  CHECK_THROWS_AS(count_product(Index(1) << 31, Index(1) << 31, 2), ConfigError);
  const Cost large{.multiply_adds = most / 2 + 1};
  CHECK_THROWS_AS(large.flops(), ConfigError);
  CHECK_THROWS_AS(large + large, ConfigError);
  CHECK_THROWS_AS(large * 2, ConfigError);
  CHECK((Cost{.multiply_adds = 5, .elementwise = 4, .transcendental = 3, .comparisons = 9}.flops()) == 17);
}
