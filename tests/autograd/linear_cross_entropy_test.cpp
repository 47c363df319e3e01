// linear_cross_entropy against cross_entropy(linear(…)), bit for bit, and what it needs of memory.
#include "slm/autograd/ops/linear_cross_entropy.hpp"

#include <doctest/doctest.h>

#include <cstring>
#include <vector>

#include "allocation_count.hpp"
#include "slm/autograd/grad_check.hpp"
#include "slm/autograd/ops/elementwise.hpp"
#include "slm/autograd/ops/linear.hpp"
#include "slm/autograd/ops/softmax.hpp"

using namespace slm;

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

/// The loss and the gradients of x, W and b of `times` losses of the same variables.
template <Scalar Real>
std::vector<double> run(const Problem<Real>& problem, int times, const auto& loss_of) {
  Tape<Real> tape;
  const auto x = tape.input(problem.x, true), W = tape.input(problem.W, true);
  const auto b = tape.input(problem.b, true);
  auto loss = loss_of(x, W, b, problem.targets);
  for (int i = 1; i < times; ++i) loss = add(loss, loss_of(x, W, b, problem.targets));
  tape.backward(loss, Real(0.7));
  std::vector<double> numbers = {double(loss.item())};
  const auto append = [&](const auto& input) {
    numbers.insert(numbers.end(), input.grad(), input.grad() + input.size());
  };
  append(x), append(W), append(b);
  return numbers;
}

/// Equal bits; of a library's products, numbers that are close.
template <Scalar Real>
void check_same(const std::vector<double>& a, const std::vector<double>& b) {
  REQUIRE(a.size() == b.size());
  if (gemm_backend<Real>() == GemmBackend::slm) {
    CHECK(std::memcmp(a.data(), b.data(), a.size() * sizeof(double)) == 0);
  } else {
    CHECK(relative_error(a, b) <= (sizeof(Real) == 8 ? 1e-12 : 1e-5));
  }
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
  for (const Size& size :
       {Size{32, 16, 9'999}, Size{32, 16, 33'277}, Size{300, 12, 9'999}, Size{300, 8, 33'277},
        Size{256, 40, 70}, Size{257, 40, 70}, Size{600, 64, 515}, Size{1'000, 24, 100}, Size{20, 1'100, 50},
        Size{520, 1'100, 50}, Size{1, 30, 1'000}, Size{300, 3, 1}}) {
    INFO(size.rows, " rows, ", size.inputs, " inputs, V = ", size.V);
    const Problem<Real> problem(size.rows, size.inputs, size.V);
    check_same<Real>(run(problem, 1, in_one), run(problem, 1, in_two));
  }
  const Problem<Real> problem(600, 20, 130);
  check_same<Real>(run(problem, 2, in_one), run(problem, 2, in_two));
}

TEST_CASE("one class has the loss 0 and no gradient") {
  for (const double number : run(Problem<double>(3, 4, 1), 1, in_one)) CHECK(number == 0);
}

TEST_CASE_TEMPLATE("logits of ±1e4 give finite numbers", Real, float, double) {
  for (const Index rows : {2, 300}) {
    Problem<Real> problem(rows, 2, 5);
    for (Index i = 0; i < 5; ++i) problem.b(i) = Real(i % 2 == 0 ? 1e4 : -1e4);
    for (const double number : run(problem, 1, in_one)) CHECK(is_finite(number));
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
