#pragma once
// One training that serves several budgets: a warm-up, a constant rate, and before each budget's end a branch
// in which the rate falls to zero.
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "frontier/corpora.hpp"
#include "frontier/family.hpp"

namespace slm::frontier {

/// Common to all trainings: AdamW, which lets matrices and tables decay, without clipping.
inline constexpr double beta1 = 0.9, beta2 = 0.99, weight_decay = 0.1;
/// The part of a budget in which the rate falls.
inline constexpr double cooldown_share = 0.2;

struct Trunk {
  const Text* text;
  Family family;
  std::string size;
  AnyConfig config;
  Index batch;  // windows a step
  double rate;
  double dropout;
  std::uint64_t seed;
  std::vector<double> budgets;  // ascending, in FLOPs of training and optimizer
  double lowest;                // the least budget that this size has anywhere: the warm-up is for it
  bool quick;
  std::string stage;  // that asked for it: no part of what it is
};

/// Tokens that a step learns to predict: at every position, or one a window.
Index tokens_per_step(const Trunk& trunk);

/// Windows that have so many tokens to predict: at least one.
Index windows_for(const AnyConfig& config, Index tokens);

/// What a step costs in FLOPs.
struct StepFlops {
  Index training, optimizer;
  Index total() const { return training + optimizer; }
};
StepFlops step_flops(const AnyConfig& config, Index batch);

/// The steps of a budget.
struct Reading {
  double budget;
  Index trunk_steps;  // after which its branch begins
  Index steps;        // of both; as many as the budget has room for
};
/// That of five steps, without which there is no training.
double smallest_budget(const Trunk& trunk);
/// Of all budgets. Throws a `ConfigError` where one is too small.
std::vector<Reading> readings(const Trunk& trunk);

/// Steps in which the rate rises: a tenth of those of the size's lowest budget, at most 100.
Index warmup_steps(const Trunk& trunk);

/// The rate of a step on the way to a reading.
double rate_at(const Trunk& trunk, const Reading& reading, Index warmup, Index step);

/// Steps of an evaluation are windows of the config's context at a stride of half of it, or one for each token.
struct Evaluation {
  Index stride, batch;
};
Evaluation evaluation(const AnyConfig& config);
/// Of one evaluation of a text of so many tokens: of the model, without the loss.
Index evaluation_flops(const AnyConfig& config, Index tokens);

/// What a trunk costs from its first step, or from the end of the trunk of a reading on.
struct Planned {
  double training = 0, evaluation = 0;
};
Planned planned_flops(const Trunk& trunk);

/// What makes a training the one that it is, whichever stage asks for it; budgets are no part of it.
nlohmann::json identity(const Trunk& trunk);
/// A short name of the identity, by which lines of the results belong together.
std::string key(const Trunk& trunk);
/// "transformer 2 x 64, T 64, 16 windows, rate 0.004, seed 1".
std::string label(const Trunk& trunk);

}  // namespace slm::frontier
