#include "slm/autograd/map_sequences.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>

#include "slm/autograd/grad_check.hpp"
#include "slm/autograd/ops.hpp"
#include "threads.hpp"

using namespace slm;

namespace {

using Variable = Var<double, 3>;

constexpr Index width = 6;

/// Two attention layers; gives every position, and the last one alone.
struct Stack {
  Parameter<double, 2> weight{{3 * width, width}};
  Parameter<double, 1> gain{{width}}, shift{{width}};

  Stack() {
    Random random(1);
    for (double& w : weight.value) w = random.uniform(-1, 1);
    for (double& w : gain.value) w = random.uniform(0.5, 2);
    for (double& w : shift.value) w = random.uniform(-1, 1);
  }

  std::array<Variable, 2> operator()(Variable x) const {
    auto& tape = x.tape();
    for (int layer = 0; layer < 2; ++layer) {
      const auto h = causal_attention(linear(x, tape.use(weight)), 2);
      x = layer_norm(add(x, h), tape.use(gain), tape.use(shift));
    }
    const auto last = last_position(x);
    return {x, reshape(last, Shape<3>{x.extent(0), 1, width})};
  }
};

struct Run {
  std::vector<double> all, last, dx, dweight, dgain;
};

/// `apply` maps x (B, T, width) to the stack's two outputs.
template <class Apply>
Run run(Index B, Index T, const Apply& apply) {
  const Stack stack;
  Tensor<double, 3> data({B, T, width});
  Random random(2);
  for (double& value : data) value = random.normal();
  Tape<double> tape;
  const auto x = tape.input(data, true);
  const std::array<Variable, 2> y = apply(x, stack);
  Run result;
  result.all.assign(y[0].value(), y[0].value() + y[0].size());
  result.last.assign(y[1].value(), y[1].value() + y[1].size());
  for (const auto& output : y) {
    for (Index i = 0; i < output.size(); ++i) output.grad()[i] += random.normal();
  }
  tape.backward();
  result.dx.assign(x.grad(), x.grad() + x.size());
  result.dweight.assign(stack.weight.grad.begin(), stack.weight.grad.end());
  result.dgain.assign(stack.gain.grad.begin(), stack.gain.grad.end());
  return result;
}

std::array<Variable, 2> direct(Variable x, const Stack& stack) { return stack(x); }

template <class Function>
std::array<Variable, 2> mapped(Variable x, const Function& f) {
  return map_sequences<2>(x, {Shape<2>{x.extent(1), width}, Shape<2>{1, width}}, f);
}

void check_equal(const Run& actual, const Run& expected) {
  CHECK(relative_error(actual.all, expected.all) <= 1e-12);
  CHECK(relative_error(actual.last, expected.last) <= 1e-12);
  CHECK(relative_error(actual.dx, expected.dx) <= 1e-12);
  CHECK(relative_error(actual.dweight, expected.dweight) <= 1e-12);
  CHECK(relative_error(actual.dgain, expected.dgain) <= 1e-12);
}

}  // namespace

TEST_CASE("sequences are cut into chunks and groups without gap or overlap") {
  for (const Index T : {1, 3, 50, 64, 128, 300}) {
    for (const Index B : {1, 2, 15, 16, 17, 64, 100}) {
      INFO("B = ", B, ", T = ", T);
      const SequenceGroups cut(B, T);
      CHECK(cut.groups >= 1);
      CHECK(cut.groups <= SequenceGroups::most_groups);
      CHECK(cut.first_chunk(0) == 0);
      CHECK(cut.first_chunk(cut.groups) == cut.chunks);
      for (Index group = 0; group < cut.groups; ++group) {
        CHECK(cut.first_chunk(group) < cut.first_chunk(group + 1));
      }
      Index next = 0;
      for (Index chunk = 0; chunk < cut.chunks; ++chunk) {
        CHECK(cut.first_sequence(chunk) == next);
        CHECK(cut.chunk_length(chunk) >= 1);
        next += cut.chunk_length(chunk);
      }
      CHECK(next == B);
    }
  }
}

