#pragma once
// An entry of any model that is trained, ready for its program.
#include <filesystem>

#include "board/configured_entrant.hpp"
#include "board/training.hpp"

namespace slm::leaderboard {

/// What an entry asks for is done with its model's type.
template <class Config>
class TrainedEntrant : public ConfiguredEntrant<Config> {
 public:
  using ConfiguredEntrant<Config>::ConfiguredEntrant;

  std::unique_ptr<Entrant> copy() const override { return std::make_unique<TrainedEntrant>(*this); }

  Index parameters(const Text& text) const override {
    return parameter_count(typename Config::template Model<Shapes>(with_vocabulary(text), Random()));
  }
  Entrant::Plan plan(const Text& text) const override {
    const Config config = with_vocabulary(text);
    return Training<Config>(config, recipe_, text, 1).plan();
  }

  std::optional<Outcome> train(const Text& text, std::uint64_t seed,
                               const Surroundings& around) const override {
    using slm::detail::clock_seconds, slm::detail::seconds_since;
    constexpr double checkpoint_seconds = 60;
    const FlushDenormals flush;
    const Config config = with_vocabulary(text);
    Training<Config> training(config, recipe_, text, seed);
    training.require_no_foresight();  // rather before the training than after it
    go_on(training, around);
    double saved = clock_seconds();
    while (training.step()) {
      around.on_step(training.spent(), training.loss());
      const bool stop = around.stop();
      if (stop || seconds_since(saved) > checkpoint_seconds) {
        training.save(around.checkpoint, around.key);
        saved = clock_seconds();
      }
      if (stop) return std::nullopt;
    }
    if (training.spent().steps == 0) {
      throw_error<ConfigError>({"budget: ", recipe_.budget, " FLOPs are too few for one step"});
    }
    Outcome outcome = training.finish();
    outcome.parameters = parameters(text);
    if (!is_finite(outcome.nll)) throw NumericError("the score is not finite");
    std::filesystem::remove(around.checkpoint);
    return outcome;
  }

  double step_seconds(const Text& text) const override {
    const FlushDenormals flush;
    const Config config = with_vocabulary(text);
    Recipe recipe = recipe_;
    recipe.budget = largest_budget;  // for as many steps as are timed
    if (recipe.final_batch > 0) recipe.batch = (recipe.batch + recipe.final_batch) / 2, recipe.final_batch = 0;
    Training<Config> training(config, recipe, text, 1);
    constexpr int warm_up = 3;
    for (int i = 0; i < warm_up; ++i) training.step();
    return studies::median_seconds([&] { training.step(); });
  }

 private:
  static void go_on(Training<Config>& training, const Surroundings& around) {
    if (!std::filesystem::exists(around.checkpoint)) return;
    try {
      training.load(around.checkpoint, around.key);
      around.on_note(make_text({"going on after step ", training.spent().steps}));
    } catch (const std::exception& error) {
      around.on_note(make_text({"not going on from a checkpoint: ", error.what()}));
      std::filesystem::remove(around.checkpoint);
    }
  }

  using ConfiguredEntrant<Config>::config_, ConfiguredEntrant<Config>::recipe_;
  using ConfiguredEntrant<Config>::with_vocabulary;
};

/// Of a model of one's own: `run` asks for it by the config's type. Those of models/ are compiled once.
template <class Config>
std::unique_ptr<Entrant> make_entrant(const Config& config, const Recipe& recipe) {
  return std::make_unique<TrainedEntrant<Config>>(config, recipe);
}

}  // namespace slm::leaderboard
