#pragma once
// How weights start: PyTorch's defaults, drawn element by element from a random stream.

#include "slm/autograd/parameter.hpp"
#include "slm/core/libm.hpp"
#include "slm/core/random.hpp"

namespace slm::init {

/// U(−bound, bound).
template <Scalar Real, std::size_t Rank>
[[gnu::noinline]] void uniform(Parameter<Real, Rank>& parameter, double bound, RandomArgument random) {
  for (Real& x : parameter.value) x = static_cast<Real>(random->uniform(-bound, bound));
}

/// U(±1/√inputs): the default of a linear layer's weight and bias. It is Kaiming uniform with a = √5
/// (He et al. 2015) for the weight. Zeros where there are no inputs.
template <Scalar Real, std::size_t Rank>
void linear_default(Parameter<Real, Rank>& parameter, Index inputs, RandomArgument random) {
  uniform(parameter, inputs > 0 ? 1 / libm::sqrt(static_cast<double>(inputs)) : 0, random);
}

/// U(±√(6 / (inputs + outputs))) over the whole (outputs, inputs) matrix.       Glorot and Bengio 2010, eq. 16
template <Scalar Real>
void xavier_uniform(Parameter<Real, 2>& weight, RandomArgument random) {
  const auto fan = static_cast<double>(weight.value.extent(0) + weight.value.extent(1));
  uniform(weight, libm::sqrt(6 / fan), random);
}

/// N(0, deviation²).
template <Scalar Real, std::size_t Rank>
[[gnu::noinline]] void normal(Parameter<Real, Rank>& parameter, RandomArgument random, double deviation = 1) {
  for (Real& x : parameter.value) x = static_cast<Real>(deviation * random->normal());
}

/// The same number everywhere.
template <Scalar Real, std::size_t Rank>
[[gnu::noinline]] void constant(Parameter<Real, Rank>& parameter, double value) {
  for (Real& x : parameter.value) x = static_cast<Real>(value);
}

}  // namespace slm::init
