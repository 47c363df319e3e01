#include "slm/autograd/tape.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "slm/autograd/ops.hpp"

using namespace slm;

namespace {

Tensor<double, 1> vector_of(std::initializer_list<double> values) {
  Tensor<double, 1> x({static_cast<Index>(values.size())});
  std::copy(values.begin(), values.end(), x.begin());
  return x;
}

struct Inner {
  Parameter<double, 1> gain{{3}};
  static void fields(auto& self, auto&& f) { f("gain", self.gain); }
  Var<double, 1> operator()(Var<double, 1> x) const {
    const auto part = x.tape().enter(*this);
    return multiply(x, x.tape().use(gain));
  }
};
/// Two layers alike and one that may be missing.
struct Outer {
  std::vector<Inner> layers{2};
  std::optional<Inner> last{Inner()};
  static void fields(auto& self, auto&& f) { f("layers", self.layers), f("last", self.last); }
  Var<double, 0> operator()(Var<double, 1> x) const {
    const auto part = x.tape().enter(*this);
    for (const Inner& layer : layers) x = scale(layer(x), 2.0);
    x = (*last)(x);
    const auto end = x.tape().enter("end");
    return sum(x);
  }
};

}  // namespace

TEST_CASE("an input used twice by one operation gets both gradients") {
  const auto a = vector_of({1, -2, 3});
  Tape<double> tape;
  const auto x = tape.input(a, true);
  tape.backward(sum(add(x, x)));
  for (Index i = 0; i < 3; ++i) CHECK(x.grad()[i] == 2);
  tape.reset();
  const auto z = tape.input(a, true);
  tape.backward(sum(multiply(z, z)));
  for (Index i = 0; i < 3; ++i) CHECK(z.grad()[i] == 2 * a(i));
}

TEST_CASE("gradients of several uses add up along every path") {
  const auto a = vector_of({5});
  Tape<double> tape;
  const auto x = tape.input(a, true);
  const auto y = scale(x, 3.0);
  const auto loss = sum(add(scale(y, 2.0), scale(y, 5.0)));
  CHECK(loss.item() == 105);
  tape.backward(loss);
  CHECK(x.grad()[0] == 21);
}

TEST_CASE("a chain of a million operations") {
  constexpr Index length = 1'000'000;
  const auto a = vector_of({1});
  Tape<double> tape;
  const auto x = tape.input(a, true);
  auto y = x;
  for (Index i = 0; i < length; ++i) y = add(y, x);
  const auto loss = sum(y);
  CHECK(loss.item() == length + 1);
  tape.backward(loss);
  CHECK(x.grad()[0] == length + 1);
}

TEST_CASE("a diamond of a thousand stages has 2^1000 paths and takes a thousand steps") {
  const auto a = vector_of({1});
  Tape<double> tape;
  const auto x = tape.input(a, true);
  auto y = x;
  for (int i = 0; i < 1000; ++i) y = add(scale(y, 1.0), scale(y, 1.0));
  tape.backward(sum(y));
  CHECK(x.grad()[0] == std::ldexp(1.0, 1000));
}

TEST_CASE("parameters collect gradients over steps until they are cleared") {
  Parameter<double, 1> w({2});
  w.value(0) = 3;
  w.value(1) = 4;
  Tape<double> tape;
  for (int step = 1; step <= 3; ++step) {
    tape.reset();
    tape.backward(sum(multiply(tape.use(w), tape.use(w))));
    CHECK(w.grad(0) == step * 6);
    CHECK(w.grad(1) == step * 8);
  }
}

TEST_CASE("inputs that want no gradient stop the backward pass") {
  const auto a = vector_of({1, 2});
  Tape<double> tape;
  const auto constant = tape.input(a);
  const auto x = tape.input(a, true);
  const auto unused = scale(constant, 2.0);
  CHECK_FALSE(unused.wants_grad());
  tape.backward(sum(multiply(x, unused)));
  CHECK(x.grad()[1] == 4);
  CHECK(constant.node().grad == nullptr);
  CHECK(unused.node().grad == nullptr);

  tape.reset();
  CHECK_THROWS_WITH_AS(tape.backward(sum(tape.input(a))),
                       "Tape::backward: the loss depends on nothing that wants a gradient", Error);
}

