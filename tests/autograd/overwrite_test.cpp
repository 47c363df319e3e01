#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <functional>
#include <vector>

#include "error_message.hpp"
#include "operation_test_support.hpp"
#include "slm/autograd/grad_check.hpp"
#include "slm/autograd/map_sequences.hpp"
#include "slm/autograd/ops.hpp"

using namespace slm;
using namespace autograd_test;

namespace {

using Step = std::function<Var<float, 2>(Var<float, 2> fresh, Var<float, 2> x, InPlace in_place)>;

struct Outcome {
  std::vector<float> value, gradient;
  bool overwrote;
  bool operator==(const Outcome&) const = default;
};

/// Value of a step whose first operand may be overwritten, and the gradient of x in a sum over it.
Outcome outcome(const Step& step, InPlace in_place) {
  Tensor<float, 2> data({37, 19});
  Random random(3);
  for (float& x : data) x = static_cast<float>(random.normal());
  Tape<float> tape;
  tape.reset(Random(5));
  const auto x = tape.input(data, true);
  const auto fresh = scale(x, 1.25F);
  const auto y = step(fresh, x, in_place);
  const std::vector<float> value(y.value(), y.value() + y.size());
  tape.backward(sum(multiply(y, y)));
  return {value, {x.grad(), x.grad() + x.size()}, y.value() == fresh.value()};
}

void check_same(const Step& step) {
  const Outcome separate = outcome(step, InPlace::no), over = outcome(step, InPlace::yes);
  CHECK_FALSE(separate.overwrote);
  CHECK(over.overwrote);
  CHECK(over.value == separate.value);
  CHECK(over.gradient == separate.gradient);
}

}  // namespace

TEST_CASE("a in_place over its input has the same value and gradient, bit by bit") {
  SUBCASE("relu") {
    check_same([](auto fresh, auto, InPlace in_place) { return relu(fresh, in_place); });
  }
  SUBCASE("negate") {
    check_same([](auto fresh, auto, InPlace in_place) { return negate(fresh, in_place); });
  }
  SUBCASE("shift") {
    check_same([](auto fresh, auto, InPlace in_place) { return shift(fresh, 0.75F, in_place); });
  }
  SUBCASE("exp") {
    check_same([](auto fresh, auto, InPlace in_place) { return exp(fresh, in_place); });
  }
  SUBCASE("sqrt, of positive numbers") {
    check_same([](auto fresh, auto, InPlace in_place) { return sqrt(shift(fresh, 9, in_place), in_place); });
  }
  SUBCASE("tanh") {
    check_same([](auto fresh, auto, InPlace in_place) { return tanh(fresh, in_place); });
  }
  SUBCASE("sigmoid") {
    check_same([](auto fresh, auto, InPlace in_place) { return sigmoid(fresh, in_place); });
  }
  SUBCASE("dropout") {
    check_same([](auto fresh, auto, InPlace in_place) { return dropout(fresh, 0.3, in_place); });
  }
  SUBCASE("add") {
    check_same([](auto fresh, auto x, InPlace in_place) { return add(x, fresh, in_place); });
  }
}

TEST_CASE("a gradient that two backward functions write is their sum") {
  Tensor<float, 2> data({5, 4});
  for (Index i = 0; i < data.size(); ++i) data.data()[i] = static_cast<float>(i) - 7;
  Tape<float> tape;
  const auto x = tape.input(data, true);
  tape.backward(sum(add(scale(x, 2.0F), multiply(x, x))));
  for (Index i = 0; i < data.size(); ++i) CHECK(x.grad()[i] == 2 + 2 * data.data()[i]);
}

