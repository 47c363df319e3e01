#pragma once
#include <initializer_list>
#include <utility>
#include <vector>

#include "slm/optim/parameter_groups.hpp"

namespace slm {

/// The settings of `SGD`.
struct SgdConfig {
  double learning_rate = 1e-2;
  double momentum = 0;
  double weight_decay = 0;  // added to the gradient as decay times weight
};

/// Of one step.
inline Cost sgd_step_cost(Index parameters) { return Cost{.elementwise = 4 + 2} * parameters; }

/// Stochastic gradient descent with momentum:  m = μ m + g + λ w,  w −= rate m.        PyTorch: optim.SGD
/// A model's scalar is deduced, that of any other struct is named: `SGD<float> optimizer(net)`. Groups of
/// parameters, and frozen ones, are treated as Adam treats them.
template <Scalar Real>
class SGD {
 public:
  using Group = ParameterGroup<Real, SgdConfig>;

  // A plain parameter: clang 14 does not survive a constrained template parameter of a constructor.
  template <class Model>
  requires OptimizedModel<Model, SGD>
  explicit SGD(Model& model, const SgdConfig& config = {}) : SGD(parameters<Real>(model), config) {}

  /// Of some of a model's parameters.
  explicit SGD(ParameterList<Real> list, const SgdConfig& config = {})
      : groups_("SGD", std::move(list), config) {
    begin();
  }

  /// Throws a `ConfigError` that names a parameter which is in two groups.
  explicit SGD(std::vector<Group> groups) : groups_("SGD", std::move(groups)) { begin(); }
  explicit SGD(std::initializer_list<Group> groups) : SGD(std::vector<Group>(groups)) {}

  SGD(const SGD&) = delete;  // nor moved, as Adam
  SGD& operator=(const SGD&) = delete;

  /// Applies the gradients, then clears them. The rate is what it is of Adam's step, and so is what it throws.
  void step() { step(config().learning_rate); }
  void step(double rate) {
    groups_.require_rate(rate);
    const ParameterList<Real>& parameters = list();
    ++steps_;
    for_each_block(parameters, [&](std::size_t k, Index begin, Index end) {
      const SgdConfig& config = groups_.config_of(k);
      const Real eta = Real(groups_.rate_of(k, rate)), mu = Real(config.momentum);
      const Real lambda = Real(config.weight_decay);
      Real *w = parameters[k].value, *g = parameters[k].grad, *m = velocity_[k].data();
      for (Index i = begin; i < end; ++i) {
        m[i] = mu * m[i] + g[i] + lambda * w[i];
        w[i] -= eta * m[i];
        g[i] = Real(0);
      }
    });
    outdate_others(parameters);
  }

  Cost step_cost() const { return sgd_step_cost(trained_element_count(list())); }

  /// That of the first group.
  const SgdConfig& config() const { return groups_.configs().front(); }
  /// The parameters of all groups, one group after the other.
  const ParameterList<Real>& list() const { return groups_.list(); }

  /// The state: a velocity per parameter, and the steps done.
  Index steps() const { return steps_; }
  void set_steps(Index steps) { steps_ = steps; }
  /// Calls visit(name, tensor) for every velocity, to save and to restore.
  template <class Visit>
  void for_each_state(const Visit& visit) {
    const ParameterList<Real>& parameters = list();
    for (std::size_t k = 0; k < parameters.size(); ++k)
      visit("sgd.velocity." + parameters[k].name, velocity_[k]);
  }

 private:
  /// Looks at the configs and makes the state.
  void begin() {
    for (const SgdConfig& config : groups_.configs()) {
      require_not_negative("SGD: learning rate", config.learning_rate);
      require_not_negative("SGD: weight decay", config.weight_decay);
      require_config(is_finite(config.momentum) && config.momentum >= 0 && config.momentum < 1,
                     {"SGD: momentum must lie in [0, 1), got ", config.momentum});
    }
    for (const auto& parameter : list()) velocity_.emplace_back(Shape<1>{parameter.size});
  }

  ParameterGroups<Real, SgdConfig> groups_;
  std::vector<Tensor<Real, 1>> velocity_;
  Index steps_ = 0;
};

template <template <Scalar> class Model, Scalar Real>
SGD(Model<Real>&) -> SGD<Real>;
template <template <Scalar> class Model, Scalar Real>
SGD(Model<Real>&, const SgdConfig&) -> SGD<Real>;
SGD(std::initializer_list<ParameterGroup<float, SgdConfig>>)->SGD<float>;
SGD(std::initializer_list<ParameterGroup<double, SgdConfig>>)->SGD<double>;

}  // namespace slm
