#pragma once
#include <array>
#include <atomic>
#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include "slm/core/libm.hpp"
#include "slm/core/math.hpp"
#include "slm/optim/parameter_groups.hpp"

namespace slm {

/// The settings of `Adam`, by default those of PyTorch but for the learning rate.
struct AdamConfig {
  double learning_rate = 3e-4;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
  double weight_decay = 0;      // decoupled: w −= rate · decay · w
  bool only_seen_rows = false;  // of tables of two or more axes: see Adam
};

/// Of one step. What is computed once a step, in double, is not counted.
inline Cost adam_step_cost(Index parameters) {
  return Cost{.elementwise = 3 + 4 + 6, .transcendental = 1} * parameters;
}
/// With `only_seen_rows`: all gradients are looked at; `seen` of the parameters are in rows that were seen.
inline Cost adam_rows_step_cost(Index parameters, Index seen) {
  return Cost{.comparisons = parameters} + adam_step_cost(seen);
}

/// Adam (Kingma and Ba 2015, alg. 1) with decoupled weight decay (Loshchilov and Hutter 2019, alg. 2).
///   m = β₁ m + (1 − β₁) g      v = β₂ v + (1 − β₂) g²
///   w −= rate λ w,  then  w −= rate (m / (1 − β₁ᵗ)) / (√(v / (1 − β₂ᵗ)) + ε)     PyTorch: optim.Adam, AdamW
/// A model's scalar is deduced, that of any other struct is named: `Adam<float> optimizer(net)`. Groups of
/// parameters have a config each:
///   auto [matrices, vectors] = split(parameters<float>(model), is_matrix);
///   Adam optimizer({{matrices, {.weight_decay = 0.1}}, {vectors, {}}});
/// A frozen parameter is neither stepped nor decayed and keeps its moments; t counts its own steps.
///
/// `only_seen_rows` is for the table of an embedding, of whose rows a step sees few (PyTorch: optim.SparseAdam,
/// which is told the rows and does not decay). A row whose gradient is all zeros is left as it is: weights,
/// moments and all. In the others the formulas hold with t the step of the whole table, and with ε added to √v
/// before v is corrected: ε / √(1 − β₂ᵗ) in place of ε.
template <Scalar Real>
class Adam {
 public:
  using Group = ParameterGroup<Real, AdamConfig>;

  // A plain parameter: clang 14 does not survive a constrained template parameter of a constructor.
  template <class Model>
  requires OptimizedModel<Model, Adam>
  explicit Adam(Model& model, const AdamConfig& config = {}) : Adam(parameters<Real>(model), config) {}

  /// Of some of a model's parameters. The gradients of the others do not pile up: see `outdate_others`.
  explicit Adam(ParameterList<Real> list, const AdamConfig& config = {})
      : groups_("Adam", std::move(list), config) {
    begin();
  }

  /// Throws a `ConfigError` that names a parameter which is in two groups.
  explicit Adam(std::vector<Group> groups) : groups_("Adam", std::move(groups)) { begin(); }
  explicit Adam(std::initializer_list<Group> groups) : Adam(std::vector<Group>(groups)) {}

  Adam(const Adam&) =
      delete;  // nor moved: two could step the same weights, or one those of a model that is gone
  Adam& operator=(const Adam&) = delete;

  /// Applies the gradients, then clears them. A rate that is given stands for that of the first group; those of
  /// the others keep their ratio to it. Throws a `ConfigError` on a rate that is negative or not finite, and a
  /// `ShapeError` where the model was assigned one of other shapes; before anything changes.
  void step() { step(config().learning_rate); }
  void step(double rate);

  /// Of the last step, where some see only some rows; of those before the first as if it saw all.
  Cost step_cost() const;

  /// That of the first group.
  const AdamConfig& config() const { return groups_.configs().front(); }
  /// The parameters of all groups, one group after the other.
  const ParameterList<Real>& list() const { return groups_.list(); }

