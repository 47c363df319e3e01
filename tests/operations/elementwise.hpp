#pragma once
#include "operations/entry.hpp"
#include "slm/autograd/ops/elementwise.hpp"

namespace slm::detail {

template <Scalar Real>
OperationEntry<Real> add_entry() {
  const auto f = priced([](auto a, auto b) { return add(a, b); },
                        [](auto a, auto) { return kernels::add_costs(element_count(a)); });
  return {.name = "add",
          .formula = "y = a + b",
          .small = {example<Real>("", f, Named("a", 2, 3, 4), Named("b", 2, 3, 4))},
          .large = {example<Real>("", f, Named("a", 3, 130, 130), Named("b", 3, 130, 130))},
          .refused = {{example<Real>("", f, Named("a", 2, 3), Named("b", 3, 2)),
                       {"b has shape (3, 2)", "a of shape (2, 3)"}}}};
}

template <Scalar Real>
OperationEntry<Real> multiply_entry() {
  const auto f = priced([](auto a, auto b) { return multiply(a, b); },
                        [](auto a, auto) { return kernels::multiply_costs(element_count(a)); });
  return {.name = "multiply",
          .formula = "y = a ∘ b",
          .small = {example<Real>("", f, Named("a", 2, 3, 4), Named("b", 2, 3, 4))},
          .large = {example<Real>("", f, Named("a", 3, 130, 130), Named("b", 3, 130, 130))},
          .refused = {{example<Real>("", f, Named("a", 2, 3), Named("b", 2, 4)),
                       {"b has shape (2, 4)", "a of shape (2, 3)"}}}};
}

template <Scalar Real>
OperationEntry<Real> scale_entry() {
  const auto f = priced([](auto x) { return scale(x, Real(-3)); },
                        [](auto x) { return kernels::scale_costs(element_count(x)); });
  return {.name = "scale",
          .formula = "y = s x",
          .small = {example<Real>("", f, Named("x", 2, 3, 4))},
          .large = {example<Real>("", f, Named("x", 3, 130, 130))},
          .refused = {}};
}

template <Scalar Real>
OperationEntry<Real> add_bias_entry() {
  const auto f = priced([](auto x, auto b) { return add_bias(x, b); },
                        [](auto x, auto) {
                          return kernels::bias_costs({row_count(x), last_extent(x)});
                        });
  return {.name = "add_bias",
          .formula = "y = x + b for every row",
          .small = {example<Real>("", f, Named("x", 2, 3, 5), Named("b", 5))},
          .large = {example<Real>("", f, Named("x", 400, 150), Named("b", 150))},
          .refused = {{example<Real>("", f, Named("x", 2, 3, 5), Named("b", 4)),
                       {"bias has shape (4)", "input of shape (2, 3, 5)", "needs (5)"}}}};
}

}  // namespace slm::detail
