#pragma once
// An LSTM for many words: the embedding is the head's matrix, too, and narrower than the layers.
#include "models/sampled_cross_entropy.hpp"
#include "models/weight_dropout.hpp"
#include "models/word_lstm_config.hpp"
#include "slm/autograd/ops/arrangement.hpp"
#include "slm/nn/embedding.hpp"
#include "slm/nn/linear.hpp"
#include "slm/nn/module.hpp"

namespace slm::leaderboard {

template <Scalar Real>
struct WordLstm {
  static constexpr const char* name = "WordLstm";
  WordLstmConfig config;
  Embedding<Real> embedding;  // (V, factor)                            Press and Wolf 2017, arXiv 1608.05859
  std::vector<Lstm<Real>> layers;
  Linear<Real> narrow;  // (width) → (factor)
  Linear<Real> head;    // without a weight of its own

  WordLstm(const WordLstmConfig& setting, RandomArgument random)
      : config(setting),
        embedding(config.vocabulary, config.factor, random),
        layers(make_layers(random)),
        narrow(config.width, config.factor, random),
        head(Linear<Real>::without_weight(config.factor, config.vocabulary, random)) {
    constexpr double deviation = 0.1;  // the head's logits begin small
    init::normal(embedding.weight, random, deviation);
  }

  /// tokens (B, T) → what the head multiplies: (B, T, factor).
  Var<Real, 3> hidden(Tape<Real>& tape, const Tokens<2>& tokens) const {
    auto x = dropout(embedding(tape, tokens), config.dropout);
    for (const Lstm<Real>& layer : layers) {
      x = dropout(with_weight_dropout(layer, x, config.weight_dropout), config.dropout);
    }
    return narrow(x);
  }

  /// Logits of the following token at every position: tokens (B, T) → (B, T, V).
  Var<Real, 3> operator()(Tape<Real>& tape, const Tokens<2>& tokens) const {
    const auto part = tape.enter(*this);
    return head(hidden(tape, tokens), embedding.weight);
  }
  /// Their mean cross entropy without all of them; in training, where the config asks for it, an estimate.
  Var<Real, 0> loss(Tape<Real>& tape, const Tokens<2>& tokens, const Tokens<2>& targets) const {
    const auto part = tape.enter(*this);
    const auto h = hidden(tape, tokens);
    if (config.rare == 0 || !tape.training()) return head.cross_entropy(h, embedding.weight, targets);
    const auto stream = tape.recorder().next_dropout_stream();
    return sampled_cross_entropy(h, tape.use(embedding.weight), tape.use(head.bias), targets,
                                 {config.frequent, config.rare}, stream.value_or(Random()));
  }
  using LossOf = WordLstm;
  /// The same of what follows the last N tokens, from all logits of those: tokens (B, T), targets (B, N).
  Var<Real, 0> loss_of_last(Tape<Real>& tape, const Tokens<2>& tokens, const Tokens<2>& targets) const {
    const auto part = tape.enter(*this);
    const Index T = tokens.extent(1);
    const auto last = slice(hidden(tape, tokens), 1, T - targets.extent(1), T);
    return head.cross_entropy(last, embedding.weight, targets);
  }

  static void fields(auto& self, auto&& f) {
    f("embedding", self.embedding), f("layers", self.layers), f("narrow", self.narrow), f("head", self.head);
    f("head.weight", self.embedding.weight);
  }

 private:
  std::vector<Lstm<Real>> make_layers(RandomArgument random) const {
    std::vector<Lstm<Real>> made;
    for (Index i = 0; i < config.layers; ++i) {
      made.emplace_back(i == 0 ? config.factor : config.width, config.width, random);
    }
    return made;
  }
};

}  // namespace slm::leaderboard
