#pragma once
#include <optional>

#include "slm/autograd/ops/attention.hpp"
#include "slm/autograd/ops/embedding.hpp"
#include "slm/core/names.hpp"
#include "slm/nn/key_value_cache.hpp"
#include "slm/nn/linear.hpp"
#include "slm/nn/normalization.hpp"

namespace slm {

/// How the packed query, key and value map starts: as PyTorch's MultiheadAttention does (Xavier uniform
/// over the whole matrix, biases zero, the output map's bias zero too), or as three linear layers.
enum class AttentionInit { xavier, linear };

inline constexpr EnumName<AttentionInit> attention_init_names[] = {{AttentionInit::xavier, "xavier"},
                                                                   {AttentionInit::linear, "linear"}};
constexpr std::span<const EnumName<AttentionInit>> enum_names(AttentionInit) { return attention_init_names; }

/// Whose queries are computed: of all positions, or of the last alone, where nothing depends on the others.
enum class Queries : bool { all, last };

namespace detail {

/// x (B, T, C) → (B, 1, C). A single position that is read token by token is the last itself.
template <Scalar Real>
Var<Real, 3> last_of(Var<Real, 3> x, const KeyValueCache<Real>* cache) {
  if (cache && x.extent(1) == 1) return x;
  return reshape(last_position(x), Shape<3>{x.extent(0), 1, x.extent(2)});
}

}  // namespace detail

/// What a layer of attention may have other than the usual.
struct AttentionOptions {
  Index key_value_heads = 0;    // see AttentionConfig; 0: as many as heads
  Index head_width = 0;         // 0: C / heads
  Bias biased = Bias::yes;      // of both maps
  bool query_key_norm = false;  // see CausalSelfAttention
  double norm_epsilon = 1e-5;   // of those norms
};

namespace detail {

/// The width of a head, with the layer's sizes checked.
[[gnu::noinline]] inline Index checked_head_width(Index C, Index heads, const AttentionOptions& options) {
  if (options.head_width == 0) require_heads("CausalSelfAttention", C, heads);
  const Index shared = options.key_value_heads == 0 ? heads : options.key_value_heads;
  if (heads < 1 || shared < 1 || heads % shared != 0 || options.head_width < 0) {
    throw_error<ShapeError>({"CausalSelfAttention: ", shared, " key/value heads of width ", options.head_width,
                             " do not divide ", heads, " heads"});
  }
  return options.head_width == 0 ? C / heads : options.head_width;
}

}  // namespace detail

/// Causal multi-head self-attention: see `attention`.   x (B, T, C) → (B, T, C)
///
/// With H heads of queries, G of keys and values and D the width of a head, `qkv` maps C to (H + 2 G) D
/// features and `proj` maps H D back to C. With `query_key_norm`, queries and keys are normalised head by head
/// before they are turned: q = q / √(mean(q²) + ε) ∘ gain over the D features of each head, with one gain (D)
/// for the queries of all heads, and likewise for keys with a gain of theirs; scores are divided by √D as ever.
///   after Henry et al. 2020, who scale rows to length 1, and Dehghani et al. 2023, sec. 2, who use layer norm
template <Scalar Real>
struct CausalSelfAttention {
  Index heads, key_value_heads, head_width;
  Linear<Real> qkv;
  std::optional<RMSNorm<Real>> query_norm, key_norm;
  Linear<Real> proj;
  std::optional<RotaryTable<Real>> rotary;  // of the head's width; empty where nothing is turned
  double dropout_probability;               // on the attention weights

