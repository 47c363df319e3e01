#pragma once
#include "operations/entry.hpp"
#include "slm/autograd/ops/attention.hpp"

namespace slm::detail {

/// Attention works on tiles of 32 queries by 128 keys: examples lie below, on and above those sizes.
template <Scalar Real>
OperationEntry<Real> causal_attention_entry() {
  const auto packed = [](Index heads, double p = 0) {
    return priced([=](auto qkv) { return causal_attention(qkv, heads, p); },
                  [=](auto qkv) {
                    return kernels::attention_costs({qkv[0], qkv[1], qkv[1], heads, qkv[2] / 3 / heads}, p > 0);
                  });
  };
  const auto split = [](Index heads, double p = 0) {
    return priced([=](auto q, auto kv) { return causal_attention(q, kv, heads, p); },
                  [=](auto q, auto kv) {
                    return kernels::attention_costs({q[0], q[1], kv[1], heads, q[2] / heads}, p > 0);
                  });
  };
  return {
      .name = "causal_attention",
      .formula = "y = dropout(softmax(q kᵀ / √D, keys up to the query's position only)) v for each head",
      .small = {example<Real>("", packed(2), Named("qkv", 2, 5, 12)),
                example<Real>("dropout", packed(2, 0.25), Named("qkv", 2, 5, 12)),
                example<Real>("fewer queries", split(2), Named("q", 2, 2, 6), Named("kv", 2, 5, 12)),
                example<Real>("one query, dropout", split(1, 0.25), Named("q", 2, 1, 3), Named("kv", 2, 5, 6)),
                example<Real>("several tiles", packed(1), Named("qkv", 1, 131, 6)),
                example<Real>("several tiles, dropout", packed(1, 0.25), Named("qkv", 1, 131, 6)),
                example<Real>("several tiles, fewer queries", split(1), Named("q", 1, 40, 2),
                              Named("kv", 1, 150, 4))},
      .large = {example<Real>("", packed(3), Named("qkv", 3, 150, 72)),
                example<Real>("dropout", packed(3, 0.25), Named("qkv", 3, 128, 72)),
                example<Real>("fewer queries, dropout", split(3, 0.25), Named("q", 3, 33, 24),
                              Named("kv", 3, 260, 48))},
      .refused = {{example<Real>("not three parts", packed(1), Named("qkv", 1, 2, 4)),
                   {"qkv", "(1, 2, 4)", "(B, T, 3C)"}},
                  {example<Real>("heads", packed(3), Named("qkv", 1, 2, 12)), {"3 heads", "the width 4"}},
                  {example<Real>("no heads", packed(0), Named("qkv", 1, 2, 12)), {"0 heads", "the width 4"}},
                  {example<Real>("other batch", split(1), Named("q", 2, 1, 4), Named("kv", 3, 5, 8)),
                   {"kv has shape (3, 5, 8)", "q of shape (2, 1, 4)", "needs (2, at least 1, 8)"}},
                  {example<Real>("too few keys", split(1), Named("q", 2, 4, 4), Named("kv", 2, 3, 8)),
                   {"kv has shape (2, 3, 8)", "q of shape (2, 4, 4)", "needs (2, at least 4, 8)"}},
                  {example<Real>("other width", split(1), Named("q", 2, 1, 4), Named("kv", 2, 5, 12)),
                   {"kv has shape (2, 5, 12)", "q of shape (2, 1, 4)", "needs (2, at least 1, 8)"}},
                  {example<Real>("dropout probability", packed(1, 1.5), Named("qkv", 1, 2, 12)),
                   {"[0, 1)", "got 1.5"}}}};
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
