#include <cmath>

#include "slm/optim/parameter_list.hpp"

#include "allocation_count.hpp"
#include "optim_test_support.hpp"
#include "slm/models/linear_lm.hpp"
#include "slm/nn/linear.hpp"
#include "slm/optim/adam.hpp"
#include "slm/optim/sgd.hpp"
#include "slm/train/loss.hpp"

using namespace optim_test;

namespace {

/// A struct that is no template, as a program writes one.
struct Net {
  Linear<float> up, down;
  Parameter<float, 0> scale{Shape<0>{}};

  explicit Net(Random random) : up(3, 5, random), down(5, 2, random) {}
  static void fields(auto& self, auto&& f) { f("up", self.up), f("down", self.down), f("scale", self.scale); }
};

/// A model that is no template.
struct PlainModel {
  LinearLM<float> inner;

  Var<float, 2> next_token(Tape<float>& tape, const Tokens<2>& tokens) const {
    return inner.next_token(tape, tokens);
  }
  static void fields(auto& self, auto&& f) { f("inner", self.inner); }
};

struct MaybeTied {
  std::vector<Linear<float>> layers;  // of which the second may be the first again
  bool tied;
  MaybeTied(bool is_tied, Random random) : layers(2, Linear<float>(2, 2, random)), tied(is_tied) {}
  static void fields(auto& self, auto&& f) {
    f("first", self.layers[0]), f("second", self.layers[self.tied ? 0 : 1]);
  }
};

}  // namespace

TEST_CASE("the list has every parameter's name, memory and size in the order of the fields") {
  Net net(Random{seed});
  const ParameterList<float> list = parameters<float>(net);
  REQUIRE(list.size() == 5);
  const auto check = [&](std::size_t k, const char* name, auto& parameter) {
    CHECK(list[k].name == name);
    CHECK(list[k].value == parameter.value.data());
    CHECK(list[k].grad == parameter.grad.data());
    CHECK(list[k].size == parameter.value.size());
  };
  check(0, "up.weight", net.up.weight);
  check(1, "up.bias", net.up.bias);
  check(2, "down.weight", net.down.weight);
  check(3, "down.bias", net.down.bias);
  check(4, "scale", net.scale);
  CHECK(element_count(list) == 3 * 5 + 5 + 5 * 2 + 2 + 1);
}

TEST_CASE("optimizers take any struct with fields") {
  Net net(Random{seed});
  for (float& x : net.down.bias.value) x = 1;
  for (float& g : net.down.bias.grad) g = 2;
  SGD<float> sgd(net, {.learning_rate = 0.25});
  sgd.step();
  CHECK(net.down.bias.value(1) == 0.5F);

  for (float& g : net.down.bias.grad) g = 2;
  Adam<float> adam(net, {.learning_rate = 0.25});
  adam.step();
  CHECK(std::abs(net.down.bias.value(1) - 0.25F) <= 1e-6F);
  CHECK(adam.list()[3].name == "down.bias");
}

/// A model and its optimizer: neither copied nor moved, because the optimizer would be left with another's
/// model.
struct Trained {
  Pair<float> model;
  Adam<float> optimizer{model};
};
static_assert(!std::is_copy_constructible_v<Trained> && !std::is_move_constructible_v<Trained>);
static_assert(!std::is_copy_assignable_v<Trained> && !std::is_move_assignable_v<Trained>);

TEST_CASE("optimizers deduce the scalar of a template of it") {
  Pair<double> model(2, 3);
  Adam adam(model), configured_adam(model, {.learning_rate = 1});
  SGD sgd(model), configured_sgd(model, {.learning_rate = 1});
  CHECK(std::is_same_v<decltype(adam), Adam<double>>);
  CHECK(std::is_same_v<decltype(configured_adam), Adam<double>>);
  CHECK(std::is_same_v<decltype(sgd), SGD<double>>);
  CHECK(std::is_same_v<decltype(configured_sgd), SGD<double>>);
}

TEST_CASE("an optimizer of a list updates what is in it, and nothing else") {
  Net net(Random{seed});
  ParameterList<float> matrices = parameters<float>(net);
  std::erase_if(matrices, [](const auto& parameter) { return !parameter.name.ends_with("weight"); });
  const auto before = weights_of(net);
  for (float& g : net.up.weight.grad) g = 1;
  for (float& g : net.up.bias.grad) g = 1;
  SGD sgd(matrices, {.learning_rate = 0.5});
  Adam adam(matrices, {.learning_rate = 0.5});
  CHECK(std::is_same_v<decltype(adam), Adam<float>>);
  CHECK(sgd.list().size() == 2);
  CHECK(adam.list()[1].name == "down.weight");
  sgd.step();
  CHECK(net.up.weight.value.data()[0] == static_cast<float>(before[0]) - 0.5F);
  CHECK(net.up.bias.value(0) == static_cast<float>(before[15]));
  CHECK(net.up.bias.grad(0) == 1);
}

