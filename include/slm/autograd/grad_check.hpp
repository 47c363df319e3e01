#pragma once
// Gradients compared with central differences (`check_gradients`), and what a backward function reads with what
// it declares (`check_declared_reads`).
#include <algorithm>
#include <bit>
#include <limits>
#include <span>
#include <string>
#include <tuple>
#include <vector>

#include "slm/autograd/tape.hpp"
#include "slm/core/libm.hpp"

namespace slm {

/// ‖g − ĝ‖ / (‖g‖ + ‖ĝ‖); zero when both are zero. Throws a `ShapeError` where their sizes differ.
inline double relative_error(std::span<const double> g, std::span<const double> reference) {
  if (g.size() != reference.size()) {
    throw_error<ShapeError>({"relative_error: got ", g.size(), " numbers to compare with ", reference.size()});
  }
  double difference = 0, left = 0, right = 0;
  for (std::size_t i = 0; i < g.size(); ++i) {
    difference += (g[i] - reference[i]) * (g[i] - reference[i]);
    left += g[i] * g[i];
    right += reference[i] * reference[i];
  }
  const double size = libm::sqrt(left) + libm::sqrt(right);
  return size == 0 ? 0 : libm::sqrt(difference) / size;
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

/// How `check_gradients` compares.
struct GradientCheckConfig {
  double step = 1e-6;       // of the central differences, for numbers above 1 relative to them
  double tolerance = 1e-6;  // relative to the larger slope; what rounding may do is allowed besides
  double floor = 1e-9;  // what slopes may differ by in any case: of a sum that is constant they are rounding
};

namespace detail {

/// Throws where the gradient of an input is not the slope that was measured.
[[gnu::noinline]] inline void compare_gradient(const std::string& name, std::size_t input, bool alone,
                                               std::span<const Index> shape, std::span<const double> gradient,
                                               std::span<const double> slopes,
                                               std::span<const double> roundings,
                                               const GradientCheckConfig& config) {
  for (std::size_t i = 0; i < gradient.size(); ++i) {
    const double larger = std::max(libm::abs(gradient[i]), libm::abs(slopes[i]));
    const double allowed = config.tolerance * larger + roundings[i] + config.floor;
    if (libm::abs(gradient[i] - slopes[i]) <= allowed) continue;  // not where NaN
    std::vector<Index> index(shape.begin(), shape.end());
    auto rest = static_cast<Index>(i);
    for (std::size_t axis = shape.size(); axis-- > 0; rest /= shape[axis]) index[axis] = rest % shape[axis];
    throw_error<Error>({name, ": the gradient of input ", input, " of shape ", shape, " at ", index, " is ",
                        gradient[i], alone ? " where no other input wants one" : "",
                        ", and by central differences ", slopes[i]});
  }
}

/// Leaves no number in the memory that the next step on a new tape will take.
inline void spoil_memory(Tape<double>& tape, std::size_t bytes) {
  const auto count = static_cast<Index>(2 * bytes / sizeof(double)) + 1024;
  std::fill_n(tape.recorder().arena().take<double>(count), count, std::numeric_limits<double>::quiet_NaN());
}
/// Throws where an element of a result is no number on memory that held none.
[[gnu::noinline]] inline void require_written(const std::string& name, std::span<const Index> shape,
                                              std::span<const double> values) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (is_finite(values[i])) continue;
    throw_error<Error>({name, ": element ", i, " of the result of shape ", shape, " is ", values[i],
                        ": either nothing writes it, or the inputs are no example"});
  }
}

}  // namespace detail

