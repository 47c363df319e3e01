#pragma once
#include <optional>

#include "slm/autograd/ops/activation.hpp"
#include "slm/autograd/ops/elementwise.hpp"
#include "slm/core/names.hpp"
#include "slm/nn/linear.hpp"

namespace slm {

/// What stands between the two maps of a feed-forward layer. SwiGLU multiplies a second map of the input
/// with the SiLU of another: down(up(x) ∘ silu(gate(x))).                                    Shazeer 2020
/// GELU is exact or approximated by tanh (Hendrycks and Gimpel 2016), ReLU² is max(x, 0)² (So et al. 2021).
enum class Activation { relu, gelu, swiglu, gelu_tanh, relu_squared };

inline constexpr EnumName<Activation> activation_names[] = {{Activation::relu, "relu"},
                                                            {Activation::gelu, "gelu"},
                                                            {Activation::swiglu, "swiglu"},
                                                            {Activation::gelu_tanh, "gelu_tanh"},
                                                            {Activation::relu_squared, "relu_squared"}};
constexpr std::span<const EnumName<Activation>> enum_names(Activation) { return activation_names; }

/// Whether a second map of the input is the gate of the first.
constexpr bool is_gated(Activation activation) {
  switch (activation) {
    case Activation::swiglu:
      return true;
    case Activation::relu:
    case Activation::gelu:
    case Activation::gelu_tanh:
    case Activation::relu_squared:
      break;
  }
  return false;
}

/// x (…, C) → (…, C) by way of (…, width).
template <Scalar Real>
struct FeedForward {
  Linear<Real> up;
  std::optional<Linear<Real>> gate;  // of a gated activation
  Linear<Real> down;
  Activation activation;
  double dropout_probability;  // on the output

  FeedForward(Index C, Index width, Activation kind, double dropout, RandomArgument random,
              Bias biased = Bias::yes)
      : up(C, width, random, biased),
        gate(is_gated(kind) ? std::optional<Linear<Real>>(std::in_place, C, width, random, biased)
                            : std::nullopt),
        down(width, C, random, biased),
        activation(kind),
        dropout_probability(dropout) {
    detail::require_probability("FeedForward", dropout);
  }

  template <std::size_t Rank>
  Var<Real, Rank> operator()(Var<Real, Rank> x) const {
    const auto part = x.tape().enter(*this);
    return dropout(down(activated(up(x), x)), dropout_probability, InPlace::yes);
  }

  static void fields(auto& self, auto&& f) { f("up", self.up), f("gate", self.gate), f("down", self.down); }

 private:
  template <std::size_t Rank>
  Var<Real, Rank> activated(Var<Real, Rank> h, Var<Real, Rank> x) const {
    switch (activation) {
      case Activation::relu:
        return relu(h, InPlace::yes);  // the backward function of a linear map needs its input, not its output
      case Activation::gelu:
        return gelu(h);
      case Activation::swiglu:
        return multiply(h, silu((*gate)(x)));
      case Activation::gelu_tanh:
        return gelu_tanh(h);
      case Activation::relu_squared:
        return relu_squared(h);
    }
    throw_error<ConfigError>("FeedForward: the activation is none that there is");
  }
};

}  // namespace slm
