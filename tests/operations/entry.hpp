#pragma once
// What the table of operations says about one of them.
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "slm/autograd/operation.hpp"

namespace slm {

/// A differentiable input of an example.
struct OperationInput {
  std::string name;
  std::vector<Index> shape;
  /// Its numbers are positive: for what is not defined below 0, or steep close to it.
  bool positive = false;

  Index size() const {
    Index count = 1;
    for (const Index extent : shape) count *= extent;
    return count;
  }
};

/// An operation on inputs of given shapes. It must outlive the tape's use of what `apply` returns.
template <Scalar Real>
struct OperationExample {
  /// What sets it apart from the operation's other examples; empty for the plain one.
  std::string variant;
  std::vector<OperationInput> inputs;
  /// Takes the inputs, flattened, on one tape; gives the output, flattened. Both only look flat: they share
  /// their nodes with variables of the real shapes.
  std::function<Var<Real, 1>(std::span<const Var<Real, 1>>)> apply;
  /// What it costs when every input wants its gradient. Empty where nothing is computed.
  std::function<PassCosts()> costs;
};

/// An example that throws an `Error`, and what its message must contain.
template <Scalar Real>
struct OperationRefusal {
  OperationExample<Real> example;
  std::vector<std::string> message_parts;
};

template <Scalar Real>
struct OperationEntry {
  /// The name it is recorded under and that its errors begin with.
  std::string name;
  std::string formula;
  /// Small enough for finite differences of every input.
  std::vector<OperationExample<Real>> small;
  /// Large enough to give each parallel loop several tasks.
  std::vector<OperationExample<Real>> large;
  /// Wrong shapes, tokens or settings. Empty where nothing can be wrong.
  std::vector<OperationRefusal<Real>> refused;
};

/// Numbers for an input of an example: |x| in [0.05, 1.5], because relu bends at 0; more of them positive than
/// negative, so that sums do not cancel; exact in float, so that every scalar type computes with the same.
template <Scalar Real>
Tensor<Real, 1> example_values(Index count, Random random) {
  Tensor<Real, 1> values({count});
  for (Real& x : values) {
    const auto magnitude = static_cast<float>(random.uniform(0.05, 1.5));
    x = Real(random.bits() % 4 == 0 ? -magnitude : magnitude);
  }
  return values;
}
/// The same for what wants positive ones, in [0.5, 1.5].
template <Scalar Real>
Tensor<Real, 1> example_values(const OperationInput& input, Random random) {
  if (!input.positive) return example_values<Real>(input.size(), random);
  Tensor<Real, 1> values({input.size()});
  for (Real& x : values) x = Real(static_cast<float>(random.uniform(0.5, 1.5)));
  return values;
}

namespace detail {

/// An input as the table writes it: Named("W", 5, 4).
template <std::size_t Rank>
struct Named {
  const char* name;
  Shape<Rank> shape;
  bool positive = false;

  template <class... Extents>
  explicit Named(const char* its_name, Extents... extents) : name(its_name), shape{Index(extents)...} {}
};
template <class... Extents>
Named(const char*, Extents...) -> Named<sizeof...(Extents)>;

/// The input, of positive numbers.
template <std::size_t Rank>
Named<Rank> positive(Named<Rank> input) {
  input.positive = true;
  return input;
}

template <Scalar Real, std::size_t Rank>
Var<Real, 1> flat(Var<Real, Rank> x) {
  return reshape(x, Shape<1>{x.size()});
}

/// An operation and its costs, a function of the inputs' shapes.
template <class Function, class Costs>
struct Priced {
  Function f;
  Costs costs;

  auto operator()(auto... x) const { return f(x...); }
};
template <class Function, class Costs>
Priced<Function, Costs> priced(const Function& f, const Costs& costs) {
  return {f, costs};
}

/// f takes a variable of each input's rank and returns one of any rank.
template <Scalar Real, class Function, std::size_t... Rank>
OperationExample<Real> example(const char* variant, const Function& f, const Named<Rank>&... inputs) {
  OperationExample<Real> made;
  made.variant = variant;
  (made.inputs.push_back({inputs.name, {inputs.shape.begin(), inputs.shape.end()}, inputs.positive}), ...);
  made.apply = [f, inputs...](std::span<const Var<Real, 1>> x) {
    const auto call = [&]<std::size_t... i>(std::index_sequence<i...>) {
      return f(reshape(x[i], inputs.shape)...);
    };
    return flat(call(std::index_sequence_for<Named<Rank>...>()));
  };
  if constexpr (requires { f.costs(inputs.shape...); }) {
    made.costs = [costs = f.costs, inputs...] { return costs(inputs.shape...); };
  }
  return made;
}

/// Tokens below V, scattered and with repetitions.
template <std::size_t Rank>
Tokens<Rank> example_tokens(const Shape<Rank>& shape, Index V) {
  Tokens<Rank> tokens(shape);
  for (Index i = 0; i < tokens.size(); ++i) tokens.data()[i] = static_cast<Token>((i * i + 3 * i + 1) % V);
  return tokens;
}

}  // namespace detail

}  // namespace slm
