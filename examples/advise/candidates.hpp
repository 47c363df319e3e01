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
  double law_nll = 0, law_deviation = 0;
};

/// What candidates must keep to.
struct Limits {
  double budget;                      // FLOPs
  std::optional<Index> parameters{};  // at most
  std::string size = "";              // of this name alone; empty: of any
};

/// The training of a family with the lowest loss by the law; nothing where no size has room for enough steps,
/// or few enough parameters, or where no law of the family is known.
std::optional<Candidate> best_candidate(Family family, const Limits& limits, const frontier::Text& text,
                                        const Findings& findings);

/// The least budget at which a family's best has as many parameters as it may; nothing where none has.
std::optional<double> budget_for(Family family, Index parameters, const frontier::Text& text,
                                 const Findings& findings);

}  // namespace slm::advise
