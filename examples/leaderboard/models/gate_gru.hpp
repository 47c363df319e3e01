#pragma once
// A GRU whose gates read tables: without a product of its input.
#include <optional>

#include "models/gate_gru_config.hpp"
#include "models/token_tables.hpp"
#include "models/weight_dropout.hpp"
#include "slm/nn/module.hpp"

namespace slm::leaderboard {

template <Scalar Real>
struct GateGru {
  static constexpr const char* name = "GateGru";
  GateGruConfig config;
  TokenTables<Real> gates;
  Parameter<Real, 2> recurrent;  // (3H, H)
  Parameter<Real, 1> bias;       // (3H)
  std::vector<Gru<Real>> upper;  // layers above
  std::optional<Linear<Real>> hidden;
  Linear<Real> head;
  std::optional<TokenTables<Real>> logits;

  GateGru(const GateGruConfig& setting, RandomArgument random)
      : config(setting),
        gates(config.vocabulary, 3 * config.width, {config.lags, config.order, config.rows}, 0.5, random),
        recurrent({3 * config.width, config.width}),
        bias({3 * config.width}),
        hidden(config.hidden > 0
                   ? std::optional<Linear<Real>>(std::in_place, config.width, config.hidden, random)
                   : std::nullopt),
        head(config.hidden > 0 ? config.hidden : config.width, config.vocabulary, random),
        logits(config.logit_lags > 0
                   ? std::optional<TokenTables<Real>>(
                         std::in_place, config.vocabulary, config.vocabulary,
                         TableConfig{config.logit_lags, config.logit_order, config.rows}, 0, random)
                   : std::nullopt) {
    init::linear_default(recurrent, config.width, random);
    init::constant(bias, 0);
    for (Index i = 1; i < config.layers; ++i) upper.emplace_back(config.width, config.width, random);
  }

  /// Logits of the following token at every position: tokens (B, T) → (B, T, V).
  Var<Real, 3> operator()(Tape<Real>& tape, const Tokens<2>& tokens) const {
    const auto part = tape.enter(*this);
    const auto from_tokens = dropout(gates(tape, tokens), config.table_dropout);
    auto h = gru(from_tokens, dropout(tape.use(recurrent), config.weight_dropout), tape.use(bias));
    h = dropout(h, config.dropout);
    for (const Gru<Real>& layer : upper) {
      h = dropout(with_weight_dropout(layer, h, config.weight_dropout), config.dropout);
    }
    if (hidden) h = relu_squared((*hidden)(h));
    const auto by_state = head(h);
    if (!logits) return by_state;
    const auto by_tables = (*logits)(tape, tokens);
    return add(by_state, by_tables, InPlace::yes);
  }

  static void fields(auto& self, auto&& f) {
    f("gates", self.gates), f("recurrent", self.recurrent), f("bias", self.bias);
    f("upper", self.upper), f("hidden", self.hidden), f("head", self.head), f("logits", self.logits);
  }
};

}  // namespace slm::leaderboard