TEST_CASE("tied weights are clipped, stepped and decayed once") {
  Tied<double> model(3, 2, Random(seed));
  const ParameterList<double> list = parameters<double>(model);
  CHECK(list.size() == 3);
  CHECK(list[0].name == "embedding.weight");
  const auto set = [&] {
    for (double& x : model.embedding.weight.value) x = 8;
    for (double& g : model.embedding.weight.grad) g = 1;
  };
  set();
  CHECK(clip_gradients(list, 100) == std::sqrt(6.0));
  SGD sgd(model, {.learning_rate = 0.5, .weight_decay = 0.25});
  CHECK(sgd.step_cost() == sgd_step_cost(3 * 2 + 2 * 2 + 2));
  sgd.step();
  CHECK(model.embedding.weight.value(1, 1) == 8 - 0.5 * (1 + 0.25 * 8));
  set();
  Adam adam(model, {.learning_rate = 0, .weight_decay = 0.5});
  adam.step(0.5);
  CHECK(model.embedding.weight.value(1, 1) == doctest::Approx(8 * 0.75 - 0.5));
  CHECK(adam.moments().size() == 3);
}

TEST_CASE("a model whose weights are tied in another way than those that were listed is refused") {
  for (const bool tied : {false, true}) {
    MaybeTied model(tied, Random(seed));
    SGD<float> optimizer(model);
    CHECK(optimizer.list().size() == (tied ? 2 : 4));
    model = MaybeTied(!tied, Random(seed));
    CHECK(has(message_of<ShapeError>([&] { optimizer.step(); }), "expected the same ties, got others"));
    model = MaybeTied(tied, Random(seed));
    CHECK(message_of<ShapeError>([&] { optimizer.step(); }) == "no error");
  }
}

TEST_CASE("an optimizer's step looks at its model without allocating") {
  Stack model(5, 20, 30);
  Adam<float> adam(model);
  SGD<float> sgd(model);
  Stack other = model;
  model = std::move(other);
  for (int step = 0; step < 2; ++step) {
    const long before = slm::test::allocation_count();
    adam.step(), sgd.step(1e-3);
    clip_gradients(adam.list(), 1);
    if (step > 0) CHECK(slm::test::allocation_count() == before);
  }
}

TEST_CASE("a model copied into another keeps the memory that its optimizer knows") {
  LinearLM<float> model({.vocabulary = 5, .context = 3, .width = 4}, Random(seed));
  const LinearLM<float> best({.vocabulary = 5, .context = 3, .width = 4}, Random(seed + 1));
  SGD optimizer(model, {.learning_rate = 1});
  model = best;
  CHECK(weights_of(model) == weights_of(best));
  model.head.bias.grad(2) = 0.25F;
  optimizer.step();
  CHECK(model.head.bias.value(2) == best.head.bias.value(2) - 0.25F);
}

TEST_CASE("a struct that is no template is evaluated like the model it holds") {
  const PlainModel plain{{{.vocabulary = 5, .context = 3, .width = 4}, Random(seed)}};
  const std::vector<Token> text = {0, 1, 2, 3, 4, 3, 2, 1, 0, 2};
  const SequentialWindows<> windows(text, 3, 2, 5);
  Cost cost, expected_cost;
  CHECK(evaluate<float>(plain, windows, &cost) == evaluate(plain.inner, windows, &expected_cost));
  CHECK(cost == expected_cost);
}

TEST_CASE("blocks cover every element of every parameter once") {
  const Index sizes[] = {0, 1, update_block - 1, update_block, update_block + 1, 3 * update_block};
  for (const Index first : sizes) {
    for (const Index second : sizes) {
      CAPTURE(first);
      CAPTURE(second);
      Pair<float> model(first, second);
      const auto list = parameters<float>(model);
      for_each_block(list, [&](std::size_t k, Index begin, Index end) {
        for (Index i = begin; i < end; ++i) list[k].value[i] += 1;
      });
      const std::vector<double> visits = weights_of(model);
      CHECK(std::all_of(visits.begin(), visits.end(), [](double count) { return count == 1; }));
    }
  }
}
