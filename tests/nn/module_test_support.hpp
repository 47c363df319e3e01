#pragma once
// What the tests of layers and models share: names, flat copies and comparison of parameters, and the check of
// every parameter's gradient against central differences.
#include <doctest/doctest.h>

#include <span>
#include <string>
#include <utility>
#include <vector>

#include "slm/autograd/grad_check.hpp"
#include "slm/autograd/ops/elementwise.hpp"
#include "slm/autograd/ops/reduction.hpp"
#include "slm/core/parallel.hpp"
#include "slm/nn/embedding.hpp"
#include "slm/nn/linear.hpp"
#include "slm/nn/module.hpp"
#include "threads.hpp"

namespace module_test {

using namespace slm;

inline constexpr std::uint64_t seed = 689;

/// Parameter names in the order in which they are visited.
template <class Module>
std::vector<std::string> names_of(const Module& module) {
  std::vector<std::string> names;
  for_each_parameter(module, [&](const std::string& name, const auto&) { names.push_back(name); });
  return names;
}

template <class T, std::size_t Rank>
std::vector<double> as_doubles(const Tensor<T, Rank>& x) {
  return {x.begin(), x.end()};
}
template <Scalar Real, std::size_t Rank>
std::vector<double> as_doubles(Var<Real, Rank> x) {
  return {x.value(), x.value() + x.size()};
}

/// A parameter's name and its value or gradient.
using Named = std::vector<std::pair<std::string, std::vector<double>>>;

template <class Module>
Named gradients_of(const Module& module) {
  Named gradients;
  for_each_parameter(module, [&](const std::string& name, const auto& parameter) {
    gradients.emplace_back(name, as_doubles(parameter.grad));
  });
  return gradients;
}

template <class Module>
void clear_gradients(const Module& module) {
  for_each_parameter(module, [](const std::string&, const auto& parameter) {
    std::fill(parameter.grad.begin(), parameter.grad.end(), 0);
  });
}

/// All weights side by side. A float is a double, so that comparing them compares bits but for -0 and NaN.
template <class Module>
std::vector<double> weights_of(const Module& module) {
  std::vector<double> weights;
  for_each_parameter(module, [&](const std::string&, const auto& parameter) {
    weights.insert(weights.end(), parameter.value.begin(), parameter.value.end());
  });
  return weights;
}

using slm::detail::same_bits;

/// Moves every parameter off its initial value: a forgotten bias of zero or gain of one would not show.
template <class Module>
void randomise(Module& module) {
  Random random(seed, "randomise");
  for_each_parameter(module, [&](const std::string&, auto& parameter) {
    for (auto& x : parameter.value)
      x += static_cast<std::remove_reference_t<decltype(x)>>(0.3 * random.normal());
  });
}

/// Tokens drawn evenly from the vocabulary.
template <std::size_t Rank>
Tokens<Rank> random_tokens(const Shape<Rank>& shape, Index vocabulary, const char* stream = "tokens") {
  Tokens<Rank> tokens(shape);
  Random random(seed, stream);
  for (Token& token : tokens) token = static_cast<Token>(random.below(vocabulary));
  return tokens;
}

/// A layer with its input, so that the input's gradient is looked at as the parameters' are.
template <class Layer, std::size_t Rank>
struct WithInput {
  Layer layer;
  Parameter<double, Rank> input;

  WithInput(Layer part, const Shape<Rank>& shape) : layer(std::move(part)), input(shape) { randomise(*this); }
  static void fields(auto& self, auto&& f) { f("layer", self.layer), f("input", self.input); }
};

/// Σ w ∘ y with fixed random weights w: a loss in which every element counts.
template <std::size_t Rank>
Var<double, 0> weighted_sum(Var<double, Rank> y) {
  Tensor<double, Rank> w(y.shape());
  Random random(seed, "weights of the sum");
  for (double& x : w) x = random.normal();
  auto& tape = y.tape();
  const double* kept = tape.recorder().keep(w.data(), w.size());
  return sum(multiply(y, tape.variable(tape.recorder().given(kept, nullptr, w.size(), false), w.shape())));
}

/// Tied weights: the embedding's are the head's, under a second name, and the whole embedding is visited again.
template <Scalar Real>
struct Tied {
  Embedding<Real> embedding;
  Linear<Real> hidden;

  Tied(Index V, Index C, Random random) : embedding(V, C, random), hidden(C, C, random) {}

  /// tokens (B, T) → logits (B, V) of the last position, by the embedding's matrix.
  Var<Real, 2> next_token(Tape<Real>& tape, const Tokens<2>& tokens) const {
    const auto h = hidden(last_position(embedding(tape, tokens)));
    return linear(h, tape.use(embedding.weight), tape.input(no_bias));
  }

  static void fields(auto& self, auto&& f) {
    f("embedding", self.embedding), f("hidden", self.hidden);
    f("head.weight", self.embedding.weight), f("again", self.embedding);
  }

 private:
  Tensor<Real, 1> no_bias{{embedding.weight.value.extent(0)}};
};

/// Compares the gradient of forward(tape) in every parameter with central differences.
template <class Module, class Forward>
void check_gradients(Module& module, const Forward& forward) {
  const slm_test::Threads one(1);  // sharing such small loops costs more than the loops
  Tape<double> tape;
  const auto run = [&] {
    tape.reset(Random(seed, "dropout"));  // the same mask every time
    return forward(tape);
  };
  clear_gradients(module);
  tape.backward(run());
  for_each_parameter(module, [&](const std::string& name, auto& parameter) {
    CAPTURE(name);
    const std::vector<double> gradient = as_doubles(parameter.grad);
    const std::span<double> x(parameter.value.data(), static_cast<std::size_t>(parameter.value.size()));
    const std::vector<double> expected = numeric_gradient(x, [&] { return run().item(); });
    CHECK(relative_error(gradient, expected) <= 1e-6);
    CHECK(std::any_of(expected.begin(), expected.end(), [](double g) { return g != 0; }));
  });
}

}  // namespace module_test
