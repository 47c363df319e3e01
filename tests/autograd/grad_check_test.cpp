// The check of gradients finds what is wrong, and nothing else.
#include "slm/autograd/grad_check.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <string>

#include "error_message.hpp"
#include "slm/autograd/ops.hpp"

using namespace slm;

namespace {

Tensor<double, 2> example(double scale = 1) {
  Tensor<double, 2> x({2, 3});
  for (Index i = 0; i < x.size(); ++i) x.data()[i] = scale * (0.5 + static_cast<double>(i));
  return x;
}

/// a ∘ b, whose backward function is a parameter.
template <class Backward>
auto product(const Backward& backward) {
  return [=](auto a, auto b) {
    return operation(
        a.tape(), "product", a.shape(), {needed(a), needed(b)}, {.costs = PassCosts{}},
        [=](auto y) {
          for (Index i = 0; i < y.size(); ++i) y.output()[i] = a.value()[i] * b.value()[i];
        },
        [=](auto y) { backward(a, b, y); });
  };
}

template <class Function>
std::string message(const Function& f, double scale = 1) {
  return slm_test::message_of<Error>([&] { check_gradients(f, example(scale), example(2 * scale)); });
}

/// Adds dy · other · factor(i) to the gradient of x.
template <class Factor>
void add(const auto& x, const auto& other, const auto& y, const Factor& factor) {
  if (!x.wants_grad()) return;
  for (Index i = 0; i < y.size(); ++i) x.grad()[i] += y.grad()[i] * other.value()[i] * factor(i);
}
constexpr auto right = [](Index) { return 1.0; };

}  // namespace

TEST_CASE("a right gradient passes, of numbers large and small") {
  const auto f = product([](auto a, auto b, auto y) { add(a, b, y, right), add(b, a, y, right); });
  for (const double scale : {1.0, 1e-4, 1e4}) CHECK(message(f, scale) == "no error");
}

TEST_CASE("a gradient that is off in one element is found and named") {
  const auto f = product([](auto a, auto b, auto y) {
    add(a, b, y, right);
    add(b, a, y, [](Index i) { return i == 5 ? 1.00001 : 1.0; });
  });
  const std::string text = message(f);
  CHECK(text.starts_with("product: the gradient of input 1 of shape (2, 3) at (1, 2) is "));
  CHECK(text.find(", and by central differences ") != std::string::npos);
  CHECK(message(f, 1e-4).starts_with("product: the gradient of input 1 of shape (2, 3) at (1, 2)"));
  // Both values: y's weight there is 0.5 + 0.618034 · (25 mod 17) / 10, and a is 5.5.
  CHECK(text.find("is 5.46940") != std::string::npos);
  CHECK(text.find("differences 5.46934") != std::string::npos);
  CHECK(slm_test::message_of<Error>([&] { check_gradients({.tolerance = 1e-4}, f, example(), example()); }) ==
        "no error");
}

TEST_CASE("a gradient that is missing is found") {
  const auto f = product([](auto a, auto b, auto y) { add(a, b, y, right); });
  CHECK(message(f).starts_with("product: the gradient of input 1 of shape (2, 3) at (0, 0) is 0, "));
  // One that is not in the list of inputs gets its gradient only where another wants one.
  const auto unlisted = [](auto a, auto b) {
    return operation(
        a.tape(), "sum of two", a.shape(), {a}, {.costs = PassCosts{}},
        [=](auto y) {
          for (Index i = 0; i < y.size(); ++i) y.output()[i] = a.value()[i] + b.value()[i];
        },
        [=](auto y) {
          for (Index i = 0; i < y.size(); ++i) {
            if (a.wants_grad()) a.grad()[i] += y.grad()[i];
            if (b.wants_grad()) b.grad()[i] += y.grad()[i];
          }
        });
  };
  CHECK(slm_test::has(message(unlisted), "at (0, 0) is 0 where no other input wants one, and by"));
}

TEST_CASE("a gradient that is set instead of added, of the wrong sign, or no number is found") {
  CHECK(message(product([](auto a, auto b, auto y) {
          add(a, b, y, [](Index) { return -1; });
          add(b, a, y, right);
        })).starts_with("product: the gradient of input 0"));
  CHECK(message(product([](auto a, auto b, auto y) {
          add(a, b, y, [](Index i) { return i == 4 ? std::nan("") : 1; });
          add(b, a, y, right);
        })).starts_with("product: the gradient of input 0 of shape (2, 3) at (1, 1) is nan"));
  const auto set = [](auto x) {
    const auto twice = scale(x, 2);
    const auto y = operation(
        x.tape(), "copy", x.shape(), {twice}, {.costs = PassCosts{}},
        [=](auto result) { std::copy_n(twice.value(), twice.size(), result.output()); },
        [=](auto result) { std::copy_n(result.grad(), twice.size(), twice.grad()); });
    return add(y, scale(twice, 3));
  };
  CHECK_THROWS_AS(check_gradients(set, example()), Error);
}

