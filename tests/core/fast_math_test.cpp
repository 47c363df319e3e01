// Compiled with -ffast-math, under which a compiler takes for granted that no number is NaN or infinite.
#include <doctest/doctest.h>

#include <algorithm>
#include <limits>
#include <vector>

#include "slm/core/scalar.hpp"

namespace {

template <class Real>
[[gnu::noinline]] Real divided(Real a, Real b) {
  return a / b;
}

template <class Real>
[[gnu::noinline]] bool is_bad(Real x) {
  return !slm::is_finite(x);
}

template <class Real>
struct Holder {
  Real number;
  Real item() const { return number; }
};

}  // namespace

TEST_CASE_TEMPLATE("is_finite sees NaN and infinity with -ffast-math", Real, float, double) {
  volatile Real no = 0, one = 1;
  const std::vector<Real> numbers = {divided<Real>(no, no), divided<Real>(one, no), divided<Real>(-one, no)};
  for (const Real& x : numbers) {
    CHECK_FALSE(slm::is_finite(x));
    CHECK(is_bad(x));
    CHECK(is_bad(Holder<Real>{x}.item()));
  }
  CHECK_FALSE(slm::is_finite(divided<Real>(no, no)));
  constexpr Real nan =
      std::numeric_limits<Real>::quiet_NaN();  // what the function gives at run time, clang may drop
  CHECK_FALSE(slm::is_finite(nan));
  CHECK(std::all_of(numbers.begin(), numbers.end(), [](Real x) { return !slm::is_finite(x); }));
  for (const Real x : {Real(0), Real(-1), std::numeric_limits<Real>::max(), std::numeric_limits<Real>::lowest(),
                       std::numeric_limits<Real>::denorm_min()}) {
    CHECK(slm::is_finite(x));
    CHECK_FALSE(is_bad(x));
  }
}
