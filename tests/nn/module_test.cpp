#include "slm/nn/module.hpp"

#include "allocation_count.hpp"
#include "module_test_support.hpp"
#include "slm/nn/linear.hpp"

using namespace module_test;
using Names = std::vector<std::string>;

namespace {

struct Tree {
  Parameter<float, 0> scale{Shape<0>{}};
  std::vector<Linear<float>> layers;
  std::optional<Linear<float>> gate;
  static void fields(auto& self, auto&& f) {
    f("scale", self.scale), f("layers", self.layers), f("gate", self.gate);
  }
};

}  // namespace

TEST_CASE("parameters are visited in the order of the fields, under dotted names") {
  Random random(seed);
  Tree tree;
  CHECK(names_of(tree) == Names{"scale"});
  CHECK(parameter_count(tree) == 1);

  tree.layers.emplace_back(2, 3, random);
  tree.layers.emplace_back(3, 4, random);
  tree.gate.emplace(5, 1, random);
  CHECK(names_of(tree) == Names{"scale", "layers.0.weight", "layers.0.bias", "layers.1.weight", "layers.1.bias",
                                "gate.weight", "gate.bias"});
  CHECK(parameter_count(tree) == 1 + (2 * 3 + 3) + (3 * 4 + 4) + (5 + 1));
}

TEST_CASE("a visitor changes the module itself, or sees a constant one as constant") {
  Random random(seed);
  Linear<float> layer(2, 3, random);
  for_each_parameter(layer, [](const std::string&, auto& parameter) { parameter.value.data()[0] = 7; });
  CHECK(layer.weight.value.data()[0] == 7);
  CHECK(layer.bias.value(0) == 7);
  const Linear<float>& constant = layer;
  for_each_parameter(constant, [](const std::string&, auto& parameter) {
    CHECK(std::is_const_v<std::remove_reference_t<decltype(parameter)>>);
  });
}

TEST_CASE("a copied module has weights and gradients of its own") {
  Random random(seed);
  Linear<float> layer(2, 3, random);
  const std::vector<double> before = weights_of(layer);
  Linear<float> copy = layer;
  CHECK(weights_of(copy) == before);
  copy.weight.value.data()[0] += 1;
  copy.weight.grad.data()[0] += 1;
  CHECK(weights_of(layer) == before);
  CHECK(layer.weight.grad.data()[0] == 0);
}

TEST_CASE("a parameter that is named twice is one, under its first name") {
  const Tied<float> model(5, 3, Random(seed));
  CHECK(names_of(model) == Names{"embedding.weight", "hidden.weight", "hidden.bias"});
  CHECK(parameter_count(model) == 5 * 3 + 3 * 3 + 3);
  CHECK(parameter_count(std::vector<Tied<float>>{model, model}) == 2 * (5 * 3 + 3 * 3 + 3));
}

TEST_CASE("the gradient of tied weights is the sum of what each use adds") {
  Tied<double> model(5, 3, Random(seed));
  const auto tokens = random_tokens<2>({2, 4}, 5);
  check_gradients(model, [&](Tape<double>& tape) { return weighted_sum(model.next_token(tape, tokens)); });
}

TEST_CASE("counting parameters allocates nothing after the first time") {
  const Tied<float> model(5, 3, Random(seed));
  parameter_count(model);
  const long before = slm::test::allocation_count();
  CHECK(parameter_count(model) == 27);
  CHECK(slm::test::allocation_count() == before);
}