  /// First and second moment of one parameter's gradient.
  struct Moments {
    Tensor<Real, 1> first, second;
    Tensor<Real, 1> missed{Shape<1>{1}};  // steps in which it was frozen
  };
  /// The state: one entry per parameter in the order of `list`, and the steps done.
  std::vector<Moments>& moments() { return moments_; }
  Index steps() const { return steps_; }
  /// As if every parameter had been in all of these steps.
  void set_steps(Index steps) {
    steps_ = steps;
    for (auto& its : moments_) its.missed(0) = Real(0);
  }
  /// Calls visit(name, tensor) for every moment, to save and to restore, and for the steps missed by what was
  /// frozen: where there are some, or where has(name, tensor).
  template <class Visit, class Has>
  void for_each_state(const Visit& visit, const Has& has) {
    const ParameterList<Real>& parameters = list();
    for (std::size_t k = 0; k < parameters.size(); ++k) {
      visit("adam.first." + parameters[k].name, moments_[k].first);
      visit("adam.second." + parameters[k].name, moments_[k].second);
      const std::string missed = "adam.missed." + parameters[k].name;
      if (has(missed, moments_[k].missed)) visit(missed, moments_[k].missed);
    }
  }
  template <class Visit>
  void for_each_state(const Visit& visit) {
    for_each_state(visit, [](const std::string&, const auto& missed) { return missed(0) != Real(0); });
  }

 private:
  /// What all elements of a parameter share in a step.
  struct Constants {
    Real beta1, beta2, rest1, rest2, keep, epsilon, pace, spread;
  };
  [[gnu::noinline]] Constants constants_of(std::size_t k, double rate) const;

  /// The second half of every constructor: looks at the configs and makes the state.
  [[gnu::noinline, gnu::cold]] void begin();

  /// Elements of one parameter: weights, gradients, both moments.
  struct Elements {
    Real *w, *g, *m, *v;
  };
  [[gnu::noinline]] static void update(const Constants& constants, const Elements& elements, Index begin,
                                       Index end);
  /// Those of whole rows, where the row has a gradient. Returns how many.
  static Index update_seen_rows(const Constants& constants, const Elements& elements, Index begin, Index end,
                                Index row);

  /// Elements of a row where only those that were seen are updated, else 0.
  static Index row_of(const ParameterView<Real>& parameter, const AdamConfig& config) {
    if (!config.only_seen_rows) return 0;
    return std::max<Index>(1, parameter.size / std::max<Index>(1, parameter.shape[0]));
  }

