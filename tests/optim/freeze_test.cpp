// Parameters that are not trained: nothing is computed for them, and nothing waits for the day they are again.
#include <cmath>

#include "optim_test_support.hpp"
#include "slm/autograd/map_sequences.hpp"
#include "slm/flops/model_cost.hpp"
#include "slm/models/transformer_lm.hpp"
#include "slm/optim/adam.hpp"
#include "slm/optim/muon.hpp"
#include "slm/optim/sgd.hpp"
#include "slm/train/fit.hpp"

using namespace optim_test;

namespace {

constexpr TransformerConfig config{
    .vocabulary = 7, .context = 6, .width = 8, .layers = 2, .heads = 2, .feed_forward = 12};
constexpr Index sequences = 20;  // enough for the blocks to run by groups of sequences

template <Scalar Real>
TransformerLM<Real> made() {
  TransformerLM<Real> model(config, Random(seed));
  if constexpr (has_values<Real>) randomise(model);
  return model;
}

/// A step on a tape, of which costs are asked.
template <Scalar Real>
void take_step(Tape<Real>& tape, const TransformerLM<Real>& model, std::uint64_t number = 0) {
  const Tokens<2> tokens = random_tokens<2>({sequences, config.context}, config.vocabulary);
  tape.reset(Random(seed, "dropout").child(number));
  tape.backward(
      mean_cross_entropy(model.next_token(tape, tokens), random_tokens<1>({sequences}, config.vocabulary)));
}
template <Scalar Real>
PassCosts costs_of(const TransformerLM<Real>& model) {
  Tape<Real> tape;
  take_step(tape, model);
  return tape.costs();
}

/// What the model of shapes costs where `change` was made to it.
template <class Change>
PassCosts price(const Change& change) {
  TransformerLM<Shapes> model = made<Shapes>();
  change(model);
  return flops::step_cost(model, Mode::train,
                          [&](Tape<Shapes>& tape) {
                            return mean_cross_entropy(
                                model.next_token(tape, Tokens<2>::without_memory({sequences, config.context})),
                                Tokens<1>::without_memory({sequences}));
                          })
      .total();
}

const auto nothing = [](auto&) {};
const auto all_but_head = [](auto& model) {
  freeze(model);
  unfreeze(model.head);
};

}  // namespace

TEST_CASE("nothing is computed for what is frozen, and the gradients of the rest keep their bits") {
  const auto free = made<float>();
  clear_gradients(free);
  Tape<float> tape;
  take_step(tape, free);
  REQUIRE(tape.groups().size() > 0);
  const Named expected = gradients_of(free);
  const auto check = [&](const char* what, const auto& change) {
    INFO(what);
    auto model = made<float>();
    change(model);
    take_step(tape, model);
    CHECK(tape.costs().forward == price(nothing).forward);
    CHECK(tape.costs() == price(change));
    CHECK(tape.costs().backward.flops() < price(nothing).backward.flops());
    CHECK(parameter_count(model) == parameter_count(free));
    std::size_t i = 0;
    for_each_parameter(model, [&](const std::string& name, const auto& parameter) {
      CAPTURE(name);
      const std::vector<double> gradient = as_doubles(parameter.grad);
      if (parameter.is_frozen) {
        CHECK(std::all_of(gradient.begin(), gradient.end(), [](double g) { return g == 0; }));
      } else {
        CHECK(same_bits(gradient, expected[i].second));
      }
      ++i;
    });
  };
  check("one bias of a group", [](auto& model) { freeze(model.blocks[0].feed_forward.up.bias); });
  check("what the last block alone has", [](auto& model) { freeze(model.blocks[1]); });
  check("embedding and positions", [](auto& model) { freeze(model.embedding), freeze(model.positions); });
  check("all blocks", [](auto& model) { freeze(model.blocks); });
  check("all but the head", all_but_head);
}

TEST_CASE("of a model of which only the head is trained the backward pass is that of the head and the loss") {
  const PassCosts costs = price(all_but_head);
  const kernels::LinearSize head{sequences, config.width, config.vocabulary};
  const Cost expected = kernels::linear_costs(head, true, false, true, true).backward +
                        kernels::cross_entropy_costs({sequences, config.vocabulary}).backward;
  CHECK(costs.backward == expected);
  CHECK(costs_of(made<double>()).backward.flops() > 20 * expected.flops());
}

