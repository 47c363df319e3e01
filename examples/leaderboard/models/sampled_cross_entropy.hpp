#pragma once
// The loss of a head of many words without most of its logits.
#include <cmath>
#include <limits>
#include <vector>

#include "slm/autograd/ops/arithmetic.hpp"
#include "slm/autograd/ops/concatenation.hpp"
#include "slm/autograd/ops/elementwise.hpp"
#include "slm/autograd/ops/gather.hpp"
#include "slm/autograd/ops/linear.hpp"
#include "slm/autograd/ops/operators.hpp"
#include "slm/autograd/ops/reduction.hpp"

namespace slm::leaderboard {

/// Which logits a step makes beside those of its targets; words are numbered from the most frequent one on.
struct WordSample {
  Index frequent = 0;  // all of the first so many words
  Index rare = 0;      // and so many of the others, drawn anew in each step

  /// The words of a step. One that was drawn stands for `weight` of the rare words that are no targets.
  /// Throws a `ConfigError` where there are too few of those.
  template <Scalar Real>
  Tokens<1> draw(const Tokens<2>& targets, Index words, Random random, double& weight) const {
    require_config(frequent >= 0 && rare >= 1 && frequent + rare + targets.size() <= words,
                   {"frequent and rare words: expected 0 or more and 1 or more, with the ", targets.size(),
                    " targets of a step at most ", words, " words, got ", frequent, " and ", rare});
    if constexpr (!has_values<Real>) return Tokens<1>::without_memory({frequent + rare});
    std::vector<bool> taken(static_cast<std::size_t>(words), false);
    Index left = words - frequent;
    const auto take = [&](Index word) {
      if (taken[static_cast<std::size_t>(word)]) return false;
      taken[static_cast<std::size_t>(word)] = true;
      return true;
    };
    for (const Token target : targets) left -= target >= frequent && take(target);
    weight = static_cast<double>(left) / static_cast<double>(rare);
    Tokens<1> drawn({frequent + rare});
    for (Index i = 0; i < frequent; ++i) drawn(i) = static_cast<Token>(i);
    for (Index i = frequent; i < frequent + rare;) {
      const Index word = frequent + random.below(words - frequent);
      if (take(word)) drawn(i++) = static_cast<Token>(word);
    }
    return drawn;
  }
};

/// An estimate of the mean cross entropy of the targets by the logits z = x Wᵀ + b, from some of them:
///   Σ exp z ≈ Σ exp z_v over frequent v + exp z_target if it is rare + weight Σ exp z_v over drawn v
/// A rare target of the step is never drawn for its others, which leaves it out of their sums.
/// x (B, T, C)   W (V, C)   b (V)   targets (B, T)   →   scalar
///                              Jean et al. 2015, arXiv 1412.2007, whose proposal is uniform over what is rare
template <Scalar Real>
Var<Real, 0> sampled_cross_entropy(Var<Real, 3> x, Var<Real, 2> W, Var<Real, 1> b, const Tokens<2>& targets,
                                   const WordSample& sample, const Random& random) {
  Tape<Real>& tape = x.tape();
  const Index rows = targets.size();
  double weight = 1;
  const Tokens<1> drawn = sample.draw<Real>(targets, W.extent(0), random, weight);
  Tokens<1> own = Tokens<1>::without_memory({rows});
  Tensor<bool, 1> frequent = Tensor<bool, 1>::without_memory({rows});
  Tensor<Real, 1> weights = Tensor<Real, 1>::without_memory({drawn.size()});
  if constexpr (has_values<Real>) {
    own = Tokens<1>({rows}), frequent = Tensor<bool, 1>({rows}), weights = Tensor<Real, 1>({drawn.size()});
    for (Index i = 0; i < rows; ++i) {
      own(i) = targets.data()[i];
      frequent(i) = own(i) < sample.frequent;
    }
    for (Index i = sample.frequent; i < drawn.size(); ++i) weights(i) = static_cast<Real>(std::log(weight));
  }
  const auto h = reshape(x, Shape<2>{rows, x.extent(2)});
  const auto z = linear(h, gather_rows(W, drawn), gather_rows(b, drawn) + tape.constant(weights));
  const auto z_own = sum(h * gather_rows(W, own), last_axis) + gather_rows(b, own);
  constexpr Real nothing = -std::numeric_limits<Real>::infinity();
  const Var<Real, 1> both[] = {logsumexp(z, last_axis), masked_fill(z_own, frequent, nothing)};
  return mean(logsumexp(stack<Real, 1>(both), last_axis) - z_own);
}

}  // namespace slm::leaderboard
