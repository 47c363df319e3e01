#include "slm/core/math.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

using namespace slm;

namespace {

constexpr float infinity = std::numeric_limits<float>::infinity();
constexpr float nan_value = std::numeric_limits<float>::quiet_NaN();

/// |actual − exact| in units in the last place of a float as large as `exact`.
double units_off(float actual, double exact) {
  int exponent = 0;
  std::frexp(exact, &exponent);
  return std::abs(static_cast<double>(actual) - exact) / std::ldexp(1.0, exponent - 24);
}

/// The largest error of f over floats from `low` to `high`, both of one sign: about one in a thousand of all.
template <class Function, class Exact>
double worst_units_off(float low, float high, const Function& f, const Exact& exact) {
  double worst = 0;
  for (auto bits = std::bit_cast<std::uint32_t>(low); bits <= std::bit_cast<std::uint32_t>(high); bits += 997) {
    const auto x = std::bit_cast<float>(bits);
    worst = std::max(worst, units_off(f(x), exact(static_cast<double>(x))));
  }
  return worst;
}

float exp_float(float x) { return math::exp(x); }
float log_float(float x) { return math::log(x); }
float erf_float(float x) { return math::erf(x); }
float log1p_float(float x) { return math::log1p(x); }
float tanh_float(float x) { return math::tanh(x); }
float sigmoid_float(float x) { return math::sigmoid(x); }
float gelu_float(float x) { return math::gelu(x); }
float gelu_derivative_float(float x) { return math::gelu_derivative(x); }
double log1p_double(double x) { return std::log1p(x); }
double tanh_double(double x) { return std::tanh(x); }
double sigmoid_double(double x) { return 1 / (1 + std::exp(-x)); }
double log_double(double x) { return std::log(x); }
double erf_double(double x) { return std::erf(x); }
double exp_double(double x) { return std::exp(x); }
// By erfc, which keeps the digits of Φ(x) for x < 0.
double distribution_double(double x) { return 0.5 * std::erfc(x * -0.70710678118654752440); }
double gelu_double(double x) { return x * distribution_double(x); }
double gelu_derivative_double(double x) {
  return distribution_double(x) + x * 0.39894228040143267794 * std::exp(-0.5 * x * x);
}

/// The largest of |f(x) − exact(x)| / scale(x) over a grid from `low` to `high`.
template <class Function, class Exact, class Scale>
double worst_error(double low, double high, const Function& f, const Exact& exact, const Scale& scale) {
  constexpr int points = 300'000;
  double worst = 0;
  for (int i = 0; i <= points; ++i) {
    const auto x = static_cast<float>(low + (high - low) * i / points);
    const double value = exact(static_cast<double>(x));
    const double error = std::abs(static_cast<double>(f(x)) - value) / scale(static_cast<double>(x));
    if (!(error <= worst)) worst = error;  // also when it is NaN
  }
  return worst;
}
double one(double) { return 1; }
double one_or_more(double x) { return std::max(1.0, std::abs(x)); }
double gelu_size(double x) { return std::abs(gelu_double(x)); }

}  // namespace

TEST_CASE("exp in float is within 1.1 units in the last place where its result is normal") {
  CHECK(worst_units_off(0.0F, 88.722835F, exp_float, exp_double) <= 1.1);
  CHECK(worst_units_off(-0.0F, -87.336544F, exp_float, exp_double) <= 1.1);
}

TEST_CASE("exp in float passes through subnormal numbers to zero") {
  const double unit = static_cast<double>(std::numeric_limits<float>::denorm_min());
  for (float x = -87.25F; x > -110; x -= 1.0F / 64) {
    CHECK(std::abs(static_cast<double>(math::exp(x)) - std::exp(static_cast<double>(x))) <= 1.1 * unit);
  }
}

TEST_CASE("exp in float at the edges of its range") {
  CHECK(math::exp(0.0F) == 1);
  CHECK(math::exp(-0.0F) == 1);
  CHECK(math::exp(1e-30F) == 1);
  CHECK(math::exp(infinity) == infinity);
  CHECK(math::exp(-infinity) == 0);
  CHECK(std::isnan(math::exp(nan_value)));
  CHECK(std::isnan(math::exp(-nan_value)));
  CHECK(std::isfinite(math::exp(88.722835F)));
  CHECK(math::exp(std::nextafter(88.722835F, 100.0F)) == infinity);
  CHECK(math::exp(-87.336544F) >= std::numeric_limits<float>::min());
  CHECK(math::exp(-103.0F) > 0);
  CHECK(math::exp(-104.0F) == 0);
  CHECK(math::exp(std::numeric_limits<float>::max()) == infinity);
  CHECK(math::exp(std::numeric_limits<float>::lowest()) == 0);
}

