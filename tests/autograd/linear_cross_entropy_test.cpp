// linear_cross_entropy against cross_entropy(linear(…)), bit for bit, and what it needs of memory.
#include "slm/autograd/ops/linear_cross_entropy.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <vector>

#include "allocation_count.hpp"
#include "slm/autograd/ops/elementwise.hpp"
#include "slm/autograd/ops/linear.hpp"
#include "slm/autograd/ops/softmax.hpp"

using namespace slm;
using doctest::Approx;

namespace {

template <Scalar Real>
struct Problem {
  Tensor<Real, 2> x, W;
  Tensor<Real, 1> b;
  Tokens<1> targets;

  Problem(Index rows, Index inputs, Index V) : x({rows, inputs}), W({V, inputs}), b({V}), targets({rows}) {
    Random random(1, "numbers");
    for (Real& number : x) number = Real(random.normal());
    for (Real& number : W) number = Real(0.3 * random.normal());
    for (Real& number : b) number = Real(random.normal());
    for (Token& target : targets) target = static_cast<Token>(random.below(V));
  }
};

template <Scalar Real>
struct Results {
  Tensor<Real, 1> loss, dx, dW, db;

  bool operator==(const Results& other) const {
    const auto same = [](const Tensor<Real, 1>& a, const Tensor<Real, 1>& b) {
      return a.shape() == b.shape() &&
             std::memcmp(a.data(), b.data(), std::size_t(a.size()) * sizeof(Real)) == 0;
    };
    return same(loss, other.loss) && same(dx, other.dx) && same(dW, other.dW) && same(db, other.db);
  }
};

template <Scalar Real>
Tensor<Real, 1> copy_of(const Real* from, Index count) {
  return {Shape<1>{count}, std::span<const Real>(from, static_cast<std::size_t>(count))};
}

/// `times` losses of the same variables, whose gradients add up.
template <Scalar Real>
Results<Real> run(const Problem<Real>& problem, int times, const auto& loss_of) {
  Tape<Real> tape;
  const auto x = tape.input(problem.x, true), W = tape.input(problem.W, true);
  const auto b = tape.input(problem.b, true);
  auto loss = loss_of(x, W, b, problem.targets);
  for (int i = 1; i < times; ++i) loss = add(loss, loss_of(x, W, b, problem.targets));
  tape.backward(loss, Real(0.7));
  return {copy_of(loss.value(), 1), copy_of(x.grad(), x.size()), copy_of(W.grad(), W.size()),
          copy_of(b.grad(), b.size())};
}

const auto in_two = [](auto x, auto W, auto b, auto& targets) {
  return cross_entropy(linear(x, W, b), targets);
};
const auto in_one = [](auto x, auto W, auto b, auto& targets) {
  return linear_cross_entropy(x, W, b, targets);
};

}  // namespace

TEST_CASE_TEMPLATE("bits are those of cross_entropy(linear(…)), with their gradients", Real, float, double) {
  struct Size {
    Index rows, inputs, V;
  };
  // PTB's and WikiText-2's vocabularies; rows in parts of equal and unequal size; sums over inputs in parts.
  for (const auto [rows, inputs, V] :
       {Size{32, 16, 9'999}, Size{32, 16, 33'277}, Size{300, 12, 9'999}, Size{300, 8, 33'277},
        Size{256, 40, 70}, Size{257, 40, 70}, Size{600, 64, 515}, Size{1'000, 24, 100}, Size{20, 1'100, 50},
        Size{520, 1'100, 50}, Size{1, 30, 1'000}, Size{300, 3, 1}}) {
    CAPTURE(rows);
    CAPTURE(inputs);
    CAPTURE(V);
    const Problem<Real> problem(rows, inputs, V);
    CHECK(run(problem, 1, in_one) == run(problem, 1, in_two));
  }
  const Problem<Real> problem(600, 20, 130);
  CHECK(run(problem, 2, in_one) == run(problem, 2, in_two));
}

TEST_CASE("without a bias, and with some gradients only, numbers are the same") {
  for (const Index rows : {5, 300}) {
    const Problem<double> problem(rows, 6, 40);
    Tape<double> tape;
    const auto x = tape.input(problem.x, true), W = tape.input(problem.W), W_too = tape.input(problem.W, true);
    const auto loss = linear_cross_entropy(x, W, problem.targets);
    const auto both = add(loss, linear_cross_entropy(tape.input(problem.x), W_too, problem.targets));
    tape.backward(both);
    Tape<double> reference;
    const auto y = reference.input(problem.x, true), M = reference.input(problem.W, true);
    const auto expected = cross_entropy(linear(y, M), problem.targets);
    reference.backward(expected);
    CHECK(loss.item() == expected.item());
    CHECK(copy_of(x.grad(), x.size()) == copy_of(y.grad(), y.size()));
    CHECK(copy_of(W_too.grad(), M.size()) == copy_of(M.grad(), M.size()));
  }
}

TEST_CASE("one class has the loss 0 and no gradient") {
  const Problem<double> problem(3, 4, 1);
  const auto results = run(problem, 1, in_one);
  CHECK(results.loss(0) == 0);
  for (const double g : results.dx) CHECK(g == 0);
  for (const double g : results.dW) CHECK(g == 0);
}

TEST_CASE_TEMPLATE("logits of ±1e4 give finite numbers", Real, float, double) {
  for (const Index rows : {2, 300}) {
    Problem<Real> problem(rows, 2, 5);
    for (Index i = 0; i < 5; ++i) problem.b(i) = Real(i % 2 == 0 ? 1e4 : -1e4);
    const auto results = run(problem, 1, in_one);
    for (const auto* numbers : {&results.loss, &results.dx, &results.dW, &results.db}) {
      for (const Real number : *numbers) CHECK(is_finite(number));
    }
  }
}

TEST_CASE("there is memory for the logits of 256 rows, and none is allocated after the first step") {
  const Problem<float> problem(1'200, 8, 700);
  for (const Mode mode : {Mode::train, Mode::evaluate}) {
    Tape<float> tape(mode);
    const auto step = [&] {
      tape.reset();
      const auto x = tape.input(problem.x, true), W = tape.input(problem.W, true);
      const auto loss = linear_cross_entropy(x, W, problem.targets);
      if (mode == Mode::train) tape.backward(loss);
    };
    step();
    const auto before = slm::test::allocation_count();
    step();
    CHECK(slm::test::allocation_count() == before);
    const Index gradients = mode == Mode::train ? problem.x.size() + problem.W.size() : 0;
    const Index rows = problem.x.extent(0), most = 256 * 700 + 3 * rows + gradients;
    CHECK(static_cast<Index>(tape.high_water()) < most * Index(sizeof(float)) + 4'000);
  }
}
