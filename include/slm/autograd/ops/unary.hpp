#pragma once
// Functions of one number, applied to every element. Any shape; y has that of x. `elementwise` makes one of two
// functions of one's own.
#include "slm/autograd/operation.hpp"
#include "slm/core/counting_number.hpp"
#include "slm/kernels/unary.hpp"

namespace slm {

namespace detail {

/// A function of kernels/unary.hpp without numbers of its own, over many elements.
template <Scalar Real>
struct UnaryLoops {
  kernels::Reads reads;
  PassCosts costs;  // of one element
  void (*forward)(const Real* x, Real* y, Index count);
  void (*backward)(const Real* x, const Real* y, const Real* dy, Destination<Real> dx, Index count);
};

/// One operation for all of them: a program compiles it once. `loops` live as long as it does.
template <Scalar Real, std::size_t Rank>
Var<Real, Rank> unary(const char* name, Var<Real, Rank> x, const UnaryLoops<Real>& loops, InPlace in_place) {
  return operation(
      x.tape(), name, x.shape(), {needed(x, loops.reads.input)},
      {.costs = [&] { return loops.costs * x.size(); },
       .needs_output = loops.reads.output,
       .in_place = in_place},
      [=, &loops](auto y) { loops.forward(x.value(), y.output(), y.size()); },
      [=, &loops](auto y) { loops.backward(x.value(), y.value(), y.grad(), x.grad_into(), y.size()); });
}

/// y = f(x), f as kernels/unary.hpp describes one.
template <class Function, Scalar Real, std::size_t Rank>
Var<Real, Rank> unary(const char* name, Var<Real, Rank> x, const Function& f, InPlace in_place = InPlace::no) {
  using kernels::unary_forward, kernels::unary_backward;
  if constexpr (std::is_empty_v<Function>) {
    static constexpr UnaryLoops<Real> loops{
        Function::reads, Function::costs,
        [](const Real* from, Real* y, Index count) { unary_forward(Function(), from, y, count); },
        [](const Real* from, const Real* y, const Real* dy, Destination<Real> dx, Index count) {
          unary_backward(Function(), from, y, dy, dx, count);
        }};
    return unary(name, x, loops, in_place);
  } else {
    return operation(
        x.tape(), name, x.shape(), {needed(x, Function::reads.input)},
        {.costs = [&] { return f.costs * x.size(); },
         .needs_output = Function::reads.output,
         .in_place = in_place},
        [=](auto y) { unary_forward(f, x.value(), y.output(), y.size()); },
        [=](auto y) { unary_backward(f, x.value(), y.value(), y.grad(), x.grad_into(), y.size()); });
  }
}

}  // namespace detail

/// y = −x                                                       PyTorch: torch.neg
///   dx −= dy
template <Scalar Real, std::size_t Rank>
Var<Real, Rank> negate(Var<Real, Rank> x, InPlace in_place = InPlace::no) {
  return detail::unary("negate", x, kernels::Negate(), in_place);
}

/// y = x + s                                                    PyTorch: x + s
///   dx += dy
template <Scalar Real, std::size_t Rank>
Var<Real, Rank> shift(Var<Real, Rank> x, std::type_identity_t<Real> s, InPlace in_place = InPlace::no) {
  return detail::unary("shift", x, kernels::Shift<Real>{s}, in_place);
}

/// y = eˣ                                                       PyTorch: torch.exp
///   dx += dy y
template <Scalar Real, std::size_t Rank>
Var<Real, Rank> exp(Var<Real, Rank> x, InPlace in_place = InPlace::no) {
  return detail::unary("exp", x, kernels::Exp(), in_place);
}

/// y = ln x: NaN below 0, −∞ at 0.                              PyTorch: torch.log
///   dx += dy / x
template <Scalar Real, std::size_t Rank>
Var<Real, Rank> log(Var<Real, Rank> x) {
  return detail::unary("log", x, kernels::Log());
}

/// y = √x: NaN below 0; the gradient at 0 is infinite.          PyTorch: torch.sqrt
///   dx += dy / 2y
template <Scalar Real, std::size_t Rank>
Var<Real, Rank> sqrt(Var<Real, Rank> x, InPlace in_place = InPlace::no) {
  return detail::unary("sqrt", x, kernels::Sqrt(), in_place);
}

/// y = x²                                                       PyTorch: torch.square
///   dx += 2 dy x
template <Scalar Real, std::size_t Rank>
Var<Real, Rank> square(Var<Real, Rank> x) {
  return detail::unary("square", x, kernels::Square());
}

/// y = tanh x                                                   PyTorch: torch.tanh
///   dx += dy (1 − y²)
template <Scalar Real, std::size_t Rank>
Var<Real, Rank> tanh(Var<Real, Rank> x, InPlace in_place = InPlace::no) {
  return detail::unary("tanh", x, kernels::Tanh(), in_place);
}

/// y = σ(x) = 1 / (1 + e⁻ˣ), the logistic function              PyTorch: torch.sigmoid
///   dx += dy y (1 − y)
template <Scalar Real, std::size_t Rank>
Var<Real, Rank> sigmoid(Var<Real, Rank> x, InPlace in_place = InPlace::no) {
  return detail::unary("sigmoid", x, kernels::Sigmoid(), in_place);
}

/// y = ln(1 + eˣ)                                               PyTorch: F.softplus, which gives x above 20
///   dx += dy σ(x)
template <Scalar Real, std::size_t Rank>
Var<Real, Rank> softplus(Var<Real, Rank> x) {
  return detail::unary("softplus", x, kernels::Softplus());
}

/// y = |x|                                                      PyTorch: torch.abs
///   dx += dy sign(x), nothing at 0
template <Scalar Real, std::size_t Rank>
Var<Real, Rank> abs(Var<Real, Rank> x) {
  return detail::unary("abs", x, kernels::Abs());
}

/// y = min(x, s); NaN stays NaN.                                PyTorch: torch.clamp(x, max=s)
///   dx += dy where x ≤ s
template <Scalar Real, std::size_t Rank>
Var<Real, Rank> minimum(Var<Real, Rank> x, std::type_identity_t<Real> s) {
  return detail::unary("minimum", x, kernels::Minimum<Real>{s});
}

/// y = max(x, s); NaN stays NaN.                                PyTorch: torch.clamp(x, min=s)
///   dx += dy where x ≥ s
template <Scalar Real, std::size_t Rank>
Var<Real, Rank> maximum(Var<Real, Rank> x, std::type_identity_t<Real> s) {
  return detail::unary("maximum", x, kernels::Maximum<Real>{s});
}

/// y = f(x) for functions of one's own, f and its derivative df: recorded under `name`, which must live as long
/// as the program.
///   dx += dy df(x), or dy df(x, y) where df takes two numbers: the value that f gave saves computing it again
///
///   const auto y = elementwise("softplus", x, [](auto v) { return math::log(1 + math::exp(v)); },
///                              [](auto v) { return math::sigmoid(v); });
///
/// Both may capture numbers, nothing that has to be destroyed. They are run on several threads, and must give
/// the same for the same number. Where they take `auto`, what they cost is counted by running them on a
/// `CountingNumber`; functions such as exp are then those of `math` (or found by a `using std::exp;`). Else
/// either counts as one transcendental operation. `costs` says it instead: forward what f costs, backward what
/// df costs, for one element. The product with dy and its addition are added by `elementwise`.
template <Scalar Real, std::size_t Rank, class Function, class Derivative>
Var<Real, Rank> elementwise(const char* name, Var<Real, Rank> x, const Function& f, const Derivative& df,
                            const PassCosts& costs) {
  if constexpr (std::is_floating_point_v<Real>) {
    static_assert(sizeof(f(Real())) >= sizeof(Real),
                  "elementwise: f computes with fewer digits than x has; take `auto`, or the number type of x");
  }
  return detail::unary(name, x, kernels::Elementwise<Real, Function, Derivative>(f, df, costs));
}
template <Scalar Real, std::size_t Rank, class Function, class Derivative>
Var<Real, Rank> elementwise(const char* name, Var<Real, Rank> x, const Function& f, const Derivative& df) {
  return elementwise(name, x, f, df, {counted_cost(f), counted_cost(df)});
}

}  // namespace slm
