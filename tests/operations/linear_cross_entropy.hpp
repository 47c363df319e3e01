#pragma once
#include "operations/entry.hpp"
#include "slm/autograd/ops/linear_cross_entropy.hpp"

namespace slm::detail {

template <Scalar Real>
OperationEntry<Real> linear_cross_entropy_entry() {
  const auto costs = [](auto x, auto W, bool has_bias) {
    return kernels::linear_cross_entropy_costs({row_count(x), last_extent(x), W[0]}, has_bias);
  };
  const auto affine = [=]<std::size_t Rank>(const Shape<Rank>& targets, Index V) {
    return priced([tokens = example_tokens(targets, V)](
                      auto x, auto W, auto b) { return linear_cross_entropy(x, W, b, tokens); },
                  [=](auto x, auto W, auto) { return costs(x, W, true); });
  };
  const auto plain = [=]<std::size_t Rank>(const Shape<Rank>& targets, Index V) {
    return priced(
        [tokens = example_tokens(targets, V)](auto x, auto W) { return linear_cross_entropy(x, W, tokens); },
        [=](auto x, auto W) { return costs(x, W, false); });
  };
  const Named x("x", 4, 5), W("W", 7, 5);
  const Named b("b", 7);
  return {
      .name = "linear_cross_entropy",
      .formula = "cross_entropy(x Wᵀ + b, targets)",
      .small = {example<Real>("", affine(Shape<1>{4}, 7), x, W, b),
                example<Real>("without bias, rank 3", plain(Shape<2>{2, 3}, 20), Named("x", 2, 3, 4),
                              Named("W", 20, 4)),
                example<Real>("one row", affine(Shape<1>{1}, 7), Named("x", 1, 5), W, b),
                example<Real>("logits computed again", affine(Shape<1>{257}, 3), Named("x", 257, 2),
                              Named("W", 3, 2), Named("b", 3))},
      .large = {example<Real>("", affine(Shape<1>{200}, 150), Named("x", 200, 60), Named("W", 150, 60),
                              Named("b", 150)),
                example<Real>("logits computed again", affine(Shape<2>{3, 200}, 140), Named("x", 3, 200, 40),
                              Named("W", 140, 40), Named("b", 140)),
                example<Real>("logits computed again, without bias", plain(Shape<1>{520}, 90),
                              Named("x", 520, 60), Named("W", 90, 60))},
      .refused = {
          {example<Real>("", affine(Shape<1>{4}, 7), x, Named("W", 7, 3), b),
           {"weight has shape (7, 3)", "input of shape (4, 5)", "needs (D, 5)"}},
          {example<Real>("bias", affine(Shape<1>{4}, 7), x, W, Named("b", 6)),
           {"bias has shape (6)", "weight of shape (7, 5)", "needs (7)"}},
          {example<Real>("targets", affine(Shape<1>{3}, 7), x, W, b),
           {"targets has shape (3)", "input of shape (4, 5)", "needs (4)"}},
          {example<Real>("no targets", affine(Shape<1>{0}, 7), Named("x", 0, 5), W, b),
           {"no targets", "(0, 5)"}},
          {example<Real>("no classes", plain(Shape<1>{4}, 1), x, Named("W", 0, 5)), {"(0, 5)", "no logits"}},
          {example<Real>("token outside", affine(Shape<1>{4}, 9), x, Named("W", 5, 5), Named("b", 5)),
           {"token 5 at index 1", "0 … 4"}}}};
}

}  // namespace slm::detail
