#pragma once
#include "slm/core/names.hpp"
#include "slm/nn/attention.hpp"
#include "slm/nn/feed_forward.hpp"
#include "slm/nn/normalization.hpp"

namespace slm {

/// Where a block normalises: after adding to the residual stream (Vaswani et al. 2017) or before each
/// branch (Xiong et al. 2020).
enum class NormPlacement { post, pre };

inline constexpr EnumName<NormPlacement> norm_placement_names[] = {{NormPlacement::post, "post"},
                                                                   {NormPlacement::pre, "pre"}};
constexpr std::span<const EnumName<NormPlacement>> enum_names(NormPlacement) { return norm_placement_names; }

/// Self-attention and feed-forward, each added to its input.   x (B, T, C) → (B, T, C)
///   post: x = norm1(x + attention(x))         x = norm2(x + feed_forward(x))
///   pre:  x = x + attention(norm1(x))         x = x + feed_forward(norm2(x))
template <Scalar Real>
struct TransformerBlock {
  LayerNorm<Real> norm1;
  CausalSelfAttention<Real> attention;
  LayerNorm<Real> norm2;
  FeedForward<Real> feed_forward;
  NormPlacement placement;
  double dropout_probability;  // on what each branch adds

  Var<Real, 3> operator()(Var<Real, 3> x) const {
    const bool pre = placement == NormPlacement::pre;
    return finish(x, attention(pre ? norm1(x) : x));
  }

  /// The last position alone, in two parts, because only the first needs the other positions.
  /// `see_last`: x (B, T, C) → x and attention's result at the last position, each (B, 1, C).
  std::array<Var<Real, 3>, 2> see_last(Var<Real, 3> x) const {
    const bool pre = placement == NormPlacement::pre;
    const auto seen = attention.last(pre ? norm1(x) : x);
    return {Var<Real, 3>(x.tape(), last_position(x).node(), seen.shape()), seen};
  }
  Var<Real, 3> finish_last(Var<Real, 3> x, Var<Real, 3> seen) const { return finish(x, attention.proj(seen)); }

  static void fields(auto& self, auto&& f) {
    f("norm1", self.norm1), f("attention", self.attention), f("norm2", self.norm2);
    f("feed_forward", self.feed_forward);
  }

 private:
  Var<Real, 3> finish(Var<Real, 3> x, Var<Real, 3> attended) const {
    // What comes out of a branch, only the sum needs.
    constexpr InPlace over = InPlace::yes;
    x = add(x, dropout(attended, dropout_probability, over), over);
    if (placement == NormPlacement::post) x = norm1(x);
    const auto h = feed_forward(placement == NormPlacement::pre ? norm2(x) : x);
    x = add(x, dropout(h, dropout_probability, over), over);
    return placement == NormPlacement::post ? norm2(x) : x;
  }
};

}  // namespace slm