TEST_CASE("functions of several operations and inputs of any rank") {
  const Tensor<double, 0> s = [] {
    Tensor<double, 0> made(Shape<0>{});
    made() = 1.5;
    return made;
  }();
  Tensor<double, 2> W({4, 3});
  for (Index i = 0; i < W.size(); ++i) W.data()[i] = 0.1 * static_cast<double>(i * i % 7) - 0.2;
  CHECK_NOTHROW(check_gradients(
      [](auto x, auto weight, auto factor) { return tanh(linear(x, weight) * factor); }, example(), W, s));
  CHECK_NOTHROW(check_gradients([](auto x) { return dropout(x, 0.5); }, example()));
  CHECK_NOTHROW(check_gradients([](auto x) { return sum(x); }, example(1e5)));
  CHECK_NOTHROW(check_gradients([](auto x) { return softmax(x * 10); }, example()));
  CHECK_NOTHROW(check_gradients([](auto x) { return x; }, example()));
}

TEST_CASE("an operation of two functions: value, gradient, and costs that it counts or is told") {
  const Tensor<double, 2> x = example();
  const auto f = [](auto v) { return math::log(1 + math::exp(v)); };
  const auto df = [](auto v) { return 1 / (1 + math::exp(-v)); };
  CHECK_NOTHROW(check_gradients([&](auto v) { return elementwise("own", v, f, df); }, x));
  const auto wrong = [&](auto v) { return elementwise("own", v, f, [](auto u) { return math::exp(-u); }); };
  CHECK(slm_test::message_of<Error>([&] {
          check_gradients(wrong, x);
        }).starts_with("own: the gradient of input 0 of shape (2, 3) at (0, 0)"));

  const auto costs = [&](const auto& apply) {
    Tape<double> tape;
    tape.backward(sum(apply(tape.input(x, true))));
    return tape.costs_by_part().front().cost;
  };
  const auto counted = costs([&](auto v) { return elementwise("own", v, f, df); });
  CHECK(counted.passes ==
        PassCosts{{.elementwise = 1, .transcendental = 2}, {.elementwise = 2 + 2, .transcendental = 1}} * 6);
  CHECK(counted.traffic == Traffic{6 + 6, 6 + 6 + 6});  // dy, x, dx
  // Of functions of one type of numbers alone nothing is known: one operation each.
  const double power = 3;
  const auto cube = [=](double v) { return std::pow(v, power); };
  const auto slope = [=](double v, double y) { return power * y / v; };
  CHECK_NOTHROW(check_gradients([&](auto v) { return elementwise("cube", v, cube, slope); }, x));
  const auto unknown = costs([&](auto v) { return elementwise("cube", v, cube, slope); });
  CHECK(unknown.passes == PassCosts{{.transcendental = 1}, {.elementwise = 2, .transcendental = 1}} * 6);
  CHECK(unknown.traffic == Traffic{6 + 6, 6 + 6 + 6 + 6});  // dy, x, y, dx
  const PassCosts said{{.transcendental = 7}, {.elementwise = 2}};
  const auto told = costs([&](auto v) { return elementwise("cube", v, cube, slope, said); });
  CHECK(told.passes == PassCosts{{.transcendental = 7}, {.elementwise = 2 + 2}} * 6);
}

TEST_CASE("an operation of two functions on float and on shapes") {
  const auto f = [](auto v) { return 0.5 * v; };  // a double in between
  const auto df = [](auto) { return 0.5; };
  Tensor<float, 1> x({3});
  x(1) = 3;
  Tape<float> tape;
  const auto given = tape.input(x, true);
  const auto y = elementwise("half", given, f, df);
  CHECK(y.value()[1] == 1.5F);
  tape.backward(sum(y));
  CHECK(given.grad()[2] == 0.5F);

  Tape<Shapes> shapes;
  const Tensor<Shapes, 1> z({3});
  const auto priced = elementwise("half", shapes.input(z, true), f, df);
  shapes.backward(sum(priced));
  CHECK(shapes.costs() == tape.costs());
}

TEST_CASE("a slope that is zero but for rounding is none that is wrong") {
  Tensor<double, 1> x({4}, {1, 2, 3, 4});
  CHECK_NOTHROW(check_gradients([](auto v) { return sum(softmax(v)); }, x));
  CHECK_NOTHROW(check_gradients([](auto v) { return sum(exp(v - 2.0) / exp(v)); }, x));
}

TEST_CASE("elements that nothing writes are found") {
  const auto half = [](auto v) {
    const Index count = v.size() / 2;
    return operation(
        v.tape(), "half", v.shape(), {v}, {},  // costs may be left out
        [=](auto y) { std::copy_n(v.value(), count, y.output()); },
        [=](auto y) {
          for (Index i = 0; i < count; ++i) v.grad()[i] += y.grad()[i];
        });
  };
  const Tensor<double, 1> x({4}, {1, 2, 3, 4});
  CHECK_THROWS_WITH_AS(
      check_gradients(half, x),
      "half: element 2 of the result of shape (4) is nan: either nothing writes it, or the inputs "
      "are no example",
      Error);
}
