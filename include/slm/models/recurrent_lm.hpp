#pragma once
// Language models that keep a state of fixed size: GruLM, LstmLM and MinGruLM.
#include <optional>

#include "slm/autograd/ops/activation.hpp"
#include "slm/autograd/ops/elementwise.hpp"
#include "slm/core/names.hpp"
#include "slm/nn/embedding.hpp"
#include "slm/nn/linear.hpp"
#include "slm/nn/module.hpp"
#include "slm/nn/normalization.hpp"
#include "slm/nn/recurrent.hpp"

namespace slm {

/// How recurrent layers follow each other.
///   stacked:  x = layer(x), as in PyTorch's nn.GRU
///   residual: x = x + layer(norm(x)), and a norm before the head
enum class Layering { stacked, residual };

inline constexpr EnumName<Layering> layering_names[] = {{Layering::stacked, "stacked"},
                                                        {Layering::residual, "residual"}};
constexpr std::span<const EnumName<Layering>> enum_names(Layering) { return layering_names; }

template <Scalar Real>
struct GruLM;
template <Scalar Real>
struct LstmLM;
template <Scalar Real>
struct MinGruLM;

/// The sizes of a `GruLM`.
struct GruConfig {
  template <Scalar Real>
  using Model = GruLM<Real>;

  Index vocabulary;
  Index context;  // T, the tokens of a window in training and evaluation; texts may be longer
  Index width = 128;
  Index layers = 1;
  Layering layering = Layering::stacked;
  double dropout = 0;  // on the output of every layer but the last

  static void fields(auto& self, auto&& f) {
    f("vocabulary", self.vocabulary), f("context", self.context), f("width", self.width);
    f("layers", self.layers), f("layering", self.layering), f("dropout", self.dropout);
  }
};

/// The sizes of an `LstmLM`.
struct LstmConfig {
  template <Scalar Real>
  using Model = LstmLM<Real>;

  Index vocabulary;
  Index context;  // T, the tokens of a window in training and evaluation; texts may be longer
  Index width = 128;
  Index layers = 1;
  Layering layering = Layering::stacked;
  double dropout = 0;  // on the output of every layer but the last

  static void fields(auto& self, auto&& f) { GruConfig::fields(self, f); }
};

/// Layers are residual unless it says otherwise: a gate that does not see the state knows what came before from
/// the layers below alone, so that there are several.
struct MinGruConfig {
  template <Scalar Real>
  using Model = MinGruLM<Real>;

  Index vocabulary;
  Index context;  // T, the tokens of a window in training and evaluation; texts may be longer
  Index width = 128;
  Index layers = 3;
  Layering layering = Layering::residual;
  double dropout = 0;  // on the output of every layer but the last

  static void fields(auto& self, auto&& f) { GruConfig::fields(self, f); }
};

namespace detail {

/// What the three have in common: embeddings, layers of one kind, and a head. LM is the model itself.
template <class LM, Scalar Real, class Config, class Layer>
struct RecurrentLM {
  using State = RecurrentState<Real>;
  Config config;
  Embedding<Real> embedding;
  std::vector<LayerNorm<Real>> norms;  // one before each layer, if they are residual
  std::vector<Layer> layers;
  std::optional<LayerNorm<Real>> norm;
  Linear<Real> head;

  RecurrentLM(const Config& setting, RandomArgument random)
      : config(checked(setting)),
        embedding(config.vocabulary, config.width, random),
        norms(make_norms(is_residual(config) ? config.layers : 0)),
        layers(make_layers(random)),
        norm(is_residual(config) ? std::optional(LayerNorm<Real>(config.width)) : std::nullopt),
        head(config.width, config.vocabulary, random) {}

  /// Logits of the following token at every position: tokens (B, T) → (B, T, V).
  Var<Real, 3> operator()(Tape<Real>& tape, const Tokens<2>& tokens) const {
    const auto part = tape.enter(static_cast<const LM&>(*this));
    return head(normed(through_layers(tape, tokens, nullptr)));
  }

  /// Logits of the token that follows the window: tokens (B, T) → (B, V). With a state, the tokens follow those
  /// that were read before, and only they are computed.
  Var<Real, 2> next_token(Tape<Real>& tape, const Tokens<2>& tokens, State* state = nullptr) const {
    const auto part = tape.enter(static_cast<const LM&>(*this));
    return head(normed(last_position(through_layers(tape, tokens, state))));
  }

