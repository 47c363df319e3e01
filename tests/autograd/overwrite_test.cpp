#include <doctest/doctest.h>

#include <functional>
#include <vector>

#include "slm/autograd/map_sequences.hpp"
#include "slm/autograd/ops.hpp"

using namespace slm;

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
  CHECK_THROWS_WITH_AS(relu(x, InPlace::yes),
                       "Tape: a variable of shape (2, 3, 4) was given to the tape; only what an operation "
                       "computed may be overwritten",
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
      "Tape: a variable of shape (3) was used after an operation had left its in_place in the same memory",
      Error);
  CHECK_THROWS_AS(relu(fresh, InPlace::yes), Error);

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
