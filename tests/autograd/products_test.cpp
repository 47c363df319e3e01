// Products::bfloat16 on tapes: which operations it concerns, and what must hold for them.
#include <doctest/doctest.h>

#include <set>

#include "operation_test_support.hpp"
#include "slm/autograd/grad_check.hpp"
#include "slm/core/weight_format.hpp"
#include "slm/models/transformer_lm.hpp"
#include "slm/train/loss.hpp"
#include "threads.hpp"

using namespace slm;
using namespace autograd_test;

namespace {

constexpr Products rounded = Products::bfloat16;

/// The loss of a model whose blocks run on tapes below the one that is given, and all gradients.
std::vector<float> step(TransformerLM<float>& model, Tape<float>& tape) {
  SequenceBatch batch{Tokens<2>({6, 8}), Tokens<2>({6, 8})};
  for (Index i = 0; i < batch.inputs.size(); ++i) {
    batch.inputs.data()[i] = static_cast<Token>(i * i % 11),
    batch.targets.data()[i] = static_cast<Token>(i % 11);
  }
  zero_gradients(model);
  tape.reset();
  const auto loss = batch_loss(model, tape, batch);
  std::vector<float> all{loss.item()};
  if (!tape.training()) return all;
  tape.backward(loss);
  for_each_parameter(model, [&](const std::string&, const auto& its) {
    all.insert(all.end(), its.grad.begin(), its.grad.end());
  });
  return all;
}

Tensor<float, 2> numbers(const Shape<2>& shape, std::uint64_t seed) {
  Tensor<float, 2> x(shape);
  Random random(seed);
  for (float& value : x) value = static_cast<float>(random.normal());
  return x;
}

}  // namespace

TEST_CASE("products with rounded operands are those of the operations that multiply matrices") {
  if (!has_bfloat16_products<float>()) return;
  std::set<std::string> changed;
  for (const auto& entry : operation_table<float>()) {
    for (const auto& example : entry.large) {
      INFO(label(entry, example));
      const auto full = run(example), actual = run(example, rounded);
      if (!same_bits(full.y, actual.y) || !same_bits(full.gradients, actual.gradients))
        changed.insert(entry.name);
      // Each operand is off by 2⁻⁹ of itself at most.
      CHECK(relative_error(in_double(actual.y), in_double(full.y)) <= 0x1p-7);
      for (std::size_t i = 0; i < full.gradients.size(); ++i) {
        CHECK(relative_error(in_double(actual.gradients[i]), in_double(full.gradients[i])) <= 0x1p-7);
      }
    }
  }
  CHECK(changed ==
        std::set<std::string>{"gru", "linear", "linear_cross_entropy", "lstm", "map_sequences", "matmul"});
}

TEST_CASE("with rounded operands, 1, 2 and 3 threads give the same bits") {
  if (!has_bfloat16_products<float>()) return;
  const slm_test::Threads restored;
  for_each_example(&OperationEntry<float>::large,
                   [](const OperationExample<float>& example, const std::string& name) {
                     INFO(name);
                     set_threads(1);
                     const auto expected = run(example, rounded);
                     for (const int count : {2, 3}) {
                       set_threads(count);
                       const auto actual = run(example, rounded);
                       CHECK(same_bits(actual.y, expected.y));
                       CHECK(same_bits(actual.gradients, expected.gradients));
                     }
                   });
}

TEST_CASE("a linear map with rounded operands is one of rounded numbers, and so are its gradients") {
  if (!has_bfloat16_products<float>()) return;
  const auto rounded_values = [](Tensor<float, 2> x) {
    for (float& value : x) value = float_from_bf16(bf16_from_float(value));
    return x;
  };
  const auto x = numbers({5, 33}, 1), W = numbers({7, 33}, 2), dy = numbers({5, 7}, 3);
  const auto gradients = [&](const auto& its_x, const auto& its_W, const auto& its_dy, Products products) {
    Tape<float> tape;
    tape.set_products(products);
    tape.reset();
    const auto input = tape.input(its_x, true), weight = tape.input(its_W, true);
    const auto y = linear(input, weight);
    tape.backward(sum(multiply(y, tape.input(its_dy))));
    std::vector<float> all(y.value(), y.value() + y.size());
    for (const auto& of : {input, weight}) all.insert(all.end(), of.grad(), of.grad() + of.size());
    return all;
  };
  CHECK(gradients(x, W, dy, rounded) ==
        gradients(rounded_values(x), rounded_values(W), rounded_values(dy), Products::full));
}

TEST_CASE("tapes below a tape multiply as it does, from the next step on") {
  if (!has_bfloat16_products<float>()) return;
  const slm_test::Threads restored;
  TransformerLM<float> model({.vocabulary = 11, .context = 8, .width = 12, .layers = 2, .heads = 2}, Random(1));
  Tape<float> full, tape;
  tape.set_products(rounded);
  CHECK(tape.products() == rounded);
  std::vector<float> expected;
  for (const int count : {1, 2, 3}) {
    set_threads(count);
    const auto found = step(model, tape);
    if (count == 1) expected = found;
    CHECK(found == expected);
    CHECK(step(model, tape) == expected);
  }
  const auto at_full = step(model, full);
  CHECK(expected.front() != at_full.front());
  CHECK(expected.front() == doctest::Approx(at_full.front()).epsilon(0.01));
  tape.set_products(Products::full);
  CHECK(step(model, tape) == at_full);
}

TEST_CASE("a step that has begun goes on as it began") {
  if (!has_bfloat16_products<float>()) return;
  Tape<float> tape;
  const auto x = numbers({5, 33}, 1), W = numbers({7, 33}, 2);
  const auto gradient = [&](bool change) {
    tape.set_products(rounded);
    tape.reset();
    const auto input = tape.input(x, true);
    const auto y = sum(square(linear(input, tape.input(W))));
    if (change) tape.set_products(Products::full);
    CHECK(tape.products() == rounded);
    tape.backward(y);
    return std::vector<float>(input.grad(), input.grad() + input.size());
  };
  CHECK(gradient(true) == gradient(false));
  gradient(true);
  tape.reset();
  CHECK(tape.products() == Products::full);
}

TEST_CASE(
    "an evaluation with rounded operands has the loss of the training step, also of weights that are fixed") {
  if (!has_bfloat16_products<float>()) return;
  TransformerLM<float> model({.vocabulary = 300, .context = 8, .width = 12, .layers = 1, .heads = 2},
                             Random(1));
  Tape<float> train, evaluate(Mode::evaluate), fixed(Mode::evaluate);
  fixed.fix_weights();
  for (Tape<float>* tape : {&train, &evaluate, &fixed}) tape->set_products(rounded);
  const float expected = step(model, train).front();
  for (int i = 0; i < 2; ++i) {
    CHECK(step(model, evaluate).front() == expected);
    CHECK(step(model, fixed).front() == expected);
  }
}

TEST_CASE("where there are no such products, they are refused") {
  Tape<double> tape;
  CHECK_THROWS_WITH_AS(tape.set_products(rounded),
                       "Products::bfloat16 needs the scalar float and slm's own products, but here is "
                       "another scalar",
                       ConfigError);
  tape.set_products(Products::full);
  CHECK_THROWS_WITH_AS(tape.set_products(static_cast<Products>(7)), "Products: they are none that there are",
                       ConfigError);
  CHECK(tape.products() == Products::full);
  if (has_bfloat16_products<float>()) return;
  Tape<float> of_library;
  CHECK_THROWS_WITH_AS(of_library.set_products(rounded),
                       "Products::bfloat16 needs the scalar float and slm's own products, but here a library "
                       "makes them",
                       ConfigError);
}
