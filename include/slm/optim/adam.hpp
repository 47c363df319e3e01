#pragma once
#include <array>
#include <utility>

#include "slm/core/math.hpp"
#include "slm/optim/parameter_list.hpp"

namespace slm {

struct AdamConfig {
  double learning_rate = 3e-4;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
  double weight_decay = 0;  // decoupled: w −= rate · decay · w
};

/// Of one step. What is computed once a step, in double, is not counted.
inline Cost adam_step_cost(Index parameters) {
  return Cost{.elementwise = 3 + 4 + 6, .transcendental = 1} * parameters;
}

/// Adam (Kingma and Ba 2015, alg. 1) with decoupled weight decay (Loshchilov and Hutter 2019, alg. 2).
///   m = β₁ m + (1 − β₁) g      v = β₂ v + (1 − β₂) g²
///   w −= rate λ w,  then  w −= rate (m / (1 − β₁ᵗ)) / (√(v / (1 − β₂ᵗ)) + ε)     PyTorch: optim.Adam, AdamW
/// A model's scalar is deduced, that of any other struct is named: `Adam<float> optimizer(net)`.
template <Scalar Real>
class Adam {
 public:
  // A plain parameter: clang 14 does not survive a constrained template parameter of a constructor.
  template <class Model>
  requires(!std::is_same_v<Model, Adam> &&
           !is_parameter_list<Model>) explicit Adam(Model& model, const AdamConfig& config = {})
      : Adam(parameters<Real>(model), config) {}

  /// Of some of a model's parameters, as of its matrices, the only ones that many let decay.
  explicit Adam(ParameterList<Real> list, const AdamConfig& config = {});

  Adam(const Adam&) =
      delete;  // nor moved: two could step the same weights, or one those of a model that is gone
  Adam& operator=(const Adam&) = delete;

  /// Applies the gradients, then clears them. Throws a `ConfigError` on a rate that is negative or not finite,
  /// and a `ShapeError` where the model was assigned one of other shapes; before anything changes.
  void step() { step(config_.learning_rate); }
  void step(double rate);

  Cost step_cost() const { return adam_step_cost(element_count(parameters_)); }

  const AdamConfig& config() const { return config_; }
  const ParameterList<Real>& list() const { return refresh(parameters_); }

  /// First and second moment of one parameter's gradient.
  struct Moments {
    Tensor<Real, 1> first, second;
  };
  /// The state: one entry per parameter in the order of `list`, and the steps done.
  std::vector<Moments>& moments() { return moments_; }
  Index steps() const { return steps_; }
  void set_steps(Index steps) { steps_ = steps; }
  /// Calls visit(name, tensor) for every moment, to save and to restore.
  template <class Visit>
  void for_each_state(const Visit& visit) {
    refresh(parameters_);
    for (std::size_t k = 0; k < parameters_.size(); ++k) {
      visit("adam.first." + parameters_[k].name, moments_[k].first);
      visit("adam.second." + parameters_[k].name, moments_[k].second);
    }
  }

 private:
  AdamConfig config_;
  ParameterList<Real> parameters_;
  std::vector<Moments> moments_;
  Index steps_ = 0;
};

template <Scalar Real>
Adam<Real>::Adam(ParameterList<Real> list, const AdamConfig& config)
    : config_(config), parameters_(std::move(list)) {
  require_not_negative("Adam: learning rate", config.learning_rate);
  require_not_negative("Adam: weight decay", config.weight_decay);
  require_config(is_finite(config.epsilon) && config.epsilon > 0,
                 {"Adam: epsilon must be finite and positive, got ", config.epsilon});
  for (const double beta : {config.beta1, config.beta2}) {
    require_config(is_finite(beta) && beta >= 0 && beta < 1,
                   {"Adam: betas must lie in [0, 1), got ", config.beta1, " and ", config.beta2});
  }
  for (const auto& parameter : parameters_) {
    moments_.push_back({Tensor<Real, 1>({parameter.size}), Tensor<Real, 1>({parameter.size})});
  }
}

template <Scalar Real>
void Adam<Real>::step(double rate) {
  require_not_negative("Adam: learning rate", rate);
  refresh(parameters_);
  ++steps_;
  const double t = static_cast<double>(steps_);
  const double correction1 = 1 - std::pow(config_.beta1, t), correction2 = 1 - std::pow(config_.beta2, t);
  const Real beta1 = Real(config_.beta1), beta2 = Real(config_.beta2);
  const Real rest1 = Real(1 - config_.beta1), rest2 = Real(1 - config_.beta2);
  const Real keep = Real(1 - rate * config_.weight_decay), epsilon = Real(config_.epsilon);
  const Real pace = Real(rate / correction1), spread = Real(1 / std::sqrt(correction2));
  for_each_block(parameters_, [&](std::size_t k, Index begin, Index end) {
    Real *w = parameters_[k].value, *g = parameters_[k].grad;
    Real *m = moments_[k].first.data(), *v = moments_[k].second.data();
    constexpr Index piece = 256;
    std::array<Real, piece> root;
    for (Index start = begin; start < end; start += piece) {
      const Index size = std::min(piece, end - start);
      for (Index i = start; i < start + size; ++i) {
        m[i] = beta1 * m[i] + rest1 * g[i];
        v[i] = beta2 * v[i] + rest2 * (g[i] * g[i]);
        g[i] = Real(0);
      }
      math::sqrt(v + start, root.data(), size);
      for (Index i = 0; i < size; ++i) {
        w[start + i] = keep * w[start + i] - pace * m[start + i] / (root.data()[i] * spread + epsilon);
      }
    }
  });
}

template <template <Scalar> class Model, Scalar Real>
Adam(Model<Real>&) -> Adam<Real>;
template <template <Scalar> class Model, Scalar Real>
Adam(Model<Real>&, const AdamConfig&) -> Adam<Real>;

/// Adam with the weight decay that AdamW has by default.
inline constexpr AdamConfig adamw_defaults = {.learning_rate = 1e-3, .weight_decay = 1e-2};

}  // namespace slm
