// Functions of one number where the table of operations does not look: at the edges.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "slm/autograd/ops.hpp"

using namespace slm;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

struct Outcome {
  std::vector<double> y, dx;
};

/// f of the numbers, and the gradient of Σ y.
template <Scalar Real, class Function>
Outcome run(const std::vector<double>& numbers, const Function& f) {
  Tensor<Real, 1> x({static_cast<Index>(numbers.size())});
  for (Index i = 0; i < x.size(); ++i) x(i) = Real(numbers[static_cast<std::size_t>(i)]);
  Tape<Real> tape;
  const auto given = tape.input(x, true);
  const auto y = f(given);
  tape.backward(sum(y));
  return {{y.value(), y.value() + y.size()}, {given.grad(), given.grad() + given.size()}};
}
template <Scalar Real, class Function>
std::vector<double> value(const std::vector<double>& numbers, const Function& f) {
  return run<Real>(numbers, f).y;
}
template <Scalar Real, class Function>
std::vector<double> slope(const std::vector<double>& numbers, const Function& f) {
  return run<Real>(numbers, f).dx;
}

using V = std::vector<double>;

}  // namespace

TEST_CASE_TEMPLATE("slopes where they jump are those of PyTorch", Real, float, double) {
  CHECK(slope<Real>({-2, 0, 3}, [](auto x) { return abs(x); }) == V{-1, 0, 1});
  CHECK(slope<Real>({-2, 0.5, 3}, [](auto x) { return minimum(x, 0.5); }) == V{1, 1, 0});
  CHECK(slope<Real>({-2, 0.5, 3}, [](auto x) { return maximum(x, 0.5); }) == V{0, 1, 1});
  CHECK(slope<Real>({-2, 0, 3}, [](auto x) { return relu_squared(x); }) == V{0, 0, 6});
}

TEST_CASE_TEMPLATE("infinity has the value that it should have", Real, float, double) {
  CHECK(value<Real>({-infinity, infinity}, [](auto x) { return tanh(x); }) == V{-1, 1});
  CHECK(value<Real>({-infinity, infinity}, [](auto x) { return sigmoid(x); }) == V{0, 1});
  CHECK(value<Real>({-infinity, infinity}, [](auto x) { return exp(x); }) == V{0, infinity});
  CHECK(value<Real>({-infinity, infinity}, [](auto x) { return softplus(x); }) == V{0, infinity});
  CHECK(value<Real>({-infinity, infinity}, [](auto x) { return relu_squared(x); }) == V{0, infinity});
  CHECK(value<Real>({0, infinity}, [](auto x) { return log(x); }) == V{-infinity, infinity});
  CHECK(value<Real>({0, infinity}, [](auto x) { return sqrt(x); }) == V{0, infinity});
  CHECK(value<Real>({-infinity, infinity}, [](auto x) { return minimum(x, 2); }) == V{-infinity, 2});
  CHECK(value<Real>({-infinity, infinity}, [](auto x) { return maximum(x, 2); }) == V{2, infinity});
}

TEST_CASE_TEMPLATE("what is no number stays none", Real, float, double) {
  const auto stays = [](const auto& f) { return std::isnan(value<Real>({std::nan("")}, f).front()); };
  CHECK(stays([](auto x) { return negate(x); }));
  CHECK(stays([](auto x) { return exp(x); }));
  CHECK(stays([](auto x) { return log(x); }));
  CHECK(stays([](auto x) { return sqrt(x); }));
  CHECK(stays([](auto x) { return tanh(x); }));
  CHECK(stays([](auto x) { return sigmoid(x); }));
  CHECK(stays([](auto x) { return softplus(x); }));
  CHECK(stays([](auto x) { return abs(x); }));
  CHECK(stays([](auto x) { return minimum(x, 2); }));
  CHECK(stays([](auto x) { return maximum(x, 2); }));
  CHECK(stays([](auto x) { return relu_squared(x); }));
  CHECK(stays([](auto x) { return gelu_tanh(x); }));
  CHECK(std::isnan(value<Real>({-1}, [](auto x) { return log(x); }).front()));
  CHECK(std::isnan(value<Real>({-1}, [](auto x) { return sqrt(x); }).front()));
}

TEST_CASE("softplus loses no digits on either side, where exp would overflow or 1 + exp be 1") {
  const auto f = [](auto x) { return softplus(x); };
  CHECK(value<double>({800, 30, -800}, f) == V{800, 30 + std::log1p(std::exp(-30.0)), 0});
  CHECK(value<double>({-40}, f).front() == doctest::Approx(std::exp(-40.0)).epsilon(1e-15));
  CHECK(value<float>({-40}, f).front() == doctest::Approx(std::exp(-40.0)).epsilon(1e-6));
  CHECK(value<float>({100}, f).front() == 100);
  CHECK(slope<float>({-100, 100}, f) == V{0, 1});
}

TEST_CASE("the tanh form of GELU keeps the digits of small results") {
  // By hand: at −5, u = √(2/π) (−5 − 0.044715 · 125), and ½ x (1 + tanh u) = x / (1 + e^−2u).
  const double u = std::sqrt(2 / 3.14159265358979323846) * (-5 - 0.044715 * 125);
  const double expected = -5 / (1 + std::exp(-2 * u));
  CHECK(value<double>({-5}, [](auto x) { return gelu_tanh(x); }).front() ==
        doctest::Approx(expected).epsilon(1e-13));
  CHECK(value<float>({-5}, [](auto x) { return gelu_tanh(x); }).front() ==
        doctest::Approx(expected).epsilon(1e-5));
}

TEST_CASE("an empty tensor has an empty result") {
  CHECK(value<float>({}, [](auto x) { return sqrt(tanh(x)); }).empty());
  const Tensor<float, 2> none({0, 3});
  Tape<float> tape;
  const auto x = tape.input(none, true);
  const auto y = broadcast(x, Shape<3>{2, 0, 3});
  CHECK(y.size() == 0);
  tape.backward(sum(y));
}