  /// The mean cross entropy of operator() without all of its logits, see `GivesLoss`.
  Var<Real, 0> loss(Tape<Real>& tape, const Tokens<2>& tokens, const Tokens<2>& targets) const {
    const auto part = tape.enter(static_cast<const LM&>(*this));
    return head.cross_entropy(normed(through_layers(tape, tokens, nullptr)), targets);
  }
  /// The same of next_token.
  Var<Real, 0> loss(Tape<Real>& tape, const Tokens<2>& tokens, const Tokens<1>& targets) const {
    const auto part = tape.enter(static_cast<const LM&>(*this));
    return head.cross_entropy(normed(last_position(through_layers(tape, tokens, nullptr))), targets);
  }
  using LossOf = LM;

  /// That of empty texts, as many as the first tokens are for.
  State make_state(Index = 1) const { return {}; }

  static void fields(auto& self, auto&& f) {
    f("embedding", self.embedding), f("norms", self.norms), f("layers", self.layers);
    f("norm", self.norm), f("head", self.head);
  }

  /// Throws a `ConfigError` when the config makes no model.
  static const Config& checked(const Config& config) {
    require_config(config.vocabulary > 0 && config.context > 0 && config.width > 0 && config.layers > 0,
                   {LM::name, ": vocabulary ", config.vocabulary, ", context ", config.context, ", width ",
                    config.width, " and layers ", config.layers, " must be positive"});
    constexpr Index most_layers = 10'000;
    require_config(config.layers <= most_layers,
                   {LM::name, ": at most ", most_layers, " layers, got ", config.layers});
    require_probability(LM::name, config.dropout);
    is_residual(config);
    return config;
  }

 private:
  static bool is_residual(const Config& config) {
    switch (config.layering) {
      case Layering::stacked:
        return false;
      case Layering::residual:
        return true;
    }
    throw_error<ConfigError>({LM::name, ": the layering is none that there is"});
  }

  std::vector<LayerNorm<Real>> make_norms(Index count) const {
    std::vector<LayerNorm<Real>> made;
    for (Index i = 0; i < count; ++i) made.emplace_back(config.width);
    return made;
  }
  std::vector<Layer> make_layers(RandomArgument random) const {
    std::vector<Layer> made;
    for (Index i = 0; i < config.layers; ++i) made.emplace_back(config.width, config.width, random);
    return made;
  }

  template <std::size_t Rank>
  Var<Real, Rank> normed(Var<Real, Rank> h) const {
    return norm ? (*norm)(h) : h;
  }

  Var<Real, 3> through_layers(Tape<Real>& tape, const Tokens<2>& tokens, State* state) const {
    tape.require_model(LM::name, embedding.weight.value);
    auto x = embedding(tape, tokens);
    for (std::size_t i = 0; i < layers.size(); ++i) {
      const bool residual = i < norms.size();
      auto h = layers[i](residual ? norms[i](x) : x, state);
      if (i + 1 < layers.size()) h = dropout(h, config.dropout);
      x = residual ? add(x, h) : h;
    }
    return x;
  }
};

}  // namespace detail

/// Embeddings, gated recurrent units, and the next token's logits at every position.        Cho et al. 2014
template <Scalar Real>
struct GruLM : detail::RecurrentLM<GruLM<Real>, Real, GruConfig, Gru<Real>> {
  static constexpr const char* name = "GruLM";
  using detail::RecurrentLM<GruLM<Real>, Real, GruConfig, Gru<Real>>::RecurrentLM;
};

/// The same of long short-term memories.                                   Hochreiter and Schmidhuber 1997
template <Scalar Real>
struct LstmLM : detail::RecurrentLM<LstmLM<Real>, Real, LstmConfig, Lstm<Real>> {
  static constexpr const char* name = "LstmLM";
  using detail::RecurrentLM<LstmLM<Real>, Real, LstmConfig, Lstm<Real>>::RecurrentLM;
};

/// The same of minimal GRUs.                                            Feng et al. 2024, arXiv 2410.01201
template <Scalar Real>
struct MinGruLM : detail::RecurrentLM<MinGruLM<Real>, Real, MinGruConfig, MinGru<Real>> {
  static constexpr const char* name = "MinGruLM";
  using detail::RecurrentLM<MinGruLM<Real>, Real, MinGruConfig, MinGru<Real>>::RecurrentLM;
};

}  // namespace slm
