#pragma once
// An average of the weights over a training, which often evaluates better than the last ones.
#include <algorithm>
#include <utility>
#include <vector>

#include "slm/optim/parameter_groups.hpp"

namespace slm {

/// The settings of an `ExponentialMovingAverage`.
struct AverageConfig {
  double decay = 0.999;
};

/// Of one update but the first, which copies.
inline Cost average_update_cost(Index parameters) { return Cost{.elementwise = 3} * parameters; }

/// An exponential moving average of a model's weights: the first update takes the weights as they are, every
/// other   a = β a + (1 − β) w,   with β the decay.                       Tarvainen and Valpola 2017, sec. 2
/// Call `update` after the optimizer's step, or let an `AveragingOptimizer` do it.
///   ExponentialMovingAverage average(model, {.decay = 0.99});
///   … optimizer.step(); average.update(); …
///   average.swap();  evaluate(model, valid);  average.swap();
/// Frozen parameters are averaged like others.
/// PyTorch: optim.swa_utils.AveragedModel(model, avg_fn=lambda a, w, n: β * a + (1 - β) * w); timm's ModelEmaV2
/// is the same but for its first update, which is like the others.
template <Scalar Real>
class ExponentialMovingAverage {
 public:
  // A plain parameter: clang 14 does not survive a constrained template parameter of a constructor.
  template <class Model>
  requires OptimizedModel<Model, ExponentialMovingAverage>
  explicit ExponentialMovingAverage(Model& model, const AverageConfig& config = {})
      : ExponentialMovingAverage(parameters<Real>(model), config) {}

  /// Of some of a model's parameters.
  explicit ExponentialMovingAverage(ParameterList<Real> list, const AverageConfig& config = {})
      : config_(config), parameters_(std::move(list)) {
    require_config(is_finite(config.decay) && config.decay >= 0 && config.decay < 1,
                   {"ExponentialMovingAverage: decay must lie in [0, 1), got ", config.decay});
    require_each_once("ExponentialMovingAverage", parameters_);
    for (const auto& parameter : parameters_) averages_.emplace_back(Shape<1>{parameter.size});
  }

  ExponentialMovingAverage(const ExponentialMovingAverage&) = delete;  // nor moved, as Adam
  ExponentialMovingAverage& operator=(const ExponentialMovingAverage&) = delete;

  /// Takes the model's weights in. Throws an `Error` while the model holds the average.
  void update() {
    require_not_swapped("update");
    const Real decay = Real(config_.decay), rest = Real(1 - config_.decay);
    const bool first = updates_ == 0;
    for_each_element([&](const Real* w, Real* a, Index size) {
      if (first) {
        std::copy_n(w, size, a);
        return;
      }
      for (Index i = 0; i < size; ++i) a[i] = decay * a[i] + rest * w[i];
    });
    ++updates_;
  }

  /// The model's weights and the average change places: to evaluate or to save the model, and again to train
  /// on. Throws an `Error` before the first update.
  void swap() {
    require_updated("swap");
    for_each_element([](Real* w, Real* a, Index size) { std::swap_ranges(w, w + size, a); });
    is_swapped_ = !is_swapped_;
  }
  bool is_swapped() const { return is_swapped_; }
  /// Throws an `Error` while the model holds the average.
  void require_not_swapped(const char* name) const {
    if (!is_swapped_) return;
    throw_error<Error>(
        {"ExponentialMovingAverage::", name, ": the model holds the average; swap it back first"});
  }

  /// Puts the average into another model like this one. Throws a `ShapeError` where it has other parameters.
  template <class Model>
  void write_into(Model& model) const {
    require_updated("write_into");
    require_not_swapped("write_into");
    const ParameterList<Real> to = parameters<Real>(model);
    const auto same = [](const auto& a, const auto& b) { return a.name == b.name && a.shape == b.shape; };
    if (!std::equal(to.begin(), to.end(), parameters_.begin(), parameters_.end(), same)) {
      throw_error<ShapeError>(
          "ExponentialMovingAverage: expected a model of the parameters that were averaged, got others");
    }
    for (std::size_t k = 0; k < to.size(); ++k) std::copy_n(averages_[k].data(), to[k].size, to[k].value);
  }

