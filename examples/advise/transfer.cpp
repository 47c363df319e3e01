#include "transfer.hpp"

#include <algorithm>
#include <cmath>

#include "law.hpp"

namespace slm::advise {

Transfer::Transfer(double law_counting, double counting)
    : law_counting_(law_counting), slope_(std::max(1.0, counting / law_counting)) {
  precision_[0] = 1 / (shift_deviation * shift_deviation);
  precision_[1] = 1 / (slope_deviation * slope_ * slope_deviation * slope_);
  precision_[2] = 0;
  moment_[0] = precision_[0] * counting;
  moment_[1] = precision_[1] * slope_;
}

void Transfer::learn(double budget, double law_nll, double nll, double deviation, double sampling) {
  log_budgets_ += std::log10(budget), ++learned_;
  const double z = law_nll - law_counting_;
  const double off = std::hypot(slope_ * deviation, family_deviation, sampling), weight = 1 / (off * off);
  precision_[0] += weight;
  precision_[1] += weight * z * z;
  precision_[2] += weight * z;
  moment_[0] += weight * nll;
  moment_[1] += weight * nll * z;
}

Prediction Transfer::at(double budget, double law_nll, double deviation) const {
  const auto [p, q, r] = precision_;
  const double determinant = p * q - r * r, z = law_nll - law_counting_;
  const double a = (q * moment_[0] - r * moment_[1]) / determinant;
  const double s = (p * moment_[1] - r * moment_[0]) / determinant;
  // Of (1, z) by the inverse of the precision, and what the law and the family are off by.
  double variance = (q - 2 * r * z + p * z * z) / determinant + family_deviation * family_deviation;
  if (learned_ > 0) {
    const double drifted = slope_ * drift_after(std::abs(std::log10(budget) - log_budgets_ / learned_));
    variance += drifted * drifted;
  }
  return {a + s * z, std::sqrt(variance + s * deviation * s * deviation)};
}

}  // namespace slm::advise