TEST_CASE("what the loss does not depend on gets no gradient") {
  const auto a = vector_of({1, 2});
  Tape<double> tape;
  const auto x = tape.input(a, true);
  const auto loss = sum(x);
  const auto beside = multiply(x, x);
  tape.backward(loss);
  CHECK(x.grad()[0] == 1);
  CHECK(beside.node().grad == nullptr);
}

TEST_CASE("a second backward pass is an error until the tape is reset") {
  const auto a = vector_of({1});
  Tape<double> tape;
  const auto x = tape.input(a, true);
  const auto loss = sum(x);
  tape.backward(loss);
  CHECK_THROWS_WITH_AS(tape.backward(loss),
                       "Tape::backward: the backward pass is already done for this step; call reset first",
                       Error);
  CHECK_THROWS_AS(tape.backward(), Error);
  CHECK(x.grad()[0] == 1);
  tape.reset();
  CHECK_NOTHROW(tape.backward(sum(tape.input(a, true))));
}

TEST_CASE("a variable of another tape is an error") {
  const auto a = vector_of({1});
  Tape<double> here, there;
  const auto x = here.input(a, true), y = there.input(a, true);
  const doctest::Contains message("add: a variable of shape (1) was used on another tape than its own");
  CHECK_THROWS_WITH_AS(add(x, y), message, Error);
  CHECK_THROWS_WITH_AS(add(y, x), message, Error);
  CHECK_THROWS_WITH_AS(here.backward(sum(y)), doctest::Contains("a variable of shape ()"), Error);
}

