// Outputs against their definitions, where no other program's numbers are at hand.
#include <doctest/doctest.h>

#include <cmath>
#include <complex>
#include <limits>
#include <vector>

#include "slm/autograd/ops.hpp"

using namespace slm;
using doctest::Approx;

namespace {

template <std::size_t Rank>
Tensor<double, Rank> random_tensor(const Shape<Rank>& shape, const char* name) {
  Tensor<double, Rank> x(shape);
  Random random(1, name);
  for (double& value : x) value = random.normal();
  return x;
}

template <class Real, std::size_t Rank>
std::vector<Real> values(Var<Real, Rank> x) {
  return {x.value(), x.value() + x.size()};
}

using Numbers = std::vector<double>;

}  // namespace

TEST_CASE("elementwise operations take element by element") {
  const auto a = random_tensor(Shape<2>{3, 4}, "a"), b = random_tensor(Shape<2>{3, 4}, "b");
  const auto bias = random_tensor(Shape<1>{4}, "bias");
  Tape<double> tape;
  const auto x = tape.input(a), z = tape.input(b);
  const auto added = add(x, z), multiplied = multiply(x, z), scaled = scale(x, -2.5), rectified = relu(x);
  const auto shifted = add_bias(x, tape.input(bias));
  double total = 0;
  for (Index i = 0; i < 12; ++i) {
    CHECK(added.value()[i] == a.data()[i] + b.data()[i]);
    CHECK(multiplied.value()[i] == a.data()[i] * b.data()[i]);
    CHECK(scaled.value()[i] == -2.5 * a.data()[i]);
    CHECK(rectified.value()[i] == std::max(a.data()[i], 0.0));
    CHECK(shifted.value()[i] == a.data()[i] + bias(i % 4));
    total += a.data()[i];
  }
  CHECK(sum(x).item() == Approx(total));
}

TEST_CASE("linear is x Wᵀ + b for every row") {
  const auto x = random_tensor(Shape<3>{2, 3, 5}, "x");
  const auto W = random_tensor(Shape<2>{4, 5}, "W");
  const auto b = random_tensor(Shape<1>{4}, "b");
  Tape<double> tape;
  const auto y = linear(tape.input(x), tape.input(W), tape.input(b));
  const auto plain = linear(tape.input(x), tape.input(W));
  CHECK(y.shape() == Shape<3>{2, 3, 4});
  for (Index n = 0; n < 6; ++n) {
    for (Index d = 0; d < 4; ++d) {
      double total = 0;
      for (Index c = 0; c < 5; ++c) total += x.data()[n * 5 + c] * W.data()[d * 5 + c];
      CHECK(plain.value()[n * 4 + d] == Approx(total));
      CHECK(y.value()[n * 4 + d] == Approx(total + b(d)));
    }
  }
}

TEST_CASE("matmul multiplies matrix by matrix") {
  const auto a = random_tensor(Shape<3>{2, 3, 5}, "a"), b = random_tensor(Shape<3>{2, 5, 4}, "b");
  Tape<double> tape;
  const auto y = matmul(tape.input(a), tape.input(b));
  CHECK(y.shape() == Shape<3>{2, 3, 4});
  for (Index batch = 0; batch < 2; ++batch) {
    for (Index m = 0; m < 3; ++m) {
      for (Index n = 0; n < 4; ++n) {
        double total = 0;
        for (Index k = 0; k < 5; ++k)
          total += a.data()[(batch * 3 + m) * 5 + k] * b.data()[(batch * 5 + k) * 4 + n];
        CHECK(y.value()[(batch * 3 + m) * 4 + n] == Approx(total));
      }
    }
  }
  const auto left = random_tensor(Shape<2>{1, 3}, "left"), right = random_tensor(Shape<2>{3, 1}, "right");
  CHECK(values(matmul(tape.input(left), tape.input(right)))[0] ==
        Approx(left.data()[0] * right.data()[0] + left.data()[1] * right.data()[1] +
               left.data()[2] * right.data()[2]));
}

