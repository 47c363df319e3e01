#pragma once
// The score of a model: the mean loss of every token of a text but the first, or of the paper's windows.
#include <optional>

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

template <class Model>
double score(const Model& model, const Recipe& recipe, const Text& text, const NgramLM<float>* ngram,
             Cost& cost) {
  const ScoredModel<Model> scored{model, model.config, ngram, recipe.ngram_weight, cost};
  const Index context = recipe.score_context > 0 ? recipe.score_context : model.config.context;
  if (text.longest_window == 0) {
    const Index stride = recipe.score_stride > 0 ? recipe.score_stride : std::max<Index>(1, context / 2);
    return evaluate<float>(scored, text.scored, TextWindows{.context = context, .stride = stride})
        .nats_per_token;
  }
  const Index T = std::min(context, text.longest_window), skipped = text.first_scored - T;
  const auto tokens = std::span(text.scored).subspan(static_cast<std::size_t>(skipped));
  constexpr Index batch = 16;
  const auto last_loss = [](const auto& its, Tape<float>& tape, const Batch& windows) {
    return cross_entropy(last_position(its(tape, windows.inputs)), windows.targets);
  };
  return evaluate<float>(scored, SequentialWindows<>(tokens, T, batch, window_count(tokens.size(), T)),
                         last_loss);
}

}  // namespace slm::leaderboard
