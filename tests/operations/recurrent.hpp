#pragma once
#include "operations/entry.hpp"
#include "slm/autograd/ops/elementwise.hpp"
#include "slm/autograd/ops/recurrent.hpp"

namespace slm::detail {

/// An operation of a cell with weights: apply(x, W, b).
template <Scalar Real, class Cell, class Function>
OperationEntry<Real> cell_entry(const char* name, const char* formula, const Function& apply) {
  constexpr Index gates = Cell::gates;
  const auto costs = [](auto x, auto, auto) {
    return kernels::recurrent_costs<Cell>({x[0], x[1], x[2] / gates});
  };
  // Many weights of the size of one would drive every gate to its end.
  const auto damped =
      priced([=](auto x, auto W, auto b) { return apply(x, scale(W, Real(0.125)), b); },
             [=](auto x, auto W, auto b) { return costs(x, W, b) + kernels::scale_costs(element_count(W)); });
  const auto plain = priced(apply, costs);
  const auto inputs = [](const char* variant, const auto& f, Index B, Index T, Index H) {
    return example<Real>(variant, f, Named("x", B, T, gates * H), Named("W", gates * H, H),
                         Named("b", gates * H));
  };
  const auto refused = [&](const char* variant, Named<3> x, Named<2> W, Named<1> b,
                           std::vector<std::string> parts) {
    return OperationRefusal<Real>{example<Real>(variant, plain, x, W, b), std::move(parts)};
  };
  const auto shape = [](auto... extents) { return shape_text(Shape<sizeof...(extents)>{Index(extents)...}); };
  return {.name = name,
          .formula = formula,
          .small = {inputs("", plain, 2, 4, 3), inputs("one sequence", plain, 1, 3, 2)},
          .large = {inputs("", damped, 27, 20, 40), inputs("wide", damped, 14, 3, 130)},
          .refused = {
              refused("parts of gates", Named("x", 2, 4, gates * 3 + 1), Named("W", gates * 3, 3),
                      Named("b", gates * 3),
                      {"x has shape " + shape(2, 4, gates * 3 + 1),
                       "needs (B, at least 1, " + std::to_string(gates) + "H)"}),
              refused("no positions", Named("x", 2, 0, gates * 3), Named("W", gates * 3, 3),
                      Named("b", gates * 3), {"x has shape " + shape(2, 0, gates * 3)}),
              refused("weight", Named("x", 2, 4, gates * 3), Named("W", 3, gates * 3), Named("b", gates * 3),
                      {"weight has shape " + shape(3, gates * 3), "needs " + shape(gates * 3, 3)}),
              refused("bias", Named("x", 2, 4, gates * 3), Named("W", gates * 3, 3), Named("b", 3),
                      {"bias has shape (3)", "needs " + shape(gates * 3)})}};
}

template <Scalar Real>
OperationEntry<Real> gru_entry() {
  return cell_entry<Real, kernels::GruCell>(
      "gru",
      "r, z = σ(x + W h + b), n = tanh(x_n + r (W h + b)_n), h = n + z (h − n) from position to position",
      [](auto x, auto W, auto b) { return gru(x, W, b); });
}

template <Scalar Real>
OperationEntry<Real> lstm_entry() {
  return cell_entry<Real, kernels::LstmCell>(
      "lstm", "i, f, o = σ(x + W h + b), g = tanh(x + W h + b), c = f c + i g, h = o tanh(c)",
      [](auto x, auto W, auto b) { return lstm(x, W, b); });
}

template <Scalar Real>
OperationEntry<Real> min_gru_entry() {
  const auto f = priced([](auto x) { return min_gru(x); },
                        [](auto x) {
                          return kernels::min_gru_costs({x[0], x[1], x[2] / 2});
                        });
  return {.name = "min_gru",
          .formula = "z = σ(x_z), h = h + z (x_h − h) from position to position",
          .small = {example<Real>("", f, Named("x", 2, 4, 6)),
                    example<Real>("one sequence", f, Named("x", 1, 3, 4))},
          .large = {example<Real>("", f, Named("x", 20, 30, 100))},
          .refused = {{example<Real>("parts of gates", f, Named("x", 2, 4, 5)),
                       {"x has shape (2, 4, 5)", "needs (B, at least 1, 2H)"}},
                      {example<Real>("no positions", f, Named("x", 2, 0, 6)), {"x has shape (2, 0, 6)"}}}};
}

}  // namespace slm::detail
