#include "transfer.hpp"

#include <cmath>

#include "law.hpp"

namespace slm::advise {

namespace {

/// How far a and s, as a share of itself, may be from what n-grams say: standard deviations.
constexpr double shift_deviation = 0.1, scale_deviation = 0.1;

}  // namespace

Transfer::Transfer(double ratio)
    : ratio_(ratio),
      precision_{1 / (shift_deviation * shift_deviation),
                 1 / (scale_deviation * ratio * scale_deviation * ratio), 0},
      moment_{0, precision_[1] * ratio} {}

void Transfer::learn(double budget, double law_nll, double nll, double deviation, double sampling) {
  log_budgets_ += std::log10(budget), ++learned_;
  const double scaled = std::hypot(ratio_ * deviation, sampling), weight = 1 / (scaled * scaled);
  precision_[0] += weight;
  precision_[1] += weight * law_nll * law_nll;
  precision_[2] += weight * law_nll;
  moment_[0] += weight * nll;
  moment_[1] += weight * nll * law_nll;
}

Prediction Transfer::at(double budget, double law_nll, double deviation) const {
  const auto [p, q, r] = precision_;
  const double determinant = p * q - r * r;
  const double a = (q * moment_[0] - r * moment_[1]) / determinant;
  const double s = (p * moment_[1] - r * moment_[0]) / determinant;
  // Of (1, x) by the inverse of the precision, and what the law is off by.
  double variance = (q - 2 * r * law_nll + p * law_nll * law_nll) / determinant;
  if (learned_ > 0) {
    const double drifted = ratio_ * drift_after(std::abs(std::log10(budget) - log_budgets_ / learned_));
    variance += drifted * drifted;
  }
  return {a + s * law_nll, std::sqrt(variance + s * deviation * s * deviation)};
}

}  // namespace slm::advise