TEST_CASE("log in float is within 0.9 units in the last place over its whole range") {
  const float smallest = std::numeric_limits<float>::denorm_min(), largest = std::numeric_limits<float>::max();
  CHECK(worst_units_off(smallest, std::nextafter(1.0F, 0.0F), log_float, log_double) <= 0.9);
  CHECK(worst_units_off(std::nextafter(1.0F, 2.0F), largest, log_float, log_double) <= 0.9);
  // Around 1, where the logarithm is small, every float.
  for (float x = 0.98F; x < 1.02F; x = std::nextafter(x, 2.0F)) {
    if (x == 1) continue;
    const double error = units_off(math::log(x), std::log(static_cast<double>(x)));
    if (!(error <= 0.9)) FAIL_CHECK("log(" << x << ") is off by " << error);
  }
}

TEST_CASE("log in float at the edges of its range") {
  CHECK(math::log(1.0F) == 0);
  CHECK(math::log(0.0F) == -infinity);
  CHECK(math::log(-0.0F) == -infinity);
  CHECK(math::log(infinity) == infinity);
  CHECK(std::isnan(math::log(-infinity)));
  CHECK(std::isnan(math::log(-1.0F)));
  CHECK(std::isnan(math::log(-std::numeric_limits<float>::denorm_min())));
  CHECK(std::isnan(math::log(nan_value)));
  CHECK(std::isnan(math::log(-nan_value)));
}

TEST_CASE("erf in float is within 1.3 units in the last place over its whole range") {
  const float smallest = std::numeric_limits<float>::min();
  CHECK(worst_units_off(smallest, 8.0F, erf_float, erf_double) <= 1.3);
  CHECK(worst_units_off(-smallest, -8.0F, erf_float, erf_double) <= 1.3);
}

TEST_CASE("erf in float at the edges of its range, odd and never beyond 1") {
  CHECK(math::erf(0.0F) == 0);
  CHECK_FALSE(std::signbit(math::erf(0.0F)));
  CHECK(std::signbit(math::erf(-0.0F)));
  CHECK(math::erf(infinity) == 1);
  CHECK(math::erf(-infinity) == -1);
  CHECK(math::erf(std::numeric_limits<float>::max()) == 1);
  CHECK(std::isnan(math::erf(nan_value)));
  CHECK(std::isnan(math::erf(-nan_value)));
  const float tiny = std::numeric_limits<float>::denorm_min();
  CHECK(math::erf(tiny) == tiny);
  for (float x = 0; x < 6; x += 0.03125F) {
    CHECK(math::erf(-x) == -math::erf(x));
    CHECK(math::erf(x) <= 1);
  }
}

TEST_CASE("log1p in float is within 1.4 units in the last place over its whole range") {
  const float smallest = std::numeric_limits<float>::min(), largest = std::numeric_limits<float>::max();
  CHECK(worst_units_off(smallest, largest, log1p_float, log1p_double) <= 1.4);
  CHECK(worst_units_off(-smallest, std::nextafter(-1.0F, 0.0F), log1p_float, log1p_double) <= 1.4);
}

TEST_CASE("log1p in float at the edges of its range") {
  CHECK(math::log1p(0.0F) == 0);
  CHECK(math::log1p(-0.0F) == 0);
  CHECK(math::log1p(-1.0F) == -infinity);
  CHECK(math::log1p(infinity) == infinity);
  CHECK(std::isnan(math::log1p(-1.0000001F)));
  CHECK(std::isnan(math::log1p(-infinity)));
  CHECK(std::isnan(math::log1p(nan_value)));
  CHECK(std::isnan(math::log1p(-nan_value)));
  CHECK(math::log1p(std::numeric_limits<float>::denorm_min()) == std::numeric_limits<float>::denorm_min());
}

TEST_CASE("tanh in float is within 1.1 units in the last place over its whole range") {
  const float smallest = std::numeric_limits<float>::min();
  CHECK(worst_units_off(smallest, 20.0F, tanh_float, tanh_double) <= 1.1);
  CHECK(worst_units_off(-smallest, -20.0F, tanh_float, tanh_double) <= 1.1);
}

TEST_CASE("tanh in float at the edges of its range, odd and never beyond 1") {
  CHECK(math::tanh(0.0F) == 0);
  CHECK_FALSE(std::signbit(math::tanh(0.0F)));
  CHECK(std::signbit(math::tanh(-0.0F)));
  CHECK(math::tanh(infinity) == 1);
  CHECK(math::tanh(-infinity) == -1);
  CHECK(math::tanh(std::numeric_limits<float>::max()) == 1);
  CHECK(std::isnan(math::tanh(nan_value)));
  CHECK(std::isnan(math::tanh(-nan_value)));
  const float tiny = std::numeric_limits<float>::denorm_min();
  CHECK(math::tanh(tiny) == tiny);
  for (float x = 0; x < 12; x += 0.03125F) {
    CHECK(math::tanh(-x) == -math::tanh(x));
    CHECK(math::tanh(x) <= 1);
  }
}

TEST_CASE("sigmoid in float is within 2.5 units in the last place where its result is normal") {
  CHECK(worst_units_off(0.0F, 100.0F, sigmoid_float, sigmoid_double) <= 2.5);
  CHECK(worst_units_off(-0.0F, -87.3F, sigmoid_float, sigmoid_double) <= 2.5);
}

