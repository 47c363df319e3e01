#pragma once
#include "slm/autograd/ops/linear.hpp"
#include "slm/nn/init.hpp"

namespace slm {

/// Affine map of the last axis: (…, inputs) → (…, outputs).
template <Scalar Real>
struct Linear {
  Parameter<Real, 2> weight;  // (outputs, inputs)
  Parameter<Real, 1> bias;    // (outputs)

  /// Weight and bias U(±1/√inputs).
  Linear(Index inputs, Index outputs, RandomArgument random) : weight({outputs, inputs}), bias({outputs}) {
    init::linear_default(weight, inputs, random);
    init::linear_default(bias, inputs, random);
  }

  template <std::size_t Rank>
  Var<Real, Rank> operator()(Var<Real, Rank> x) const {
    const auto part = x.tape().enter(*this);
    return linear(x, x.tape().use(weight), x.tape().use(bias));
  }

  /// Only the outputs first … first + count − 1. Throws a `RangeError` where the layer has fewer.
  template <std::size_t Rank>
  Var<Real, Rank> part(Var<Real, Rank> x, Index first, Index count) const {
    const Index outputs = weight.value.extent(0), inputs = weight.value.extent(1);
    if (first < 0 || count < 0 || first > outputs - count) {
      throw RangeError(make_text({"Linear::part: ", count, " outputs from ", first,
                                  " on are not in a weight of shape ", weight.value.shape()}));
    }
    const auto scope = x.tape().enter(*this);
    return linear(x, rows(x.tape().use(weight), first * inputs, Shape<2>{count, inputs}),
                  rows(x.tape().use(bias), first, Shape<1>{count}));
  }

  static void fields(auto& self, auto&& f) { f("weight", self.weight), f("bias", self.bias); }

 private:
  /// Consecutive rows of a parameter, as a variable on the same memory.
  template <std::size_t Rank>
  static Var<Real, Rank> rows(Var<Real, Rank> parameter, Index offset, const Shape<Rank>& shape) {
    if constexpr (!has_values<Real>) offset = 0;
    auto& recorder = parameter.tape().recorder();
    Real* grad = parameter.wants_grad() ? parameter.grad() + offset : nullptr;
    Node<Real>* node =
        recorder.given(parameter.value() + offset, grad, element_count(shape), parameter.wants_grad());
    return parameter.tape().variable(node, shape);
  }
};

}  // namespace slm
