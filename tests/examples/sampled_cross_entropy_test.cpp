// The loss of a head of many words from some of its logits.
#include "models/sampled_cross_entropy.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

#include "models/word_lstm.hpp"
#include "slm/autograd/ops/arrangement.hpp"
#include "slm/autograd/ops/linear_cross_entropy.hpp"
#include "slm/autograd/parameter.hpp"
#include "slm/flops/model_cost.hpp"
#include "slm/nn/init.hpp"

using namespace slm;
using namespace slm::leaderboard;

namespace {

constexpr Index words = 40, width = 5;

struct Head {
  Parameter<double, 3> x;
  Parameter<double, 2> W{Shape<2>{words, width}};
  Parameter<double, 1> b{Shape<1>{words}};

  explicit Head(Index rows) : x({1, rows, width}) {
    Random random(1, "init");
    init::normal(x, random, 1.0), init::normal(W, random, 1.0), init::normal(b, random, 1.0);
  }

  /// The loss; gradients are those of it.
  double exact(const Tokens<2>& targets) {
    return of([&](Tape<double>& tape) {
      return linear_cross_entropy(tape.use(x), tape.use(W), tape.use(b), targets);
    });
  }
  double sampled(const Tokens<2>& targets, const WordSample& sample, std::uint64_t seed = 1) {
    return of([&](Tape<double>& tape) {
      return sampled_cross_entropy(tape.use(x), tape.use(W), tape.use(b), targets, sample,
                                   Random(seed, "words"));
    });
  }
  std::vector<double> gradients() const {
    std::vector<double> all(x.grad.begin(), x.grad.end());
    all.insert(all.end(), W.grad.begin(), W.grad.end());
    all.insert(all.end(), b.grad.begin(), b.grad.end());
    return all;
  }

 private:
  template <class Loss>
  double of(const Loss& loss) {
    std::fill(x.grad.begin(), x.grad.end(), 0.0);
    std::fill(W.grad.begin(), W.grad.end(), 0.0);
    std::fill(b.grad.begin(), b.grad.end(), 0.0);
    Tape<double> tape;
    const auto y = loss(tape);
    tape.backward(y);
    return y.item();
  }
};

}  // namespace

TEST_CASE(
    "with every other word drawn the sampled loss of a rare target is the exact one, as are its gradients") {
  for (const Index frequent : {Index(0), Index(8)}) {
    CAPTURE(frequent);
    Head head(1);
    Tokens<2> targets({1, 1});
    targets(0, 0) = 30;
    const double exact = head.exact(targets);
    const auto expected = head.gradients();
    CHECK(head.sampled(targets, {frequent, words - frequent - 1}) == doctest::Approx(exact).epsilon(1e-12));
    const auto found = head.gradients();
    for (std::size_t i = 0; i < found.size(); ++i) {
      CHECK(found[i] == doctest::Approx(expected[i]).epsilon(1e-9).scale(1));
    }
  }
}

TEST_CASE("the sampled loss is the exact one in the mean, but for the logarithm of a mean") {
  Head head(3);
  Tokens<2> targets({1, 3});
  targets(0, 0) = 2, targets(0, 1) = 20, targets(0, 2) = 35;
  const double exact = head.exact(targets);
  double sum = 0;
  constexpr int draws = 2000;
  for (int i = 0; i < draws; ++i) sum += head.sampled(targets, {8, 16}, static_cast<std::uint64_t>(i));
  CHECK(sum / draws == doctest::Approx(exact).epsilon(0.02));
}

TEST_CASE("a sample has every frequent word, others that are no targets, and none twice") {
  Tokens<2> targets({2, 2});
  targets(0, 0) = 1, targets(0, 1) = 12, targets(1, 0) = 12, targets(1, 1) = 39;
  double weight = 0;
  const auto drawn = WordSample{10, 14}.draw<double>(targets, words, Random(3, "words"), weight);
  CHECK(weight == 2.0);  // 30 rare words, without two targets, for 14 of them
  CHECK(drawn.size() == 24);
  std::vector<bool> seen(words, false);
  for (Index i = 0; i < drawn.size(); ++i) {
    CHECK_FALSE(seen[static_cast<std::size_t>(drawn(i))]);
    seen[static_cast<std::size_t>(drawn(i))] = true;
    CHECK((drawn(i) < 10) == (i < 10));
    CHECK((drawn(i) != 12 && drawn(i) != 39));
  }
  CHECK_THROWS_WITH_AS(
      (WordSample{10, 28}.draw<double>(targets, words, Random(), weight)),
      "frequent and rare words: expected 0 or more and 1 or more, with the 4 targets of a step at "
      "most 40 words, got 10 and 28",
      ConfigError);
}

TEST_CASE("a model of words with a sampled loss costs what was counted, and is evaluated by all its logits") {
  const WordLstmConfig config{.vocabulary = words, .factor = 4, .width = 6, .frequent = 8, .rare = 16};
  const WordLstm<float> model(config, Random(1, "init"));
  Tokens<2> inputs({2, 3}), targets({2, 3});
  for (Index i = 0; i < 6; ++i) {
    inputs.data()[i] = static_cast<Token>(5 * i), targets.data()[i] = static_cast<Token>(6 * i + 3);
  }
  Tape<float> tape;
  tape.reset(Random(1, "dropout"));
  tape.backward(model.loss(tape, inputs, targets));
  const auto priced = flops::step_cost(
      WordLstm<Shapes>(config, Random()), Mode::train,
      [&](Tape<Shapes>& shapes) { return WordLstm<Shapes>(config, Random()).loss(shapes, inputs, targets); });
  CHECK(tape.costs().total().flops() == priced.total().total().flops());

  Tape<float> evaluation(Mode::evaluate);
  const float exact = cross_entropy(model(evaluation, inputs), targets).item();
  CHECK(model.loss(evaluation, inputs, targets).item() == exact);
}

TEST_CASE("the loss of what follows the last tokens is that of their logits, and makes no others") {
  const WordLstmConfig config{.vocabulary = words, .factor = 4, .width = 6, .frequent = 8, .rare = 16};
  const WordLstm<float> model(config, Random(1, "init"));
  Tokens<2> inputs({1, 5}), targets({1, 2});
  for (Index i = 0; i < 5; ++i) inputs(0, i) = static_cast<Token>(7 * i);
  targets(0, 0) = 30, targets(0, 1) = 3;
  Tape<float> all, last;
  const float expected = cross_entropy(slice(model(all, inputs), 1, 3, 5), targets).item();
  CHECK(model.loss_of_last(last, inputs, targets).item() == expected);
  CHECK(all.costs().total().flops() - last.costs().total().flops() >= 2 * 3 * config.factor * words);
}
