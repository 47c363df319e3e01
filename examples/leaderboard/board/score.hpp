#pragma once
// The score of a model: the mean loss of every token of a text but the first, or of the paper's windows.
#include <algorithm>
#include <optional>
#include <vector>

#include "board/entry.hpp"
#include "board/text.hpp"
#include "slm/autograd/ops/arithmetic.hpp"
#include "slm/autograd/ops/elementwise.hpp"
#include "slm/autograd/ops/softmax.hpp"
#include "slm/autograd/ops/unary.hpp"
#include "slm/models/ngram_lm.hpp"
#include "slm/train/evaluate_text.hpp"

namespace slm::leaderboard {

/// A model as it is scored: with an n-gram model mixed in, if there is one, and with what it cost.
///   p = (1 − w) p_model + w p_ngram
template <class Model>
struct ScoredModel {
  const Model& model;
  const decltype(Model::config)& config;
  const NgramLM<float>* ngram;
  double weight;
  Cost& cost;

  Var<float, 3> operator()(Tape<float>& tape, const Tokens<2>& tokens) const {
    const auto logits = mixed(tape, tokens);
    cost += tape.costs().forward;
    return logits;
  }

 private:
  Var<float, 3> mixed(Tape<float>& tape, const Tokens<2>& tokens) const {
    const auto logits = model(tape, tokens);
    if (!ngram) return logits;
    const auto counted = scale(exp((*ngram)(tape, tokens)), static_cast<float>(weight));
    const auto trained = scale(softmax(logits), static_cast<float>(1 - weight));
    return log(add(trained, counted));
  }
};

/// Of the text from windows at a stride; or, of the paper's windows, of the token after each.
struct Score {
  double nll = 0;
  /// Of windows side by side, in the first of whose tokens little is known of what came before: what nanoGPT's
  /// estimate, of windows that begin anywhere, is in the mean. None of the paper's windows.
  std::optional<double> of_windows = {};
  Index flops = 0;  // of `nll`
};

/// A prediction is of what comes before a token. Throws a `ConfigError` where what comes after it changes it,
/// in a window whose second half is read with other tokens.
template <class Model>
void require_no_foresight(const Model& model, Index context, const Text& text) {
  const Index T = std::min(context, static_cast<Index>(text.scored.size())), half = T / 2;
  Tokens<2> tokens({1, T});
  Tape<float> tape(Mode::evaluate);
  const auto logits_of_first_half = [&] {
    tape.reset();
    const auto logits = model(tape, tokens);
    const float* first = logits.value();
    return std::vector<float>(first, first + half * logits.extent(2));
  };
  std::copy_n(text.scored.begin(), T, tokens.begin());
  const auto before = logits_of_first_half();
  for (Index t = half; t < T; ++t) tokens(0, t) = (tokens(0, t) + 1) % static_cast<Token>(text.vocabulary);
  const auto after = logits_of_first_half();
  const auto differs = std::mismatch(before.begin(), before.end(), after.begin()).first;
  require_config(differs == before.end(),
                 {"the prediction of a token changes with the tokens after it: position ",
                  (differs - before.begin()) / text.vocabulary, " of a window of ", T, " reads beyond itself"});
}

template <class Model>
Score score(const Model& model, const Recipe& recipe, const Text& text, const NgramLM<float>* ngram) {
  Cost cost;
  const ScoredModel<Model> scored{model, model.config, ngram, recipe.ngram_weight, cost};
  require_no_foresight(model, model.config.context, text);  // once more: weights may have begun at zero
  const Index T = model.config.context;
  const auto [context, stride] = static_windows(recipe, T);
  Score found;
  if (text.longest_window == 0) {
    const auto from = [&](const TextWindows& windows) {
      return evaluate<float>(scored, text.scored, windows).nats_per_token;
    };
    found.nll = from({.context = context, .stride = stride});
    found.flops = cost.flops();
    found.of_windows = from({.context = T, .stride = T});
    return found;
  }
  const Index seen = std::min(context, text.longest_window);
  const auto tokens = std::span(text.scored).subspan(static_cast<std::size_t>(text.first_scored - seen));
  constexpr Index batch = 16;
  const auto last_loss = [](const auto& its, Tape<float>& tape, const Batch& windows) {
    return cross_entropy(last_position(its(tape, windows.inputs)), windows.targets);
  };
  found.nll = evaluate<float>(
      scored, SequentialWindows<>(tokens, seen, batch, window_count(tokens.size(), seen)), last_loss);
  found.flops = cost.flops();
  return found;
}

}  // namespace slm::leaderboard
