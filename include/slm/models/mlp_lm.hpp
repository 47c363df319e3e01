#pragma once
#include "slm/autograd/ops/activation.hpp"
#include "slm/nn/embedding.hpp"
#include "slm/nn/linear.hpp"
#include "slm/nn/module.hpp"

namespace slm {

template <Scalar Real>
struct MlpLM;

/// The sizes of an `MlpLM`.
struct MlpConfig {
  template <Scalar Real>
  using Model = MlpLM<Real>;

  Index vocabulary;
  Index context;  // T, the tokens of a window
  Index width = 128;
  Index hidden = 256;
  double dropout = 0;  // after each hidden layer

  static void fields(auto& self, auto&& f) {
    f("vocabulary", self.vocabulary), f("context", self.context), f("width", self.width);
    f("hidden", self.hidden), f("dropout", self.dropout);
  }
};

/// The embeddings of a window side by side, two hidden layers with ReLU, and the next token's logits.
template <Scalar Real>
struct MlpLM {
  static constexpr const char* name = "MlpLM";
  MlpConfig config;
  Embedding<Real> embedding;
  std::vector<Linear<Real>> hidden;
  Linear<Real> head;

  MlpLM(const MlpConfig& setting, RandomArgument random)
      : config(checked(setting)),
        embedding(config.vocabulary, config.width, random),
        hidden{Linear<Real>(count_product(config.context, config.width), config.hidden, random),
               Linear<Real>(config.hidden, config.hidden, random)},
        head(config.hidden, config.vocabulary, random) {}

  /// Logits of the token that follows: tokens (B, T) → (B, V).
  Var<Real, 2> next_token(Tape<Real>& tape, const Tokens<2>& tokens) const {
    tape.require_model(name, embedding.weight.value);
    detail::require_window(name, tokens.shape(), config.context);
    const auto part = tape.enter(*this);
    auto x = concat_window(embedding(tape, tokens));
    for (const auto& layer : hidden) x = dropout(relu(layer(x), InPlace::yes), config.dropout);
    return head(x);
  }

  static void fields(auto& self, auto&& f) {
    f("embedding", self.embedding), f("hidden", self.hidden), f("head", self.head);
  }

  static const MlpConfig& checked(const MlpConfig& config) {
    require_config(config.vocabulary > 0 && config.context > 0 && config.width > 0 && config.hidden > 0,
                   {"MlpLM: vocabulary ", config.vocabulary, ", context ", config.context, ", width ",
                    config.width, " and hidden width ", config.hidden, " must be positive"});
    detail::require_probability("MlpLM", config.dropout);
    return config;
  }
};

}  // namespace slm
