// A model of a user's own, with operations of their own: priced from its config, recorded and counted alike.
#include <doctest/doctest.h>

#include "flops/flops_test_support.hpp"
#include "slm/autograd/ops.hpp"
#include "slm/flops/model_cost.hpp"
#include "slm/nn/embedding.hpp"
#include "slm/nn/linear.hpp"

using namespace slm;

namespace {

/// σ(x)
template <Scalar Real, std::size_t Rank>
Var<Real, Rank> logistic(Var<Real, Rank> x) {
  const Index n = x.size();
  const PassCosts costs{{.elementwise = 2 * n, .transcendental = n}, {.elementwise = 4 * n}};
  return operation(
      x.tape(), "logistic", x.shape(), {x}, {.costs = costs, .needs_output = true},
      [=](auto y) {
        for (Index i = 0; i < n; ++i) y.output()[i] = Real(1) / (Real(1) + math::exp(-x.value()[i]));
      },
      [=](auto y) {
        const Real* s = y.value();
        for (Index i = 0; i < n; ++i) x.grad()[i] += y.grad()[i] * (s[i] * (Real(1) - s[i]));
      });
}

/// Position t of each sequence: x (B, T, C) → (B, C).
template <Scalar Real>
Var<Real, 2> position(Var<Real, 3> x, Index t) {
  const Index B = x.extent(0), T = x.extent(1), C = x.extent(2);
  const PassCosts costs{{.moved = B * C}, {.elementwise = B * C}};
  return operation(
      x.tape(), "position", Shape<2>{B, C}, {Operand(x).touching(B * C)}, {.costs = costs},
      [=](auto y) {
        for (Index b = 0; b < B; ++b) std::copy_n(x.value() + (b * T + t) * C, C, y.output() + b * C);
      },
      [=](auto y) {
        for (Index i = 0; i < B * C; ++i) x.grad()[(i / C * T + t) * C + i % C] += y.grad()[i];
      });
}

template <Scalar Real>
struct OwnGruLM;

struct OwnGruConfig {
  template <Scalar Real>
  using Model = OwnGruLM<Real>;

  Index vocabulary, context, width;
};

/// Gates r and z, and a candidate n that is silu instead of tanh:  h = n + z (h − n).            Cho et al.
/// 2014
template <Scalar Real>
struct OwnGru {
  Linear<Real> r, z, n, hidden_r, hidden_z, hidden_n;

  OwnGru(Index C, Random& random)
      : r(C, C, random),
        z(C, C, random),
        n(C, C, random),
        hidden_r(C, C, random),
        hidden_z(C, C, random),
        hidden_n(C, C, random) {}

  Var<Real, 2> operator()(Var<Real, 2> x, Var<Real, 2> h) const {
    const auto part = x.tape().enter(*this);
    const auto gate = [&](const Linear<Real>& input, const Linear<Real>& hidden) {
      const auto from_x = input(x), from_h = hidden(h);
      return logistic(add(from_x, from_h));
    };
    const auto reset = gate(r, hidden_r), update = gate(z, hidden_z);
    const auto from_x = n(x), from_h = multiply(reset, hidden_n(h));
    const auto candidate = silu(add(from_x, from_h));
    return add(candidate, multiply(update, add(h, scale(candidate, Real(-1)))));
  }

  static void fields(auto& self, auto&& f) {
    f("r", self.r), f("z", self.z), f("n", self.n);
    f("hidden_r", self.hidden_r), f("hidden_z", self.hidden_z), f("hidden_n", self.hidden_n);
  }
};

template <Scalar Real>
struct OwnGruLM {
  OwnGruConfig config;
  Embedding<Real> embedding;
  OwnGru<Real> gru;
  Linear<Real> head;

  OwnGruLM(const OwnGruConfig& setting, Random random)
      : config(setting),
        embedding(config.vocabulary, config.width, random),
        gru(config.width, random),
        head(config.width, config.vocabulary, random) {}

  Var<Real, 2> next_token(Tape<Real>& tape, const Tokens<2>& tokens) const {
    const auto part = tape.enter(*this);
    const auto x = embedding(tape, tokens);
    auto h = scale(position(x, 0), Real(0));
    for (Index t = 0; t < x.extent(1); ++t) h = gru(position(x, t), h);
    return head(h);
  }

  static void fields(auto& self, auto&& f) {
    f("embedding", self.embedding), f("gru", self.gru), f("head", self.head);
  }
};

constexpr OwnGruConfig config{.vocabulary = 7, .context = 4, .width = 6};
constexpr Index B = 3, T = 4, C = 6, V = 7;

template <Scalar Real>
void run(Tape<Real>& tape) {
  const OwnGruLM<Real> model(config, Random(1));
  Tokens<2> tokens({B, T});
  for (Index i = 0; i < tokens.size(); ++i) tokens.data()[i] = static_cast<Token>(i * i % V);
  const auto loss = batch_loss(model, tape, Batch{tokens, Tokens<1>({B})});
  if (tape.training()) tape.backward(loss);
}

}  // namespace

TEST_CASE("a GRU of one's own is priced as it is recorded, part by part") {
  for (const Mode mode : {Mode::train, Mode::evaluate}) {
    const auto priced = flops::model_cost(config, {.batch = B, .mode = mode});
    Tape<float> tape(mode);
    run(tape);
    const auto recorded = tape.costs_by_part();
    REQUIRE(priced.parts.size() == recorded.size());
    for (std::size_t i = 0; i < recorded.size(); ++i) {
      INFO(recorded[i].path << " " << std::string(recorded[i].operation));
      CHECK(priced.parts[i].path == recorded[i].path);
      CHECK(priced.parts[i].operation == recorded[i].operation);
      CHECK(priced.parts[i].calls == recorded[i].calls);
      CHECK(priced.parts[i].cost == recorded[i].cost);
    }
    CHECK(flops::model_cost<OwnGruLM>(config, {.batch = B, .mode = mode}).total() == priced.total());
  }
}

TEST_CASE("a GRU of one's own is priced as its numbers count themselves") {
  const slm_test::Threads one_thread(1);
  Tape<flops::Counted<double>> tape;
  flops::reset_tally();
  run(tape);
  const auto priced = flops::model_cost(config, {.batch = B});
  test::check_equal(flops::tally().cost(), test::without_copies(priced.total().total()), "both passes");
}

TEST_CASE("a GRU of one's own, by hand") {
  const auto priced = flops::model_cost(config, {.batch = B});
  CHECK(priced.parameters() == V * C + 6 * (C * C + C) + C * V + V);
  // Each step six products of B rows, forward once and backward twice; the head.
  CHECK(priced.total().total().multiply_adds == 3 * (T * 6 * B * C * C + B * C * V));
  const auto& embedding = priced.parts.front();
  CHECK(embedding.path == "embedding");
  CHECK(embedding.cost.kept == B * T * C);
  const auto gate = [](const PartCost& part) { return part.path == "gru" && part.operation == "logistic"; };
  const auto sigmoids = std::find_if(priced.parts.begin(), priced.parts.end(), gate);
  REQUIRE(sigmoids != priced.parts.end());
  CHECK(sigmoids->calls == 2 * T);
  CHECK(sigmoids->cost.kept == 2 * T * B * C);
  CHECK(sigmoids->cost.traffic.backward == 2 * T * 3 * B * C);  // dy, y, dx
}

TEST_CASE("a model without memory is priced: a GRU of a trillion parameters") {
  const auto priced =
      flops::model_cost(OwnGruConfig{.vocabulary = 7, .context = 3, .width = 400'000}, {.batch = 2});
  CHECK(priced.parameters() > 960'000'000'000);
}