TEST_CASE("a computed variable's gradient is there after the backward pass only where it was asked for") {
  const auto a = vector_of({1, -2, 3});
  Tape<double> tape;
  const auto x = tape.input(a, true), constant = tape.input(a);
  const auto y = scale(x, 2.0), z = scale(y, 5.0);
  const auto loss = sum(z);
  tape.keep_grad(y);
  tape.backward(loss);
  for (Index i = 0; i < 3; ++i) CHECK(y.grad()[i] == 5);
  for (Index i = 0; i < 3; ++i) CHECK(x.grad()[i] == 10);
  const auto message = [](const auto& variable) {
    try {
      variable.grad();
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  CHECK(message(z) ==
        "Var::grad: a variable of shape (3) was computed: its gradient, if the loss depends on it, was taken "
        "back "
        "in the backward pass; call tape.keep_grad(y) before that");
  CHECK_THROWS_WITH_AS(tape.keep_grad(z),
                       "Tape::keep_grad: the backward pass is already done for this step; call reset first",
                       Error);
  CHECK(message(loss).starts_with("Var::grad: a variable of shape () was computed"));
  CHECK(message(constant) == "Var::grad: a variable of shape (3) wants no gradient");
}

TEST_CASE("a kept gradient is not given to another variable, in any order of sizes") {
  const auto a = vector_of({1, 2, 3, 4});
  Tape<double> tape;
  const auto x = tape.input(a, true);
  std::vector<Var<double, 1>> chain{x};
  for (int i = 0; i < 6; ++i) chain.push_back(scale(chain.back(), 2.0));
  for (const std::size_t kept : {1u, 3u, 6u}) tape.keep_grad(chain[kept]);
  tape.backward(sum(chain.back()));
  for (const std::size_t kept : {1u, 3u, 6u}) CHECK(chain[kept].grad()[3] == std::ldexp(1.0, 6 - int(kept)));
}

TEST_CASE("a backward function that throws leaves no gradients to read") {
  const auto a = vector_of({1, 2});
  Tape<double> tape;
  const auto x = tape.input(a, true);
  const auto y = scale(x, 2.0);
  const auto z = operation(
      tape, "failing", y.shape(), {y}, {.costs = PassCosts()},
      [=](auto out) { out.output()[0] = out.output()[1] = 0; }, [](auto) { throw Error("no gradient here"); });
  CHECK_THROWS_WITH_AS(tape.backward(sum(z)), "no gradient here", Error);
  CHECK_THROWS_AS(y.grad(), Error);
  CHECK_THROWS_AS(tape.backward(), Error);
  tape.reset();
  CHECK_NOTHROW(tape.backward(sum(tape.input(a, true))));
}

TEST_CASE("a handle from before the reset is refused wherever it is used") {
  const auto a = vector_of({1, -2, 3});
  Tape<double> tape;
  const auto x = tape.input(a, true);
  const auto loss = sum(x);
  tape.reset();
  const doctest::Contains message("is from before the tape was reset; compute it again in this step");
  CHECK_THROWS_WITH_AS(scale(x, 2.0), message, Error);
  CHECK_THROWS_WITH_AS(loss.item(), message, Error);
  CHECK_THROWS_WITH_AS(x.value(), message, Error);
  CHECK_THROWS_WITH_AS(x.grad(), message, Error);
  CHECK_THROWS_WITH_AS(x.output(), message, Error);
  CHECK_THROWS_WITH_AS(x.grad_into(), message, Error);
  CHECK_THROWS_WITH_AS(tape.backward(loss), message, Error);
  CHECK_THROWS_WITH_AS(tape.keep_grad(x), message, Error);
  CHECK_THROWS_WITH_AS(reshape(x, Shape<2>{3, 1}), message, Error);
}

// Only tapes make variables, so that no shape goes unchecked.
static_assert(!std::is_constructible_v<Var<double, 1>, Tape<double>&, Node<double>*, const Shape<1>&>);

TEST_CASE("costs and bad numbers are told by the part of the model") {
  Outer model;
  for (auto* inner : {&model.layers[0], &model.layers[1], &*model.last}) {
    std::fill(inner->gain.value.begin(), inner->gain.value.end(), 1.0);
  }
  const auto a = vector_of({1, -2, 3});
  Tape<double> tape;
  const auto paths = [&](const Outer& of) {
    tape.reset();
    of(tape.input(a, true));
    std::string all;
    for (const PartCost& part : tape.costs_by_part())
      all += part.path + ":" + std::string(part.operation) + " ";
    return all;
  };
  const std::string expected = "layers.0:multiply :scale layers.1:multiply last:multiply end:sum ";
  CHECK(paths(model) == expected);
  CHECK(paths(model) == expected);
  model.layers = std::vector<Inner>(2, model.layers[0]);  // at other addresses
  CHECK(paths(model) == expected);
  Outer other = model;
  CHECK(paths(other) == expected);
  model.layers.pop_back();
  CHECK(paths(model) == "layers.0:multiply :scale last:multiply end:sum ");
  other.layers[1].gain.value(0) = std::numeric_limits<double>::infinity();
  paths(other);
  CHECK(tape.first_not_finite() == "multiply in layers.1");
}

TEST_CASE("an evaluating tape computes the same, records nothing and wants no gradient") {
  const auto a = vector_of({1, -2, 3});
  Parameter<double, 1> w({3});
  w.value(2) = 7;
  Tape<double> train, evaluate(Mode::evaluate);
  const auto compute = [&](Tape<double>& tape) {
    return sum(multiply(gelu(tape.input(a, true)), tape.use(w)));
  };
  const auto expected = compute(train), loss = compute(evaluate);
  CHECK(loss.item() == expected.item());
  CHECK_FALSE(loss.wants_grad());
  CHECK_THROWS_AS(evaluate.backward(loss), Error);
  CHECK(w.grad(2) == 0);
  CHECK(evaluate.high_water() < train.high_water());

  const auto infinite = vector_of({std::numeric_limits<double>::infinity()});
  scale(evaluate.input(infinite), 2.0);
  CHECK(evaluate.first_not_finite() == "");
}

TEST_CASE("first_not_finite names the operation that made the first bad number") {
  const auto large = vector_of({1, 1e200});
  Tape<double> tape;
  const auto x = tape.input(large, true);
  CHECK(tape.first_not_finite() == "");
  auto y = scale(x, 2.0);
  CHECK(tape.first_not_finite() == "");
  y = multiply(y, y);
  sum(gelu(y));
  CHECK(tape.first_not_finite() == "multiply");
  tape.reset();
  CHECK(tape.first_not_finite() == "");
  const auto poisoned = vector_of({1, std::numeric_limits<double>::quiet_NaN()});
  sum(relu(tape.input(poisoned)));
  CHECK(tape.first_not_finite() == "relu");
}

TEST_CASE("first_not_finite does not blame an operation for what was written over its result") {
  const auto large = vector_of({1, 1e308});
  Tape<double> tape;
  const auto x = tape.input(large, true);
  const auto fine = scale(x, 1.0);
  sum(add(x, fine, InPlace::yes));
  CHECK(tape.first_not_finite() == "add");
}

TEST_CASE("a tensor that was never made, or moved away, is no input") {
  Tape<double> tape;
  Tensor<double, 0> scalar, made(Shape<0>{});
  CHECK_THROWS_WITH_AS(tape.input(scalar), "Tape::input: the tensor was moved from or never made", Error);
  Tensor<double, 1> list, empty({0});
  CHECK_THROWS_AS(tape.input(list), Error);
  CHECK_NOTHROW(tape.input(empty));
  list = std::move(empty);
  CHECK_THROWS_AS(tape.input(empty), Error);
  Tensor<double, 3> cube;
  CHECK_THROWS_AS(tape.input(cube), Error);
  CHECK_NOTHROW(tape.input(made));
  scalar = std::move(made);
  CHECK_NOTHROW(tape.input(scalar));
}

TEST_CASE("a parameter whose gradient has another shape, or that was never made, is refused") {
  Tape<double> tape;
  Parameter<double, 2> grown({3, 4});
  grown.value = Tensor<double, 2>({5, 4});
  CHECK_THROWS_WITH_AS(tape.use(grown), "Tape::use: the parameter has shape (5, 4), but its gradient (3, 4)",
                       ShapeError);
  const Parameter<double, 0> never;
  CHECK_THROWS_WITH_AS(tape.use(never), "Tape::use: the tensor was moved from or never made", Error);
}

template <class Value>
concept CanBeInput = requires(Tape<double> tape, Value value) {
  tape.input(std::forward<Value>(value));
};

TEST_CASE("what is gone after the line is no input") {
  CHECK(CanBeInput<Tensor<double, 1>&>);
  CHECK(CanBeInput<const Tensor<double, 1>&>);
  CHECK_FALSE(CanBeInput<Tensor<double, 1>>);
  CHECK_FALSE(CanBeInput<const Tensor<double, 1>>);
}

TEST_CASE("ten thousand steps on one tape take no more memory than the third") {
  Tokens<2> tokens({2, 3});
  Tokens<1> targets({2});
  tokens.data()[1] = 4;
  targets(1) = 3;
  Parameter<double, 2> table({5, 4}), weight({5, 12});
  std::fill(table.value.begin(), table.value.end(), 0.5);
  std::fill(weight.value.begin(), weight.value.end(), -0.25);
  Tape<double> tape;
  std::size_t most = 0;
  for (int step = 1; step <= 10'000; ++step) {
    tape.reset(Random(1).child(static_cast<std::uint64_t>(step)));
    const auto x = embedding(tokens, tape.use(table));
    const auto h = dropout(concat_window(x), 0.5);
    tape.backward(cross_entropy(linear(h, tape.use(weight)), targets));
    if (step == 3) most = tape.high_water();
    if (step > 3) REQUIRE(tape.high_water() == most);
  }
  CHECK(most > 0);
}

TEST_CASE("a constant is copied, stays as it is and wants no gradient") {
  Tape<double> tape;
  Tensor<double, 2> x({1, 2}, {3, 4});
  const auto a = tape.constant(x), b = tape.constant(Shape<2>{1, 2}, 0.5);
  x.fill(0);
  const Tensor<double, 2> ones({1, 2}, {1, 1});
  const auto w = tape.input(ones, true);
  CHECK(a.tensor() == Tensor<double, 2>({1, 2}, {3, 4}));
  CHECK(b.tensor() == Tensor<double, 2>({1, 2}, {0.5, 0.5}));
  CHECK_FALSE(a.wants_grad());
  const auto y = add(multiply(w, a), b);
  tape.backward(sum(y));
  CHECK(y.tensor() == Tensor<double, 2>({1, 2}, {3.5, 4.5}));
  CHECK(w.grad()[1] == 4);
  CHECK_THROWS_WITH_AS(relu(b, InPlace::yes), doctest::Contains("was given to the tape"), Error);
  CHECK_THROWS_AS(tape.constant(Tensor<double, 1>()), Error);
}
