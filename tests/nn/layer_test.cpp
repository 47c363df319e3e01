// Linear, embedding, norms and feed-forward: what they compute, their names and their gradients.
#include <cmath>

#include "module_test_support.hpp"
#include "slm/models/linear_lm.hpp"
#include "slm/nn/embedding.hpp"
#include "slm/nn/feed_forward.hpp"
#include "slm/nn/linear.hpp"
#include "slm/nn/normalization.hpp"

using namespace module_test;
using Names = std::vector<std::string>;

namespace {

/// Checks the gradients of a layer that maps a variable to another.
template <std::size_t Rank, class Layer>
void check_layer(const Layer& layer, const Shape<Rank>& input) {
  WithInput<Layer, Rank> module(layer, input);
  check_gradients(module,
                  [&](Tape<double>& tape) { return weighted_sum(module.layer(tape.use(module.input))); });
}

}  // namespace

TEST_CASE("layers and models draw alike: from a stream that moves on, or from one made for them") {
  const auto first = [](const auto& parameter) { return parameter.value(0, 0); };
  Random random(seed), other(seed);
  const Linear<double> layer(2, 2, random), next(2, 2, random), alone(2, 2, Random(seed));
  CHECK(first(layer.weight) == first(alone.weight));
  CHECK(first(next.weight) != first(alone.weight));

  const LinearConfig config{.vocabulary = 3, .context = 2, .width = 2};
  const LinearLM<double> model(config, other), next_model(config, other), alone_model(config, Random(seed));
  CHECK(first(model.head.weight) == first(alone_model.head.weight));
  CHECK(first(next_model.head.weight) != first(alone_model.head.weight));
  CHECK(other.next_index() == static_cast<std::uint64_t>(2 * parameter_count(model)));

  // Two layers from a constant stream would be the same.
  static_assert(!std::is_constructible_v<Linear<double>, Index, Index, const Random&>);
  static_assert(!std::is_constructible_v<LinearLM<double>, LinearConfig, const Random&>);
}

TEST_CASE("linear: names, shapes, values and gradients") {
  Random random(seed);
  Linear<double> layer(4, 3, random);
  CHECK(names_of(layer) == Names{"weight", "bias"});
  CHECK(layer.weight.value.shape() == Shape<2>{3, 4});
  CHECK(layer.bias.value.shape() == Shape<1>{3});

  Tensor<double, 2> x({1, 4});
  x.data()[2] = 1;  // picks column 2
  Tape<double> tape;
  const auto y = layer(tape.input(x));
  for (Index i = 0; i < 3; ++i)
    CHECK(y.value()[i] == layer.weight.value.data()[i * 4 + 2] + layer.bias.value(i));

  check_layer(layer, Shape<2>{5, 4});
  check_layer(layer, Shape<3>{2, 3, 4});
}

TEST_CASE("linear: a part gives the outputs that it names, and leaves the others' gradients at zero") {
  Random random(seed);
  WithInput<Linear<double>, 2> module(Linear<double>(4, 6, random), {5, 4});
  Tape<double> tape;
  const auto x = tape.use(module.input);
  const auto whole = module.layer(x), part = module.layer.part(x, 2, 3);
  CHECK(part.shape() == Shape<2>{5, 3});
  for (Index n = 0; n < 5; ++n) {
    for (Index i = 0; i < 3; ++i) {
      CHECK(part.value()[n * 3 + i] == doctest::Approx(whole.value()[n * 6 + 2 + i]).epsilon(1e-14));
    }
  }

  // The rest is used as well, so that every parameter has a gradient to check.
  check_gradients(module, [&](Tape<double>& t) {
    const auto in = t.use(module.input);
    return add(add(weighted_sum(module.layer.part(in, 0, 2)), weighted_sum(module.layer.part(in, 2, 3))),
               weighted_sum(module.layer.part(in, 5, 1)));
  });

  clear_gradients(module);
  tape.reset();
  tape.backward(weighted_sum(module.layer.part(tape.use(module.input), 2, 3)));
  for (Index output = 0; output < 6; ++output) {
    const bool inside = output >= 2 && output < 5;
    CHECK((module.layer.bias.grad(output) != 0) == inside);
    for (Index i = 0; i < 4; ++i) CHECK((module.layer.weight.grad.data()[output * 4 + i] != 0) == inside);
  }
}

TEST_CASE("linear: a part that the layer does not have is refused") {
  Random random(seed);
  const Linear<double> layer(4, 3, random);
  const Tensor<double, 2> x({2, 4});
  Tape<double> tape;
  CHECK_NOTHROW(layer.part(tape.input(x), 3, 0));
  for (const auto& [first, count] : {std::pair<Index, Index>{2, 2}, {0, 4}, {-1, 2}, {1, -1}}) {
    CHECK_THROWS_WITH_AS(layer.part(tape.input(x), first, count),
                         doctest::Contains("are not in a weight of shape (3, 4)"), RangeError);
  }
}