TEST_CASE("what was given to the tape is never overwritten") {
  const Parameter<float, 1> parameter({3});
  const Tensor<float, 3> data({2, 3, 4});
  Tape<float> tape;
  const auto x = tape.input(data, true);
  CHECK_THROWS_WITH_AS(
      relu(x, InPlace::yes),
      "relu: must not leave its result over its input of shape (2, 3, 4), which was given to the "
      "tape and not computed; leave out InPlace::yes",
      Error);
  CHECK_THROWS_AS(relu(tape.use(parameter), InPlace::yes), Error);
  const auto over = [](auto part) { return std::array{relu(part, InPlace::yes)}; };
  CHECK_THROWS_AS(map_sequences<1>(scale(x, 2.0F), {Shape<2>{3, 4}}, over), Error);

  const auto doubled = [](auto part) { return std::array{scale(part, 2.0F)}; };
  CHECK_NOTHROW(relu(map_sequences<1>(x, {Shape<2>{3, 4}}, doubled)[0], InPlace::yes));
}

TEST_CASE("what was overwritten cannot be used any more") {
  const Tensor<float, 1> data({3});
  Tape<float> tape;
  const auto x = tape.input(data, true);
  const auto fresh = scale(x, 2.0F);
  const auto y = relu(fresh, InPlace::yes);
  CHECK_NOTHROW(scale(y, 2.0F));
  CHECK_THROWS_WITH_AS(
      scale(fresh, 2.0F),
      "scale: a variable of shape (3) was used after relu had left its result in the same memory "
      "(InPlace::yes)",
      Error);
  CHECK_THROWS_AS(relu(fresh, InPlace::yes), Error);
  CHECK_THROWS_AS(reshape(fresh, Shape<2>{1, 3}), Error);
  CHECK_THROWS_AS(tape.keep_grad(fresh), Error);

  const Tensor<float, 3> sequences({2, 3, 4});
  const auto over = [](auto part) {
    const auto hidden = scale(part, 2.0F);
    relu(hidden, InPlace::yes);
    return std::array{hidden};
  };
  const auto hidden = scale(tape.input(sequences, true), 2.0F);
  CHECK_THROWS_AS(map_sequences<1>(hidden, {Shape<2>{3, 4}}, over), Error);
  relu(hidden, InPlace::yes);
  CHECK_THROWS_AS(
      map_sequences<1>(hidden, {Shape<2>{3, 4}}, [](auto part) { return std::array{scale(part, 1.0F)}; }),
      Error);
}

TEST_CASE("what a backward function reads is not overwritten: three that once were") {
  const Tensor<float, 2> data({3, 4});
  Tape<float> tape;
  tape.reset(Random(1));
  const auto fresh = [&] { return scale(tape.input(data, true), 2.0F); };
  const auto h = fresh();
  silu(h);
  CHECK_THROWS_WITH_AS(
      relu(h, InPlace::yes),
      "relu: must not leave its result over its input of shape (3, 4), which the backward function "
      "of silu reads; leave out InPlace::yes",
      Error);
  CHECK_THROWS_WITH_AS(dropout(softmax(fresh()), 0.5, InPlace::yes),
                       doctest::Contains("which the backward function of softmax reads"), Error);
  const auto v = fresh();
  CHECK_THROWS_WITH_AS(
      sum(add(v, relu(scale(v, -1.0F)), InPlace::yes)),
      doctest::Contains("add: must not leave its result over its input of shape (3, 4), which the "
                        "backward function of relu reads"),
      Error);
}

TEST_CASE("a view of another shape protects, and gives up, the same memory") {
  const Tensor<float, 2> data({3, 4});
  Tape<float> tape;
  const auto h = scale(tape.input(data, true), 2.0F);
  const auto flat = reshape(h, Shape<1>{12});
  silu(flat);
  CHECK_THROWS_AS(relu(h, InPlace::yes), Error);
  const auto g = scale(tape.input(data, true), 2.0F);
  const auto g_flat = reshape(g, Shape<1>{12});
  relu(g, InPlace::yes);
  CHECK_THROWS_AS(silu(g_flat), Error);
}

