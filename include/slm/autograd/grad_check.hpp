#pragma once
// Gradients compared with central differences.
#include <cmath>
#include <span>
#include <vector>

#include "slm/core/check.hpp"

namespace slm {

/// ‖g − ĝ‖ / (‖g‖ + ‖ĝ‖); zero when both are zero. Throws a `ShapeError` where their sizes differ.
inline double relative_error(std::span<const double> g, std::span<const double> reference) {
  if (g.size() != reference.size()) {
    throw ShapeError(
        concatenate({"relative_error: got ", g.size(), " numbers to compare with ", reference.size()}));
  }
  double difference = 0, left = 0, right = 0;
  for (std::size_t i = 0; i < g.size(); ++i) {
    difference += (g[i] - reference[i]) * (g[i] - reference[i]);
    left += g[i] * g[i];
    right += reference[i] * reference[i];
  }
  const double size = std::sqrt(left) + std::sqrt(right);
  return size == 0 ? 0 : std::sqrt(difference) / size;
}

/// Derivatives of `loss` in each element of x by central differences of step `epsilon`:
/// (loss(x + ε eᵢ) − loss(x − ε eᵢ)) / 2ε. `loss` is a function of no arguments that reads x.
template <class Loss>
std::vector<double> numeric_gradient(std::span<double> x, const Loss& loss, double epsilon = 1e-6) {
  std::vector<double> gradient(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double middle = x[i];
    x[i] = middle + epsilon;
    const double above = loss();
    x[i] = middle - epsilon;
    const double below = loss();
    x[i] = middle;
    gradient[i] = (above - below) / (2 * epsilon);
  }
  return gradient;
}

}  // namespace slm
