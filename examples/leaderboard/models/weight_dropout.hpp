#pragma once
// Recurrent layers that train with some of their recurrent weights at zero.
#include "slm/autograd/ops/activation.hpp"
#include "slm/nn/recurrent.hpp"

namespace slm::leaderboard {

/// The layer's states with dropout of its recurrent weights: the same weights are zero at every position.
///                                                                     Merity et al. 2018, arXiv 1708.02182
template <Scalar Real>
Var<Real, 3> with_weight_dropout(const Gru<Real>& layer, Var<Real, 3> x, double p) {
  const auto part = x.tape().enter(layer);
  const auto gates = layer.from_inputs(x);
  return gru(gates, dropout(x.tape().use(layer.weight_hh), p), x.tape().use(layer.bias_hh));
}

template <Scalar Real>
Var<Real, 3> with_weight_dropout(const Lstm<Real>& layer, Var<Real, 3> x, double p) {
  const auto part = x.tape().enter(layer);
  const auto gates = layer.from_inputs(x);
  return lstm(gates, dropout(x.tape().use(layer.weight_hh), p), x.tape().use(layer.bias_hh));
}

}  // namespace slm::leaderboard