TEST_CASE("a model that is frozen lets more be overwritten: only what is read is protected") {
  const Tensor<float, 2> data({3, 4}), W({5, 4});
  Tape<float> tape;
  const auto h = scale(tape.input(data, true), 2.0F);
  linear(h, tape.input(W));  // a weight that wants no gradient: nothing reads h
  CHECK_NOTHROW(relu(h, InPlace::yes));
  const auto g = scale(tape.input(data, true), 2.0F);
  linear(g, tape.input(W, true));
  CHECK_THROWS_AS(relu(g, InPlace::yes), Error);
}

namespace {

using Gradients = Values<double>;

/// The gradients of an example's inputs where `use(inputs, output)` comes behind it on the tape.
template <class Use>
Gradients gradients(const OperationExample<double>& example, const Use& use) {
  const auto values = make_inputs(example);
  Tape<double> tape;
  const auto given = start(tape, values);
  std::vector<Var<double, 1>> inputs;
  for (const auto& x : given) inputs.push_back(scale(x, 1.0));
  const auto y = example.apply(inputs);
  add_gradient(y, loss_weights<double>(y.size()));
  use(inputs, y);
  tape.backward();
  return copy_gradients(given);
}

/// Calls check(name, pick), where pick(inputs, output) is each input and the output of each small example.
template <class Check>
void for_each_value(const Check& check) {
  for_each_example(&OperationEntry<double>::small, [&](const auto& example, const std::string& name) {
    for (std::size_t i = 0; i <= example.inputs.size(); ++i) {
      const bool is_output = i == example.inputs.size();
      check(example, name + (is_output ? ", output" : ", input " + example.inputs[i].name),
            [=](const auto& inputs, const auto& y) { return is_output ? y : inputs[i]; });
    }
  });
}

}  // namespace

TEST_CASE("every operation reads in its backward function exactly what it declares") {
  for_each_example(&OperationEntry<double>::small, [](const auto& example, const std::string& name) {
    INFO(name);
    const auto x = make_inputs(example);
    const auto f = [&](auto... inputs) { return example.apply(std::array{inputs...}); };
    REQUIRE(x.size() <= 3);
    if (x.size() == 1) CHECK_NOTHROW(check_declared_reads(f, x[0]));
    if (x.size() == 2) CHECK_NOTHROW(check_declared_reads(f, x[0], x[1]));
    if (x.size() == 3) CHECK_NOTHROW(check_declared_reads(f, x[0], x[1], x[2]));
  });
}

