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

template <Scalar Real>
OperationEntry<Real> cross_entropy_entry() {
  // The targets are no differentiable input; V = 7 unless `V` says otherwise.
  const auto with = []<std::size_t Rank>(const Shape<Rank>& targets, Index V = 7) {
    return priced([tokens = example_tokens(targets, V)](auto logits) { return cross_entropy(logits, tokens); },
                  [](auto logits) {
                    return kernels::cross_entropy_costs({row_count(logits), last_extent(logits)});
                  });
  };
  return {.name = "cross_entropy",
          .formula = "y = mean of log Σ exp(x) − x[target], nats per target",
          .small = {example<Real>("", with(Shape<1>{4}), Named("logits", 4, 7)),
                    example<Real>("rank 3", with(Shape<2>{2, 3}), Named("logits", 2, 3, 7))},
          .large = {example<Real>("", with(Shape<1>{300}, 140), Named("logits", 300, 140)),
                    example<Real>("rank 3", with(Shape<2>{6, 50}, 140), Named("logits", 6, 50, 140))},
          .refused = {
              {example<Real>("", with(Shape<1>{3}), Named("logits", 4, 7)),
               {"targets has shape (3)", "logits of shape (4, 7)", "needs (4)"}},
              {example<Real>("rank 3", with(Shape<2>{3, 2}), Named("logits", 2, 3, 7)),
               {"targets has shape (3, 2)", "logits of shape (2, 3, 7)", "needs (2, 3)"}},
              {example<Real>("no targets", with(Shape<1>{0}), Named("logits", 0, 7)), {"no targets", "(0, 7)"}},
              {example<Real>("token outside", with(Shape<1>{4}, 9), Named("logits", 4, 5)),
               {"token 5 at index 1", "0 … 4"}}}};
}

}  // namespace slm::detail
