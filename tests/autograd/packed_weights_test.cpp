#include "slm/autograd/packed_weights.hpp"

#include <doctest/doctest.h>

#include <vector>

#include "allocation_count.hpp"
#include "slm/autograd/map_sequences.hpp"
#include "slm/autograd/ops.hpp"
#include "slm/core/weight_strips.hpp"
#include "slm/nn/linear.hpp"
#include "slm/nn/module.hpp"
#include "threads.hpp"

using namespace slm;

namespace {

constexpr Index B = 7, T = 3, C = 40;

/// A whole linear map, some outputs of one that begin a panel of any width, and some that do not.
struct Layers {
  Linear<float> first{C, 80, Random(1)}, second{64, C, Random(2)};

  Var<float, 3> operator()(Var<float, 3> x) const {
    const auto part = x.tape().enter(*this);
    return add(second(tanh(first.part(x, 0, 64))),
               add(second(first.part(x, 7, 64)), second(slice(first(x), 2, 1, 65))));
  }
  static void fields(auto& self, auto&& f) { f("first", self.first), f("second", self.second); }
};

Tensor<float, 3> random_input() {
  Tensor<float, 3> x({B, T, C});
  Random random(3);
  for (float& value : x) value = static_cast<float>(random.normal());
  return x;
}

std::vector<float> copied(const float* from, Index count) { return {from, from + count}; }

/// The result and all gradients of a step.
std::vector<std::vector<float>> step(Tape<float>& tape, Layers& layers, const Tensor<float, 3>& input,
                                     bool pack) {
  tape.reset();
  zero_gradients(layers);
  const auto x = tape.input(input, true);
  const Shape<2> extent{T, C};
  const auto few = [&](Var<float, 3> part) { return std::array{layers(part)}; };
  const auto y = (pack ? map_sequences<1>(x, {extent}, few, layers) : map_sequences<1>(x, {extent}, few))[0];
  tape.backward(sum(square(y)));
  std::vector<std::vector<float>> all{copied(y.value(), y.size()), copied(x.grad(), x.size())};
  for_each_parameter(layers, [&](const std::string&, const auto& parameter) {
    all.push_back(copied(parameter.grad.data(), parameter.grad.size()));
  });
  return all;
}

void check_packed_for_all_groups(Products products) {
  const auto input = random_input();
  for (const int count : {1, 2, 3}) {
    const slm_test::Threads scope(count);
    Layers layers;
    Tape<float> with, without;
    for (Tape<float>* tape : {&with, &without}) tape->set_products(products);
    for (int i = 0; i < 3; ++i) {
      CAPTURE(i);
      CHECK(step(with, layers, input, true) == step(without, layers, input, false));
      for (float& w : layers.first.weight.value) w *= 1.5F;
    }
    CHECK((with.groups().packed().high_water() > 0) == (gemm_backend<float>() == GemmBackend::slm));
    CHECK(without.groups().packed().high_water() == 0);
  }
}

}  // namespace

TEST_CASE("weights packed for all groups give the bits of any other product, as they are in each step") {
  check_packed_for_all_groups(Products::full);
  if (has_bfloat16_products<float>()) check_packed_for_all_groups(Products::bfloat16);
}

TEST_CASE(
    "where weights are fixed, products give the same bits, and what is computed is not taken for weights") {
  const slm_test::Threads two(2);
  Linear<float> layer(64, 600, Random(1)), narrow(64, 8, Random(2));
  Tensor<float, 2> input({50, 64});
  Random random(3);
  Tape<float> fixed(Mode::evaluate), plain(Mode::evaluate);
  fixed.fix_weights();
  for (int i = 0; i < 4; ++i) {
    CAPTURE(i);
    for (float& value : input) value = static_cast<float>(random.normal());
    const auto results = [&](Tape<float>& tape) {
      tape.reset();
      const auto x = tape.input(input);
      const auto W = tape.use(layer.weight);
      const auto y = linear(x, W), of_part = layer.part(x, 300, 290),
                 scaled = linear(x, scale(W, 1.0F + float(i)));
      return std::array{y, of_part, scaled, layer(x), narrow(x)};
    };
    const auto actual = results(fixed), expected = results(plain);
    for (std::size_t n = 0; n < actual.size(); ++n) {
      CAPTURE(n);
      REQUIRE(actual[n].shape() == expected[n].shape());
      CHECK(copied(actual[n].value(), actual[n].size()) == copied(expected[n].value(), expected[n].size()));
    }
    if (i > 1) {
      const long before = slm::test::allocation_count();
      results(fixed);
      CHECK(slm::test::allocation_count() == before);
    }
  }
}

TEST_CASE("a tape that trains cannot have fixed weights") {
  Tape<float> tape;
  CHECK_THROWS_WITH_AS(tape.fix_weights(), "Tape::fix_weights: a tape that trains has weights that change",
                       Error);
}

TEST_CASE("where all weights are packed, what is computed of them is not") {
  Linear<float> layer(8, 6, Random(1));
  Tape<float> tape(Mode::evaluate), plain(Mode::evaluate);
  tape.groups().pack_all_weights(weight_packing<float>(WeightFormat::full));
  Tensor<float, 2> x({1, 8}, std::vector<float>{1, 2, 3, 4, 5, 6, 7, 8});
  for (const float factor : {1.0F, 3.0F}) {
    CAPTURE(factor);
    const auto result = [&](Tape<float>& any) {
      any.reset();
      const auto W = scale(any.use(layer.weight), factor);
      const auto y = linear(any.input(x), W);
      return copied(y.value(), y.size());
    };
    CHECK(result(tape) == result(plain));
  }
}
