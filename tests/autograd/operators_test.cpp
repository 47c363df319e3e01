// + − * / between variables and with numbers.
#include <doctest/doctest.h>

#include <cmath>
#include <string>
#include <vector>

#include "error_message.hpp"
#include "slm/autograd/grad_check.hpp"
#include "slm/autograd/ops.hpp"

using namespace slm;

namespace {

template <Scalar Real, std::size_t Rank>
Tensor<Real, Rank> numbers(const Shape<Rank>& shape, const std::vector<double>& values) {
  Tensor<Real, Rank> made(shape);
  for (Index i = 0; i < made.size(); ++i) made.data()[i] = Real(values[static_cast<std::size_t>(i)]);
  return made;
}

template <Scalar Real, std::size_t Rank>
std::vector<double> values_of(Var<Real, Rank> x) {
  return {x.value(), x.value() + x.size()};
}

/// The operations of a tape, in the order in which they first ran.
template <Scalar Real>
std::string operations_of(const Tape<Real>& tape) {
  std::string names;
  for (const PartCost& part : tape.costs_by_part()) {
    names += (names.empty() ? "" : " ") + std::string(part.operation);
  }
  return names;
}

template <class A, class B>
concept CanAdd = requires(A a, B b) {
  a + b;
};
template <class A, class B>
concept CanMultiply = requires(A a, B b) {
  a* b;
};

// Of a user's: converts from and to anything, has operators of its own.
struct Anything {
  template <class T>
  Anything(const T&) {}
};
struct Ours {};
template <class T>
int operator*(Ours, const T&) {
  return 1;
}

}  // namespace

TEST_CASE_TEMPLATE("numbers of any type on either side", Real, float, double) {
  const auto data = numbers<Real>(Shape<1>{3}, {1, -2, 4});
  Tape<Real> tape;
  const auto x = tape.input(data, true);
  using V = std::vector<double>;
  CHECK(values_of(x + 2) == V{3, 0, 6});
  CHECK(values_of(2 + x) == V{3, 0, 6});
  CHECK(values_of(x - 0.5) == V{0.5, -2.5, 3.5});
  CHECK(values_of(1 - x) == V{0, 3, -3});
  CHECK(values_of(x * 0.5F) == V{0.5, -1, 2});
  CHECK(values_of(3L * x) == V{3, -6, 12});
  CHECK(values_of(x / 4) == V{0.25, -0.5, 1});
  CHECK(values_of(2.0 / x) == V{2, -1, 0.5});
  CHECK(values_of(-x) == V{-1, 2, -4});
  CHECK(operations_of(tape) == "shift subtract scale divide negate");
  CHECK((x / 3).value()[2] == Real(4) / Real(3));
  CHECK((x + 0.1).value()[0] == Real(1) + Real(0.1));
}

TEST_CASE_TEMPLATE("a line of a GRU has the value and the gradient that it says", Real, float, double) {
  const auto z_data = numbers<Real>(Shape<2>{2, 2}, {0.25, 0.5, 0.75, 1}),
             n_data = numbers<Real>(Shape<2>{2, 2}, {-1, 0, 0.5, 2}),
             h_data = numbers<Real>(Shape<2>{2, 2}, {3, -1, 0.5, 2});
  Tape<Real> tape;
  const auto z = tape.input(z_data, true), n = tape.input(n_data, true), given = tape.input(h_data, true);
  auto h = given;
  h = (1 - z) * tanh(n) + z * h;
  tape.keep_grad(h);
  const auto value = values_of(h);
  tape.backward(sum(h));
  for (Index i = 0; i < 4; ++i) {
    const double zi = z_data.data()[i], ti = std::tanh(static_cast<double>(n_data.data()[i])),
                 hi = h_data.data()[i], close = 1e-6;
    CHECK(value[static_cast<std::size_t>(i)] == doctest::Approx((1 - zi) * ti + zi * hi).epsilon(close));
    CHECK(static_cast<double>(z.grad()[i]) == doctest::Approx(hi - ti).epsilon(close));
    CHECK(static_cast<double>(n.grad()[i]) == doctest::Approx((1 - zi) * (1 - ti * ti)).epsilon(close));
    CHECK(static_cast<double>(given.grad()[i]) == doctest::Approx(zi).epsilon(close));
  }
}

TEST_CASE("operators are their operations, and cost what these do") {
  const Tensor<double, 2> data({3, 4});
  Tape<double> tape;
  const auto a = tape.input(data, true), b = tape.input(data, true);
  a + b;
  CHECK(operations_of(tape) == "add");
  a - b;
  a* b;
  a / b;
  CHECK(operations_of(tape) == "add subtract multiply divide");
  CHECK(tape.costs() == PassCosts{{.elementwise = 4 * 12}, {}});
}

