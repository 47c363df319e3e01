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
  Norm<Real> norm1;
  CausalSelfAttention<Real> attention;
  Norm<Real> norm2;
  FeedForward<Real> feed_forward;
  NormPlacement placement;
  double dropout_probability;  // on what each branch adds

  Var<Real, 3> operator()(Var<Real, 3> x, KeyValueCache<Real>* cache = nullptr) const {
    const auto part = x.tape().enter(*this);
    return finish(x, attention.attend(normed(norm1, norms().before, x), Queries::all, cache));
  }

  /// The last position alone, in two parts, because only the first needs the other positions.
  /// `see_last`: x (B, T, C) → x and what its query sees at the last position, each (B, 1, C).
  std::array<Var<Real, 3>, 2> see_last(Var<Real, 3> x, KeyValueCache<Real>* cache = nullptr) const {
    const auto part = x.tape().enter(*this);
    const auto seen = attention.attend(normed(norm1, norms().before, x), Queries::last, cache);
    return {detail::last_of(x, cache), seen};
  }
  /// What follows: x and what its queries see, each (B, T, C) → (B, T, C).
  Var<Real, 3> finish(Var<Real, 3> x, Var<Real, 3> seen) const {
    const auto part = x.tape().enter(*this);
    // What comes out of a branch, only the sum needs.
    constexpr InPlace over = InPlace::yes;
    x = add(x, dropout(attention.project(seen), dropout_probability, over), over);
    x = normed(norm1, norms().after, x);
    const auto h = feed_forward(normed(norm2, norms().before, x));
    x = add(x, dropout(h, dropout_probability, over), over);
    return normed(norm2, norms().after, x);
  }

  static void fields(auto& self, auto&& f) {
    f("norm1", self.norm1), f("attention", self.attention), f("norm2", self.norm2);
    f("feed_forward", self.feed_forward);
  }

 private:
  /// Where the norms stand: before the branches or after the sums.
  struct Norms {
    bool before, after;
  };
  Norms norms() const {
    switch (placement) {
      case NormPlacement::post:
        return {false, true};
      case NormPlacement::pre:
        return {true, false};
    }
    throw_error<ConfigError>("TransformerBlock: the placement of norms is none that there is");
  }
  static Var<Real, 3> normed(const Norm<Real>& norm, bool here, Var<Real, 3> x) { return here ? norm(x) : x; }
};

}  // namespace slm
