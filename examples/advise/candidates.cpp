#include "candidates.hpp"

#include <algorithm>
#include <limits>

#include "frontier/rates.hpp"

namespace slm::advise {

namespace {

/// Fewer say nothing about a rate.
constexpr Index fewest_steps = 50;

/// A training with the setting that was best for as many tokens of the law's text: a budget has fewer of a text
/// with a larger vocabulary.
frontier::Trunk trunk_of(const frontier::Size& size, double budget, const frontier::Text& text,
                         const Findings& findings, const frontier::Rates& rates) {
  const auto config = frontier::with_vocabulary(size.config, text.vocabulary);
  const Index windows = frontier::windows_for(size.config, rates.of(size, {budget}).tokens);
  const auto step = [&](const frontier::AnyConfig& its) {
    return static_cast<double>(frontier::step_flops(its, windows).total());
  };
  const double law_step = step(frontier::with_vocabulary(size.config, findings.vocabulary));
  const frontier::Setting setting = rates.of(size, {budget * law_step / step(config)});
  return {.text = &text,
          .family = size.family,
          .size = size.name,
          .config = config,
          .batch = frontier::windows_for(size.config, setting.tokens),
          .rate = setting.rate,
          .dropout = 0,
          .seed = 1,
          .budgets = {budget},
          .lowest = budget,
          .quick = false,
          .stage = "advise"};
}

std::optional<Candidate> candidate_of(const frontier::Size& size, const Limits& limits,
                                      const frontier::Text& text, const Findings& findings,
                                      const FamilyLaw& law, const frontier::Rates& rates) {
  Candidate found{.trunk = trunk_of(size, limits.budget, text, findings, rates)};
  const auto tokens = static_cast<Index>(text.train.size());
  found.parameters = frontier::parameters_of(found.trunk.config);
  if (frontier::context_of(size.config) >= tokens) return std::nullopt;
  if (limits.parameters && found.parameters > *limits.parameters) return std::nullopt;
  // As many as the law counts: with its own vocabulary.
  const auto N =
      static_cast<double>(frontier::parameters_of(frontier::with_vocabulary(size.config, findings.vocabulary)));
  const auto U = static_cast<double>(tokens);
  const Index step = frontier::step_flops(found.trunk.config, found.trunk.batch).total();
  const Index step_tokens = frontier::tokens_per_step(found.trunk);
  const auto affordable = static_cast<Index>(limits.budget / static_cast<double>(step));
  const double most_tokens = std::min(law.epochs * U, known_range * law.reach * U * U / N);
  const auto readable = static_cast<Index>(most_tokens / static_cast<double>(step_tokens));
  found.steps = std::min(affordable, readable);
  if (found.steps < fewest_steps) return std::nullopt;
  found.flops = count_product(found.steps, step);
  found.tokens = count_product(found.steps, step_tokens);
  const auto D = static_cast<double>(found.tokens);
  found.epochs = D / U;
  found.is_whole = affordable <= readable;
  if (!found.is_whole) {
    const auto spent = static_cast<double>(found.flops);
    found.trunk.budgets = {spent}, found.trunk.lowest = spent;
  }
  const double budget = found.trunk.budgets.front();
  found.is_far = budget > known_range * law.highest || budget < law.lowest / known_range;
  found.law_nll = law.law.loss(N, D, U);
  found.law_deviation = law.deviation(N, D, U, budget);
  return found;
}

}  // namespace

std::optional<Candidate> best_candidate(Family family, const Limits& limits, const frontier::Text& text,
                                        const Findings& findings) {
  const auto law = findings.families.find(family);
  if (law == findings.families.end()) return std::nullopt;
  const frontier::Rates rates(findings.tried, /*quick=*/false);
  std::optional<Candidate> best;
  for (const frontier::Size& size : frontier::choices(family)) {
    if (!limits.size.empty() && size.name != limits.size) continue;
    auto found = candidate_of(size, limits, text, findings, law->second, rates);
    if (found && (!best || found->law_nll < best->law_nll)) best = std::move(found);
  }
  return best;
}

std::optional<double> budget_for(Index parameters, const frontier::Text& text, const Findings& findings) {
  std::optional<double> largest;
  for (const auto& [family, law] : findings.families) {
    for (const frontier::Size& size : frontier::sizes(family)) {
      if (frontier::parameters_of(frontier::with_vocabulary(size.config, text.vocabulary)) <= parameters)
        largest = std::max(largest.value_or(0), std::min(size.highest, law.highest));
    }
  }
  return largest;
}

double least_budget(Family family, const frontier::Text& text, const Findings& findings) {
  const frontier::Rates rates(findings.tried, /*quick=*/false);
  double least = std::numeric_limits<double>::infinity();
  for (const frontier::Size& size : frontier::choices(family)) {
    constexpr double small = 1;  // the setting of the smallest budgets
    const frontier::Trunk trunk = trunk_of(size, small, text, findings, rates);
    least = std::min(least, static_cast<double>(count_product(
                                fewest_steps, frontier::step_flops(trunk.config, trunk.batch).total())));
  }
  return least;
}

}  // namespace slm::advise
