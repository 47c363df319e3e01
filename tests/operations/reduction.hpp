#pragma once
#include "operations/entry.hpp"
#include "slm/autograd/ops/reduction.hpp"

namespace slm::detail {

/// A reduction of all elements and of the last axis; `costs` is a function of the rows that are reduced.
template <Scalar Real, class Function>
OperationEntry<Real> reduction_entry(const char* name, const char* formula, const Function& apply,
                                     PassCosts (*costs)(kernels::RowsSize)) {
  const auto all = priced([=](auto x) { return apply(x); },
                          [=](auto x) {
                            return costs({1, element_count(x)});
                          });
  const auto rows = priced([=](auto x) { return apply(x, last_axis); },
                           [=](auto x) {
                             return costs({row_count(x), last_extent(x)});
                           });
  OperationEntry<Real> entry{.name = name,
                             .formula = formula,
                             .small = {example<Real>("last axis", rows, Named("x", 2, 3, 20)),
                                       example<Real>("last axis, short rows", rows, Named("x", 4, 3)),
                                       example<Real>("", all, Named("x", 2, 3, 4))},
                             .large = {example<Real>("", all, Named("x", 3, 130, 130)),
                                       example<Real>("last axis", rows, Named("x", 3, 130, 130))},
                             .refused = {}};
  if (entry.name != "sum") {
    entry.refused = {{example<Real>("", all, Named("x", 3, 0)), {"nothing to reduce", "(3, 0)"}},
                     {example<Real>("last axis", rows, Named("x", 3, 0)), {"nothing to reduce", "(3, 0)"}}};
  }
  return entry;
}

template <Scalar Real>
OperationEntry<Real> sum_entry() {
  return reduction_entry<Real>(
      "sum", "y = Σ x over all elements, or over the last axis", [](auto... x) { return sum(x...); },
      kernels::sum_costs);
}

template <Scalar Real>
OperationEntry<Real> mean_entry() {
  return reduction_entry<Real>(
      "mean", "y = Σ x / n over all n elements, or over the n of the last axis",
      [](auto... x) { return mean(x...); }, kernels::mean_costs);
}

template <Scalar Real>
OperationEntry<Real> max_entry() {
  return reduction_entry<Real>(
      "max", "y = max x over all elements, or over the last axis", [](auto... x) { return max(x...); },
      kernels::max_costs);
}

template <Scalar Real>
OperationEntry<Real> logsumexp_entry() {
  return reduction_entry<Real>(
      "logsumexp", "y = log Σ exp(x) over all elements, or over the last axis",
      [](auto... x) { return logsumexp(x...); }, kernels::logsumexp_costs);
}

template <Scalar Real>
OperationEntry<Real> log_softmax_entry() {
  const auto f = priced([](auto x) { return log_softmax(x); },
                        [](auto x) {
                          return kernels::log_softmax_costs({row_count(x), last_extent(x)});
                        });
  return {.name = "log_softmax",
          .formula = "y = x − log Σ exp(x) over the last axis",
          .small = {example<Real>("", f, Named("x", 4, 7)), example<Real>("rank 3", f, Named("x", 2, 3, 20))},
          .large = {example<Real>("", f, Named("x", 3, 100, 140))},
          .refused = {{example<Real>("", f, Named("x", 3, 0)), {"nothing to reduce", "(3, 0)"}}}};
}

}  // namespace slm::detail
