#pragma once
#include <optional>

#include "slm/autograd/ops/attention.hpp"
#include "slm/autograd/ops/embedding.hpp"
#include "slm/core/names.hpp"
#include "slm/nn/linear.hpp"

namespace slm {

/// How the packed query, key and value map starts: as PyTorch's MultiheadAttention does (Xavier uniform
/// over the whole 3C x C matrix, biases zero, the output map's bias zero too), or as three linear layers.
enum class AttentionInit { xavier, linear };

inline constexpr EnumName<AttentionInit> attention_init_names[] = {{AttentionInit::xavier, "xavier"},
                                                                   {AttentionInit::linear, "linear"}};
constexpr std::span<const EnumName<AttentionInit>> enum_names(AttentionInit) { return attention_init_names; }

/// Causal multi-head self-attention.   x (B, T, C) → (B, T, C)
template <Scalar Real>
struct CausalSelfAttention {
  Linear<Real> qkv, proj;
  std::optional<RotaryTable<Real>> rotary;  // of the head's width; empty where nothing is turned
  Index heads;
  double dropout_probability;  // on the attention weights

  CausalSelfAttention(Index C, Index head_count, double dropout, AttentionInit start, Random& random)
      : qkv(C, 3 * C, random), proj(C, C, random), heads(head_count), dropout_probability(dropout) {
    detail::require_heads("CausalSelfAttention", C, head_count);
    if (start == AttentionInit::xavier) {
      init::xavier_uniform(qkv.weight, random);
      init::constant(qkv.bias, 0);
      init::constant(proj.bias, 0);
    }
  }

  Var<Real, 3> operator()(Var<Real, 3> x) const {
    const Index C = x.extent(2);
    auto h = qkv(x);  // (B, T, 3C): queries, keys, values
    if (rotary) h = turned(h, 2 * C);
    return proj(causal_attention(h, heads, dropout_probability));
  }

  /// What the last position's query sees, before the output map: x (B, T, C) → (B, 1, C). Queries of the
  /// other positions are not computed.
  Var<Real, 3> last(Var<Real, 3> x) const {
    const auto [B, T, C] = x.shape();
    const auto final = last_position(x);
    auto q = qkv.part(Var<Real, 3>(x.tape(), final.node(), {B, 1, C}), 0, C);
    auto kv = qkv.part(x, C, 2 * C);
    if (rotary) {
      q = turned(q, C, T - 1);
      kv = turned(kv, C);
    }
    return causal_attention(q, kv, heads, dropout_probability);
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
