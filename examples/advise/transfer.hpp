#pragma once
// From losses on the law's text to losses on another one.

namespace slm::advise {

/// A loss that is expected, as a normal distribution.
struct Prediction {
  double nll, deviation;

  double low() const { return nll - ninety * deviation; }
  double high() const { return nll + ninety * deviation; }

 private:
  static constexpr double ninety = 1.6449;  // of 90 % in the middle
};

/// Losses on a text as a + s x of those that the law says, x: a Bayesian linear regression. Before anything was
/// trained there, s is as good as the ratio of what n-grams lose on the two texts.
class Transfer {
 public:
  explicit Transfer(double ratio);

  /// A training on the text lost `nll` at a budget where the law says `law_nll`; `deviation` is that of the law
  /// there, `sampling` that of `nll` where it is of a sample of the text.
  void learn(double budget, double law_nll, double nll, double deviation, double sampling = 0);

  /// What to expect at a budget where the law says `law_nll` with a deviation.
  Prediction at(double budget, double law_nll, double deviation) const;

 private:
  double ratio_;
  double log_budgets_ = 0, learned_ = 0;  // of what was learned: a sum, and how much that is
  double precision_[3];                   // of (a, s): the matrix's diagonal and what is beside it
  double moment_[2];
};

}  // namespace slm::advise
