#pragma once
// Gradients compared with central differences, and what a backward function reads with what it declares.
#include <algorithm>
#include <cmath>
#include <span>
#include <string>
#include <vector>

#include "slm/autograd/tape.hpp"

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

/// For who writes an operation: throws an `Error` where its backward function reads an input or its result that
/// it does not declare (`needed`, `needs_output`), or declares and does not read. f(Var…) → Var calls the
/// operation, on inputs of any numbers. One value after the other is replaced before the backward pass: what is
/// read changes a gradient.
template <class Function, std::size_t... Rank>
void check_declared_reads(const Function& f, const Tensor<double, Rank>&... inputs) {
  std::string name;
  bool declared = false;
  const auto gradients = [&](std::size_t replaced, Tensor<double, Rank>... x) {
    Tape<double> tape;
    tape.reset(Random());
    return [&](const auto&... given) {
      const auto y = f(given...);
      std::fill_n(y.grad(), y.size(), 1.0);
      for (const PartCost& part : tape.costs_by_part()) name = part.operation;
      const Node<double> none, *nodes[] = {&given.node()..., &y.node(), &none};
      double* values[] = {x.data()..., y.output(), nullptr};
      declared = nodes[replaced]->claimed_by;
      if (values[replaced]) std::fill_n(values[replaced], nodes[replaced]->size, 3.0);
      tape.backward();
      std::vector<double> all;
      (all.insert(all.end(), given.grad(), given.grad() + given.size()), ...);
      return all;
    }(tape.input(x, true)...);
  };
  constexpr std::size_t result = sizeof...(Rank);
  const std::vector<double> expected = gradients(result + 1, inputs...);
  for (std::size_t i = 0; i <= result; ++i) {
    if ((gradients(i, inputs...) != expected) == declared) continue;
    throw Error(concatenate({name, ": the backward function ",
                             declared ? "declares and does not read " : "reads and does not declare ",
                             i == result ? "the result" : concatenate({"input ", i})}));
  }
}

}  // namespace slm