/// For who writes an operation or a function of several: throws an `Error` where a gradient is not what central
/// differences give, that names the last operation, the input by its number, the element and both numbers; and
/// where elements of the result are no numbers, because nothing has written them.
///
///   check_gradients([](auto x, auto W) { return tanh(linear(x, W)); }, x, W);
///   check_gradients({.step = 1e-5, .tolerance = 1e-5}, f, x);
///
/// f(Var…) → Var takes the inputs in double and gives a result of any shape; what is differentiated is a sum of
/// its elements, each with a weight of its own. Gradients are asked for of all inputs, then of one after the
/// other. Numbers close to where a slope jumps, as of relu at 0, are no examples. See `check_declared_reads`,
/// too.                                                          PyTorch: torch.autograd.gradcheck
template <class Function, std::size_t... Rank>
void check_gradients(const GradientCheckConfig& config, const Function& f, Tensor<double, Rank>... x) {
  constexpr std::size_t count = sizeof...(Rank), all = count;
  static_assert(count > 0, "check_gradients: give the inputs of f");
  const auto weight = [](Index k) { return 0.5 + 0.618034 * static_cast<double>(k * k % 17) / 10; };
  Tape<double> first, tape;
  std::string name = "check_gradients";
  const auto call_on = [&](Tape<double>& on, std::size_t wanted, const auto& use) {
    on.reset(Random());
    std::size_t at = 0;
    const auto is_wanted = [&] { return wanted == all || wanted == at++; };
    const std::tuple<Var<double, Rank>...> given{on.input(x, is_wanted())...};
    std::apply([&](const auto&... in) { use(f(in...), in...); }, given);
  };
  const auto call = [&](std::size_t wanted, const auto& use) { call_on(tape, wanted, use); };
  call_on(first, all, [](const auto&...) {});
  detail::spoil_memory(tape, first.high_water());
  call(all, [&](const auto& y, const auto&...) {
    for (const PartCost& part : tape.costs_by_part()) name = part.operation;
    detail::require_written(name, y.shape(), {y.value(), static_cast<std::size_t>(y.size())});
  });
  const auto outputs = [&] {
    std::vector<double> values;
    call(all, [&](const auto& y, const auto&...) { values.assign(y.value(), y.value() + y.size()); });
    return values;
  };
  const auto gradients = [&](std::size_t wanted) {
    std::vector<std::vector<double>> of_inputs;
    call(wanted, [&](const auto& y, const auto&... in) {
      for (const PartCost& part : tape.costs_by_part()) name = part.operation;
      if (y.wants_grad()) {
        for (Index k = 0; k < y.size(); ++k) y.grad()[k] = weight(k);
        tape.backward();
      }
      const auto copy = [](const auto& v) {
        return v.wants_grad() ? std::vector(v.grad(), v.grad() + v.size()) : std::vector<double>();
      };
      of_inputs = {copy(in)...};
    });
    return of_inputs;
  };

  const auto in_all = gradients(all);
  const std::span<double> inputs[] = {{x.begin(), x.end()}...};
  const std::span<const Index> shapes[] = {x.shape()...};
  for (std::size_t i = 0; i < count; ++i) {
    std::vector<double> slopes, roundings;
    for (double& number : inputs[i]) {
      const double middle = number, step = config.step * std::max(1.0, libm::abs(middle)),
                   above_middle = middle + step, below_middle = middle - step;
      number = above_middle;
      const auto above = outputs();
      number = below_middle;
      const auto below = outputs();
      number = middle;
      double difference = 0, rounding = 0;
      for (std::size_t k = 0; k < above.size(); ++k) {
        if (above[k] == below[k]) continue;
        const double w = weight(static_cast<Index>(k));
        difference += w * (above[k] - below[k]);
        rounding += w * std::max(libm::abs(above[k]), libm::abs(below[k]));
      }
      const double distance = above_middle - below_middle;
      slopes.push_back(difference / distance);
      roundings.push_back(1000 * std::numeric_limits<double>::epsilon() * rounding / distance);
    }
    const auto compare = [&](const std::vector<double>& gradient, bool alone) {
      detail::compare_gradient(name, i, alone, shapes[i], gradient, slopes, roundings, config);
    };
    compare(in_all[i], false);
    if (count > 1) compare(gradients(i)[i], true);
  }
}
template <class Function, std::size_t... Rank>
void check_gradients(const Function& f, const Tensor<double, Rank>&... inputs) {
  check_gradients(GradientCheckConfig(), f, inputs...);
}

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
      throw_error<Error>({name, ": input ", i, " gets a gradient and is not in the list of inputs"});
    }
  }
  for (std::size_t i = 0; i <= result; ++i) {
    const Gradients spoiled = gradients(i, none, inputs...);
    if (std::equal(spoiled.begin(), spoiled.end(), expected.begin(), detail::same_bits) == !declared) continue;
    throw_error<Error>({name, ": the backward function ",
                        declared ? "declares and does not read " : "reads and does not declare ",
                        i == result ? "the result" : make_text({"input ", i})});
  }
}

}  // namespace slm