TEST_CASE("products of no rows, or of nothing to add up, give zeros and zero gradients") {
  Tape<double> tape;
  std::fill_n(tape.recorder().arena().take<double>(1000), 1000, 7.0);  // what gradients must not be left at
  const auto gradients = [&](const auto& product, const auto& a, const auto& b) {
    tape.reset();
    const auto x = tape.input(a, true), y = tape.input(b, true);
    const auto z = product(x, y);
    CHECK(values(z) == Numbers(static_cast<std::size_t>(z.size())));
    tape.backward(sum(z));
    for (const auto& input : {x, y}) {
      const Numbers grad(input.grad(), input.grad() + input.size());
      CHECK(grad == Numbers(grad.size()));
    }
  };
  const auto matrix = [](Index m, Index n) { return random_tensor(Shape<2>{m, n}, "matrix"); };
  const auto times = [](auto a, auto b) { return matmul(a, b); };
  const auto map = [](auto x, auto W) { return linear(x, W); };
  gradients(times, matrix(0, 3), matrix(3, 4));
  gradients(times, matrix(2, 0), matrix(0, 4));
  gradients(times, matrix(2, 3), matrix(3, 0));
  gradients(times, random_tensor(Shape<3>{2, 0, 3}, "a"), random_tensor(Shape<3>{2, 3, 4}, "b"));
  gradients(map, matrix(0, 3), matrix(4, 3));
  gradients(map, matrix(2, 0), matrix(4, 0));
}

TEST_CASE("cross_entropy is the mean negative logarithm of the target's probability") {
  const auto logits = random_tensor(Shape<3>{2, 3, 7}, "logits");
  Tokens<2> targets({2, 3});
  for (Index n = 0; n < 6; ++n) targets.data()[n] = static_cast<Token>(6 - n);
  double expected = 0;
  for (Index n = 0; n < 6; ++n) {
    double total = 0;
    for (Index v = 0; v < 7; ++v) total += std::exp(logits.data()[n * 7 + v]);
    expected -= std::log(std::exp(logits.data()[n * 7 + targets.data()[n]]) / total) / 6;
  }
  Tape<double> tape;
  CHECK(cross_entropy(tape.input(logits), targets).item() == Approx(expected).epsilon(1e-12));
}

TEST_CASE_TEMPLATE("softmax and cross_entropy of large logits do not overflow", Real, float, double) {
  Tensor<Real, 2> logits({2, 3});
  logits.data()[0] = Real(1e4), logits.data()[1] = Real(1e4), logits.data()[2] = Real(-1e4);
  logits.data()[3] = Real(-2e4), logits.data()[4] = Real(-2e4), logits.data()[5] = Real(-2e4);
  Tokens<1> targets({2});
  targets(0) = 1;
  Tape<Real> tape;
  const auto x = tape.input(logits, true);
  const auto y = values(softmax(x));
  CHECK(y == std::vector<Real>{Real(0.5), Real(0.5), 0, y[3], y[3], y[3]});
  CHECK(static_cast<double>(y[3]) == Approx(1.0 / 3).epsilon(1e-6));
  const auto loss = cross_entropy(x, targets);
  CHECK(static_cast<double>(loss.item()) == Approx((std::log(2) + std::log(3)) / 2).epsilon(1e-3));
  tape.backward(loss);
  for (Index i = 0; i < 6; ++i) CHECK(is_finite(x.grad()[i]));
}

TEST_CASE("embedding and positions pick rows of their tables") {
  const auto table = random_tensor(Shape<2>{5, 3}, "table");
  const auto positions = random_tensor(Shape<2>{6, 3}, "positions");
  Tokens<2> tokens({2, 4});
  for (Index i = 0; i < 8; ++i) tokens.data()[i] = static_cast<Token>(3 * i % 5);
  Tape<double> tape;
  const auto x = embedding(tokens, tape.input(table));
  const auto y = add_positions(x, tape.input(positions));
  CHECK(x.shape() == Shape<3>{2, 4, 3});
  CHECK(y.shape() == Shape<3>{2, 4, 3});
  for (Index n = 0; n < 8; ++n) {
    for (Index c = 0; c < 3; ++c) {
      CHECK(x.value()[n * 3 + c] == table.data()[tokens.data()[n] * 3 + c]);
      CHECK(y.value()[n * 3 + c] == table.data()[tokens.data()[n] * 3 + c] + positions.data()[n % 4 * 3 + c]);
    }
  }
}

