#pragma once
#include "operations/entry.hpp"
#include "slm/autograd/ops/linear.hpp"

namespace slm::detail {

template <Scalar Real>
OperationEntry<Real> linear_entry() {
  const auto size = [](auto x, auto W) { return kernels::LinearSize{row_count(x), last_extent(x), W[0]}; };
  const auto affine = priced([](auto x, auto W, auto b) { return linear(x, W, b); },
                             [=](auto x, auto W, auto) { return kernels::linear_costs(size(x, W), true); });
  const auto plain = priced([](auto x, auto W) { return linear(x, W); },
                            [=](auto x, auto W) { return kernels::linear_costs(size(x, W), false); });
  return {.name = "linear",
          .formula = "y = x Wᵀ + b",
          .small = {example<Real>("", affine, Named("x", 2, 3, 4), Named("W", 5, 4), Named("b", 5)),
                    example<Real>("without bias", plain, Named("x", 3, 4), Named("W", 5, 4)),
                    example<Real>("one row", affine, Named("x", 4), Named("W", 5, 4), Named("b", 5))},
          .large = {example<Real>("", affine, Named("x", 3, 100, 200), Named("W", 150, 200), Named("b", 150)),
                    example<Real>("without bias", plain, Named("x", 20, 700), Named("W", 130, 700))},
          .refused = {{example<Real>("", plain, Named("x", 2, 5), Named("W", 4, 3)),
                       {"weight has shape (4, 3)", "input of shape (2, 5)", "needs (D, 5)"}},
                      {example<Real>("", affine, Named("x", 2, 3), Named("W", 4, 3), Named("b", 3)),
                       {"bias has shape (3)", "weight of shape (4, 3)", "needs (4)"}}}};
}

template <Scalar Real>
OperationEntry<Real> matmul_entry() {
  const auto f =
      priced([](auto a, auto b) { return matmul(a, b); },
             [](auto a, auto b) {
               const Index batch = a.size() == 3 ? a[0] : 1;
               return kernels::matmul_costs({batch, a[a.size() - 2], last_extent(a), last_extent(b)});
             });
  return {.name = "matmul",
          .formula = "y = a b in the last two axes",
          .small = {example<Real>("", f, Named("a", 3, 4), Named("b", 4, 5)),
                    example<Real>("rank 3", f, Named("a", 2, 3, 4), Named("b", 2, 4, 5))},
          .large = {example<Real>("", f, Named("a", 200, 150), Named("b", 150, 180)),
                    example<Real>("rank 3", f, Named("a", 3, 100, 60), Named("b", 3, 60, 90))},
          .refused = {{example<Real>("", f, Named("a", 3, 4), Named("b", 5, 6)),
                       {"b has shape (5, 6)", "a of shape (3, 4)", "needs (4, 6)"}},
                      {example<Real>("rank 3", f, Named("a", 2, 3, 4), Named("b", 3, 4, 5)),
                       {"b has shape (3, 4, 5)", "a of shape (2, 3, 4)", "needs (2, 4, 5)"}}}};
}

}  // namespace slm::detail
