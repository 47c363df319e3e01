#pragma once
#include "operations/entry.hpp"
#include "slm/autograd/ops/embedding.hpp"

namespace slm::detail {

template <Scalar Real>
OperationEntry<Real> embedding_entry() {
  const auto of = []<std::size_t Rank>(const Tokens<Rank>& tokens) {
    return priced([tokens](auto W) { return embedding(tokens, W); },
                  [count = tokens.size()](auto W) {
                    return kernels::embedding_costs({count, last_extent(W)});
                  });
  };
  Tokens<1> negative({2});
  negative(1) = -1;
  return {.name = "embedding",
          .formula = "y = W[token]",
          .small = {example<Real>("", of(example_tokens(Shape<2>{2, 5}, 6)), Named("W", 6, 4)),
                    example<Real>("rank 1", of(example_tokens(Shape<1>{4}, 6)), Named("W", 6, 4))},
          .large = {example<Real>("", of(example_tokens(Shape<2>{30, 20}, 50)), Named("W", 50, 100))},
          .refused = {{example<Real>("token outside", of(example_tokens(Shape<1>{4}, 9)), Named("W", 5, 3)),
                       {"token 5 at index 1", "0 … 4"}},
                      {example<Real>("negative token", of(negative), Named("W", 5, 3)),
                       {"token -1 at index 1", "0 … 4"}}}};
}

template <Scalar Real>
OperationEntry<Real> add_positions_entry() {
  const auto f = priced([](auto x, auto P) { return add_positions(x, P); },
                        [](auto x, auto) {
                          return kernels::bias_costs({x[0], x[1] * x[2]});
                        });
  const auto later = priced([](auto x, auto P) { return add_positions(x, P, 2); },
                            [](auto x, auto) {
                              return kernels::bias_costs({x[0], x[1] * x[2]});
                            });
  return {.name = "add_positions",
          .formula = "y[b, t] = x[b, t] + P[t]",
          .small = {example<Real>("", f, Named("x", 2, 3, 4), Named("P", 3, 4)),
                    example<Real>("part of the table", f, Named("x", 2, 3, 4), Named("P", 5, 4)),
                    example<Real>("later positions", later, Named("x", 2, 3, 4), Named("P", 6, 4))},
          .large = {example<Real>("", f, Named("x", 20, 40, 60), Named("P", 45, 60))},
          .refused = {{example<Real>("too short", f, Named("x", 2, 3, 4), Named("P", 2, 4)),
                       {"positions has shape (2, 4)", "input of shape (2, 3, 4)", "needs (at least 3, 4)"}},
                      {example<Real>("too narrow", f, Named("x", 2, 3, 4), Named("P", 3, 3)),
                       {"positions has shape (3, 3)", "input of shape (2, 3, 4)", "needs (at least 3, 4)"}}}};
}

template <Scalar Real>
OperationEntry<Real> concat_window_entry() {
  const auto f = [](auto x) { return concat_window(x); };
  return {.name = "concat_window",
          .formula = "y[b] = x[b, 0], x[b, 1], … side by side",
          .small = {example<Real>("", f, Named("x", 2, 3, 4))},
          .large = {example<Real>("", f, Named("x", 3, 130, 130))},
          .refused = {}};
}

template <Scalar Real>
OperationEntry<Real> reshape_entry() {
  const auto to = [](Index rows, Index columns) {
    return [=](auto x) { return reshape(x, Shape<2>{rows, columns}); };
  };
  return {.name = "reshape",
          .formula = "y = x in another shape",
          .small = {example<Real>("", to(6, 4), Named("x", 2, 3, 4))},
          .large = {example<Real>("", to(390, 130), Named("x", 3, 130, 130))},
          .refused = {{example<Real>("", to(5, 4), Named("x", 2, 3, 4)),
                       {"input of shape (2, 3, 4) has 24 elements", "(5, 4) has 20"}}}};
}

template <Scalar Real>
OperationEntry<Real> last_position_entry() {
  const auto f = priced([](auto x) { return last_position(x); },
                        [](auto x) {
                          return kernels::last_position_costs({x[0], x[1], x[2]});
                        });
  return {.name = "last_position",
          .formula = "y[b] = x[b, T − 1]",
          .small = {example<Real>("", f, Named("x", 2, 3, 4))},
          .large = {example<Real>("", f, Named("x", 3, 130, 130))},
          .refused = {{example<Real>("", f, Named("x", 2, 0, 4)), {"(2, 0, 4)", "no position"}}}};
}

}  // namespace slm::detail
