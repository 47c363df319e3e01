#pragma once
#include <utility>

#include "slm/autograd/ops/normalization.hpp"
#include "slm/core/names.hpp"
#include "slm/nn/linear.hpp"

namespace slm {

/// Layer norm over the last axis; gain 1, shift 0, eps 1e-5 at the start.                PyTorch: nn.LayerNorm
template <Scalar Real>
struct LayerNorm {
  Parameter<Real, 1> weight;  // gain (width)
  Parameter<Real, 1> bias;    // shift (width); never made in a layer without
  double epsilon = 1e-5;
  Bias biased;

  explicit LayerNorm(Index width, Bias shifted = Bias::yes) : weight({width}), biased(shifted) {
    if (biased == Bias::yes) bias = Parameter<Real, 1>({width});
    init::constant(weight, 1);
  }

  template <std::size_t Rank>
  Var<Real, Rank> operator()(Var<Real, Rank> x) const {
    auto& tape = x.tape();
    const auto part = tape.enter(*this);
    return biased == Bias::yes ? layer_norm(x, tape.use(weight), tape.use(bias), Real(epsilon))
                               : layer_norm(x, tape.use(weight), Real(epsilon));
  }

  static void fields(auto& self, auto&& f) {
    f("weight", self.weight);
    if (self.biased == Bias::yes) f("bias", self.bias);
  }
};

/// RMS norm over the last axis; gain 1, eps 1e-5 at the start.                             PyTorch: nn.RMSNorm
template <Scalar Real>
struct RMSNorm {
  Parameter<Real, 1> weight;  // gain (width)
  double epsilon = 1e-5;

  explicit RMSNorm(Index width) : weight({width}) { init::constant(weight, 1); }

  template <std::size_t Rank>
  Var<Real, Rank> operator()(Var<Real, Rank> x) const {
    const auto part = x.tape().enter(*this);
    return rms_norm(x, x.tape().use(weight), Real(epsilon));
  }

  static void fields(auto& self, auto&& f) { f("weight", self.weight); }
};

/// How rows are brought to a common scale.
enum class Normalization { layer, rms };

inline constexpr EnumName<Normalization> normalization_names[] = {{Normalization::layer, "layer"},
                                                                  {Normalization::rms, "rms"}};
constexpr std::span<const EnumName<Normalization>> enum_names(Normalization) { return normalization_names; }

/// Whether rows are shifted as well: an RMS norm has no bias.
constexpr bool has_shift(Normalization normalization) {
  switch (normalization) {
    case Normalization::layer:
      return true;
    case Normalization::rms:
      return false;
  }
  throw_error<ConfigError>("Norm: the normalization is none that there is");
}

/// A layer norm or an RMS norm, which is known at run time only.
template <Scalar Real>
struct Norm {
  Normalization normalization;
  Parameter<Real, 1> weight;  // gain (width)
  Parameter<Real, 1> bias;    // shift (width); never made in an RMS norm and in a layer norm without
  double epsilon;
  Bias biased;

  /// A bias is that of a layer norm.
  Norm(Normalization which, Index width, Bias shifted, double its_epsilon)
      : normalization(which),
        weight({width}),
        epsilon(its_epsilon),
        biased(has_shift(which) ? shifted : Bias::no) {
    if (biased == Bias::yes) bias = Parameter<Real, 1>({width});
    init::constant(weight, 1);
  }
  Norm(LayerNorm<Real> norm)
      : normalization(Normalization::layer),
        weight(std::move(norm.weight)),
        bias(std::move(norm.bias)),
        epsilon(norm.epsilon),
        biased(norm.biased) {}
  Norm(RMSNorm<Real> norm)
      : normalization(Normalization::rms),
        weight(std::move(norm.weight)),
        epsilon(norm.epsilon),
        biased(Bias::no) {}

  template <std::size_t Rank>
  [[gnu::noinline]] Var<Real, Rank> operator()(Var<Real, Rank> x) const {
    auto& tape = x.tape();
    const auto part = tape.enter(*this);
    const Var<Real, 1> gain = tape.use(weight);
    switch (normalization) {
      case Normalization::layer:
        return biased == Bias::yes ? layer_norm(x, gain, tape.use(bias), Real(epsilon))
                                   : layer_norm(x, gain, Real(epsilon));
      case Normalization::rms:
        return rms_norm(x, gain, Real(epsilon));
    }
    throw_error<ConfigError>("Norm: the normalization is none that there is");
  }

  static void fields(auto& self, auto&& f) {
    f("weight", self.weight);
    if (self.biased == Bias::yes) f("bias", self.bias);
  }
};

}  // namespace slm
