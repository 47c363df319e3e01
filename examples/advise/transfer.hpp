#pragma once
// From losses on the law's text to losses on another one.
#include <algorithm>
#include <limits>

namespace slm::advise {

/// A loss that is expected, as a normal distribution but for its end.
struct Prediction {
  double nll, deviation;
  double most = std::numeric_limits<double>::infinity();  // which guessing has

  double low() const { return std::min(most, nll - ninety * deviation); }
  double high() const { return std::min(most, nll + ninety * deviation); }

 private:
  static constexpr double ninety = 1.6449;  // of 90 % in the middle
};

/// How far a, in nats, and s may be from what is said of them below, and one family's losses from another's:
/// standard deviations, of five texts of English and of code on which neither the laws nor docs/advise.md
/// stand.
inline constexpr double shift_deviation = 0.15, slope_deviation = 0.15, family_deviation = 0.03;

/// Losses on a text as a + s z of those that the law says, z above what n-grams lose on the law's text: a
/// Bayesian linear regression. Before anything was trained there, a is about what n-grams lose on the text, and
/// s about 1: what a model has yet to learn when n-grams know it costs about as much on either text.
class Transfer {
 public:
  /// What n-grams lose on the law's text, and on the other.
  Transfer(double law_counting, double counting);

  /// A training on the text lost `nll` at a budget where the law says `law_nll`; `deviation` is that of the law
  /// there, `sampling` that of `nll` where it is of a sample of the text.
  void learn(double budget, double law_nll, double nll, double deviation, double sampling = 0);

  /// What to expect at a budget where the law says `law_nll` with a deviation.
  Prediction at(double budget, double law_nll, double deviation) const;

 private:
  double law_counting_, slope_;           // before anything was trained
  double log_budgets_ = 0, learned_ = 0;  // of what was learned: a sum, and how much that is
  double precision_[3];                   // of (a, s): the matrix's diagonal and what is beside it
  double moment_[2];
};

}  // namespace slm::advise
