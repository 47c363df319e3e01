#pragma once
#include "slm/optim/parameter_list.hpp"

namespace slm {

struct SgdConfig {
  double learning_rate = 1e-2;
  double momentum = 0;
  double weight_decay = 0;  // added to the gradient as decay times weight
};

/// Of one step.
inline Cost sgd_step_cost(Index parameters) { return Cost{.elementwise = 4 + 2} * parameters; }

/// Stochastic gradient descent with momentum:  m = μ m + g + λ w,  w −= rate m.        PyTorch: optim.SGD
/// A model's scalar is deduced, that of any other struct is named: `SGD<float> optimizer(net)`.
template <Scalar Real>
class SGD {
 public:
  // A plain parameter: clang 14 does not survive a constrained template parameter of a constructor.
  template <class Model>
  requires(!std::is_same_v<Model, SGD>) explicit SGD(Model& model, const SgdConfig& config = {})
      : config_(config), parameters_(parameters<Real>(model)) {
    require(
        config.learning_rate >= 0 && config.momentum >= 0 && config.momentum < 1 && config.weight_decay >= 0,
        {"SGD: needs learning rate and weight decay >= 0 and momentum in [0, 1), got ", config.learning_rate,
         ", ", config.weight_decay, " and ", config.momentum});
    for (const auto& parameter : parameters_) velocity_.emplace_back(Shape<1>{parameter.size});
  }

  /// Applies the gradients, then clears them.
  void step() { step(config_.learning_rate); }
  void step(double rate) {
    const Real eta = Real(rate), mu = Real(config_.momentum), lambda = Real(config_.weight_decay);
    for_each_block(parameters_, [&](std::size_t k, Index begin, Index end) {
      Real *w = parameters_[k].value, *g = parameters_[k].grad, *m = velocity_[k].data();
      for (Index i = begin; i < end; ++i) {
        m[i] = mu * m[i] + g[i] + lambda * w[i];
        w[i] -= eta * m[i];
        g[i] = Real(0);
      }
    });
  }

  Cost step_cost() const { return sgd_step_cost(element_count(parameters_)); }

  const ParameterList<Real>& list() const { return parameters_; }

 private:
  SgdConfig config_;
  ParameterList<Real> parameters_;
  std::vector<Tensor<Real, 1>> velocity_;
};

template <template <Scalar> class Model, Scalar Real>
SGD(Model<Real>&) -> SGD<Real>;
template <template <Scalar> class Model, Scalar Real>
SGD(Model<Real>&, const SgdConfig&) -> SGD<Real>;

}  // namespace slm