TEST_CASE("a model that is frozen as a whole has no loss to go back from") {
  auto model = made<float>();
  freeze(model);
  CHECK(has(message_of<Error>([&] { costs_of(model); }), "depends on nothing that wants a gradient"));
}

TEST_CASE("freezing clears the gradient; a copy is frozen as its model is") {
  Pair<float> model(2, 3);
  draw_gradients(model, 0);
  freeze(model.first);
  CHECK(model.first.is_frozen);
  CHECK(as_doubles(model.first.grad) == std::vector<double>{0, 0});
  CHECK(model.second.grad(0) != 0);
  Pair<float> copy = model, assigned(2, 3);
  assigned = model;
  CHECK(copy.first.is_frozen);
  CHECK(assigned.first.is_frozen);
  CHECK_FALSE(copy.second.is_frozen);
  unfreeze(copy);
  CHECK_FALSE(copy.first.is_frozen);
  CHECK(model.first.is_frozen);
  CHECK(parameter_count(model) == 5);
  CHECK(element_count(parameters<float>(model)) == 5);
  CHECK(trained_element_count(parameters<float>(model)) == 3);
}

TEST_CASE("clipping passes over what is frozen") {
  Pair<float> model(2, 1);
  model.first.grad(1) = 3;
  model.second.grad(0) = 4;
  const auto list = parameters<float>(model);
  const Cost all = clip_gradients_cost(list, true);
  freeze(model.first);
  model.first.grad(1) = 3;  // which only a program can do
  CHECK(clip_gradients(list, 2) == 4);
  CHECK(all_gradients_of(model) == std::vector<double>{0, 3, 2});
  CHECK(clip_gradients_cost(list, true) ==
        clip_gradients_cost(where(list, [](const auto& p) { return p.name == "second"; }), true));
  CHECK(clip_gradients_cost(list, true).flops() < all.flops());
}

TEST_CASE_TEMPLATE("a frozen parameter is neither stepped nor decayed, and costs nothing", Updates, Adam<float>,
                   SGD<float>) {
  Pair<float> model(2, 3), alone(0, 3);
  randomise(model);
  alone.second = model.second;
  std::remove_cvref_t<decltype(Updates(model).config())> setting;
  setting.weight_decay = 0.5;
  Updates optimizer(model, setting), reference(alone, setting);
  freeze(model.first);
  const std::vector<double> before = as_doubles(model.first.value);
  for (int step = 0; step < 3; ++step) {
    draw_gradients(model, step), draw_gradients(alone, step);
    alone.second.grad = model.second.grad;
    optimizer.step(), reference.step();
    CHECK(optimizer.step_cost() == reference.step_cost());
  }
  CHECK(as_doubles(model.first.value) == before);
  CHECK(as_doubles(model.second.value) == as_doubles(alone.second.value));
  optimizer.for_each_state([&](const std::string& name, const auto& tensor) {
    if (name.ends_with(".first") && !has(name, "missed")) {
      CHECK(std::all_of(tensor.begin(), tensor.end(), [](float x) { return x == 0; }));
    }
  });
}

TEST_CASE("Muon leaves a frozen matrix alone, at no cost") {
  auto model = made<float>();
  Muon optimizer(model, {.weight_decay = 0.5}, {.weight_decay = 0.5});
  const Cost whole = optimizer.step_cost();
  freeze(model.blocks[0].feed_forward.up);
  const auto before = as_doubles(model.blocks[0].feed_forward.up.weight.value);
  const auto changing = as_doubles(model.blocks[1].feed_forward.up.weight.value);
  draw_gradients(model, 0);
  optimizer.step();
  CHECK(as_doubles(model.blocks[0].feed_forward.up.weight.value) == before);
  CHECK(as_doubles(model.blocks[1].feed_forward.up.weight.value) != changing);
  CHECK(optimizer.step_cost() + muon_step_cost(12, 8) + adam_step_cost(12) == whole);
}

