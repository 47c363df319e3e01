// What slm::compiled does not have, compiled with the program's own flags: products in double and in float, an
// operation, and a model of the layers that slm's models are made of.
#include <slm/slm.hpp>

#include <cmath>
#include <cstdio>

namespace {

using namespace slm;

template <class Real>
bool product_is_right(double tolerance) {
  constexpr Index m = 37, k = 300, n = 65;
  Tensor<Real, 2> a({m, k}), b({k, n});
  Random random(1, "product");
  for (Real& x : a) x = static_cast<Real>(random.normal());
  for (Real& x : b) x = static_cast<Real>(random.normal());
  Tape<Real> tape;
  const Real* c = matmul(tape.input(a), tape.input(b)).value();
  for (Index i = 0; i < m; ++i) {
    for (Index j = 0; j < n; ++j) {
      double sum = 0;
      for (Index p = 0; p < k; ++p) {
        sum += static_cast<double>(a.data()[i * k + p]) * static_cast<double>(b.data()[p * n + j]);
      }
      const double got = static_cast<double>(c[i * n + j]);
      if (std::abs(got - sum) > tolerance) {
        return std::printf("element (%d, %d) of a product: %g, expected %g\n", static_cast<int>(i),
                           static_cast<int>(j), got, sum) < 0;
      }
    }
  }
  return true;
}

/// y = x² + 1
Var<float, 3> square_plus_one(Var<float, 3> x) {
  return operation(
      x.tape(), "square_plus_one", x.shape(), {needed(x)}, {.costs = PassCosts()},
      [=](auto y) {
        for (Index i = 0; i < y.size(); ++i) y.output()[i] = x.value()[i] * x.value()[i] + 1;
      },
      [=](auto y) {
        for (Index i = 0; i < y.size(); ++i) x.grad()[i] += 2 * x.value()[i] * y.grad()[i];
      });
}

struct Net {
  Random random = Random(1, "net");
  Embedding<float> embedding{7, 40, random};
  TransformerBlock<float> block{
      LayerNorm<float>(40), CausalSelfAttention<float>(40, 4, 0, AttentionInit::linear, random),
      LayerNorm<float>(40), FeedForward<float>(40, 90, Activation::gelu, 0, random),
      NormPlacement::pre,   0};
  Linear<float> head{40, 7, random};

  static void fields(auto& self, auto&& f) {
    f("embedding", self.embedding), f("block", self.block), f("head", self.head);
  }
};

/// It learns the one text that it sees.
bool net_learns() {
  Net net;
  Adam<float> optimizer(net, {.learning_rate = 1e-2});
  Tokens<2> tokens({5, 9});
  for (Index i = 0; i < tokens.size(); ++i) tokens.data()[i] = static_cast<Token>(i * i % 7);
  Tape<float> tape;
  float first = 0, last = 0;
  for (int step = 0; step < 30; ++step) {
    tape.reset();
    const auto x = square_plus_one(net.block(embedding(tokens, tape.use(net.embedding.weight))));
    const auto loss = cross_entropy(net.head(x), tokens);
    last = loss.item();
    if (step == 0) first = last;
    tape.backward(loss);
    optimizer.step();
  }
  if (last < first / 4) return true;
  return std::printf("own model: loss from %g to %g\n", static_cast<double>(first), static_cast<double>(last)) <
         0;
}

}  // namespace

bool own_numbers_are_right() {
  return product_is_right<float>(1e-3) && product_is_right<double>(1e-11) && net_learns();
}