  ParameterGroups<Real, AdamConfig> groups_;
  std::vector<Moments> moments_;
  std::vector<Index> rows_;  // for each parameter what `row_of` gives
  Index steps_ = 0;
  std::atomic<Index> seen_{-1};  // elements of the rows that the last step saw; -1: there was none
};

template <Scalar Real>
void Adam<Real>::begin() {
  for (const AdamConfig& config : groups_.configs()) {
    require_not_negative("Adam: learning rate", config.learning_rate);
    require_not_negative("Adam: weight decay", config.weight_decay);
    require_config(is_finite(config.epsilon) && config.epsilon > 0,
                   {"Adam: epsilon must be finite and positive, got ", config.epsilon});
    for (const double beta : {config.beta1, config.beta2}) {
      require_config(is_finite(beta) && beta >= 0 && beta < 1,
                     {"Adam: betas must lie in [0, 1), got ", config.beta1, " and ", config.beta2});
    }
  }
  const ParameterList<Real>& parameters = list();
  moments_ = std::vector<Moments>(parameters.size());
  rows_ = std::vector<Index>(parameters.size());
  for (std::size_t k = 0; k < parameters.size(); ++k) {
    const ParameterView<Real>& parameter = parameters[k];
    const AdamConfig& config = groups_.config_of(k);
    require_config(!config.only_seen_rows || is_matrix(parameter),
                   {"Adam: only_seen_rows needs tables of two axes or more, got ", in_quotes(parameter.name),
                    " of shape ", std::span<const Index>(parameter.shape)});
    rows_[k] = row_of(parameter, config);
    moments_[k].first = moments_[k].second = Tensor<Real, 1>({parameter.size});
  }
}

template <Scalar Real>
typename Adam<Real>::Constants Adam<Real>::constants_of(std::size_t k, double rate) const {
  const AdamConfig& config = groups_.config_of(k);
  const double t = static_cast<double>(steps_) - static_cast<double>(moments_[k].missed(0));
  const double correction1 = 1 - libm::pow(config.beta1, t), correction2 = 1 - libm::pow(config.beta2, t);
  const double epsilon = rows_[k] > 0 ? config.epsilon / libm::sqrt(correction2) : config.epsilon;
  return {.beta1 = Real(config.beta1),
          .beta2 = Real(config.beta2),
          .rest1 = Real(1 - config.beta1),
          .rest2 = Real(1 - config.beta2),
          .keep = Real(1 - rate * config.weight_decay),
          .epsilon = Real(epsilon),
          .pace = Real(rate / correction1),
          .spread = Real(1 / libm::sqrt(correction2))};
}

template <Scalar Real>
void Adam<Real>::update(const Constants& constants, const Elements& elements, Index begin, Index end) {
  const auto [beta1, beta2, rest1, rest2, keep, epsilon, pace, spread] = constants;
  const auto [w, g, m, v] = elements;
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
}

template <Scalar Real>
Index Adam<Real>::update_seen_rows(const Constants& constants, const Elements& elements, Index begin, Index end,
                                   Index row) {
  Index seen = 0;
  for (; begin < end; begin += row) {
    bool has_gradient = false;  // looking at all of it is cheaper than asking after each element
    for (Index i = begin; i < begin + row; ++i) has_gradient |= elements.g[i] != Real(0);
    if (!has_gradient) continue;
    update(constants, elements, begin, begin + row);
    seen += row;
  }
  return seen;
}

template <Scalar Real>
void Adam<Real>::step(double rate) {
  groups_.require_rate(rate);
  const ParameterList<Real>& parameters = list();
  ++steps_;
  for (std::size_t k = 0; k < parameters.size(); ++k) {
    Real& missed = moments_[k].missed(0);
    if (parameters[k].is_frozen()) missed = Real(static_cast<double>(missed) + 1);
  }
  seen_ = 0;
  const auto cut = [&](std::size_t k) {
    const Index row = rows_[k], size = parameters[k].trained_size();
    return BlockCut{size, row > 0 ? std::max<Index>(1, update_block / row) * row : update_block};
  };
  for_each_block(parameters, cut, [&](std::size_t k, Index begin, Index end) {
    const Elements elements{parameters[k].value, parameters[k].grad, moments_[k].first.data(),
                            moments_[k].second.data()};
    const Constants constants = constants_of(k, groups_.rate_of(k, rate));
    if (rows_[k] == 0) return update(constants, elements, begin, end);
    seen_ += update_seen_rows(constants, elements, begin, end, rows_[k]);
  });
  outdate_others(parameters);
}

template <Scalar Real>
Cost Adam<Real>::step_cost() const {
  const ParameterList<Real>& parameters = list();
  Index whole = 0, by_rows = 0;
  for (std::size_t k = 0; k < parameters.size(); ++k) {
    (rows_[k] > 0 ? by_rows : whole) += parameters[k].trained_size();
  }
  return adam_step_cost(whole) + adam_rows_step_cost(by_rows, seen_ < 0 ? by_rows : seen_.load());
}

template <template <Scalar> class Model, Scalar Real>
Adam(Model<Real>&) -> Adam<Real>;
template <template <Scalar> class Model, Scalar Real>
Adam(Model<Real>&, const AdamConfig&) -> Adam<Real>;
// Of groups in braces, which say their scalar by their lists.
Adam(std::initializer_list<ParameterGroup<float, AdamConfig>>)->Adam<float>;
Adam(std::initializer_list<ParameterGroup<double, AdamConfig>>)->Adam<double>;

/// Adam with the weight decay that AdamW has by default.
inline constexpr AdamConfig adamw_defaults = {.learning_rate = 1e-3, .weight_decay = 1e-2};

}  // namespace slm
