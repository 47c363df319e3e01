#pragma once
#include "slm/autograd/ops/linear.hpp"
#include "slm/autograd/ops/linear_cross_entropy.hpp"
#include "slm/nn/init.hpp"

namespace slm {

namespace detail {
[[gnu::noinline]] inline void require_outputs(const Shape<2>& weight, Index first, Index count) {
  if (first >= 0 && count >= 0 && first <= weight[0] - count) return;
  throw_error<RangeError>(
      {"Linear::part: ", count, " outputs from ", first, " on are not in a weight of shape ", weight});
}
}  // namespace detail

/// Whether a layer has a bias: a linear map the vector that it adds, a layer norm its shift.
enum class Bias : bool { no, yes };

/// Affine map of the last axis: (…, inputs) → (…, outputs).                                PyTorch: nn.Linear
template <Scalar Real>
struct Linear {
  Parameter<Real, 2> weight;  // (outputs, inputs)
  Parameter<Real, 1> bias;    // (outputs); never made in a layer without

  /// Weight and bias U(±1/√inputs).
  Linear(Index inputs, Index outputs, RandomArgument random, Bias biased = Bias::yes)
      : Linear(true, inputs, outputs, random, biased) {}

  /// A layer whose weight is another module's, which is given in each call; of its own it has the bias at most.
  static Linear without_weight(Index inputs, Index outputs, RandomArgument random, Bias biased = Bias::yes) {
    return Linear(false, inputs, outputs, random, biased);
  }

  template <std::size_t Rank>
  Var<Real, Rank> operator()(Var<Real, Rank> x) const {
    return (*this)(x, weight);
  }
  /// With the weight of another module.
  template <std::size_t Rank>
  [[gnu::noinline]] Var<Real, Rank> operator()(Var<Real, Rank> x, const Parameter<Real, 2>& its_weight) const {
    const auto part = x.tape().enter(*this);
    const auto W = x.tape().use(its_weight);
    return bias_ == Bias::yes ? linear(x, W, x.tape().use(bias)) : linear(x, W);
  }

  /// The mean cross entropy of the outputs as logits, without all of them: the bits of
  /// cross_entropy((*this)(x), targets), see `linear_cross_entropy`.
  template <std::size_t Rank>
  Var<Real, 0> cross_entropy(Var<Real, Rank> x, const Tokens<Rank - 1>& targets) const {
    return cross_entropy(x, weight, targets);
  }
  /// With the weight of another module.
  template <std::size_t Rank>
  Var<Real, 0> cross_entropy(Var<Real, Rank> x, const Parameter<Real, 2>& its_weight,
                             const Tokens<Rank - 1>& targets) const {
    const auto part = x.tape().enter(*this);
    const auto W = x.tape().use(its_weight);
    return bias_ == Bias::yes ? linear_cross_entropy(x, W, x.tape().use(bias), targets)
                              : linear_cross_entropy(x, W, targets);
  }

  /// Only the outputs first … first + count − 1. Throws a `RangeError` where the layer has fewer.
  template <std::size_t Rank>
  Var<Real, Rank> part(Var<Real, Rank> x, Index first, Index count) const {
    detail::require_outputs(weight.value.shape(), first, count);
    const auto scope = x.tape().enter(*this);
    const Index inputs = weight.value.extent(1);
    const auto W = rows(x.tape().use(weight), first * inputs, Shape<2>{count, inputs});
    if (bias_ == Bias::no) return linear(x, W);
    return linear(x, W, rows(x.tape().use(bias), first, Shape<1>{count}));
  }

  static void fields(auto& self, auto&& f) {
    if (self.has_weight_) f("weight", self.weight);
    if (self.bias_ == Bias::yes) f("bias", self.bias);
  }

 private:
  Linear(bool weighted, Index inputs, Index outputs, RandomArgument random, Bias biased)
      : has_weight_(weighted), bias_(biased) {
    if (weighted) {
      weight = Parameter<Real, 2>({outputs, inputs});
      init::linear_default(weight, inputs, random);
    }
    if (biased == Bias::yes) {
      bias = Parameter<Real, 1>({outputs});
      init::linear_default(bias, inputs, random);
    }
  }

  /// Consecutive rows of a parameter, as a variable on the same memory.
  template <std::size_t Rank>
  static Var<Real, Rank> rows(Var<Real, Rank> parameter, Index offset, const Shape<Rank>& shape) {
    if constexpr (!has_values<Real>) offset = 0;
    auto& recorder = parameter.tape().recorder();
    Real* grad = parameter.wants_grad() ? parameter.grad() + offset : nullptr;
    Node<Real>* node =
        recorder.given(parameter.value() + offset, grad, element_count(shape), parameter.wants_grad());
    node->is_parameter = true;
    return parameter.tape().variable(node, shape);
  }

  bool has_weight_;
  Bias bias_;
};

}  // namespace slm
