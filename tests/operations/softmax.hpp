#pragma once
#include "operations/entry.hpp"
#include "slm/autograd/ops/softmax.hpp"

namespace slm::detail {

template <Scalar Real>
OperationEntry<Real> softmax_entry() {
  const auto f = priced([](auto x) { return softmax(x); },
                        [](auto x) {
                          return kernels::softmax_costs({row_count(x), last_extent(x)});
                        });
  return {.name = "softmax",
          .formula = "y = exp(x) / Σ exp(x) over the last axis",
          .small = {example<Real>("", f, Named("x", 4, 7)), example<Real>("rank 3", f, Named("x", 2, 3, 20))},
          .large = {example<Real>("", f, Named("x", 3, 100, 140))},
          .refused = {{example<Real>("", f, Named("x", 3, 0)), {"(3, 0)", "empty"}}}};
}

}  // namespace slm::detail