TEST_CASE("an operation that declares other reads than its backward function makes is found") {
  // Both are told what to declare.
  bool needs_a = true, needs_b = true, needs_output = false;
  const auto product = [&](auto a, auto b) {
    return operation(
        a.tape(), "product", a.shape(), {needed(a, needs_a), needed(b, needs_b)},
        {.costs = PassCosts{}, .needs_output = needs_output},
        [=](auto y) {
          for (Index i = 0; i < y.size(); ++i) y.output()[i] = a.value()[i] * b.value()[i];
        },
        [=](auto y) {
          for (Index i = 0; i < y.size(); ++i) {
            if (a.wants_grad()) a.grad()[i] += y.grad()[i] * b.value()[i];
            if (b.wants_grad()) b.grad()[i] += y.grad()[i] * a.value()[i];
          }
        });
  };
  const auto root = [&](auto x) {
    return operation(
        x.tape(), "root", x.shape(), {x}, {.costs = PassCosts{}, .needs_output = needs_output},
        [=](auto y) {
          for (Index i = 0; i < y.size(); ++i) y.output()[i] = std::sqrt(x.value()[i]);
        },
        [=](auto y) {
          for (Index i = 0; i < y.size(); ++i) x.grad()[i] += y.grad()[i] / (2 * y.value()[i]);
        });
  };
  Tensor<double, 2> a({2, 3}), b({2, 3});
  for (Index i = 0; i < a.size(); ++i) a.data()[i] = 0.5 + static_cast<double>(i), b.data()[i] = 4;
  const auto message = [&] {
    return slm_test::message_of<Error>([&] { check_declared_reads(product, a, b); });
  };
  CHECK(message() == "no error");
  needs_a = false;
  CHECK(message() == "product: the backward function reads and does not declare input 0");
  needs_a = true, needs_b = false;
  CHECK(message() == "product: the backward function reads and does not declare input 1");
  needs_b = needs_output = true;
  CHECK(message() == "product: the backward function declares and does not read the result");
  CHECK_NOTHROW(check_declared_reads(root, a));
  needs_output = false;
  CHECK_THROWS_WITH_AS(check_declared_reads(root, a),
                       "root: the backward function reads and does not declare the result", Error);

  // An input that is not in the list: its gradient is lost where it alone wants one.
  const auto sum_of_one = [](auto x, auto z) {
    return operation(
        x.tape(), "sum of one", x.shape(), {x}, {.costs = PassCosts{}},
        [=](auto y) {
          for (Index i = 0; i < y.size(); ++i) y.output()[i] = x.value()[i] + z.value()[i];
        },
        [=](auto y) {
          for (Index i = 0; i < y.size(); ++i) {
            if (x.wants_grad()) x.grad()[i] += y.grad()[i];
            if (z.wants_grad()) z.grad()[i] += y.grad()[i];
          }
        });
  };
  CHECK_THROWS_WITH_AS(check_declared_reads(sum_of_one, a, b),
                       "sum of one: input 1 gets a gradient and is not in the list of inputs", Error);

  // Numbers that all lie on one side, numbers that are alike, and what has no root.
  const auto rectified = [](auto x) { return relu(x); };
  CHECK_NOTHROW(check_declared_reads(rectified, a));
  needs_output = true;
  a.data()[0] = -1;
  CHECK_NOTHROW(check_declared_reads(root, a));
}

TEST_CASE("a result of another size cannot take the memory of the first input") {
  Tape<double> tape;
  const Tensor<double, 1> x({4});
  const auto h = scale(tape.input(x, true), 2.0);
  const auto write = [&](std::initializer_list<Operand<double>> inputs, Index size) {
    return operation(
        tape, "write", Shape<1>{size}, inputs, {.costs = PassCosts{}, .in_place = InPlace::yes}, [](auto) {},
        [](auto) {});
  };
  for (const Index size : {2, 4000}) CHECK_THROWS_AS(write({h}, size), ShapeError);
  CHECK_THROWS_AS(write({}, 4), ShapeError);
  CHECK_NOTHROW(write({h}, 4));
}

TEST_CASE(
    "every pair of operations: what one needs, the other must not overwrite, and the rest is the same bits") {
  using Over = std::function<Var<double, 1>(Var<double, 1>, InPlace)>;
  const std::vector<Over> overs{
      [](auto x, InPlace in_place) { return relu(x, in_place); },
      [](auto x, InPlace in_place) { return tanh(x, in_place); },
      [](auto x, InPlace in_place) { return dropout(x, 0.25, in_place); },
      [](auto x, InPlace in_place) { return add(scale(x, 0.5), x, in_place); },
  };
  for (std::size_t i = 0; i < overs.size(); ++i) {
    int refused = 0, same = 0;
    for_each_value([&](const auto& example, const std::string& name, const auto& pick) {
      INFO(name << ", overwritten by number " << i);
      const auto run = [&](InPlace in_place) {
        return gradients(example, [&](const auto& inputs, const auto& y) {
          const auto z = overs[i](pick(inputs, y), in_place);
          add_gradient(z, loss_weights<double>(z.size()));
        });
      };
      const auto expected = run(InPlace::no);
      try {
        const auto actual = run(InPlace::yes);
        CHECK(same_bits(actual, expected));
        ++same;
      } catch (const Error& error) {
        CHECK(std::string(error.what()).find("which the backward function of") != std::string::npos);
        ++refused;
      }
    });
    CHECK(refused > 10);
    CHECK(same > 10);
  }
}
