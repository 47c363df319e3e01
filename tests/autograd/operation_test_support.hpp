#pragma once
// Running an example of the table of operations, forward and backward.
#include <cstring>
#include <string>
#include <vector>

#include "operations/table.hpp"

namespace autograd_test {

using namespace slm;

template <Scalar Real>
using Values = std::vector<Tensor<Real, 1>>;

template <Scalar Real>
std::string label(const OperationEntry<Real>& entry, const OperationExample<Real>& example) {
  return example.variant.empty() ? entry.name : entry.name + " (" + example.variant + ")";
}

/// Calls f(example, label) for the small examples of every operation, or for the large ones.
template <Scalar Real, class Function>
void for_each_example(std::vector<OperationExample<Real>> OperationEntry<Real>::*size, const Function& f) {
  for (const auto& entry : operation_table<Real>()) {
    for (const auto& example : entry.*size) f(example, label(entry, example));
  }
}

template <Scalar Real>
Values<Real> make_inputs(const OperationExample<Real>& example) {
  Values<Real> inputs;
  const Random random(1, "inputs");
  for (const auto& input : example.inputs) {
    inputs.push_back(example_values<Real>(input, random.child(inputs.size())));
  }
  return inputs;
}

/// The weights of the loss Σ wᵢ yᵢ.
template <Scalar Real>
Tensor<Real, 1> loss_weights(Index count) {
  return example_values<Real>(count, Random(2, "weights"));
}

template <Scalar Real>
struct Results {
  Tensor<Real, 1> y;
  Values<Real> gradients;
};

/// The inputs as variables of a tape that drops out the same elements in every run.
template <Scalar Real>
std::vector<Var<Real, 1>> start(Tape<Real>& tape, const Values<Real>& inputs) {
  tape.reset(Random(3, "dropout"));
  std::vector<Var<Real, 1>> x;
  for (const auto& input : inputs) x.push_back(tape.input(input, true));
  return x;
}

template <Scalar Real, std::size_t Rank>
void add_gradient(Var<Real, Rank> y, const Tensor<Real, 1>& dy) {
  for (Index i = 0; i < dy.size(); ++i) y.grad()[i] += dy(i);
}

template <Scalar Real, std::size_t Rank>
Tensor<Real, 1> copy_value(Var<Real, Rank> x) {
  Tensor<Real, 1> copy({x.size()});
  std::copy_n(x.value(), x.size(), copy.data());
  return copy;
}

template <Scalar Real>
Values<Real> copy_gradients(const std::vector<Var<Real, 1>>& x) {
  Values<Real> gradients;
  for (const auto& input : x) {
    gradients.emplace_back(Shape<1>{input.size()});
    std::copy_n(input.grad(), input.size(), gradients.back().data());
  }
  return gradients;
}

/// The output, and the gradients that `dy` gives the inputs.
template <Scalar Real>
Results<Real> run(const OperationExample<Real>& example, const Values<Real>& inputs, const Tensor<Real, 1>& dy,
                  Products products = Products::full) {
  Tape<Real> tape;
  tape.set_products(products);
  const auto x = start(tape, inputs);
  const auto y = example.apply(x);
  Results<Real> results{copy_value(y), {}};
  add_gradient(y, dy);
  tape.backward();
  results.gradients = copy_gradients(x);
  return results;
}

template <Scalar Real>
Index output_size(const OperationExample<Real>& example, const Values<Real>& inputs) {
  Tape<Real> tape;
  return example.apply(start(tape, inputs)).size();
}

template <Scalar Real>
Results<Real> run(const OperationExample<Real>& example, Products products = Products::full) {
  const auto inputs = make_inputs(example);
  return run(example, inputs, loss_weights<Real>(output_size(example, inputs)), products);
}

template <Scalar Real>
std::vector<double> in_double(const Tensor<Real, 1>& x) {
  return {x.begin(), x.end()};
}

template <Scalar Real>
bool same_bits(const Tensor<Real, 1>& a, const Tensor<Real, 1>& b) {
  return a.size() == b.size() &&
         (a.size() == 0 ||
          std::memcmp(a.data(), b.data(), static_cast<std::size_t>(a.size()) * sizeof(Real)) == 0);
}

template <Scalar Real>
bool same_bits(const Values<Real>& a, const Values<Real>& b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (!same_bits(a[i], b[i])) return false;
  }
  return true;
}

}  // namespace autograd_test
