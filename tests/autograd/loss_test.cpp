// Losses where the table of operations does not look: what is ignored, and the config at its default.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "slm/autograd/ops.hpp"

using namespace slm;
using doctest::Approx;

namespace {

constexpr Index R = 5, V = 7;

Tensor<double, 2> random_logits() {
  Tensor<double, 2> logits({R, V});
  Random random(1, "logits");
  for (double& x : logits) x = random.normal();
  return logits;
}

Tokens<1> targets_of(const std::vector<Token>& list) {
  Tokens<1> targets({static_cast<Index>(list.size())});
  std::copy(list.begin(), list.end(), targets.begin());
  return targets;
}

template <std::size_t Rank>
std::vector<double> values(Var<double, Rank> x) {
  return {x.value(), x.value() + x.size()};
}

/// The loss and its gradient in the logits.
std::vector<double> loss_and_gradient(const Tensor<double, 2>& logits, const auto& loss_of) {
  Tape<double> tape;
  const auto x = tape.input(logits, true);
  const auto loss = loss_of(x);
  tape.backward(loss);
  std::vector<double> numbers(x.grad(), x.grad() + x.size());
  numbers.push_back(loss.item());
  return numbers;
}

}  // namespace

TEST_CASE("cross_entropy with a config at its default is the one without, bit for bit") {
  const auto logits = random_logits();
  const auto targets = targets_of({0, 6, 3, 3, 1});
  CHECK(loss_and_gradient(logits, [&](auto x) { return cross_entropy(x, targets, {}); }) ==
        loss_and_gradient(logits, [&](auto x) { return cross_entropy(x, targets); }));
}

TEST_CASE("the mean is over the targets that count, whatever value marks the others") {
  const auto logits = random_logits();
  for (const Token mark : {-100, -1, 2, 1000}) {
    CAPTURE(mark);
    const auto targets = targets_of({0, mark, 3, mark, 1});
    Tape<double> tape;
    const auto x = tape.input(logits);
    const auto losses = values(token_losses(x, targets, {.ignore_index = mark}));
    const auto plain = values(token_losses(x, targets_of({0, 4, 3, 4, 1})));
    CHECK(losses == std::vector<double>{plain[0], 0, plain[2], 0, plain[4]});
    CHECK(cross_entropy(x, targets, {.ignore_index = mark}).item() ==
          Approx((plain[0] + plain[2] + plain[4]) / 3).epsilon(1e-14));
  }
}

TEST_CASE("what an ignored row holds is not looked at") {
  auto logits = random_logits();
  const CrossEntropyConfig config{.label_smoothing = 0.1, .ignore_index = -100, .z_loss = 0.5};
  const auto targets = targets_of({0, -100, 3, 3, 1});
  const auto loss = [&](auto x) { return cross_entropy(x, targets, config); };
  const auto expected = loss_and_gradient(logits, loss);
  for (Index v = 0; v < V; ++v) CHECK(expected[static_cast<std::size_t>(V + v)] == 0);
  for (const double bad : {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}) {
    logits(1, 2) = bad;
    CHECK(loss_and_gradient(logits, loss) == expected);
  }
}

TEST_CASE("logits that were masked by minus infinity have a loss, unless labels are smoothed over them") {
  auto logits = random_logits();
  logits(0, 3) = -std::numeric_limits<double>::infinity();
  const auto targets = targets_of({0, 6, 3, 3, 1});
  const auto numbers =
      loss_and_gradient(logits, [&](auto x) { return cross_entropy(x, targets, {.z_loss = 1e-4}); });
  for (const double number : numbers) CHECK(is_finite(number));
  CHECK(numbers[3] == 0);
}

TEST_CASE("label smoothing is the cross entropy against smoothed targets") {
  const auto logits = random_logits();
  constexpr double epsilon = 0.3;
  Tape<double> tape;
  const auto losses =
      values(token_losses(tape.input(logits), targets_of({0, 6, 3, 3, 1}), {.label_smoothing = epsilon}));
  const std::vector<Token> targets = {0, 6, 3, 3, 1};
  for (Index n = 0; n < R; ++n) {
    double total = 0, expected = 0;
    for (Index v = 0; v < V; ++v) total += std::exp(logits(n, v));
    for (Index v = 0; v < V; ++v) {
      const double share = epsilon / V + (v == targets[static_cast<std::size_t>(n)] ? 1 - epsilon : 0);
      expected -= share * (logits(n, v) - std::log(total));
    }
    CHECK(losses[static_cast<std::size_t>(n)] == Approx(expected).epsilon(1e-14));
  }
}

TEST_CASE("z-loss adds the square of log Σ exp, which moves with the logits") {
  auto logits = random_logits();
  const auto targets = targets_of({0, 6, 3, 3, 1});
  Tape<double> tape;
  const auto plain = values(token_losses(tape.input(logits), targets));
  for (double& x : logits) x += 10;
  const auto moved = values(token_losses(tape.input(logits), targets, {.z_loss = 0.5}));
  for (Index n = 0; n < R; ++n) {
    double total = 0;
    for (Index v = 0; v < V; ++v) total += std::exp(logits(n, v));
    const auto i = static_cast<std::size_t>(n);
    CHECK(moved[i] == Approx(plain[i] + 0.5 * std::log(total) * std::log(total)).epsilon(1e-13));
  }
}

TEST_CASE("mean_squared_error takes a variable or a tensor") {
  const auto y = random_logits();
  Tensor<double, 2> t({R, V});
  double expected = 0;
  for (Index i = 0; i < t.size(); ++i) {
    t.data()[i] = 0.1 * static_cast<double>(i);
    expected += (y.data()[i] - t.data()[i]) * (y.data()[i] - t.data()[i]) / static_cast<double>(t.size());
  }
  Tape<double> tape;
  const auto x = tape.input(y, true);
  CHECK(mean_squared_error(x, t).item() == Approx(expected).epsilon(1e-14));
  CHECK(mean_squared_error(x, tape.input(t)).item() == mean_squared_error(x, t).item());
}

TEST_CASE_TEMPLATE("losses of large logits do not overflow", Real, float, double) {
  Tensor<Real, 2> logits({2, 2});
  logits(0, 0) = Real(1e4), logits(1, 1) = Real(-1e4);
  Tape<Real> tape;
  const auto x = tape.input(logits, true);
  const auto loss = cross_entropy(x, targets_of({1, 1}), {.label_smoothing = 0.1, .z_loss = 1e-4});
  tape.backward(loss);
  CHECK(is_finite(loss.item()));
  for (Index i = 0; i < 4; ++i) CHECK(is_finite(x.grad()[i]));
}
