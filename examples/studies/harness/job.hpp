#pragma once
// One training: a run of the protocol, as the options change it, with a seed.
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "harness/dataset.hpp"
#include "harness/options.hpp"
#include "protocol.hpp"
#include "slm/flops/run_cost.hpp"

namespace slm::studies {

struct Job {
  const Run* protocol;     // as in protocol.hpp
  const Dataset* dataset;  // of which it has the vocabulary
  Run run;                 // the protocol's run with what the options replace
  std::uint64_t seed;
  double learning_rate;
  bool quick;
  bool changed = false;  // options replaced a setting
  Index parameters = 0;
  Floors floors = {};
  flops::RunCost cost = {};  // of the whole training and its test
  Index spread_windows = 0;  // of each text at most: evaluated beside the protocol's, see harness/spread.hpp

  Index T() const { return context(run); }
  /// All FLOPs of the protocol: about proportional to the time that the training takes.
  double flops() const { return static_cast<double>((cost.spent.total() + cost.test).flops()); }
  const Training& training() const { return run.training; }
};

/// The trainings that were asked for: all models at all rates with the first seed, then with the next; what the
/// paper does not report comes after all that it does. Throws `ConfigError` or `DataError` if one of them is
/// impossible, so that this shows before the first.
std::vector<Job> plan(const Study& study, const Options& options, Datasets& datasets);

/// "transformer, L = 3", and at another learning rate than the paper's "transformer, RoPE, rate 0.001", with
/// other products "linear, bfloat16".
std::string label(const Job& job);

/// Everything but seed and data that a training's result depends on.
nlohmann::json config_json(const Job& job);

/// Windows of a text, spread evenly over it, that a model is evaluated on beside the protocol's.
inline constexpr Index usual_spread_windows = 10'000;

/// As many of them as the options say.
Index spread_windows(const CommonOptions& options);

/// What an epoch's validation or the test costs, as a part of what training on as many windows does: about a
/// forward pass against forward and backward.
inline constexpr double evaluation_share = 1.0 / 3;

/// Windows of an epoch, and of a whole training, those of evaluations counted by their share of the cost.
double weighted_epoch(const Job& job);
double weighted_windows(const Job& job);

}  // namespace slm::studies