TEST_CASE("the operand of fewer axes is broadcast over the leading axes") {
  const auto a_data = numbers<double>(Shape<3>{2, 1, 2}, {1, 2, 3, 4});
  const auto row_data = numbers<double>(Shape<1>{2}, {10, 20});
  const auto table_data = numbers<double>(Shape<2>{1, 2}, {10, 20});
  const auto one_data = numbers<double>(Shape<0>{}, {2});
  Tape<double> tape;
  const auto a = tape.input(a_data);
  const auto row = tape.input(row_data);
  const auto table = tape.input(table_data);
  const auto one = tape.input(one_data);
  using V = std::vector<double>;
  CHECK(values_of(a + row) == V{11, 22, 13, 24});
  CHECK(values_of(row + a) == V{11, 22, 13, 24});
  CHECK(operations_of(tape) == "add_bias");  // nothing is repeated in memory
  CHECK(values_of(a + table) == V{11, 22, 13, 24});
  CHECK(values_of(table - a) == V{9, 18, 7, 16});
  CHECK(values_of(a - row) == V{-9, -18, -7, -16});
  CHECK(values_of(row * a) == V{10, 40, 30, 80});
  CHECK(values_of(a / row) == V{0.1, 0.1, 0.3, 0.2});
  CHECK(values_of(one / a) == V{2, 1, 2.0 / 3, 0.5});
  CHECK(values_of(row + one) == V{12, 22});
  CHECK(values_of(one * one) == V{4});

  const auto f = [](auto x, auto y) { return (y - x) * y / (x + y) + x; };
  CHECK_NOTHROW(check_gradients(f, a_data, table_data));
  CHECK_NOTHROW(check_gradients(f, row_data, a_data));
  CHECK_NOTHROW(check_gradients(f, a_data, one_data));
}

TEST_CASE("shapes that do not fit are refused by an error that has both") {
  const Tensor<float, 2> two({2, 3}), other({3, 2});
  const Tensor<float, 1> one({2});
  const Tensor<float, 3> three({4, 3, 2});
  Tape<float> tape;
  const auto message = [](const auto& f) { return slm_test::message_of<ShapeError>(f); };
  CHECK(message([&] { tape.input(two) + tape.input(other); }) ==
        "add: b has shape (3, 2), but a of shape (2, 3) needs (2, 3)");
  CHECK(message([&] { tape.input(two) + tape.input(one); }) ==
        "add_bias: bias has shape (2), but input of shape (2, 3) needs (3)");
  CHECK(message([&] { tape.input(one) * tape.input(two); }) ==
        "broadcast: input has shape (2), but a result of shape (2, 3) needs (3)");
  CHECK(message([&] { tape.input(three) / tape.input(two); }) ==
        "broadcast: input has shape (2, 3), but a result of shape (4, 3, 2) needs (3, 2)");
}

TEST_CASE("operators take variables of one scalar, and numbers, and nothing else") {
  using F = Var<float, 1>;
  static_assert(CanAdd<F, F> && CanAdd<F, int> && CanAdd<double, F> && CanAdd<F, unsigned char>);
  static_assert(CanAdd<Var<Shapes, 1>, Shapes> && CanAdd<Var<Shapes, 1>, double>);
  static_assert(!CanAdd<F, Var<double, 1>>);
  static_assert(!CanAdd<F, std::string> && !CanAdd<const char*, F> && !CanAdd<F, Anything>);
  static_assert(!CanAdd<Tensor<float, 1>, F>);
  static_assert(!CanAdd<Anything, Anything> && !CanMultiply<std::string, int> && !CanAdd<std::string, int>);
  static_assert(std::is_same_v<decltype(Ours() * std::declval<F>()), int>);
  static_assert(std::is_copy_assignable_v<F>);
  CHECK(CanMultiply<float, F>);
}

TEST_CASE_TEMPLATE("a recurrent step and its loss, as one writes them down", Real, float, double) {
  const auto x = numbers<Real>(Shape<3>{1, 2, 2}, {0.5, -1, 0.25, 2}),
             t = numbers<Real>(Shape<3>{1, 2, 2}, {1, 0, -1, 0.5});
  Tape<Real> tape;
  const auto inputs = tape.input(x, true), y_t = tape.input(t);
  auto h = tape.constant(Shape<2>{1, 2}, Real(0.5));
  std::vector<Var<Real, 2>> states;
  for (Index at = 0; at < 2; ++at) {
    const auto n = select(inputs, at), z = sigmoid(n);
    h = (1 - z) * tanh(n) + z * h;
    states.push_back(h);
  }
  const auto s = stack(states);
  const auto loss = mean(square(s - y_t));
  CHECK(s.shape() == Shape<3>{1, 2, 2});

  double before[2] = {0.5, 0.5}, expected = 0;
  for (Index at = 0; at < 2; ++at) {
    for (Index c = 0; c < 2; ++c) {
      const double n = static_cast<double>(x(0, at, c)), z = 1 / (1 + std::exp(-n));
      before[c] = (1 - z) * std::tanh(n) + z * before[c];
      CHECK(static_cast<double>(s.value()[at * 2 + c]) == doctest::Approx(before[c]).epsilon(1e-6));
      expected += std::pow(before[c] - static_cast<double>(t(0, at, c)), 2) / 4;
    }
  }
  CHECK(static_cast<double>(loss.item()) == doctest::Approx(expected).epsilon(1e-6));
  tape.backward(loss);
  for (Index i = 0; i < 4; ++i) CHECK(inputs.grad()[i] != Real(0));
}