TEST_CASE("map_sequences equals the direct computation, for uneven batches, too") {
  for (const Shape<2>& shape : {Shape<2>{1, 5}, {2, 50}, {5, 50}, {37, 50}, {3, 150}, {100, 3}, {103, 50}}) {
    const Index B = shape[0], T = shape[1];
    INFO("B = ", B, ", T = ", T);
    check_equal(run(B, T, [](Variable x, const Stack& stack) { return mapped(x, stack); }), run(B, T, direct));
  }
}

TEST_CASE("gradients of a weight of 10,000 elements equal the direct computation") {
  constexpr Index wide = 100;
  Tensor<double, 3> data({4, 3, wide});
  Random random(6);
  for (double& value : data) value = random.normal();
  const auto gradient = [&](const auto& apply) {
    const Parameter<double, 2> weight({wide, wide});
    Tape<double> tape;
    const auto x = tape.input(data);
    const Variable y =
        apply(x, [&](Variable part) { return std::array{linear(part, part.tape().use(weight))}; });
    tape.backward(sum(multiply(gelu(x), y)));  // dy = gelu(x)
    return std::vector<double>(weight.grad.begin(), weight.grad.end());
  };
  const auto expected = gradient([](Variable x, const auto& f) { return f(x)[0]; });
  const auto actual = gradient([](Variable x, const auto& f) {
    return map_sequences<1>(x, {Shape<2>{x.extent(1), wide}}, f)[0];
  });
  CHECK(relative_error(actual, expected) <= 1e-12);
}

TEST_CASE("a parameter that is used, but that no output depends on, has a gradient of zero") {
  Tensor<double, 3> data({4, 3, 2});
  std::fill(data.begin(), data.end(), 1.0);
  const Parameter<double, 2> weight({2, 2});
  const Parameter<double, 1> unused({2});
  Tape<double> tape;
  tape.groups().add(4, tape);  // with memory that gradients must not be left at
  for (std::size_t i = 0; i < 4; ++i) {
    std::fill_n(tape.groups().tape(i).recorder().arena().take<double>(1000), 1000, 7.0);
  }
  tape.reset();
  const auto y = map_sequences<1>(tape.input(data), {Shape<2>{3, 2}}, [&](Variable part) {
    add_bias(part, part.tape().use(unused));
    return std::array{linear(part, part.tape().use(weight))};
  })[0];
  CHECK(tape.groups().size() == 4);
  tape.backward(sum(y));
  CHECK(std::vector<double>(unused.grad.begin(), unused.grad.end()) == std::vector<double>{0, 0});
  CHECK(std::vector<double>(weight.grad.begin(), weight.grad.end()) == std::vector<double>{12, 12, 12, 12});
}

TEST_CASE("map_sequences inside map_sequences equals the direct computation") {
  const auto nested = [](Variable x, const Stack& stack) {
    return mapped(x, [&](Variable part) { return mapped(part, stack); });
  };
  check_equal(run(9, 50, nested), run(9, 50, direct));
}

TEST_CASE("what map_sequences adds up is counted, inside map_sequences, too") {
  const Parameter<double, 2> weight({4, 4});
  const Tensor<double, 3> data({4, 3, 4});
  const Shape<2> extent{3, 4};
  const auto map = [&](Variable x) { return std::array{linear(x, x.tape().use(weight))}; };
  const auto nested = [&](Variable x) { return map_sequences<1>(x, {extent}, map); };
  const auto additions = [&](const auto& function) {
    Tape<double> tape;
    tape.backward(sum(map_sequences<1>(tape.input(data, true), {extent}, function)[0]));
    const auto costs = tape.costs_by_part();
    const auto same = [](const auto& entry) { return entry.operation == Tape<double>::nested_operation; };
    return std::find_if(costs.begin(), costs.end(), same)->cost.passes.backward.elementwise;
  };
  CHECK(additions(map) == 4 * 16);  // four groups of a sequence each
  CHECK(additions(nested) == 4 * 16 + 4 * 16);
  const auto unused = [&](Variable x) {
    map(x);  // no gradient comes here, and none is added up
    return std::array{scale(x, 2.0)};
  };
  CHECK(additions(unused) == 0);
}

