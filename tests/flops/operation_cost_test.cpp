// Every operation of the table, three ways: by its formula, as recorded by the tape, and as counted by the
// numbers that were computed with.
#include <doctest/doctest.h>

#include "flops/flops_test_support.hpp"
#include "operations/table.hpp"

using namespace slm;
using flops::Counted;
using Number = Counted<double>;

namespace {

/// Runs an example forward and backward; bit i of `wanted` is set where input i wants its gradient.
struct Execution {
  PassCosts recorded, counted;

  Execution(const OperationExample<Number>& example, unsigned wanted) {
    const slm_test::Threads one_thread(1);
    Tape<Number> tape;
    tape.reset(Random(3));
    std::vector<Tensor<Number, 1>> values;
    for (std::size_t i = 0; i < example.inputs.size(); ++i) {
      values.push_back(example_values<Number>(example.inputs[i].size(), Random(1).child(i)));
    }
    std::vector<Var<Number, 1>> inputs;
    for (std::size_t i = 0; i < values.size(); ++i) inputs.push_back(tape.input(values[i], wanted >> i & 1));
    flops::reset_tally();
    const auto y = example.apply(inputs);
    counted.forward = flops::tally().cost();
    if (y.wants_grad()) std::fill_n(y.grad(), y.size(), Number(1));
    flops::reset_tally();
    tape.backward();
    counted.backward = flops::tally().cost();
    recorded = tape.costs();
  }
};

/// Calls f(example) for all examples that compute something.
template <class Function>
void for_each_example(const Function& f) {
  for (const auto& entry : operation_table<Number>()) {
    for (const auto* examples : {&entry.small, &entry.large}) {
      for (const auto& example : *examples) {
        INFO(entry.name << " " << example.variant << std::string(examples == &entry.large ? " (large)" : ""));
        f(example);
      }
    }
  }
}

}  // namespace

TEST_CASE("each operation costs what its formula says, as recorded and as counted") {
  for_each_example([](const OperationExample<Number>& example) {
    const Execution run(example, ~0u);
    const PassCosts formula = example.costs ? example.costs() : PassCosts();
    test::check_equal(run.recorded, formula);
    test::check_equal(run.counted, test::without_copies(formula));
  });
}

TEST_CASE("only an operation that computes nothing has no formula") {
  for (const auto& entry : operation_table<Number>()) {
    for (const auto& example : entry.small)
      CHECK_MESSAGE(bool(example.costs) == (entry.name != "concat_window" && entry.name != "reshape"),
                    entry.name);
  }
}

TEST_CASE("an input that wants no gradient costs nothing") {
  for_each_example([](const OperationExample<Number>& example) {
    const PassCosts all = example.costs ? example.costs() : PassCosts();
    for (unsigned wanted = 0; wanted + 1 < 1u << example.inputs.size(); ++wanted) {
      INFO("wanted inputs: " << wanted);
      const Execution run(example, wanted);
      test::check_equal(run.counted, test::without_copies(run.recorded));
      CHECK(run.recorded.backward.flops() <= all.backward.flops());
      if (wanted == 0 && example.costs) CHECK(run.recorded.backward.flops() < all.backward.flops());
    }
  });
}

TEST_CASE("evaluation costs no backward pass") {
  for_each_example([](const OperationExample<Number>& example) {
    Tape<Number> tape(Mode::evaluate);
    std::vector<Tensor<Number, 1>> values;
    for (const auto& input : example.inputs) values.push_back(example_values<Number>(input.size(), Random(1)));
    std::vector<Var<Number, 1>> inputs;
    for (const auto& value : values) inputs.push_back(tape.input(value, true));
    const slm_test::Threads one_thread(1);
    flops::reset_tally();
    example.apply(inputs);
    CHECK(flops::tally().cost() == test::without_copies(tape.costs().forward));
    CHECK(tape.costs().forward.draws == 0);
    CHECK(tape.costs().backward == Cost());
  });
}

TEST_CASE(
    "the tape names what it adds up, forgets it when reset, and counts no backward pass that has not run") {
  Tape<double> tape;
  const Tensor<double, 2> x({3, 4});
  for (int step = 0; step < 2; ++step) {
    tape.reset();
    const auto y = sum(relu(scale(tape.input(x, true), 2.0)));
    CHECK(tape.costs() == PassCosts{{.elementwise = 12 + 12 + 15, .comparisons = 12}, {}});
    tape.backward(y);
    const auto costs = tape.costs_by_part();
    REQUIRE(costs.size() == 3);
    const auto check = [](const PartCost& part, const char* operation, const PassCosts& passes) {
      CHECK(part.path == "");
      CHECK(part.operation == operation);
      CHECK(part.calls == 1);
      CHECK(part.cost.passes == passes);
    };
    check(costs[0], "scale", {{.elementwise = 12}, {.elementwise = 24}});
    check(costs[1], "relu", {{.comparisons = 12}, {.elementwise = 12, .comparisons = 12}});
    check(costs[2], "sum", {{.elementwise = 27}, {.elementwise = 12}});
  }
  tape.reset();
  CHECK(tape.costs() == PassCosts());
  CHECK(tape.costs_by_part().empty());
}