  /// Of the last update; before it, of any but the first.
  Cost update_cost() const {
    const Index count = element_count(parameters_);
    return updates_ == 1 ? Cost{.moved = count} : average_update_cost(count);
  }

  const AverageConfig& config() const { return config_; }
  const ParameterList<Real>& list() const { return refresh(parameters_); }

  /// The state: an average per parameter, and the updates done.
  Index updates() const { return updates_; }
  void set_updates(Index updates) { updates_ = updates; }
  /// Calls visit(name, tensor) for every average, to save and to restore. Throws an `Error` while the model
  /// holds it.
  template <class Visit>
  void for_each_state(const Visit& visit) {
    require_not_swapped("for_each_state");
    refresh(parameters_);
    for (std::size_t k = 0; k < averages_.size(); ++k) visit("average." + parameters_[k].name, averages_[k]);
  }

 private:
  template <class Function>
  void for_each_element(const Function& f) {
    refresh(parameters_);
    const auto cut = [&](std::size_t k) { return BlockCut{parameters_[k].size}; };
    for_each_block(parameters_, cut, [&](std::size_t k, Index begin, Index end) {
      f(parameters_[k].value + begin, averages_[k].data() + begin, end - begin);
    });
  }
  void require_updated(const char* name) const {
    if (updates_ == 0) throw_error<Error>({"ExponentialMovingAverage::", name, ": nothing was averaged yet"});
  }

  AverageConfig config_;
  ParameterList<Real> parameters_;
  std::vector<Tensor<Real, 1>> averages_;
  Index updates_ = 0;
  bool is_swapped_ = false;
};

template <template <Scalar> class Model, Scalar Real>
ExponentialMovingAverage(Model<Real>&) -> ExponentialMovingAverage<Real>;
template <template <Scalar> class Model, Scalar Real>
ExponentialMovingAverage(Model<Real>&, const AverageConfig&) -> ExponentialMovingAverage<Real>;

/// An optimizer that updates an average after each of its steps, for `fit` and for checkpoints, which then hold
/// both. The average is updated by nobody else.
///   AveragingOptimizer both(optimizer, average);
///   fit(model, both, …);
template <class Updates, Scalar Real = ScalarOf<Updates>>
class AveragingOptimizer {
 public:
  /// Both must outlive it. Throws a `ConfigError` where they are of two models.
  AveragingOptimizer(Updates& optimizer, ExponentialMovingAverage<Real>& average)
      : optimizer_(optimizer), average_(average) {
    static_assert(Optimizer<Updates>, "AveragingOptimizer: it must be an Optimizer, see slm/nn/contracts.hpp");
    const auto &updated = optimizer.list(), &averaged = average.list();
    const auto is_averaged = [&](const auto& parameter) {
      return std::any_of(averaged.begin(), averaged.end(),
                         [&](const auto& other) { return other.value == parameter.value; });
    };
    require_config(
        std::any_of(updated.begin(), updated.end(), is_averaged),
        "AveragingOptimizer: expected an average of what the optimizer updates, got one of another model");
  }

  void step() {
    average_.require_not_swapped("update");
    optimizer_.step();
    average_.update();
  }
  void step(double rate) {
    average_.require_not_swapped("update");
    optimizer_.step(rate);
    average_.update();
  }
  Cost step_cost() const { return optimizer_.step_cost() + average_.update_cost(); }
  const ParameterList<Real>& list() const { return optimizer_.list(); }

  Index steps() const { return optimizer_.steps(); }
  void set_steps(Index steps) {
    optimizer_.set_steps(steps);
    average_.set_updates(steps);
  }
  template <class Visit, class... Has>
  requires requires(Updates& optimizer, const Visit& visit, const Has&... has) {
    optimizer.for_each_state(visit, has...);
  }
  void for_each_state(const Visit& visit, const Has&... has) {
    optimizer_.for_each_state(visit, has...);
    average_.for_each_state(visit);
  }

 private:
  Updates& optimizer_;
  ExponentialMovingAverage<Real>& average_;
};

}  // namespace slm
