#include "models/counted.hpp"

#include "board/configured_entrant.hpp"
#include "frontier/ngrams.hpp"
#include "slm/core/clock.hpp"

namespace slm::leaderboard {

namespace {

class CountedEntrant : public ConfiguredEntrant<NgramConfig> {
 public:
  using ConfiguredEntrant::ConfiguredEntrant;

  std::unique_ptr<Entrant> copy() const override { return std::make_unique<CountedEntrant>(*this); }
  bool has_seeds() const override { return false; }
  Index parameters(const Text& text) const override { return model(text).table.ngrams(); }
  Plan plan(const Text&) const override { return {}; }
  double step_seconds(const Text&) const override { return 0; }

  std::optional<Outcome> train(const Text& text, std::uint64_t, const Surroundings&) const override {
    using slm::detail::clock_seconds, slm::detail::seconds_since;
    double start = clock_seconds();
    const NgramLM<float> counted = model(text);
    Outcome outcome;
    outcome.parameters = outcome.counted = counted.table.ngrams(), outcome.seconds = seconds_since(start);
    start = clock_seconds();
    outcome.nll = frontier::score(counted, text.scored, text.first_scored);
    outcome.scoring_seconds = seconds_since(start);
    return outcome;
  }

 private:
  NgramLM<float> model(const Text& text) const { return {with_vocabulary(text), text.train}; }
};

}  // namespace

std::unique_ptr<Entrant> make_entrant(const NgramConfig& config, const Recipe& recipe) {
  return std::make_unique<CountedEntrant>(config, recipe);
}

}  // namespace slm::leaderboard
