#pragma once
// + − * / between variables, and with numbers:
//
//   h = (1 - z) * tanh(n) + z * h;
//
// Each is the operation of its name, element by element. Of two variables the one of fewer axes is repeated
// over the leading axes of the other, whose last axes must be its own; other shapes are an error. A number may
// be of any arithmetic type and becomes a Real.
//
// C++ leaves open which side of an operator is computed first, and with it the order in which operations are
// recorded. Where that matters, as for the random numbers of two calls of dropout, give each a line of its own.
#include "slm/autograd/ops/arithmetic.hpp"
#include "slm/autograd/ops/elementwise.hpp"

namespace slm {

namespace detail {

/// What may stand beside a variable of Real as a number.
template <class T, class Real>
concept NumberFor = std::is_arithmetic_v<T> || std::is_same_v<T, Real>;

/// f(a, b), the one of fewer axes broadcast.
template <Scalar Real, std::size_t RankA, std::size_t RankB, class Function>
auto broadcasting(Var<Real, RankA> a, Var<Real, RankB> b, const Function& f) {
  if constexpr (RankA < RankB) {
    return f(broadcast(a, b.shape()), b);
  } else if constexpr (RankA > RankB) {
    return f(a, broadcast(b, a.shape()));
  } else {
    return f(a, b);
  }
}

}  // namespace detail

template <Scalar Real, std::size_t RankA, std::size_t RankB>
auto operator+(Var<Real, RankA> a, Var<Real, RankB> b) {
  if constexpr (RankA > 1 && RankB == 1) {
    return add_bias(a, b);
  } else if constexpr (RankA == 1 && RankB > 1) {
    return add_bias(b, a);
  } else {
    return detail::broadcasting(a, b, [](auto x, auto y) { return add(x, y); });
  }
}
template <Scalar Real, std::size_t RankA, std::size_t RankB>
auto operator-(Var<Real, RankA> a, Var<Real, RankB> b) {
  return detail::broadcasting(a, b, [](auto x, auto y) { return subtract(x, y); });
}
template <Scalar Real, std::size_t RankA, std::size_t RankB>
auto operator*(Var<Real, RankA> a, Var<Real, RankB> b) {
  return detail::broadcasting(a, b, [](auto x, auto y) { return multiply(x, y); });
}
template <Scalar Real, std::size_t RankA, std::size_t RankB>
auto operator/(Var<Real, RankA> a, Var<Real, RankB> b) {
  return detail::broadcasting(a, b, [](auto x, auto y) { return divide(x, y); });
}

template <Scalar Real, std::size_t Rank>
Var<Real, Rank> operator-(Var<Real, Rank> x) {
  return negate(x);
}

template <Scalar Real, std::size_t Rank, detail::NumberFor<Real> Number>
Var<Real, Rank> operator+(Var<Real, Rank> x, Number s) {
  return shift(x, static_cast<Real>(s));
}
template <Scalar Real, std::size_t Rank, detail::NumberFor<Real> Number>
Var<Real, Rank> operator+(Number s, Var<Real, Rank> x) {
  return shift(x, static_cast<Real>(s));
}
template <Scalar Real, std::size_t Rank, detail::NumberFor<Real> Number>
Var<Real, Rank> operator-(Var<Real, Rank> x, Number s) {
  return shift(x, -static_cast<Real>(s));
}
template <Scalar Real, std::size_t Rank, detail::NumberFor<Real> Number>
Var<Real, Rank> operator-(Number s, Var<Real, Rank> x) {
  return subtract(static_cast<Real>(s), x);
}
template <Scalar Real, std::size_t Rank, detail::NumberFor<Real> Number>
Var<Real, Rank> operator*(Var<Real, Rank> x, Number s) {
  return scale(x, static_cast<Real>(s));
}
template <Scalar Real, std::size_t Rank, detail::NumberFor<Real> Number>
Var<Real, Rank> operator*(Number s, Var<Real, Rank> x) {
  return scale(x, static_cast<Real>(s));
}
template <Scalar Real, std::size_t Rank, detail::NumberFor<Real> Number>
Var<Real, Rank> operator/(Var<Real, Rank> x, Number s) {
  return divide(x, static_cast<Real>(s));
}
template <Scalar Real, std::size_t Rank, detail::NumberFor<Real> Number>
Var<Real, Rank> operator/(Number s, Var<Real, Rank> x) {
  return divide(static_cast<Real>(s), x);
}

}  // namespace slm