TEST_CASE("two calls of map_sequences on one tape add up in the parameters") {
  const auto twice = [](const auto& first_call) {
    return [&](Variable x, const Stack& stack) { return first_call(first_call(x, stack)[0], stack); };
  };
  const auto by_sequences = [](Variable x, const Stack& stack) { return mapped(x, stack); };
  check_equal(run(7, 40, twice(by_sequences)), run(7, 40, twice(direct)));
}

TEST_CASE("map_sequences in evaluation gives the same values") {
  const Stack stack;
  Tensor<double, 3> data({37, 50, width});
  Random random(3);
  for (double& value : data) value = random.normal();
  Tape<double> train, evaluate(Mode::evaluate);
  const auto expected = mapped(train.input(data), stack);
  const auto actual = mapped(evaluate.input(data), stack);
  for (std::size_t n = 0; n < 2; ++n) {
    CHECK(std::equal(actual[n].value(), actual[n].value() + actual[n].size(), expected[n].value()));
    CHECK_FALSE(actual[n].wants_grad());
  }
  CHECK(evaluate.high_water() < train.high_water());
}

TEST_CASE("groups of sequences have dropout masks of their own") {
  Tensor<double, 3> data({16, 128, 50});
  std::fill(data.begin(), data.end(), 1.0);
  const auto dropped = [&](const Random& stream) {
    Tape<double> tape;
    tape.reset(stream);
    const Shape<2> extent{128, 50};
    const auto y = map_sequences<1>(tape.input(data), {extent},
                                    [](Variable part) { return std::array{dropout(part, 0.5)}; })[0];
    return std::vector<double>(y.value(), y.value() + y.size());
  };
  const auto y = dropped(Random(4));
  CHECK(dropped(Random(4)) == y);
  CHECK(dropped(Random(5)) != y);
  const Index row = 128 * 50;
  for (Index a = 0; a < 16; ++a) {
    for (Index b = 0; b < a; ++b) {
      CHECK_FALSE(std::equal(y.begin() + a * row, y.begin() + (a + 1) * row, y.begin() + b * row));
    }
  }
}

TEST_CASE("a function that drops out may do so last, in evaluation, too") {
  Tensor<double, 3> data({3, 4, 2});
  for (double& x : data) x = 1;
  Tape<double> tape(Mode::evaluate);
  const auto y = map_sequences<1>(tape.input(data), {Shape<2>{4, 2}},
                                  [](Variable part) { return std::array{dropout(part, 0.5)}; })[0];
  CHECK(std::all_of(y.value(), y.value() + y.size(), [](double x) { return x == 1; }));
}

TEST_CASE("first_not_finite looks inside map_sequences") {
  Tensor<double, 3> data({20, 50, 2});
  const auto name_for = [&](std::size_t bad_output) {
    Tape<double> tape;
    const auto x = tape.input(data, true);
    const Shape<2> extent{50, 2};
    const auto y = map_sequences<2>(x, {extent, extent}, [&](Variable part) {
      const auto good = scale(part, 2.0), bad = gelu(multiply(scale(part, 3.0), part));
      return bad_output == 0 ? std::array{bad, good} : std::array{good, bad};
    });
    sum(add(y[0], y[1]));
    return std::string(tape.first_not_finite());
  };
  CHECK(name_for(0) == "");
  data.data()[1990] = 1e200;
  CHECK(name_for(0) == "multiply");
  CHECK(name_for(1) == "multiply");
}

