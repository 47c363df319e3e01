// The mean loss over many windows against that of single windows by hand.
#include "slm/train/loss.hpp"

#include <cmath>

#include "slm/models/transformer_lm.hpp"
#include "train_test_support.hpp"

using namespace train_test;
using doctest::Approx;

namespace {

constexpr Index V = model_config.vocabulary, count = 30;  // windows, in batches of 8, 8, 8 and 6

/// The logits of the window that starts at this token of the text.
template <class Forward>
std::vector<double> logits_at(Index start, const Forward& forward) {
  Tokens<2> tokens({1, window});
  std::copy_n(text().begin() + start, window, tokens.begin());
  Tape<double> tape(Mode::evaluate);
  return as_doubles(forward(tape, tokens));
}

/// −log softmax(logits)[target], of V logits that start at `first`.
double negative_log_likelihood(const std::vector<double>& logits, Index first, Token target) {
  double total = 0;
  for (Index v = 0; v < V; ++v) total += std::exp(logits[static_cast<std::size_t>(first + v)]);
  return std::log(total) - logits[static_cast<std::size_t>(first + target)];
}

Token text_at(Index i) { return text()[static_cast<std::size_t>(i)]; }

}  // namespace

TEST_CASE("evaluate gives the mean over windows of the loss of the token that follows") {
  MlpLM<double> model(model_config, Random(seed));
  randomise(model);
  double sum = 0;
  for (Index i = 0; i < count; ++i) {
    const auto logits = logits_at(i, [&](auto& tape, const auto& x) { return model.next_token(tape, x); });
    sum += negative_log_likelihood(logits, 0, text_at(i + window));
  }
  CHECK(evaluate(model, valid_windows(count)) == Approx(sum / count).epsilon(1e-12));
}

TEST_CASE("evaluate at every position gives the mean over windows and their positions") {
  TransformerLM<double> model({.vocabulary = V, .context = window, .width = 4, .layers = 1, .heads = 2},
                              Random(seed));
  randomise(model);
  double sum = 0;
  for (Index i = 0; i < count; ++i) {
    const auto logits = logits_at(i, model);
    for (Index t = 0; t < window; ++t) sum += negative_log_likelihood(logits, t * V, text_at(i + t + 1));
  }
  const SequentialWindows<SequenceBatch> windows(text(), window, batch, count);
  CHECK(evaluate(model, windows) == Approx(sum / (count * window)).epsilon(1e-12));
}

namespace {

/// Predicts all tokens alike, whatever the model it is derived from does.
struct Uniform : MlpLM<double> {
  using MlpLM<double>::MlpLM;
  Var<double, 2> next_token(Tape<double>& tape, const Tokens<2>& tokens) const {
    return scale(MlpLM<double>::next_token(tape, tokens), 0.0);
  }
};

}  // namespace

TEST_CASE("a model that is derived from another is evaluated as itself") {
  static_assert(LanguageModel<Uniform, double> && !PredictsEach<Uniform, double>);
  static_assert(LanguageModel<TransformerLM<float>, float> && PredictsEach<TransformerLM<float>, float>);
  static_assert(!LanguageModel<TransformerLM<float>, double> && !LanguageModel<Linear<float>, float>);
  const Uniform model(model_config, Random(seed));
  CHECK(evaluate(model, valid_windows(count)) == Approx(std::log(double(V))).epsilon(1e-12));
}