TEST_CASE("linear: without inputs it gives its bias, zeros at the start") {
  Random random(seed);
  const Linear<double> layer(0, 3, random);
  const Tensor<double, 2> x({2, 0});
  Tape<double> tape;
  CHECK(as_doubles(layer(tape.input(x))) == std::vector<double>(6));
}

TEST_CASE("embedding: names, rows and gradients, of tokens that repeat as well") {
  Random random(seed);
  Embedding<double> table(5, 3, random);
  CHECK(names_of(table) == Names{"weight"});
  CHECK(table.weight.value.shape() == Shape<2>{5, 3});

  Tokens<2> tokens({2, 2});
  tokens.data()[0] = tokens.data()[3] = 4;
  tokens.data()[1] = 1;
  Tape<double> tape;
  const auto y = table(tape, tokens);
  CHECK(y.shape() == Shape<3>{2, 2, 3});
  for (Index n = 0; n < 4; ++n) {
    for (Index c = 0; c < 3; ++c)
      CHECK(y.value()[n * 3 + c] == table.weight.value.data()[tokens.data()[n] * 3 + c]);
  }
  check_gradients(table, [&](Tape<double>& t) { return weighted_sum(table(t, tokens)); });
}

TEST_CASE("norms: names, normalised rows and gradients") {
  LayerNorm<double> layer_norm(6);
  RMSNorm<double> rms_norm(6);
  CHECK(names_of(layer_norm) == Names{"weight", "bias"});
  CHECK(names_of(rms_norm) == Names{"weight"});

  Tensor<double, 2> x({2, 6});
  Random random(seed);
  for (double& value : x) value = 3 + 2 * random.normal();
  Tape<double> tape;
  const auto y = layer_norm(tape.input(x)), z = rms_norm(tape.input(x));
  for (Index n = 0; n < 2; ++n) {
    double mean = 0, variance = 0, square = 0;
    for (Index c = 0; c < 6; ++c) {
      mean += y.value()[n * 6 + c] / 6;
      variance += y.value()[n * 6 + c] * y.value()[n * 6 + c] / 6;
      square += z.value()[n * 6 + c] * z.value()[n * 6 + c] / 6;
    }
    CHECK(std::abs(mean) <= 1e-14);
    // eps = 1e-5 beside a variance of about 4 and a mean square of about 13.
    CHECK(variance == doctest::Approx(1).epsilon(1e-5));
    CHECK(square == doctest::Approx(1).epsilon(1e-5));
  }

  check_layer(layer_norm, Shape<2>{4, 6});
  check_layer(layer_norm, Shape<3>{2, 3, 6});
  check_layer(rms_norm, Shape<2>{4, 6});
  check_layer(rms_norm, Shape<3>{2, 3, 6});
}

TEST_CASE("norms: their epsilon, 1e-5 unless it is set, is added to the variance and to the mean square") {
  constexpr Index C = 6;
  LayerNorm<double> layer_norm(C);
  RMSNorm<double> rms_norm(C);
  CHECK(layer_norm.epsilon == 1e-5);
  CHECK(rms_norm.epsilon == 1e-5);

  Tensor<double, 1> x({C});
  Random random(seed);
  double mean = 0, square = 0;
  for (double& value : x) {
    value = 3 + 2 * random.normal();
    mean += value / C;
    square += value * value / C;
  }
  for (const double epsilon : {1e-5, 0.5}) {
    layer_norm.epsilon = rms_norm.epsilon = epsilon;
    Tape<double> tape;
    const auto y = layer_norm(tape.input(x)), z = rms_norm(tape.input(x));
    for (Index c = 0; c < C; ++c) {
      const double centred = (x(c) - mean) / std::sqrt(square - mean * mean + epsilon);
      CHECK(y.value()[c] == doctest::Approx(centred).epsilon(1e-12));
      CHECK(z.value()[c] == doctest::Approx(x(c) / std::sqrt(square + epsilon)).epsilon(1e-12));
    }
  }
}

TEST_CASE("feed-forward: names and gradients of each activation, without and with dropout") {
  for (const auto& [activation, activation_name] : enum_names(Activation())) {
    for (const double dropout : {0.0, 0.3}) {
      CAPTURE(activation_name);
      CAPTURE(dropout);
      Random random(seed);
      const FeedForward<double> layer(4, 7, activation, dropout, random);
      CHECK(names_of(layer) ==
            (activation == Activation::swiglu
                 ? Names{"up.weight", "up.bias", "gate.weight", "gate.bias", "down.weight", "down.bias"}
                 : Names{"up.weight", "up.bias", "down.weight", "down.bias"}));
      CHECK(layer.up.weight.value.shape() == Shape<2>{7, 4});
      CHECK(layer.down.weight.value.shape() == Shape<2>{4, 7});
      check_layer(layer, Shape<2>{3, 4});
      check_layer(layer, Shape<3>{2, 3, 4});
    }
  }
}
