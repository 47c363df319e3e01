#include <cmath>

#include "slm/optim/muon.hpp"

#include "flops/flops_test_support.hpp"
#include "optim_test_support.hpp"
#include "slm/models/transformer_lm.hpp"

using namespace optim_test;

namespace {

template <Scalar Real>
struct Net {
  Parameter<Real, 2> tall, wide;
  Parameter<Real, 1> bias;

  Net(Index rows, Index columns) : tall({rows, columns}), wide({columns, rows}), bias({rows}) {
    if constexpr (std::is_floating_point_v<Real>) randomise(*this);
  }
  static void fields(auto& self, auto&& f) { f("tall", self.tall), f("wide", self.wide), f("bias", self.bias); }
};

/// XᵀX of a matrix of orthonormal columns, which has to be near to the identity; as far off as one element is.
double distance_from_identity(const double* x, Index rows, Index columns) {
  double most = 0;
  for (Index i = 0; i < columns; ++i) {
    for (Index j = 0; j < columns; ++j) {
      double sum = 0;
      for (Index n = 0; n < rows; ++n) sum += x[n * columns + i] * x[n * columns + j];
      most = std::max(most, std::abs(sum - (i == j ? 1 : 0)));
    }
  }
  return most;
}

}  // namespace

TEST_CASE("the iteration brings singular values near to 1") {
  // Of a diagonal matrix they are its elements; signs stay.
  constexpr Index side = 4;
  const double given[side] = {1, -0.5, 0.1, 0.004};
  Tensor<double, 2> matrix({side, side});
  for (Index i = 0; i < side; ++i) matrix(i, i) = given[i];
  NewtonSchulzMemory<double> memory(side * side, side);
  const double* x = newton_schulz(matrix.data(), side, side, Index(5), memory);
  for (Index i = 0; i < side; ++i) {
    for (Index j = 0; j < side; ++j) {
      CAPTURE(i);
      CAPTURE(j);
      const double value = x[i * side + j];
      if (i != j) CHECK(value == 0);
      if (i == j) CHECK(std::abs(value) > 0.68);
      if (i == j) CHECK(std::abs(value) < 1.21);
      if (i == j) CHECK((value > 0) == (given[i] > 0));
    }
  }
}

TEST_CASE("a matrix and its transpose have transposed results, near to orthonormal") {
  constexpr Index rows = 40, columns = 5;
  Tensor<double, 2> tall({rows, columns}), wide({columns, rows});
  Random random(seed);
  for (double& x : tall) x = random.normal();
  transpose<double>(Matrix<const double>(tall.data(), rows, columns),
                    Matrix<double>(wide.data(), columns, rows));
  NewtonSchulzMemory<double> memory(rows * columns, columns), other(rows * columns, columns);
  const double* x = newton_schulz(tall.data(), rows, columns, Index(5), memory);
  const double* y = newton_schulz(wide.data(), columns, rows, Index(5), other);
  std::vector<double> turned;
  for (Index i = 0; i < rows; ++i) {
    for (Index j = 0; j < columns; ++j) turned.push_back(y[j * rows + i]);
  }
  CHECK(relative_error(std::span<const double>(x, turned.size()), turned) <= 1e-14);
  CHECK(distance_from_identity(x, rows, columns) < 0.55);
  CHECK(distance_from_identity(tall.data(), rows, columns) > 10);
}

TEST_CASE("a matrix without a gradient only decays") {
  Net<double> net(3, 2);
  Muon optimizer(net, {.learning_rate = 0.5, .weight_decay = 0.5});
  const auto before = as_doubles(net.tall.value);
  optimizer.step();
  for (std::size_t i = 0; i < before.size(); ++i) CHECK(net.tall.value.data()[i] == 0.75 * before[i]);
}

TEST_CASE("a model's hidden matrices are Muon's, all else is Adam's") {
  TransformerLM<float> model({.vocabulary = 5, .context = 4, .width = 8, .layers = 2, .heads = 2},
                             Random(seed));
  Muon optimizer(model, {.learning_rate = 0.5}, {.learning_rate = 0.25});
  static_assert(std::is_same_v<decltype(optimizer), Muon<float>> && Optimizer<Muon<double>>);
  CHECK(optimizer.list().size() == parameters<float>(model).size());
  CHECK(optimizer.adam().list().size() == optimizer.list().size() - 2 * 4);
  CHECK(optimizer.list()[0].name == "blocks.0.attention.qkv.weight");
  CHECK(optimizer.adam().list()[0].name == "embedding.weight");
  CHECK(optimizer.adam().config().learning_rate == 0.25);
  draw_gradients(model, 0);
  optimizer.step();
  CHECK(gradients_are_clear(model));
  CHECK(optimizer.steps() == 1);
  optimizer.set_steps(7);
  CHECK(optimizer.steps() == 7);
}

