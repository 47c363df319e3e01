#pragma once
#include "operations/entry.hpp"
#include "slm/autograd/ops/attention.hpp"
#include "slm/autograd/ops/attention_scores.hpp"

namespace slm::detail {

/// A score that hides keys, also all of some queries', and tells heads and positions apart.
struct ExampleScore {
  double operator()(Index head, Index query, Index key) const {
    const bool hidden = query % 4 == 3 || (query + 2 * key + head) % 5 == 0;
    return hidden ? -std::numeric_limits<double>::infinity()
                  : 0.25 * static_cast<double>(head + 1) - 0.125 * static_cast<double>(query - key);
  }
};

/// Attention works on tiles of 32 queries by 128 keys: examples lie below, on and above those sizes.
struct AttentionExamples {
  static kernels::AttentionSize size(const AttentionConfig& config, Index B, Index queries, Index keys,
                                     Index D) {
    const Index shared = config.key_value_heads == 0 ? config.heads : config.key_value_heads;
    return {B, queries, keys, config.heads, D, shared, config.causal};
  }
  static auto packed(AttentionConfig config, auto score) {
    constexpr bool scored = !std::is_same_v<decltype(score), NoScore>;
    return priced([=](auto qkv) { return attention(qkv, config, score); },
                  [=](auto qkv) {
                    const auto one = size(config, qkv[0], qkv[1], qkv[1], 1);
                    const auto all =
                        size(config, qkv[0], qkv[1], qkv[1], qkv[2] / (one.heads + 2 * one.key_value_heads));
                    return kernels::attention_costs(all, config.dropout > 0, scored);
                  });
  }
  static auto packed(AttentionConfig config) { return packed(config, NoScore()); }
  static auto split(AttentionConfig config) {
    return priced([=](auto q, auto kv) { return attention(q, kv, config); },
                  [=](auto q, auto kv) {
                    return kernels::attention_costs(size(config, q[0], q[1], kv[1], q[2] / config.heads),
                                                    config.dropout > 0);
                  });
  }
  static auto apart(AttentionConfig config, auto score) {
    constexpr bool scored = !std::is_same_v<decltype(score), NoScore>;
    return priced([=](auto q, auto k, auto v) { return attention(q, k, v, config, score); },
                  [=](auto q, auto k, auto) {
                    return kernels::attention_costs(size(config, q[0], q[1], k[1], q[2] / config.heads),
                                                    config.dropout > 0, scored);
                  });
  }
};

template <Scalar Real>
OperationEntry<Real> causal_attention_entry() {
  const auto packed = [](Index heads, double p = 0) {
    return AttentionExamples::packed({.heads = heads, .dropout = p});
  };
  const auto split = [](Index heads, double p = 0) {
    return AttentionExamples::split({.heads = heads, .dropout = p});
  };
  const AttentionConfig shared{.heads = 4, .key_value_heads = 2},
      shared_dropout{.heads = 4, .key_value_heads = 2, .dropout = 0.25};
  return {
      .name = "causal_attention",
      .formula =
          "y = dropout(softmax(q kᵀ / √D + score, keys up to the query's position only)) v for each head",
      .small = {example<Real>("", packed(2), Named("qkv", 2, 5, 12)),
                example<Real>("dropout", packed(2, 0.25), Named("qkv", 2, 5, 12)),
                example<Real>("fewer queries", split(2), Named("q", 2, 2, 6), Named("kv", 2, 5, 12)),
                example<Real>("one query, dropout", split(1, 0.25), Named("q", 2, 1, 3), Named("kv", 2, 5, 6)),
                example<Real>("several tiles", packed(1), Named("qkv", 1, 131, 6)),
                example<Real>("several tiles, dropout", packed(1, 0.25), Named("qkv", 1, 131, 6)),
                example<Real>("several tiles, fewer queries", split(1), Named("q", 1, 40, 2),
                              Named("kv", 1, 150, 4)),
                example<Real>("shared keys", AttentionExamples::packed(shared), Named("qkv", 2, 5, 16)),
                example<Real>("shared keys, fewer queries", AttentionExamples::split(shared_dropout),
                              Named("q", 2, 2, 8), Named("kv", 2, 5, 8)),
                example<Real>("score", AttentionExamples::packed({.heads = 2}, ExampleScore()),
                              Named("qkv", 2, 5, 12)),
                example<Real>("score, dropout, shared keys, apart",
                              AttentionExamples::apart(shared_dropout, ExampleScore()), Named("q", 1, 3, 8),
                              Named("k", 1, 5, 4), Named("v", 1, 5, 4)),
                example<Real>("several tiles, sliding window",
                              AttentionExamples::packed({.heads = 1}, sliding_window(3)),
                              Named("qkv", 1, 134, 6))},
      .large = {example<Real>("", packed(3), Named("qkv", 3, 150, 72)),
                example<Real>("dropout", packed(3, 0.25), Named("qkv", 3, 128, 72)),
                example<Real>("fewer queries, dropout", split(3, 0.25), Named("q", 3, 33, 24),
                              Named("kv", 3, 260, 48)),
                example<Real>("score, dropout, shared keys",
                              AttentionExamples::packed(shared_dropout, ExampleScore()),
                              Named("qkv", 2, 150, 64))},
      .refused = {
          {example<Real>("not three parts", packed(1), Named("qkv", 1, 2, 4)),
           {"qkv has shape (1, 2, 4)", "1 heads and 1 of keys and values need (B, T, 3 D)"}},
          {example<Real>("heads", packed(3), Named("qkv", 1, 2, 12)),
           {"qkv has shape (1, 2, 12)", "3 heads and 3 of keys and values need (B, T, 9 D)"}},
          {example<Real>("no heads", packed(0), Named("qkv", 1, 2, 12)), {"0 heads and 0 of keys"}},
          {example<Real>("heads that do not share evenly",
                         AttentionExamples::packed({.heads = 4, .key_value_heads = 3}), Named("qkv", 1, 2, 10)),
           {"4 heads and 3 of keys and values", "must be a multiple"}},
          {example<Real>("heads of queries", split(3), Named("q", 2, 1, 4), Named("kv", 2, 5, 8)),
           {"3 heads", "the width 4"}},
          {example<Real>("other batch", split(1), Named("q", 2, 1, 4), Named("kv", 3, 5, 8)),
           {"kv has shape (3, 5, 8)", "q of shape (2, 1, 4)", "needs (2, at least 1, 8)"}},
          {example<Real>("too few keys", split(1), Named("q", 2, 4, 4), Named("kv", 2, 3, 8)),
           {"kv has shape (2, 3, 8)", "q of shape (2, 4, 4)", "needs (2, at least 4, 8)"}},
          {example<Real>("other width", split(1), Named("q", 2, 1, 4), Named("kv", 2, 5, 12)),
           {"kv has shape (2, 5, 12)", "q of shape (2, 1, 4)", "needs (2, at least 1, 8)"}},
          {example<Real>("keys", AttentionExamples::apart(shared, NoScore()), Named("q", 2, 1, 8),
                         Named("k", 2, 5, 8), Named("v", 2, 5, 4)),
           {"k has shape (2, 5, 8)", "q of shape (2, 1, 8)", "needs (2, at least 1, 4)"}},
          {example<Real>("values", AttentionExamples::apart(shared, NoScore()), Named("q", 2, 1, 8),
                         Named("k", 2, 5, 4), Named("v", 2, 4, 4)),
           {"v has shape (2, 4, 4)", "k of shape (2, 5, 4)", "needs (2, 5, 4)"}},
          {example<Real>("a score for other heads", AttentionExamples::packed({.heads = 2}, alibi(4)),
                         Named("qkv", 1, 2, 12)),
           {"the score is for 4 heads, but there are 2"}},
          {example<Real>("dropout probability", packed(1, 1.5), Named("qkv", 1, 2, 12)),
           {"[0, 1)", "got 1.5"}}}};
}

template <Scalar Real>
OperationEntry<Real> attention_entry() {
  const AttentionConfig all{.heads = 2, .causal = false},
      shared_dropout{.heads = 4, .key_value_heads = 2, .causal = false, .dropout = 0.25};
  return {.name = "attention",
          .formula = "y = dropout(softmax(q kᵀ / √D + score)) v for each head",
          .small = {example<Real>("", AttentionExamples::packed(all), Named("qkv", 2, 5, 12)),
                    example<Real>("score, dropout, shared keys",
                                  AttentionExamples::packed(shared_dropout, ExampleScore()),
                                  Named("qkv", 1, 6, 16)),
                    example<Real>("several tiles, fewer queries", AttentionExamples::split(all),
                                  Named("q", 1, 34, 4), Named("kv", 1, 131, 8))},
          .large = {example<Real>("", AttentionExamples::packed(all), Named("qkv", 3, 150, 72))},
          .refused = {{example<Real>("width", AttentionExamples::packed(all), Named("qkv", 1, 2, 10)),
                       {"qkv has shape (1, 2, 10)", "2 heads and 2 of keys and values need (B, T, 6 D)"}},
                      {example<Real>("no heads", AttentionExamples::packed({.heads = -1, .causal = false}),
                                     Named("qkv", 1, 2, 10)),
                       {"-1 heads"}}}};
}

template <Scalar Real>
OperationEntry<Real> rotary_embedding_entry() {
  const auto turn = [](Index positions, Index head_width, Index rotated, Index first = 0) {
    return priced(
        [table = RotaryTable<Real>(positions, head_width), rotated, first](auto x) {
          return rotary_embedding(x, table, rotated, first);
        },
        [=](auto x) {
          return kernels::rotary_costs({row_count(x), last_extent(x), rotated, head_width, x[1], first});
        });
  };
  return {.name = "rotary_embedding",
          .formula = "(y[i], y[i + D/2]) = (x[i], x[i + D/2]) turned by position / 10000^(i / (D/2))",
          .small = {example<Real>("packed", turn(3, 4, 16), Named("x", 2, 3, 24)),
                    example<Real>("all features", turn(5, 6, 12), Named("x", 2, 3, 12)),
                    example<Real>("later positions", turn(7, 4, 8, 4), Named("x", 2, 3, 12))},
          .large = {example<Real>("packed", turn(100, 20, 80), Named("x", 6, 100, 120)),
                    example<Real>("later positions", turn(100, 20, 120, 30), Named("x", 6, 70, 120))},
          .refused = {{example<Real>("too many positions", turn(5, 4, 8, 3), Named("x", 2, 3, 12)),
                       {"positions 3 … 5", "(2, 3, 12)", "5 positions"}},
                      {example<Real>("half a head", turn(5, 4, 6), Named("x", 2, 3, 12)),
                       {"6 rotated features", "(2, 3, 12)", "head width 4"}},
                      {example<Real>("too many features", turn(5, 4, 16), Named("x", 2, 3, 12)),
                       {"16 rotated features", "(2, 3, 12)", "head width 4"}},
                      {example<Real>("negative position", turn(5, 4, 8, -1), Named("x", 2, 3, 12)),
                       {"positions -1 … 1", "(2, 3, 12)", "5 positions"}}}};
}

}  // namespace slm::detail
