#pragma once
#include "slm/nn/embedding.hpp"
#include "slm/nn/linear.hpp"
#include "slm/nn/module.hpp"

namespace slm {

template <Scalar Real>
struct LinearLM;

/// The sizes of a `LinearLM`.
struct LinearConfig {
  template <Scalar Real>
  using Model = LinearLM<Real>;

  Index vocabulary;
  Index context;  // T, the tokens of a window
  Index width = 128;

  static void fields(auto& self, auto&& f) {
    f("vocabulary", self.vocabulary), f("context", self.context), f("width", self.width);
  }
};

/// The embeddings of a window side by side, and one linear map to the next token's logits.
template <Scalar Real>
struct LinearLM {
  static constexpr const char* name = "LinearLM";
  LinearConfig config;
  Embedding<Real> embedding;
  Linear<Real> head;

  LinearLM(const LinearConfig& setting, RandomArgument random)
      : config(checked(setting)),
        embedding(config.vocabulary, config.width, random),
        head(count_product(config.context, config.width), config.vocabulary, random) {}

  /// Logits of the token that follows: tokens (B, T) → (B, V).
  Var<Real, 2> next_token(Tape<Real>& tape, const Tokens<2>& tokens) const {
    tape.require_model(name, embedding.weight.value);
    detail::require_window(name, tokens.shape(), config.context);
    const auto part = tape.enter(*this);
    return head(concat_window(embedding(tape, tokens)));
  }

  static void fields(auto& self, auto&& f) { f("embedding", self.embedding), f("head", self.head); }

  static const LinearConfig& checked(const LinearConfig& config) {
    require_config(config.vocabulary > 0 && config.context > 0 && config.width > 0,
                   {"LinearLM: vocabulary ", config.vocabulary, ", context ", config.context, " and width ",
                    config.width, " must be positive"});
    return config;
  }
};

}  // namespace slm
