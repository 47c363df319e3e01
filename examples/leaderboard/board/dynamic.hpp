#pragma once
// Dynamic evaluation: a model that goes on learning from what it was scored on.
#include <algorithm>

#include "board/entry.hpp"
#include "board/text.hpp"
#include "slm/autograd/ops/arrangement.hpp"
#include "slm/autograd/ops/loss.hpp"
#include "slm/optim/sgd.hpp"

namespace slm::leaderboard {

struct DynamicScore {
  double nll = 0;  // nats per token, over every token of the text but the first
  Index flops = 0;
};

/// Of a model that was trained with windows of T: throws a `ConfigError` where the recipe or the text allows no
/// dynamic evaluation.
inline void check_dynamic(const Recipe& recipe, const Text& text, Index T) {
  require_config(text.longest_window == 0, {"dynamic_rate: windows of the paper are scored one by one"});
  require_config(recipe.ngram_order == 0, {"dynamic_rate: what n-grams are mixed with is scored as it is"});
  require_config(recipe.dynamic_rate > 0, {"dynamic_rate must be positive, got ", recipe.dynamic_rate});
  dynamic_windows(recipe, T);
}

/// The mean cross entropy of what follows the last N tokens: tokens (B, T), targets (B, N). A model that makes
/// no other logits for that has a `loss_of_last` of its own.
template <class Model>
Var<float, 0> loss_of_last(const Model& model, Tape<float>& tape, const Tokens<2>& tokens,
                           const Tokens<2>& targets) {
  if constexpr (requires { model.loss_of_last(tape, tokens, targets); }) {
    return model.loss_of_last(tape, tokens, targets);
  } else {
    const Index T = tokens.extent(1);
    return cross_entropy(slice(model(tape, tokens), 1, T - targets.extent(1), T), targets);
  }
}

/// Scores the text in its order, some tokens at a time, each from all that its window has before it; after
/// them, a step of SGD lessens their loss, which changes the model.
///                                                                     Krause et al. 2018, arXiv 1709.07432
template <class Model>
DynamicScore dynamic_score(Model& model, const Recipe& recipe, const Text& text) {
  check_dynamic(recipe, text, model.config.context);
  const auto [context, stride] = dynamic_windows(recipe, model.config.context);
  SGD<float> optimizer(model, {.learning_rate = recipe.dynamic_rate});
  Tape<float> tape;
  DynamicScore score;
  const Index last = static_cast<Index>(text.scored.size()) - 1;
  for (Index begin = 0; begin < last; begin += stride) {
    const Index end = std::min(begin + stride, last), T = std::min(context, end);
    Tokens<2> inputs({1, T}), targets({1, end - begin});
    for (Index t = 0; t < T; ++t) inputs(0, t) = text.scored[static_cast<std::size_t>(end - T + t)];
    for (Index t = begin; t < end; ++t) targets(0, t - begin) = text.scored[static_cast<std::size_t>(t + 1)];
    tape.reset();
    const auto loss = loss_of_last(model, tape, inputs, targets);
    score.nll += static_cast<double>(loss.item()) * static_cast<double>(end - begin);
    tape.backward(loss);
    score.flops += tape.costs().total().flops() + optimizer.step_cost().flops();
    optimizer.step();
  }
  score.nll /= static_cast<double>(last);
  return score;
}

}  // namespace slm::leaderboard
