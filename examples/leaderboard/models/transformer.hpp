#pragma once
// A transformer with what is said to pay beside the usual: tables of more than the token, normalised queries
// and keys, ReLU², values that tokens bring along.
#include <array>
#include <cmath>
#include <optional>

#include "models/token_tables.hpp"
#include "models/transformer_config.hpp"
#include "slm/autograd/map_sequences.hpp"
#include "slm/autograd/ops/arrangement.hpp"
#include "slm/autograd/ops/concatenation.hpp"
#include "slm/nn/attention.hpp"
#include "slm/nn/module.hpp"
#include "slm/nn/normalization.hpp"

namespace slm::leaderboard {

/// x (B, T, C) → (B, T, C), with values beside: x = x + attention(norm(x)), x = x + feed_forward(norm(x)).
template <Scalar Real>
struct TableBlock {
  Index width, head_width;
  RMSNorm<Real> norm1;
  Linear<Real> qkv;
  std::optional<RMSNorm<Real>> query_norm, key_norm;
  Linear<Real> proj;
  RMSNorm<Real> norm2;
  FeedForward<Real> feed_forward;
  RotaryTable<Real> rotary;

  TableBlock(const TableTransformerConfig& config, RandomArgument random)
      : width(config.width),
        head_width(config.head_width),
        norm1(width),
        qkv(width, 3 * width, random, Bias::no),
        proj(width, width, random, Bias::no),
        norm2(width),
        feed_forward(width, config.feed_forward > 0 ? config.feed_forward : 4 * width, config.activation, 0,
                     random, Bias::no),
        rotary(config.context, config.head_width) {
    if (config.query_key_norm) query_norm.emplace(head_width), key_norm.emplace(head_width);
    if (config.zero_start) init::constant(proj.weight, 0), init::constant(feed_forward.down.weight, 0);
  }

  Var<Real, 3> operator()(Var<Real, 3> x, std::optional<Var<Real, 3>> values, double dropped) const {
    const auto part = x.tape().enter(*this);
    const auto h = norm1(x);
    const auto q = turned(query_norm, qkv.part(h, 0, width));
    const auto k = turned(key_norm, qkv.part(h, width, width));
    auto v = qkv.part(h, 2 * width, width);
    if (values) v = add(v, *values);
    const auto seen = attention(q, k, v, AttentionConfig{.heads = width / head_width});
    x = add(x, dropout(proj(seen), dropped), InPlace::yes);
    const auto fed = feed_forward(norm2(x));
    return add(x, dropout(fed, dropped), InPlace::yes);
  }

  static void fields(auto& self, auto&& f) {
    f("norm1", self.norm1), f("qkv", self.qkv), f("query_norm", self.query_norm), f("key_norm", self.key_norm);
    f("proj", self.proj), f("norm2", self.norm2), f("feed_forward", self.feed_forward);
  }

 private:
  Var<Real, 3> turned(const std::optional<RMSNorm<Real>>& norm, Var<Real, 3> x) const {
    if (norm) {
      const Shape<3> apart{x.extent(0), x.extent(1) * x.extent(2) / head_width, head_width};
      x = reshape((*norm)(reshape(x, apart)), x.shape());
    }
    return rotary_embedding(x, rotary, width);
  }
};

template <Scalar Real>
struct TableTransformer {
  static constexpr const char* name = "TableTransformer";
  TableTransformerConfig config;
  TokenTables<Real> embedding;
  std::vector<TokenTables<Real>> values;
  std::vector<TableBlock<Real>> blocks;
  RMSNorm<Real> norm;
  Linear<Real> head;
  std::optional<TokenTables<Real>> logits;

  TableTransformer(const TableTransformerConfig& setting, RandomArgument random)
      : config(checked(setting)),
        embedding(config.vocabulary, config.width, {config.lags, config.order, config.rows},
                  config.tied ? 1 / std::sqrt(static_cast<double>(config.width)) : 1, random),
        norm(config.width),
        head(config.tied ? Linear<Real>::without_weight(config.width, config.vocabulary, random)
                         : Linear<Real>(config.width, config.vocabulary, random)),
        logits(config.logit_lags > 0
                   ? std::optional<TokenTables<Real>>(
                         std::in_place, config.vocabulary, config.vocabulary,
                         TableConfig{config.logit_lags, config.logit_order, config.rows}, 0, random)
                   : std::nullopt) {
    for (Index i = 0; i < config.layers; ++i) blocks.emplace_back(config, random);
    for (Index i = 0; i < config.value_layers; ++i) {
      values.emplace_back(config.vocabulary, config.width, TableConfig{1, config.value_order, config.rows}, 0,
                          random);
    }
  }

  /// Logits of the following token at every position: tokens (B, T) → (B, T, V).
  Var<Real, 3> operator()(Tape<Real>& tape, const Tokens<2>& tokens) const {
    const auto part = tape.enter(*this);
    const auto embedded = embedding(tape, tokens);
    std::vector<Var<Real, 3>> read{dropout(embedded, config.dropout)};
    for (const auto& table : values) read.push_back(table(tape, tokens));
    const auto beside = read.size() == 1 ? read.front() : concatenate(read, 2);
    const auto through = [this](Var<Real, 3> few) { return std::array<Var<Real, 3>, 1>{all_blocks(few)}; };
    const auto h = map_sequences<1>(beside, {Shape<2>{tokens.extent(1), config.width}}, through, blocks)[0];
    const auto by_blocks = from_states(norm(h));
    if (!logits) return by_blocks;
    const auto by_tables = (*logits)(tape, tokens);
    return add(by_blocks, by_tables, InPlace::yes);
  }

  static void fields(auto& self, auto&& f) {
    f("embedding", self.embedding), f("values", self.values), f("blocks", self.blocks), f("norm", self.norm);
    f("head", self.head), f("logits", self.logits);
  }

 private:
  static const TableTransformerConfig& checked(const TableTransformerConfig& config) {
    require_config(config.width % config.head_width == 0 && config.value_layers <= config.layers,
                   {"TableTransformer: heads of ", config.head_width, " do not divide the width ", config.width,
                    ", or ", config.value_layers, " layers of values are more than ", config.layers});
    return config;
  }

  Var<Real, 3> from_states(Var<Real, 3> x) const {
    if (!config.tied) return head(x);
    // The table has a row more, for what stands before a window.
    const auto table = x.tape().use(embedding.tables.front().weight);
    return linear(x, slice(table, 0, 0, config.vocabulary), x.tape().use(head.bias));
  }

  /// Side by side come the token's features and what it brings to each of the last blocks.
  Var<Real, 3> all_blocks(Var<Real, 3> beside) const {
    const Index C = config.width, plain = config.layers - config.value_layers;
    auto x = config.value_layers > 0 ? slice(beside, 2, 0, C) : beside;
    for (Index i = 0; i < config.layers; ++i) {
      std::optional<Var<Real, 3>> its;
      if (i >= plain) its = slice(beside, 2, (i - plain + 1) * C, (i - plain + 2) * C);
      x = blocks[static_cast<std::size_t>(i)](x, its, config.dropout);
    }
    return x;
  }
};

}  // namespace slm::leaderboard
