#pragma once
#include <optional>

#include "slm/autograd/ops/attention.hpp"
#include "slm/autograd/ops/embedding.hpp"
#include "slm/core/names.hpp"
#include "slm/nn/key_value_cache.hpp"
#include "slm/nn/linear.hpp"

namespace slm {

/// How the packed query, key and value map starts: as PyTorch's MultiheadAttention does (Xavier uniform
/// over the whole 3C x C matrix, biases zero, the output map's bias zero too), or as three linear layers.
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

/// Causal multi-head self-attention.   x (B, T, C) → (B, T, C)
template <Scalar Real>
struct CausalSelfAttention {
  Linear<Real> qkv, proj;
  std::optional<RotaryTable<Real>> rotary;  // of the head's width; empty where nothing is turned
  Index heads;
  double dropout_probability;  // on the attention weights

  CausalSelfAttention(Index C, Index head_count, double dropout, AttentionInit start, RandomArgument random)
      : qkv(C, 3 * C, random), proj(C, C, random), heads(head_count), dropout_probability(dropout) {
    detail::require_heads("CausalSelfAttention", C, head_count);
    detail::require_probability("CausalSelfAttention", dropout);
    switch (start) {
      case AttentionInit::linear:
        break;
      case AttentionInit::xavier:
        init::xavier_uniform(qkv.weight, random);
        init::constant(qkv.bias, 0);
        init::constant(proj.bias, 0);
    }
  }

  Var<Real, 3> operator()(Var<Real, 3> x) const { return project(attend(x, Queries::all)); }

  /// What the queries see, before the output map: x (B, T, C) → (B, T, C), or (B, 1, C) where only the last
  /// position's query is computed. With a cache, x follows the positions read before.
  Var<Real, 3> attend(Var<Real, 3> x, Queries queries, KeyValueCache<Real>* cache = nullptr) const {
    const auto part = x.tape().enter(*this);
    const Index T = x.extent(1), C = x.extent(2);
    const Index before = cache ? cache->length() : 0;
    if (queries == Queries::all || (cache && T == 1)) {
      auto h = qkv(x);  // (B, T, 3C): queries, keys, values
      if (rotary) h = turned(h, 2 * C, before);
      return cache ? causal_attention(h, heads, cache->of(this, C))
                   : causal_attention(h, heads, dropout_probability);
    }
    auto q = qkv.part(detail::last_of(x, cache), 0, C), kv = qkv.part(x, C, 2 * C);
    if (rotary) {
      q = turned(q, C, before + T - 1);
      kv = turned(kv, C, before);
    }
    return cache ? causal_attention(q, kv, heads, cache->of(this, C))
                 : causal_attention(q, kv, heads, dropout_probability);
  }
  /// The output map.
  Var<Real, 3> project(Var<Real, 3> seen) const {
    const auto part = seen.tape().enter(*this);
    return proj(seen);
  }

  static void fields(auto& self, auto&& f) { f("qkv", self.qkv), f("proj", self.proj); }

 private:
  Var<Real, 3> turned(Var<Real, 3> x, Index rotated, Index first = 0) const {
    const Index head_width = proj.weight.value.extent(1) / heads, table_width = 2 * rotary->cosine.extent(1);
    require_config(table_width == head_width, {"CausalSelfAttention: the rotary table is for heads of width ",
                                               table_width, ", those of the layer have ", head_width});
    return rotary_embedding(x, *rotary, rotated, first);
  }
};

}  // namespace slm
