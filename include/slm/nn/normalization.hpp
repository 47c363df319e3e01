#pragma once
#include "slm/autograd/ops/normalization.hpp"
#include "slm/nn/init.hpp"

namespace slm {

/// Layer norm over the last axis; gain 1, shift 0, eps 1e-5 at the start.
template <Scalar Real>
struct LayerNorm {
  Parameter<Real, 1> weight, bias;  // gain and shift (width)
  double epsilon = 1e-5;

  explicit LayerNorm(Index width) : weight({width}), bias({width}) { init::constant(weight, 1); }

  template <std::size_t Rank>
  Var<Real, Rank> operator()(Var<Real, Rank> x) const {
    const auto part = x.tape().enter(*this);
    return layer_norm(x, x.tape().use(weight), x.tape().use(bias), Real(epsilon));
  }

  static void fields(auto& self, auto&& f) { f("weight", self.weight), f("bias", self.bias); }
};

/// RMS norm over the last axis; gain 1, eps 1e-5 at the start.
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

}  // namespace slm
