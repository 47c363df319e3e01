#pragma once
#include "operations/entry.hpp"
#include "slm/autograd/ops/arithmetic.hpp"

namespace slm::detail {

template <Scalar Real>
OperationEntry<Real> subtract_entry() {
  const auto f = priced([](auto a, auto b) { return subtract(a, b); },
                        [](auto a, auto) { return kernels::subtract_costs(element_count(a)); });
  const auto from_number = priced([](auto x) { return subtract(Real(1), x); },
                                  [](auto x) { return kernels::SubtractFrom<Real>::costs * element_count(x); });
  return {.name = "subtract",
          .formula = "y = a − b",
          .small = {example<Real>("", f, Named("a", 2, 3, 4), Named("b", 2, 3, 4)),
                    example<Real>("from a number", from_number, Named("x", 2, 3, 4))},
          .large = {example<Real>("", f, Named("a", 3, 130, 130), Named("b", 3, 130, 130)),
                    example<Real>("from a number", from_number, Named("x", 3, 130, 130))},
          .refused = {{example<Real>("", f, Named("a", 2, 3), Named("b", 3, 2)),
                       {"b has shape (3, 2)", "a of shape (2, 3)"}}}};
}

template <Scalar Real>
OperationEntry<Real> divide_entry() {
  const auto f = priced([](auto a, auto b) { return divide(a, b); },
                        [](auto a, auto) { return kernels::divide_costs(element_count(a)); });
  const auto by_number = priced([](auto x) { return divide(x, Real(-3)); },
                                [](auto x) { return kernels::DivideBy<Real>::costs * element_count(x); });
  const auto number = priced([](auto x) { return divide(Real(2), x); },
                             [](auto x) { return kernels::DivideNumber<Real>::costs * element_count(x); });
  return {.name = "divide",
          .formula = "y = a / b for every element",
          .small = {example<Real>("", f, Named("a", 2, 3, 4), positive(Named("b", 2, 3, 4))),
                    example<Real>("by a number", by_number, Named("x", 2, 3, 4)),
                    example<Real>("a number", number, positive(Named("x", 2, 3, 4)))},
          .large = {example<Real>("", f, Named("a", 3, 130, 130), positive(Named("b", 3, 130, 130))),
                    example<Real>("by a number", by_number, Named("x", 3, 130, 130)),
                    example<Real>("a number", number, positive(Named("x", 3, 130, 130)))},
          .refused = {{example<Real>("", f, Named("a", 2, 3), Named("b", 2, 4)),
                       {"b has shape (2, 4)", "a of shape (2, 3)"}}}};
}

template <Scalar Real>
OperationEntry<Real> broadcast_entry() {
  const auto to = []<std::size_t Rank>(const Shape<Rank>& shape) {
    return priced([shape](auto x) { return broadcast(x, shape); },
                  [shape](auto x) {
                    const Index columns = element_count(x);
                    return kernels::broadcast_costs({element_count(shape) / columns, columns});
                  });
  };
  return {.name = "broadcast",
          .formula = "y = x for every index of the leading axes",
          .small = {example<Real>("", to(Shape<3>{2, 3, 4}), Named("x", 3, 4)),
                    example<Real>("a number", to(Shape<2>{5, 4}), Named<0>("x")),
                    example<Real>("two axes", to(Shape<3>{2, 3, 4}), Named("x", 4)),
                    example<Real>("none", to(Shape<2>{3, 4}), Named("x", 3, 4))},
          .large = {example<Real>("", to(Shape<3>{90, 7, 130}), Named("x", 7, 130)),
                    example<Real>("a number", to(Shape<2>{300, 150}), Named<0>("x"))},
          .refused = {{example<Real>("", to(Shape<2>{2, 4}), Named("x", 3)),
                       {"input has shape (3)", "result of shape (2, 4)", "needs (4)"}},
                      {example<Real>("rank 3", to(Shape<3>{2, 3, 4}), Named("x", 2, 4)),
                       {"input has shape (2, 4)", "result of shape (2, 3, 4)", "needs (3, 4)"}}}};
}

}  // namespace slm::detail
