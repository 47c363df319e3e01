// Reductions against their definitions, and where numbers are equal, infinite or none.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "slm/autograd/ops.hpp"

using namespace slm;
using doctest::Approx;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity(),
                 not_a_number = std::numeric_limits<double>::quiet_NaN();

using Numbers = std::vector<double>;

Tensor<double, 2> matrix(Index rows, Index columns, const Numbers& numbers) {
  Tensor<double, 2> x({rows, columns});
  std::copy(numbers.begin(), numbers.end(), x.begin());
  return x;
}

template <std::size_t Rank>
Numbers values(Var<double, Rank> x) {
  return {x.value(), x.value() + x.size()};
}
template <std::size_t Rank>
Numbers gradient(Var<double, Rank> x) {
  return {x.grad(), x.grad() + x.size()};
}

}  // namespace

TEST_CASE("reductions of all elements and of the last axis are what their names say") {
  const auto data = matrix(2, 3, {1, -2, 4, 0.5, 3, -1});
  Tape<double> tape;
  const auto x = tape.input(data);
  CHECK(sum(x).item() == 5.5);
  CHECK(mean(x).item() == Approx(5.5 / 6));
  CHECK(max(x).item() == 4);
  CHECK(logsumexp(x).item() == Approx(std::log(std::exp(1) + std::exp(-2) + std::exp(4) + std::exp(0.5) +
                                               std::exp(3) + std::exp(-1))));
  CHECK(values(sum(x, last_axis)) == Numbers{3, 2.5});
  CHECK(values(mean(x, last_axis)) == Numbers{1, 2.5 / 3});
  CHECK(values(max(x, last_axis)) == Numbers{4, 3});
  const auto log_sums = values(logsumexp(x, last_axis)), probabilities = values(log_softmax(x));
  for (Index n = 0; n < 2; ++n) {
    double total = 0;
    for (Index c = 0; c < 3; ++c) total += std::exp(data(n, c));
    CHECK(log_sums[static_cast<std::size_t>(n)] == Approx(std::log(total)));
    for (Index c = 0; c < 3; ++c) {
      CHECK(probabilities[static_cast<std::size_t>(3 * n + c)] ==
            Approx(std::log(std::exp(data(n, c)) / total)));
    }
  }
}

TEST_CASE("a reduction of a vector over its last axis is a scalar with the bits of that over all") {
  Tensor<float, 1> data({1000});
  Random random(1);
  for (float& x : data) x = static_cast<float>(random.normal());
  Tape<float> tape;
  const auto x = tape.input(data);
  CHECK(sum(x, last_axis).item() == sum(x).item());
  CHECK(mean(x, last_axis).item() == mean(x).item());
  CHECK(max(x, last_axis).item() == max(x).item());
  CHECK(logsumexp(x, last_axis).item() == logsumexp(x).item());
}

TEST_CASE("the sum over no elements is 0, of each row likewise") {
  const Tensor<double, 2> empty({2, 0}), no_rows({0, 3});
  Tape<double> tape;
  const auto x = tape.input(empty, true);
  CHECK(sum(x).item() == 0);
  CHECK(values(sum(x, last_axis)) == Numbers{0, 0});
  CHECK(mean(tape.input(no_rows), last_axis).size() == 0);
}

TEST_CASE("the gradient of max goes to the first of equal elements") {
  const auto data = matrix(2, 4, {1, 3, 3, 2, 7, 7, 7, 7});
  Tape<double> tape;
  const auto x = tape.input(data, true);
  tape.backward(sum(max(x, last_axis)));
  CHECK(gradient(x) == Numbers{0, 1, 0, 0, 1, 0, 0, 0});
  tape.reset();
  const auto all = tape.input(data, true);
  tape.backward(max(all));
  CHECK(gradient(all) == Numbers{0, 0, 0, 0, 1, 0, 0, 0});
}

TEST_CASE("a NaN is the greatest, and its gradient the first NaN's") {
  const auto data = matrix(4, 3,
                           {1, not_a_number, infinity, not_a_number, 5, not_a_number, 2, 3, not_a_number,
                            -infinity, -infinity, -infinity});
  Tape<double> tape;
  const auto x = tape.input(data, true);
  const auto greatest = max(x, last_axis);
  for (int n = 0; n < 3; ++n) CHECK(std::isnan(greatest.value()[n]));
  CHECK(greatest.value()[3] == -infinity);
  tape.backward(sum(greatest));
  CHECK(gradient(x) == Numbers{0, 1, 0, 1, 0, 0, 0, 0, 1, 1, 0, 0});
}

TEST_CASE_TEMPLATE("logsumexp and log_softmax of large numbers do not overflow", Real, float, double) {
  Tensor<Real, 2> data({2, 2});
  data(0, 0) = data(0, 1) = Real(1e4);
  data(1, 0) = Real(-2e4), data(1, 1) = Real(-1e4);
  Tape<Real> tape;
  const auto x = tape.input(data, true);
  const auto log_sums = logsumexp(x, last_axis);
  CHECK(static_cast<double>(log_sums.value()[0]) == Approx(1e4 + std::log(2)).epsilon(1e-6));
  CHECK(log_sums.value()[1] == Real(-1e4));
  const auto y = log_softmax(x);
  CHECK(static_cast<double>(y.value()[0]) == Approx(-std::log(2)).epsilon(1e-3));  // of 10,000.69 in float
  CHECK(y.value()[2] == Real(-1e4));
  CHECK(y.value()[3] == 0);
  tape.backward(sum(stack({sum(log_sums), sum(y)})));
  for (Index i = 0; i < 4; ++i) CHECK(is_finite(x.grad()[i]));
}

TEST_CASE("logsumexp where numbers are infinite or none") {
  const auto data = matrix(
      4, 3, {-infinity, -infinity, -infinity, -infinity, 2, -infinity, 1, infinity, 0, 1, not_a_number, 0});
  Tape<double> tape;
  const auto x = tape.input(data, true);
  const auto y = logsumexp(x, last_axis);
  CHECK(y.value()[0] == -infinity);
  CHECK(y.value()[1] == 2);
  CHECK(y.value()[2] == infinity);
  CHECK(std::isnan(y.value()[3]));
  tape.backward(sum(slice(y, 0, 0, 2)));
  const Numbers slopes = gradient(x);
  CHECK(Numbers(slopes.begin(), slopes.begin() + 6) == Numbers{0, 0, 0, 0, 1, 0});
}
