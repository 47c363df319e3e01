// A function of operators costs the same on shapes, on numbers, and as its numbers count themselves.
#include <doctest/doctest.h>

#include "flops/flops_test_support.hpp"
#include "slm/autograd/ops.hpp"

using namespace slm;

namespace {

/// A step of a minimal GRU with a table of positions, and all else that an operator can be given.
template <Scalar Real>
PassCosts costs_of(Tape<Real>& tape) {
  const Tensor<Real, 3> x({2, 3, 4});
  const Tensor<Real, 2> table({3, 4});
  const Tensor<Real, 1> bias({4});
  const Tensor<Real, 0> temperature(Shape<0>{});
  const auto given = tape.input(x, true);
  auto h = given + tape.input(bias, true);
  const auto z = sigmoid(h - 1);
  const auto n = h * tape.input(table, true) / tape.input(temperature, true);
  h = (1 - z) * tanh(n) + z * h;
  const auto y = -elementwise(
      "squared", 2 / h * 0.5, [](auto v) { return v * v; }, [](auto v) { return 2 * v; });
  // A function that takes one type of number is compiled for shapes, too; nothing is known of what it costs.
  const auto e = elementwise(
      "exponential", y, [](Real v) { return math::exp(v); }, [](Real v) { return math::exp(v); });
  tape.backward(sum(e));
  return tape.costs();
}

}  // namespace

TEST_CASE("operators cost the same on shapes, on numbers, and as counted") {
  const slm_test::Threads one_thread(1);
  Tape<Shapes> shapes;
  Tape<float> numbers;
  Tape<flops::Counted<double>> counted;
  const PassCosts priced = costs_of(shapes);
  CHECK(costs_of(numbers) == priced);
  flops::reset_tally();
  CHECK(costs_of(counted) == priced);
  test::check_equal(flops::tally().cost(), test::without_copies(priced.total()), "both passes");
  // By hand, of 24 elements: h + bias, h − 1, h · table, / temperature, 1 − z, (1 − z) · …, z · h, their sum,
  // 2 / h, · 0.5, v · v, and the sum of all; σ, tanh and exp.
  CHECK(priced.forward.elementwise == 11 * 24 + (24 + 15));
  CHECK(priced.forward.transcendental == 3 * 24);
  CHECK(priced.forward.moved == 2 * 24);  // the table and the temperature, repeated
}
