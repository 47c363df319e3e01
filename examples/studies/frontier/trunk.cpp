#include "frontier/trunk.hpp"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "harness/text.hpp"
#include "slm/flops/model_cost.hpp"
#include "slm/optim/adam.hpp"

namespace slm::frontier {

namespace {

constexpr Index fewest_steps = 5, longest_warmup = 100;
/// Tokens that an evaluation predicts at once, and the most logits of them.
constexpr Index tokens_at_once = 1024, logits_at_once = Index(1) << 23;

/// Forward pass of a batch, as `evaluate` runs it.
template <class Config>
Index forward_flops(const Config& config, Index windows, Index T) {
  if (windows == 0) return 0;
  const typename Config::template Model<Shapes> model(config, Random());
  const auto tokens = Tokens<2>::without_memory({windows, T});
  const auto cost = flops::step_cost(model, Mode::evaluate, [&](Tape<Shapes>& tape) {
    if constexpr (every_position<Config>)
      return model(tape, tokens);
    else
      return model.next_token(tape, tokens);
  });
  return cost.total().forward.flops();
}

}  // namespace

Index tokens_per_step(const Trunk& trunk) {
  return predicts_everywhere(trunk.config) ? count_product(trunk.batch, context_of(trunk.config)) : trunk.batch;
}

Index windows_for(const AnyConfig& config, Index tokens) {
  return predicts_everywhere(config) ? std::max<Index>(1, tokens / context_of(config)) : tokens;
}

StepFlops step_flops(const AnyConfig& config, Index batch) {
  return std::visit(
      [&](const auto& one) -> StepFlops {
        constexpr bool everywhere = every_position<std::remove_cvref_t<decltype(one)>>;
        const auto readout = everywhere ? flops::Readout::every_position : flops::Readout::next_token;
        const auto cost = flops::model_cost(one, {.batch = batch, .readout = readout});
        return {cost.total().total().flops(), adam_step_cost(cost.parameters()).flops()};
      },
      config);
}

double smallest_budget(const Trunk& trunk) {
  return static_cast<double>(count_product(fewest_steps, step_flops(trunk.config, trunk.batch).total()));
}

std::vector<Reading> readings(const Trunk& trunk) {
  const auto step = static_cast<double>(step_flops(trunk.config, trunk.batch).total());
  std::vector<Reading> found;
  for (const double budget : trunk.budgets) {
    const auto steps = static_cast<Index>(budget / step);
    require_config(steps >= fewest_steps, {label(trunk), ": a budget of ", studies::scientific(budget),
                                           " FLOPs has room for ", steps, " steps, expected ", fewest_steps});
    const auto cooldown = static_cast<Index>(std::lround(cooldown_share * static_cast<double>(steps)));
    found.push_back({budget, steps - cooldown, steps});
  }
  return found;
}

Index warmup_steps(const Trunk& trunk) {
  const auto step = static_cast<double>(step_flops(trunk.config, trunk.batch).total());
  return std::clamp<Index>(static_cast<Index>(trunk.lowest / step / 10), 1, longest_warmup);
}

double rate_at(const Trunk& trunk, const Reading& reading, Index warmup, Index step) {
  if (step < warmup) return trunk.rate * static_cast<double>(step + 1) / static_cast<double>(warmup);
  if (step < reading.trunk_steps) return trunk.rate;
  const auto left = static_cast<double>(reading.steps - step);
  return trunk.rate * left / static_cast<double>(reading.steps - reading.trunk_steps);
}

Evaluation evaluation(const AnyConfig& config) {
  const Index T = context_of(config), predicted = predicts_everywhere(config) ? T : 1;
  const Index vocabulary = std::visit([](const auto& one) { return one.vocabulary; }, config);
  const Index tokens = std::min(tokens_at_once, logits_at_once / std::max<Index>(1, vocabulary));
  return {std::max<Index>(1, predicted / 2), std::max<Index>(1, tokens / predicted)};
}

Index evaluation_flops(const AnyConfig& config, Index tokens) {
  const auto [stride, batch] = evaluation(config);
  return std::visit(
      [&, stride = stride, batch = batch](const auto& one) {
        const bool everywhere = predicts_everywhere(config);
        const Index T = everywhere ? std::min(one.context, tokens - 1) : one.context;
        const Index predicted = everywhere ? T : 1;
        const Index windows = (tokens - 1 - predicted + stride - 1) / stride + 1;
        return count_sum(count_product(windows / batch, forward_flops(one, batch, T)),
                         forward_flops(one, windows % batch, T));
      },
      config);
}

Planned planned_flops(const Trunk& trunk) {
  const auto step = static_cast<double>(step_flops(trunk.config, trunk.batch).total());
  const auto scored = static_cast<Index>(trunk.text->scored.size());
  Planned planned;
  planned.evaluation =
      static_cast<double>(trunk.budgets.size()) * static_cast<double>(evaluation_flops(trunk.config, scored));
  Index trunk_steps = 0;
  for (const Reading& reading : readings(trunk)) {
    trunk_steps = reading.trunk_steps;
    planned.training += step * static_cast<double>(reading.steps - reading.trunk_steps);
  }
  planned.training += step * static_cast<double>(trunk_steps);
  return planned;
}

nlohmann::json identity(const Trunk& trunk) {
  return {{"text", trunk.text->name},
          {"part", name_of(trunk.text->part)},
          {"sha256", trunk.text->sha256},
          {"family", name_of(trunk.family)},
          {"config", essential_config(trunk.config)},
          {"batch", trunk.batch},
          {"rate", trunk.rate},
          {"warmup", warmup_steps(trunk)},
          {"seed", trunk.seed},
          {"quick", trunk.quick}};
}

std::string key(const Trunk& trunk) { return sha256(identity(trunk).dump()).substr(0, 12); }

std::string label(const Trunk& trunk) {
  return make_text({name_of(trunk.family), " ", trunk.size, " on ", trunk.text->name, ", T ",
                    context_of(trunk.config), ", ", studies::counted(trunk.batch, "window"), " a step, rate ",
                    studies::shortest(trunk.rate), trunk.dropout > 0 ? ", dropout " : "",
                    trunk.dropout > 0 ? studies::shortest(trunk.dropout) : "", ", seed ", trunk.seed});
}

}  // namespace slm::frontier