TEST_CASE("concat_window and last_position rearrange") {
  const auto data = random_tensor(Shape<3>{2, 3, 2}, "x");
  Tape<double> tape;
  const auto x = tape.input(data);
  CHECK(concat_window(x).shape() == Shape<2>{2, 6});
  CHECK(values(concat_window(x)) == values(x));
  CHECK(last_position(x).shape() == Shape<2>{2, 2});
  CHECK(values(last_position(x)) == Numbers{data.data()[4], data.data()[5], data.data()[10], data.data()[11]});
}

TEST_CASE("tokens may change after they were used") {
  const auto table = random_tensor(Shape<2>{3, 1}, "table");
  Tokens<1> tokens({2});
  Tape<double> tape;
  const auto W = tape.input(table, true);
  const auto loss = sum(embedding(tokens, W));
  tokens(0) = tokens(1) = 2;
  tape.backward(loss);
  CHECK(Numbers(W.grad(), W.grad() + 3) == Numbers{2, 0, 0});
}

TEST_CASE("rotary_embedding is a product of complex numbers") {
  constexpr Index B = 2, T = 5, D = 6, heads = 2, width = heads * D + 3, first = 4;
  const auto x = random_tensor(Shape<3>{B, T, width}, "x");
  const RotaryTable<double> table(first + T, D);
  Tape<double> tape;
  const auto y = rotary_embedding(tape.input(x), table, heads * D, first);
  for (Index n = 0; n < B * T; ++n) {
    const auto position = static_cast<double>(first + n % T);
    for (Index head = 0; head < heads; ++head) {
      for (Index i = 0; i < D / 2; ++i) {
        const Index at = n * width + head * D + i;
        const double angle = position * std::pow(10000, -static_cast<double>(i) / (D / 2.0));
        const auto turned = std::complex<double>(x.data()[at], x.data()[at + D / 2]) * std::polar(1.0, angle);
        CHECK(y.value()[at] == Approx(turned.real()));
        CHECK(y.value()[at + D / 2] == Approx(turned.imag()));
      }
    }
    for (Index c = heads * D; c < width; ++c) CHECK(y.value()[n * width + c] == x.data()[n * width + c]);
  }
}

TEST_CASE("a rotary table has the angles of its base, 10,000 unless it is given") {
  constexpr Index positions = 5, half = 3;
  const RotaryTable<double> usual(positions, 2 * half), other(positions, 2 * half, 50);
  for (Index position = 0; position < positions; ++position) {
    for (Index i = 0; i < half; ++i) {
      const Index at = position * half + i;
      const auto angle = [&](double base) {
        return static_cast<double>(position) * std::pow(base, -static_cast<double>(i) / half);
      };
      CHECK(usual.cosine.data()[at] == Approx(std::cos(angle(10000))).epsilon(1e-14));
      CHECK(usual.sine.data()[at] == Approx(std::sin(angle(10000))).epsilon(1e-14));
      CHECK(other.cosine.data()[at] == Approx(std::cos(angle(50))).epsilon(1e-14));
      CHECK(other.sine.data()[at] == Approx(std::sin(angle(50))).epsilon(1e-14));
    }
  }
}

TEST_CASE("a rotary table needs an even head width") {
  CHECK_THROWS_WITH_AS(RotaryTable<double>(4, 5),
                       "RotaryTable: rotary embedding turns pairs and needs an even head width, got 5",
                       ConfigError);
  CHECK_THROWS_AS(RotaryTable<double>(4, 0), ConfigError);
}

TEST_CASE("a bad number is not lost in an activation") {
  Tensor<double, 1> bad({2});
  bad(0) = std::numeric_limits<double>::quiet_NaN();
  bad(1) = std::numeric_limits<double>::infinity();
  Tape<double> tape;
  const auto x = tape.input(bad);
  for (const auto& y : {values(relu(x)), values(gelu(x)), values(silu(x))}) {
    CHECK(std::isnan(y[0]));
    CHECK(y[1] == std::numeric_limits<double>::infinity());
  }
}