TEST_CASE("an error in map_sequences' function arrives, and the tape can be used again") {
  const slm_test::Threads restored;
  const Stack stack;
  Tensor<double, 3> data({37, 50, width});
  data.data()[30 * 50 * width] = -1;
  for (const int count : {1, 2}) {
    set_threads(count);
    INFO(count, " threads");
    Tape<double> tape;
    const auto picky = [&](Variable part) {
      for (Index i = 0; i < part.size(); ++i) {
        if (part.value()[i] < 0) throw RangeError("a negative feature");
      }
      return stack(part);
    };
    CHECK_THROWS_WITH_AS(mapped(tape.input(data, true), picky), "a negative feature", RangeError);
    tape.reset();
    CHECK_NOTHROW(tape.backward(sum(mapped(tape.input(data, true), stack)[0])));
  }
}

TEST_CASE("a function that returns its input, or one variable twice, is refused") {
  Tensor<double, 3> data({3, 4, 2});
  const Shape<2> extent{4, 2};
  Tape<double> tape;
  const auto x = tape.input(data, true);
  CHECK_THROWS_WITH_AS(
      map_sequences<1>(x, {extent}, [](Variable part) { return std::array{part}; }),
      "map_sequences: output 0 of the function must be a variable of its own, not its input or another output",
      Error);
  CHECK_THROWS_WITH_AS(map_sequences<2>(x, {extent, extent},
                                        [](Variable part) {
                                          const auto y = scale(part, 2.0);
                                          return std::array{y, y};
                                        }),
                       "map_sequences: output 1 of the function must be a variable of its own, not its input "
                       "or another output",
                       Error);
}

TEST_CASE("the function of map_sequences may not use variables of the outer tape") {
  Tensor<double, 3> data({3, 4, 2});
  Tape<double> tape;
  const auto x = tape.input(data, true);
  const Shape<2> extent{4, 2};
  const auto outer = [&](Variable part) {
    return std::array{add(part, tape.variable(&x.node(), part.shape()))};
  };
  CHECK_THROWS_WITH_AS(
      map_sequences<1>(x, {extent}, outer),
      doctest::Contains("on another tape than its own; a function that runs on tapes of its own, as in"),
      Error);
  const auto captured = [&](Variable part) { return std::array{tape.variable(&x.node(), part.shape())}; };
  CHECK_THROWS_WITH_AS(map_sequences<1>(x, {extent}, captured), doctest::Contains("on another tape"), Error);
}

TEST_CASE("of several outputs, each gradient can be kept, and is refused where it was not") {
  Tensor<double, 3> data({3, 4, 2});
  for (double& x : data) x = 1;
  const Shape<2> extent{4, 2};
  const auto both = [](Variable part) { return std::array{scale(part, 2.0), scale(part, 3.0)}; };
  Tape<double> tape;
  const auto x = tape.input(data, true);
  const auto y = map_sequences<2>(x, {extent, extent}, both);
  tape.keep_grad(y[1]);
  const auto z = scale(add(scale(y[0], 5.0), scale(y[1], 7.0)), 1.0);
  tape.backward(sum(z));
  CHECK(std::all_of(y[1].grad(), y[1].grad() + y[1].size(), [](double g) { return g == 7; }));
  CHECK(std::all_of(x.grad(), x.grad() + x.size(), [](double g) { return g == 31; }));
  CHECK_THROWS_AS(y[0].grad(), Error);
  CHECK_THROWS_AS(z.grad(), Error);
}

TEST_CASE("map_sequences of no sequences gives no outputs and no gradients") {
  const Run empty = run(0, 4, [](Variable x, const Stack& stack) { return mapped(x, stack); });
  CHECK(empty.all.empty());
  CHECK(empty.dx.empty());
  CHECK(std::all_of(empty.dweight.begin(), empty.dweight.end(), [](double g) { return g == 0; }));
}
