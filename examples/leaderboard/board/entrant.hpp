#pragma once
// An entry whatever its model, as the program sees it.
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "board/text.hpp"
#include "slm/core/cost.hpp"

namespace slm::leaderboard {

/// What a training costs.
struct Spent {
  Index steps = 0, tokens = 0;  // tokens that were predicted
  Index training_flops = 0, optimizer_flops = 0;
  Index lookups = 0;  // numbers read from tables
  Index flops() const { return count_sum(training_flops, optimizer_flops); }
};

struct Outcome {
  Spent spent;
  double train_nll = 0;                       // over the last tenth of the budget
  double nll = 0;                             // the score
  std::optional<double> nll_of_windows = {};  // see Score
  std::optional<double> dynamic_nll = {};     // see dynamic_score
  Index scoring_flops = 0, dynamic_flops = 0;
  Index parameters = 0;
  Index counted = 0;  // n-grams of a model that was mixed in
  double seconds = 0, scoring_seconds = 0;
};

/// What goes on around a training.
struct Surroundings {
  std::string key;         // of the training, for its checkpoint
  std::string checkpoint;  // a file
  std::function<void(const Spent&, double loss)> on_step;
  std::function<void(const std::string&)> on_note;
  std::function<bool()> stop;
};

class Entrant {
 public:
  virtual ~Entrant() = default;

  virtual std::unique_ptr<Entrant> copy() const = 0;
  /// Sets a field of the model's config or of the recipe. Throws a `ConfigError` where there is none of this
  /// name or where the text is no value of it.
  virtual void set(const std::string& field, const std::string& text) = 0;
  virtual nlohmann::ordered_json config() const = 0;
  virtual nlohmann::ordered_json recipe() const = 0;
  /// Both without what is the default: a setting that is added later leaves a training what it is.
  virtual nlohmann::ordered_json identity() const = 0;
  virtual double budget() const = 0;
  /// Whether a seed makes a difference: not where nothing is drawn.
  virtual bool has_seeds() const { return true; }

  virtual Index parameters(const Text& text) const = 0;
  /// The steps of the budget, counted on shapes. What tables cost whose rows are updated only where they were
  /// read depends on the text: then it is `exact` no longer, but the most that it can be.
  struct Plan {
    Spent spent;
    bool exact = true;
  };
  virtual Plan plan(const Text& text) const = 0;
  /// Trains and scores, from the checkpoint on if there is one. Empty where it was to stop. Throws a
  /// `NumericError` where a loss is not finite.
  virtual std::optional<Outcome> train(const Text& text, std::uint64_t seed,
                                       const Surroundings& around) const = 0;
  /// Median seconds of a step at the middle of the training.
  virtual double step_seconds(const Text& text) const = 0;
};

}  // namespace slm::leaderboard
