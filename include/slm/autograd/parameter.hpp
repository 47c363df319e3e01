#pragma once
// What training changes.
#include "slm/core/scalar.hpp"
#include "slm/core/tensor.hpp"

namespace slm {

/// A trainable tensor and the gradient of the loss in it. The gradient is mutable: a model is used as a
/// constant, and only `Tape::backward` and an optimizer touch it.
template <Scalar Real, std::size_t Rank>
struct Parameter {
  Tensor<Real, Rank> value;
  mutable Tensor<Real, Rank> grad;

  Parameter() = default;
  explicit Parameter(const Shape<Rank>& shape) : value(shape), grad(shape) {}
};

}  // namespace slm
