#pragma once
// Parts of a list of parameters, and optimizers that treat them differently.
#include <type_traits>
#include <utility>
#include <vector>

#include "slm/optim/parameter_list.hpp"

namespace slm {

/// Those of a list for which predicate(parameter) holds, in their order: its `name`, `shape` and `size` are
/// there to be looked at.
///   auto of_block = where(all, [](const auto& p) { return p.name.starts_with("blocks.0."); });
template <Scalar Real, class Predicate>
ParameterList<Real> where(const ParameterList<Real>& list, const Predicate& predicate) {
  ParameterList<Real> chosen;
  for (const auto& parameter : list) {
    if (predicate(parameter)) chosen.push_back(parameter);
  }
  return chosen;
}

/// A list in two: those for which a predicate holds, and the others.
template <Scalar Real>
struct SplitParameters {
  ParameterList<Real> chosen, others;
};
///   auto [matrices, vectors] = split(parameters<float>(model), is_matrix);
template <Scalar Real, class Predicate>
SplitParameters<Real> split(const ParameterList<Real>& list, const Predicate& predicate) {
  return {where(list, predicate), where(list, [&](const auto& parameter) { return !predicate(parameter); })};
}

/// A predicate: weights and tables, not biases and gains. Those alone are let decay, as in GPT-2's training.
inline constexpr auto is_matrix = [](const auto& parameter) { return parameter.shape.size() >= 2; };

/// A predicate: matrices between features, of two axes, which leaves out tables and the head by their names in
/// slm's models: a part of the path that is `embedding`, `positions` or `head`.
inline constexpr auto is_hidden_matrix = [](const auto& parameter) {
  const auto has_part = [path = "." + parameter.name + "."](const char* part) {
    return path.find(part) != path.npos;
  };
  return parameter.shape.size() == 2 && !has_part(".embedding.") && !has_part(".positions.") &&
         !has_part(".head.");
};

/// Parameters and how an optimizer updates them.                         PyTorch: an optimizer's param_groups
template <Scalar Real, class Config>
struct ParameterGroup {
  ParameterList<Real> parameters;
  Config config = {};
};

/// Whether a type is a list of them.
template <class T>
inline constexpr bool is_parameter_groups = false;
template <Scalar Real, class Config>
inline constexpr bool is_parameter_groups<std::vector<ParameterGroup<Real, Config>>> = true;

/// What an optimizer takes as its model: neither another one of its type nor a list.
template <class Model, class Optimizer>
concept OptimizedModel = !std::is_same_v<Model, Optimizer> && !is_parameter_list<std::remove_const_t<Model>> &&
                         !is_parameter_groups<std::remove_const_t<Model>>;

/// Throws a `ConfigError` that begins with `what` where a list has a parameter twice.
template <Scalar Real>
[[gnu::noinline, gnu::cold]] void require_each_once(const char* what, const ParameterList<Real>& list) {
  std::vector<detail::Visited> places;
  for (const auto& parameter : list) places.emplace_back(parameter.value, static_cast<Index>(places.size()));
  const std::vector<Index> first = detail::first_visits(std::move(places));
  for (std::size_t k = 0; k < list.size(); ++k) {
    if (first[k] == static_cast<Index>(k)) continue;
    throw_error<ConfigError>(
        {what, ": expected each parameter in one group, got ", in_quotes(list[k].name), " twice"});
  }
}

/// The groups of an optimizer as one list, and the config of each parameter.
template <Scalar Real, class Config>
class ParameterGroups {
 public:
  /// One group. Throws a `ConfigError` where a parameter is in it twice.
  [[gnu::noinline, gnu::cold]] ParameterGroups(const char* optimizer, ParameterList<Real> list,
                                               const Config& config)
      : optimizer_(optimizer), list_(std::move(list)), group_of_(list_.size()), configs_(1, config) {
    require_each_once(optimizer, list_);
  }
  /// Throws a `ConfigError` where a parameter is in two groups, or where there is no group.
  [[gnu::noinline, gnu::cold]] ParameterGroups(const char* optimizer,
                                               std::vector<ParameterGroup<Real, Config>> groups)
      : optimizer_(optimizer) {
    if (groups.empty()) {
      throw_error<ConfigError>({optimizer, ": expected at least one group of parameters, got none"});
    }
    for (auto& group : groups) {
      for (auto& parameter : group.parameters) {
        list_.push_back(std::move(parameter));
        group_of_.push_back(configs_.size());
      }
      configs_.push_back(group.config);
    }
    require_each_once(optimizer, list_);
  }

  /// Where the parameters are now.
  const ParameterList<Real>& list() const { return refresh(list_); }
  const std::vector<Config>& configs() const { return configs_; }
  const Config& config_of(std::size_t parameter) const { return configs_[group_of_[parameter]]; }

  /// The rate of a parameter in a step whose rate, that of the first group, is given: rates keep the ratio that
  /// they have in the configs.                     PyTorch: LambdaLR, which multiplies them all by one factor
  double rate_of(std::size_t parameter, double rate) const {
    const double first = configs_.front().learning_rate, own = config_of(parameter).learning_rate;
    if (own == first) return rate;
    return rate == first ? own : own * (rate / first);
  }
  /// Throws a `ConfigError` where a step of this rate has no meaning.
  [[gnu::noinline]] void require_rate(double rate) const {
    if (!is_finite(rate) || rate < 0) require_not_negative(make_text({optimizer_, ": learning rate"}), rate);
    const double first = configs_.front().learning_rate;
    if (first > 0 || rate == first) return;
    for (const Config& config : configs_) {
      require_config(config.learning_rate == first, {optimizer_, ": a step of rate ", rate,
                                                     " scales the groups' rates with that of the first, "
                                                     "which must not be 0"});
    }
  }

 private:
  const char* optimizer_;
  ParameterList<Real> list_;
  std::vector<std::size_t> group_of_;
  std::vector<Config> configs_;
};

}  // namespace slm
