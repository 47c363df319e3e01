#pragma once
#include "operations/entry.hpp"
#include "slm/autograd/map_sequences.hpp"
#include "slm/autograd/ops/activation.hpp"
#include "slm/autograd/ops/embedding.hpp"
#include "slm/autograd/ops/linear.hpp"

namespace slm::detail {

/// A stand-in for a block: two outputs of different lengths, h and h's last position, made with a weight
/// that all groups share. x (B, T, C)   W (C, C)   →   y (B, T, 1), the products of each h with the last one.
template <Scalar Real>
Var<Real, 3> map_example(Var<Real, 3> x, Var<Real, 2> W, double p) {
  const Index B = x.extent(0), T = x.extent(1), C = x.extent(2);
  Node<Real>& outer = W.node();
  if (x.wants_grad()) outer.claimed_by = "linear";  // in the function, where it is another variable
  Real* dW = W.wants_grad() ? W.grad() : nullptr;
  const auto [h, end] = map_sequences<2>(x, {Shape<2>{T, C}, Shape<2>{1, C}}, [=](Var<Real, 3> part) {
    auto& tape = part.tape();
    Node<Real>* node = tape.recorder().given(W.value(), nullptr, W.size(), W.wants_grad());
    if (dW) {
      const auto& sum = tape.groups().collect(&outer, dW, W.size(), tape.recorder().arena());
      node->grad = sum.memory, node->grad_is_empty = sum.is_empty;
    }
    const auto weight = tape.variable(node, W.shape());
    const auto all = dropout(silu(linear(part, weight)), p);
    const auto last = last_position(all);
    return std::array{all, reshape(last, Shape<3>{part.extent(0), 1, C})};
  });
  return matmul(h, reshape(end, Shape<3>{B, C, 1}));
}

/// The same for x (B, T, C): what the chunks compute, what map_sequences adds, and the product.
inline PassCosts map_example_costs(const Shape<3>& x, bool with_dropout) {
  const auto [B, T, C] = x;
  const SequenceGroups cut(B, T);
  PassCosts sum =
      kernels::matmul_costs({B, T, C, 1}) + map_sequences_costs(B * (T + 1) * C, C * C * cut.groups);
  for (Index chunk = 0; chunk < cut.chunks; ++chunk) {
    const Index S = cut.chunk_length(chunk), count = S * T * C;
    sum += kernels::linear_costs({S * T, C, C}, false) + kernels::Silu::costs * count +
           kernels::last_position_costs({S, T, C});
    if (with_dropout) sum += kernels::dropout_costs(count);
  }
  return sum;
}

template <Scalar Real>
OperationEntry<Real> map_sequences_entry() {
  const auto apply = [](double p) {
    return priced([=](auto x, auto W) { return map_example(x, W, p); },
                  [=](auto x, auto) { return map_example_costs(x, p > 0); });
  };
  const auto longer = [](auto x) {
    const Shape<2> promised{x.extent(1) + 1, x.extent(2)};
    return map_sequences<1>(x, {promised}, [](Var<Real, 3> part) { return std::array{silu(part)}; })[0];
  };
  return {
      .name = "map_sequences",
      .formula = "y[b] = f(x[b]), a few sequences at a time",
      .small = {example<Real>("", apply(0), Named("x", 3, 2, 4), Named("W", 4, 4)),
                example<Real>("dropout", apply(0.25), Named("x", 5, 50, 2), Named("W", 2, 2))},
      .large = {example<Real>("", apply(0), Named("x", 37, 50, 24), Named("W", 24, 24)),
                example<Real>("dropout", apply(0.25), Named("x", 7, 130, 24), Named("W", 24, 24))},
      .refused = {{example<Real>("", longer, Named("x", 2, 3, 4)), {"(1, 3, 4)", "output 0 needs (1, 4, 4)"}}}};
}

}  // namespace slm::detail
