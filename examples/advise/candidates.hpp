#pragma once
// Which model of a family a budget buys.
#include <optional>

#include "frontier/trunk.hpp"
#include "law.hpp"

namespace slm::advise {

/// A training, and what the law says of it.
struct Candidate {
  frontier::Trunk trunk;  // with one budget
  Index steps = 0;
  Index flops = 0;  // exact, of training and optimizer
  Index tokens = 0, parameters = 0;
  double epochs = 0;     // how often the text is read
  bool is_whole = true;  // whether all of the budget is spent
  bool is_far = false;   // whether the law is of other budgets: an interval would say too much
  double law_nll = 0, law_deviation = 0;
};

/// So far beyond what the laws stand on they are believed.
inline constexpr double known_range = 3;

/// What candidates must keep to.
struct Limits {
  double budget;                      // FLOPs
  std::optional<Index> parameters{};  // at most
  std::string size = "";              // of this name alone; empty: of any
};

/// The training of a family with the lowest loss by the law; nothing where no size has room for enough steps,
/// or few enough parameters, or where no law of the family is known. The text is read no more often than the
/// law's trainings read theirs, and still less often by models that are large for it: how soon they know it by
/// heart the law does not say.
std::optional<Candidate> best_candidate(Family family, const Limits& limits, const frontier::Text& text,
                                        const Findings& findings);

/// The largest budget at which the frontier trained a model of at most so many parameters; nothing where it has
/// none.
std::optional<double> budget_for(Index parameters, const frontier::Text& text, const Findings& findings);

/// The least FLOPs for which a family's smallest model makes enough steps to speak of.
double least_budget(Family family, const frontier::Text& text, const Findings& findings);

}  // namespace slm::advise