namespace {

/// The norm of the first update of the embedding after `steps` steps in which it had none.
template <class Train>
double first_update(Index steps, const Train& train) {
  auto model = made<float>();
  Tape<float> tape;
  ParameterList<float> some =
      where(parameters<float>(model), [](const auto& p) { return p.name != "embedding.weight"; });
  train(model, tape, some, steps);
  const std::vector<double> before = as_doubles(model.embedding.weight.value);
  SGD<float> whole(model, {.learning_rate = 0.01});
  take_step(tape, model, 1000);
  whole.step();
  double square = 0;
  for (std::size_t i = 0; i < before.size(); ++i) {
    square += std::pow(model.embedding.weight.value.data()[i] - static_cast<float>(before[i]), 2);
  }
  return std::sqrt(square);
}

}  // namespace

TEST_CASE("after 300 steps without a parameter its first update is that of one step") {
  constexpr Index steps = 300;
  const auto clearing = [](auto& model, auto& tape, const auto& some, Index count) {
    SGD<float> part(some, {.learning_rate = 0.01});
    for (Index step = 0; step < count; ++step) {
      take_step(tape, model, static_cast<std::uint64_t>(step));
      part.step();
      zero_gradients(model);
    }
  };
  const auto leaving_out = [](auto& model, auto& tape, const auto& some, Index count) {
    SGD<float> part(some, {.learning_rate = 0.01});
    for (Index step = 0; step < count; ++step) {
      take_step(tape, model, static_cast<std::uint64_t>(step));
      part.step();
    }
  };
  const auto freezing = [](auto& model, auto& tape, const auto&, Index count) {
    SGD<float> whole(model, {.learning_rate = 0.01});
    freeze(model.embedding);
    for (Index step = 0; step < count; ++step) {
      take_step(tape, model, static_cast<std::uint64_t>(step));
      whole.step();
    }
    unfreeze(model.embedding);
  };
  const double expected = first_update(steps, clearing);
  CHECK(expected > 0);
  CHECK(first_update(steps, leaving_out) == expected);
  CHECK(first_update(steps, freezing) == expected);
}

TEST_CASE("gradients of what an optimizer does not have stay until the next ones take their place") {
  auto model = made<double>();  // its blocks run by groups, whose sums are added up
  auto all = parameters<double>(model);
  const auto in_block = [](const auto& p) { return p.name.starts_with("blocks."); };
  const auto [blocks, others] = split(all, in_block);
  SGD<double> of_blocks(blocks, {.learning_rate = 0}), of_others(others, {.learning_rate = 0});
  Tape<double> tape;
  take_step(tape, model);
  const std::vector<double> one = all_gradients_of(model);
  of_others.step();
  CHECK(as_doubles(model.blocks[0].norm1.bias.grad) !=
        std::vector<double>(8));  // for an optimizer of their own
  CHECK(as_doubles(model.head.bias.grad) == std::vector<double>(7));
  take_step(tape, model);
  CHECK(same_bits(all_gradients_of(model), one));
  of_blocks.step();
  take_step(tape, model);
  CHECK(same_bits(all_gradients_of(model), one));
  // Without a step between them, gradients are added up.
  take_step(tape, model);
  std::vector<double> twice = one;
  for (double& g : twice) g *= 2;
  CHECK(relative_error(all_gradients_of(model), twice) <= 1e-15);
  of_others.step(), of_blocks.step();
  CHECK(gradients_are_clear(model));
}

TEST_CASE("gradients are set to zero, those of a model, of a part and of a list") {
  auto model = made<float>();
  const auto list = parameters<float>(model);
  draw_gradients(model, 0);
  zero_gradients(model.head.bias);
  CHECK(as_doubles(model.head.bias.grad) == std::vector<double>(7));
  CHECK_FALSE(gradients_are_clear(model.head));
  zero_gradients(std::as_const(model));
  CHECK(gradients_are_clear(model));
  draw_gradients(model, 0);
  zero_gradients(where(list, [](const auto& p) { return p.name != "head.weight"; }));
  CHECK_FALSE(gradients_are_clear(model));
  zero_gradients(model.head.weight);
  CHECK(gradients_are_clear(model));
}