TEST_CASE("Muon of matrices alone needs no Adam") {
  Net<float> net(6, 4);
  Muon optimizer(where(parameters<float>(net), is_matrix));
  const float bias = net.bias.value(0);
  draw_gradients(net, 0);
  optimizer.step();
  optimizer.step(0.1);
  CHECK(net.bias.value(0) == bias);
  CHECK(optimizer.list().size() == 2);
}

TEST_CASE("a step of Muon costs what is counted") {
  using Number = flops::Counted<double>;
  const slm_test::Threads one_thread(1);
  Net<Number> net(7, 3);
  Random random(seed);
  const auto draw = [&] {
    for_each_parameter(net, [&](const std::string&, const auto& its) {
      for (auto& g : its.grad) g = random.normal();
    });
  };
  for (const Index rounds : {1, 5}) {
    Muon optimizer(net, {.rounds = rounds});
    draw();
    flops::reset_tally();
    optimizer.step();
    const Cost counted = flops::tally().cost();
    CHECK(counted == optimizer.step_cost());
    CHECK(counted == muon_step_cost(7, 3, rounds) + muon_step_cost(3, 7, rounds) + adam_step_cost(7));
    CHECK(muon_step_cost(7, 3, rounds).multiply_adds == rounds * (3 * 7 * 3 + 3 * 3 * 3 + 7 * 3 * 3));
  }
}

TEST_CASE("Muon's steps have the same bits at 1, 2 and 3 threads") {
  const auto trained = [](int thread_count) {
    const Threads scope(thread_count);
    Net<float> net(300, 130);  // products that are cut into tiles
    Muon optimizer(net, {.weight_decay = 0.1});
    for (int step = 0; step < 2; ++step) draw_gradients(net, step), optimizer.step();
    return weights_of(net);
  };
  const auto one = trained(1);
  CHECK(same_bits(trained(2), one));
  CHECK(same_bits(trained(3), one));
}

TEST_CASE("Muon steps the weights of a model that its model was assigned") {
  check_assigned_model<Muon<float>>();  // which has vectors only
  std::vector<Net<float>> model(2, Net<float>(6, 4)), expected = model;
  Muon<float> optimizer(model), reference(expected);
  for (int step = 0; step < 3; ++step) {
    std::vector<Net<float>> next = model;
    model = std::move(next);
    draw_gradients(model, step), draw_gradients(expected, step);
    optimizer.step(), reference.step();
    CHECK(same_bits(weights_of(model), weights_of(expected)));
  }
}

TEST_CASE("Muon refuses what makes no optimizer, and names what it needs and got") {
  Net<float> net(3, 2);
  const auto list = parameters<float>(net);
  const auto parts = split(list, is_matrix);
  const ParameterList<float>&matrices = parts.chosen, &vectors = parts.others;
  const auto refusal = [&](const MuonConfig& config) {
    return message_of<ConfigError>([&] { Muon(matrices, config); });
  };
  CHECK(message_of<ConfigError>([&] { Muon<float> all(list); }) ==
        "Muon: expected matrices, got 'bias' of shape (3)");
  CHECK(message_of<ConfigError>([&] {
          Muon(matrices, {}, {{list, {}}});
        }) == "Muon: expected each parameter in one group, got 'tall' twice");
  CHECK(refusal({.learning_rate = -1}) == "Muon: learning rate must be finite and at least 0, got -1");
  CHECK(refusal({.momentum = 1}) == "Muon: momentum must lie in [0, 1), got 1");
  CHECK(refusal({.weight_decay = -1}) == "Muon: weight decay must be finite and at least 0, got -1");
  CHECK(refusal({.rounds = 0}) == "Muon: needs at least one round, got 0");
  CHECK(has(message_of<ConfigError>([&] {
              Muon<float>(ParameterList<float>(), {},
                          {{vectors, {.learning_rate = 0}}, {matrices, {.learning_rate = 1}}});
            }),
            "Muon: expected a learning rate of Adam's first group that is not 0"));
  Muon optimizer(matrices, {.learning_rate = 0.5}, {{vectors, {}}});
  draw_gradients(net, 0);
  const auto before = weights_of(net);
  for (const double rate : {-0.1, not_a_number, infinity}) {
    CHECK(message_of<ConfigError>([&] { optimizer.step(rate); }) ==
          "Muon: learning rate must be finite and at least 0, got " + number_text(rate));
  }
  Muon still(matrices, {.learning_rate = 0}, {{vectors, {}}});
  CHECK(has(message_of<ConfigError>([&] { still.step(0.1); }), "Muon: a step of rate 0.1 scales Adam's rate"));
  CHECK(same_bits(weights_of(net), before));
}
