#pragma once
#include <utility>

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
  requires(!std::is_same_v<Model, SGD> && !is_parameter_list<Model>) explicit SGD(Model& model,
                                                                                  const SgdConfig& config = {})
      : SGD(parameters<Real>(model), config) {}

  /// Of some of a model's parameters.
  explicit SGD(ParameterList<Real> list, const SgdConfig& config = {})
      : config_(config), parameters_(std::move(list)) {
    require_not_negative("SGD: learning rate", config.learning_rate);
    require_not_negative("SGD: weight decay", config.weight_decay);
    require_config(is_finite(config.momentum) && config.momentum >= 0 && config.momentum < 1,
                   {"SGD: momentum must lie in [0, 1), got ", config.momentum});
    for (const auto& parameter : parameters_) velocity_.emplace_back(Shape<1>{parameter.size});
  }

  SGD(const SGD&) = delete;  // nor moved, as Adam
  SGD& operator=(const SGD&) = delete;

  /// Applies the gradients, then clears them. Throws what Adam's step throws.
  void step() { step(config_.learning_rate); }
  void step(double rate) {
    require_not_negative("SGD: learning rate", rate);
    refresh(parameters_);
    ++steps_;
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

  const ParameterList<Real>& list() const { return refresh(parameters_); }

  /// The state: a velocity per parameter, and the steps done.
  Index steps() const { return steps_; }
  void set_steps(Index steps) { steps_ = steps; }
  /// Calls visit(name, tensor) for every velocity, to save and to restore.
  template <class Visit>
  void for_each_state(const Visit& visit) {
    refresh(parameters_);
    for (std::size_t k = 0; k < parameters_.size(); ++k)
      visit("sgd.velocity." + parameters_[k].name, velocity_[k]);
  }

 private:
  SgdConfig config_;
  ParameterList<Real> parameters_;
  std::vector<Tensor<Real, 1>> velocity_;
  Index steps_ = 0;
};

template <template <Scalar> class Model, Scalar Real>
SGD(Model<Real>&) -> SGD<Real>;
template <template <Scalar> class Model, Scalar Real>
SGD(Model<Real>&, const SgdConfig&) -> SGD<Real>;

}  // namespace slm
