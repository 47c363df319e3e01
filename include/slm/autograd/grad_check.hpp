#pragma once
// Gradients compared with central differences, and what a backward function reads with what it declares.
#include <algorithm>
#include <bit>
#include <cmath>
#include <span>
#include <string>
#include <tuple>
#include <vector>

#include "slm/autograd/tape.hpp"

namespace slm {

/// ‖g − ĝ‖ / (‖g‖ + ‖ĝ‖); zero when both are zero. Throws a `ShapeError` where their sizes differ.
inline double relative_error(std::span<const double> g, std::span<const double> reference) {
  if (g.size() != reference.size()) {
    throw ShapeError(
        make_text({"relative_error: got ", g.size(), " numbers to compare with ", reference.size()}));
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

namespace detail {

/// Also of what is no number.
inline bool same_bits(const std::vector<double>& a, const std::vector<double>& b) {
  const auto same = [](double x, double y) { return std::bit_cast<Index>(x) == std::bit_cast<Index>(y); };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), same);
}

}  // namespace detail

/// For who writes an operation: throws an `Error` where its backward function reads an input or its result that
/// it does not declare (`needed`, `needs_output`), or declares and does not read, and where an input that gets
/// a gradient is not in its list. f(Var…) → Var calls the operation, on numbers whose gradients depend on all
/// that is read. One value after the other is replaced before the backward pass: what is read changes a
/// gradient.
template <class Function, std::size_t... Rank>
void check_declared_reads(const Function& f, const Tensor<double, Rank>&... inputs) {
  constexpr std::size_t result = sizeof...(Rank), none = result + 1;
  using Gradients = std::vector<std::vector<double>>;  // by input, where it is wanted
  std::string name;
  bool declared = false;
  const auto gradients = [&](std::size_t replaced, std::size_t alone, Tensor<double, Rank>... x) {
    Tape<double> tape;
    tape.reset(Random());
    std::size_t at = 0;
    const auto is_wanted = [&] { return alone == none || alone == at++; };
    const std::tuple<Var<double, Rank>...> given{tape.input(x, is_wanted())...};
    const auto run = [&](const auto&... in) -> Gradients {
      const auto y = f(in...);
      for (const PartCost& part : tape.costs_by_part()) name = part.operation;
      if (!y.wants_grad()) return {};
      std::fill_n(y.grad(), y.size(), 1.0);
      const Node<double> nothing, *nodes[] = {&in.node()..., &y.node(), &nothing};
      double* values[] = {x.data()..., y.output(), nullptr};
      declared = nodes[replaced]->claimed_by;
      for (Index i = 0; values[replaced] && i < nodes[replaced]->size; ++i) {
        double& value = values[replaced][i];
        value = value > 0 ? -1 - value : 1 - value;
      }
      tape.backward();
      const auto of = [](const auto& v) {
        return v.wants_grad() ? std::vector(v.grad(), v.grad() + v.size()) : std::vector<double>();
      };
      return {of(in)...};
    };
    return std::apply(run, given);
  };
  const Gradients expected = gradients(none, none, inputs...);
  for (std::size_t i = 0; i < result; ++i) {
    const Gradients own = gradients(none, i, inputs...);
    if (own.empty() || !detail::same_bits(own[i], expected[i])) {
      throw Error(make_text({name, ": input ", i, " gets a gradient and is not in the list of inputs"}));
    }
  }
  for (std::size_t i = 0; i <= result; ++i) {
    const Gradients spoiled = gradients(i, none, inputs...);
    if (std::equal(spoiled.begin(), spoiled.end(), expected.begin(), detail::same_bits) == !declared) continue;
    throw Error(make_text({name, ": the backward function ",
                           declared ? "declares and does not read " : "reads and does not declare ",
                           i == result ? "the result" : make_text({"input ", i})}));
  }
}

}  // namespace slm