TEST_CASE("sigmoid in float at the edges of its range") {
  CHECK(math::sigmoid(0.0F) == 0.5F);
  CHECK(math::sigmoid(infinity) == 1);
  CHECK(math::sigmoid(-infinity) == 0);
  CHECK(math::sigmoid(-std::numeric_limits<float>::max()) == 0);
  CHECK(math::sigmoid(-88.5F) > 0);
  CHECK(math::sigmoid(-89.0F) == 0);
  CHECK(std::isnan(math::sigmoid(nan_value)));
}

TEST_CASE("gelu in float is within 1.1e-7 of max(1, |x|), and for x < 0 within 7e-8") {
  CHECK(worst_error(-15, 15, gelu_float, gelu_double, one_or_more) <= 1.1e-7);
  CHECK(worst_error(-1, 4, gelu_float, gelu_double, one_or_more) <= 1.1e-7);
  CHECK(worst_error(-15, 0, gelu_float, gelu_double, one) <= 7e-8);
  CHECK(worst_error(-2, -0.01, gelu_float, gelu_double, gelu_size) <= 1e-6);
}

TEST_CASE("gelu in float at the edges of its range") {
  const float largest = std::numeric_limits<float>::max(), tiny = std::numeric_limits<float>::denorm_min();
  CHECK(math::gelu(infinity) == infinity);
  CHECK(math::gelu(largest) == largest);
  for (const float x : {6.0F, 6.5F, 13.0F, 100.0F}) CHECK(math::gelu(x) == x);
  for (const float x : {-0.0F, -6.0F, -6.5F, -100.0F, -largest, -infinity}) {
    CHECK(math::gelu(x) == 0);
    CHECK(std::signbit(math::gelu(x)));
  }
  CHECK(math::gelu(0.0F) == 0);
  CHECK_FALSE(std::signbit(math::gelu(0.0F)));
  for (const float x : {8 * tiny, 1e-38F, 1e-20F}) {
    CHECK(math::gelu(x) == x / 2);
    CHECK(math::gelu(-x) == -x / 2);
  }
  CHECK(std::isnan(math::gelu(nan_value)));
  CHECK(std::isnan(math::gelu(-nan_value)));
  for (float x = -6; x < 0; x += 0.03125F) CHECK(math::gelu(x) <= 0);
}

TEST_CASE("the derivative of gelu in float is within 1.4e-7, and for x < 0 within 7.5e-8") {
  CHECK(worst_error(-15, 15, gelu_derivative_float, gelu_derivative_double, one) <= 1.4e-7);
  CHECK(worst_error(-2, 4, gelu_derivative_float, gelu_derivative_double, one) <= 1.4e-7);
  CHECK(worst_error(-15, 0, gelu_derivative_float, gelu_derivative_double, one) <= 7.5e-8);
  CHECK(worst_error(-6.6, -4, gelu_derivative_float, gelu_derivative_double, one) <= 5e-9);
}

TEST_CASE("the derivative of gelu in float at the edges of its range") {
  const float largest = std::numeric_limits<float>::max(), tiny = std::numeric_limits<float>::denorm_min();
  for (const float x : {6.5F, 13.0F, 14.0F, 100.0F, largest, infinity}) {
    CHECK(math::gelu_derivative(x) == 1);
    CHECK(math::gelu_derivative(-x) == 0);
  }
  for (const float x : {0.0F, -0.0F, tiny, -tiny, 1e-20F, -1e-20F}) CHECK(math::gelu_derivative(x) == 0.5F);
  CHECK(std::isnan(math::gelu_derivative(nan_value)));
  CHECK(std::isnan(math::gelu_derivative(-nan_value)));
}

TEST_CASE("functions of double are the standard library's") {
  for (double x = 0.125; x < 10; x += 0.375) {
    CHECK(math::exp(-x) == std::exp(-x));
    CHECK(math::log(x) == std::log(x));
    CHECK(math::sqrt(x) == std::sqrt(x));
    CHECK(math::erf(x) == std::erf(x));
    CHECK(math::log1p(x) == std::log1p(x));
    CHECK(math::tanh(x) == std::tanh(x));
    CHECK(math::abs(-x) == x);
    CHECK(math::sigmoid(x) == 1 / (1 + std::exp(-x)));
    CHECK(math::gelu(x) == doctest::Approx(gelu_double(x)).epsilon(1e-14));
    CHECK(math::gelu_derivative(x) == doctest::Approx(gelu_derivative_double(x)).epsilon(1e-14));
  }
}

TEST_CASE("is_finite looks for infinity and NaN") {
  CHECK(is_finite(0.0F));
  CHECK(is_finite(std::numeric_limits<float>::lowest()));
  CHECK(is_finite(std::numeric_limits<double>::max()));
  CHECK(is_finite(std::numeric_limits<double>::denorm_min()));
  CHECK_FALSE(is_finite(infinity));
  CHECK_FALSE(is_finite(-infinity));
  CHECK_FALSE(is_finite(nan_value));
  CHECK_FALSE(is_finite(static_cast<double>(-infinity)));
  CHECK_FALSE(is_finite(std::numeric_limits<double>::quiet_NaN()));
}
