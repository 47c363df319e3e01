#pragma once
// What the study of the frontier found, as far as advice stands on it: a law of loss for each family, and the
// rates that were best. scripts/frontier.py writes it.
#include <map>
#include <string>
#include <vector>

#include "frontier/rates.hpp"

namespace slm::advise {

using frontier::Family;

/// L = E + A / N^α + B / D'^β of N parameters and D' effective tokens: those of a text that is read again count
/// less (Muennighoff et al. 2023, arXiv 2305.16264).
struct Law {
  double E, A, B, alpha, beta, repetitions;

  /// Of a text of so many tokens, in nats per token of the law's own text.
  double loss(double parameters, double tokens, double text) const;
};

/// How far losses leave a law from one budget to another, a random walk: nats of deviation after a decade, and
/// after so many.
inline constexpr double drift = 0.05;
double drift_after(double decades);

/// A family's, with others that the same trainings allow.
struct FamilyLaw {
  Law law;
  std::vector<Law> draws;
  double residual;         // of its points, in nats
  double lowest, highest;  // their budgets
  double epochs;           // how often their trainings read the text at most
  double reach;            // and the most that they had of parameters × tokens / text²

  /// How far the draws lie from each other there, with the residual: a standard deviation.
  double deviation(double parameters, double tokens, double text) const;
  /// Likewise at a budget, with the drift from the points' budgets to it.
  double deviation(double parameters, double tokens, double text, double budget) const;
};

/// The measure of a text for what linear models know, which is about as much as 2- and 3-grams do: the mean of
/// theirs, of losses by order from 1 to 3 or more.
double shallow_nll(const std::vector<double>& by_order);

struct Findings {
  std::string text;              // that the laws are of
  Index vocabulary;              // of that text, with which parameters count
  double tokens;                 // of that text, to train on
  std::vector<double> counting;  // nats per token of its n-grams by order, from 1
  std::map<Family, FamilyLaw> families;
  std::vector<frontier::Tried> tried;
};

/// Throws a `DataError` that names `path` where the text is none of findings.
Findings findings_from_json(const std::string& path, const std::string& text);

/// Those that the program was built with.
Findings own_findings();

}  // namespace slm::advise