  CausalSelfAttention(Index C, Index head_count, double dropout, AttentionInit start, RandomArgument random,
                      const AttentionOptions& options = {})
      : heads(head_count),
        key_value_heads(options.key_value_heads == 0 ? head_count : options.key_value_heads),
        head_width(detail::checked_head_width(C, head_count, options)),
        qkv(C, count_product(heads + 2 * key_value_heads, head_width), random, options.biased),
        proj(count_product(heads, head_width), C, random, options.biased),
        dropout_probability(dropout) {
    detail::require_probability("CausalSelfAttention", dropout);
    if (options.query_key_norm) {
      query_norm.emplace(head_width), key_norm.emplace(head_width);
      query_norm->epsilon = key_norm->epsilon = options.norm_epsilon;
    }
    switch (start) {
      case AttentionInit::linear:
        break;
      case AttentionInit::xavier:
        init::xavier_uniform(qkv.weight, random);
        init::constant(qkv.bias, 0);
        init::constant(proj.bias, 0);
    }
  }

  /// A score is one of `attention`, such as alibi(heads).
  template <AttentionScore Score = NoScore>
  Var<Real, 3> operator()(Var<Real, 3> x, const Score& score = {}) const {
    return project(attend(x, Queries::all, nullptr, score));
  }

  /// What the queries see, before the output map: x (B, T, C) → (B, T, H D), or (B, 1, H D) where only the last
  /// position's query is computed. With a cache, x follows the positions read before.
  template <AttentionScore Score = NoScore>
  Var<Real, 3> attend(Var<Real, 3> x, Queries queries, KeyValueCache<Real>* cache = nullptr,
                      const Score& score = {}) const {
    const auto part = x.tape().enter(*this);
    const Index T = x.extent(1), before = cache ? cache->length() : 0;
    const Index Q = heads * head_width, K = key_value_heads * head_width;
    const bool all = queries == Queries::all || (cache && T == 1);
    if (query_norm) {
      auto q = qkv.part(all ? x : detail::last_of(x, cache), 0, Q);
      auto k = qkv.part(x, Q, K);
      const auto v = qkv.part(x, Q + K, K);
      q = turned(each_head(*query_norm, q), Q, all ? before : before + T - 1);
      k = turned(each_head(*key_norm, k), K, before);
      return look(cache, score, q, k, v);
    }
    if (all) return look(cache, score, turned(qkv(x), Q + K, before));
    const auto q = qkv.part(detail::last_of(x, cache), 0, Q), kv = qkv.part(x, Q, 2 * K);
    const auto turned_q = turned(q, Q, before + T - 1);
    return look(cache, score, turned_q, turned(kv, K, before));
  }
  /// The output map.
  Var<Real, 3> project(Var<Real, 3> seen) const {
    const auto part = seen.tape().enter(*this);
    return proj(seen);
  }

  static void fields(auto& self, auto&& f) {
    f("qkv", self.qkv), f("query_norm", self.query_norm), f("key_norm", self.key_norm), f("proj", self.proj);
  }

 private:
  /// Attention of what lies side by side or apart.
  template <AttentionScore Score>
  Var<Real, 3> look(KeyValueCache<Real>* cache, const Score& score, auto... inputs) const {
    const AttentionConfig config{.heads = heads, .key_value_heads = key_value_heads};
    const auto in = detail::attention_inputs(inputs..., config);
    if (!cache) return detail::attention(in, dropout_probability, score);
    return detail::attention(in, cache->of(this, key_value_heads * head_width, rotary ? &*rotary : nullptr),
                             score);
  }
  /// The first `rotated` features turned, where positions are known that way.
  [[gnu::noinline]] Var<Real, 3> turned(Var<Real, 3> x, Index rotated, Index first) const {
    if (!rotary) return x;
    const Index table_width = 2 * rotary->cosine.extent(1);
    require_config(table_width == head_width, {"CausalSelfAttention: the rotary table is for heads of width ",
                                               table_width, ", those of the layer have ", head_width});
    return rotary_embedding(x, *rotary, rotated, first);
  }
  [[gnu::noinline]] Var<Real, 3> each_head(const RMSNorm<Real>& norm, Var<Real, 3> x) const {
    const Shape<3> apart{x.extent(0), x.extent(1) * x.extent(2) / head_width, head_width};
    return reshape(norm(reshape(x, apart)), x.shape());
  }
};

}  // namespace slm
