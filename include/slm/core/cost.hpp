#pragma once
// What a computation costs, counted by kind and as executed: what a kernel skips is not counted, what it
// computes twice is. What an operation costs in both passes stands once, below its kernels and under their name
// (`linear_costs` in kernels/linear.hpp), of a function of one number beside what it computes
// (kernels/unary.hpp); flags say which of its inputs want their gradients, by default all.
#include <array>
#include <string_view>

#include "slm/core/shape.hpp"

namespace slm {

/// Counts of one kind each. A number type's conversions, changes of sign and assignments cost nothing.
struct Cost {
  Index multiply_adds = 0;   // of matrix products, m·n·k for (m, k) times (k, n)
  Index elementwise = 0;     // additions, subtractions, multiplications and divisions outside products
  Index transcendental = 0;  // exp, log, tanh, sqrt and such: one each, whatever they are made of
  Index comparisons = 0;     // of real numbers; no FLOPs
  Index draws = 0;           // random numbers made; no FLOPs
  Index lookups = 0;         // elements read from a table by token; no FLOPs
  Index moved = 0;           // elements copied to another place; no FLOPs

  /// Floating-point operations. One multiply-add is two of them.
  Index flops() const;

  /// This cost, or none: an input that wants no gradient costs nothing.
  [[gnu::noinline]] Cost when(bool condition) const { return condition ? *this : Cost(); }

  bool operator==(const Cost&) const = default;
};

/// The kinds of `Cost` by name.
struct CostKind {
  std::string_view name;
  Index Cost::*count;
};
/// All of them.
inline constexpr std::array<CostKind, 7> cost_kinds{{{"multiply_adds", &Cost::multiply_adds},
                                                     {"elementwise", &Cost::elementwise},
                                                     {"transcendental", &Cost::transcendental},
                                                     {"comparisons", &Cost::comparisons},
                                                     {"draws", &Cost::draws},
                                                     {"lookups", &Cost::lookups},
                                                     {"moved", &Cost::moved}}};

namespace detail {
[[noreturn, gnu::noinline, gnu::cold]] inline void throw_overflow() {
  throw_error<ConfigError>("cost: a 64-bit count overflows");
}
}  // namespace detail
/// Sum of counts, which are not negative. Throws a `ConfigError` where 64 bits do not hold it.
inline Index count_sum(Index a, Index b) {
  Index sum = 0;
  if (__builtin_add_overflow(a, b, &sum)) detail::throw_overflow();
  return sum;
}
/// Product of counts likewise.
inline Index count_product(Index a, Index b) {
  Index product = 0;
  if (__builtin_mul_overflow(a, b, &product)) detail::throw_overflow();
  return product;
}
inline Index count_product(Index a, Index b, auto... more) {
  return count_product(count_product(a, b), more...);
}

inline Index Cost::flops() const {
  return count_sum(count_product(2, multiply_adds), count_sum(elementwise, transcendental));
}

// Not inlined: with their checks they would be most of what a user's compiler sees of a formula.
[[gnu::noinline]] inline Cost& operator+=(Cost& a, const Cost& b) {
  bool overflows = false;
  for (const auto& kind : cost_kinds) {
    overflows |= __builtin_add_overflow(a.*kind.count, b.*kind.count, &(a.*kind.count));
  }
  if (overflows) detail::throw_overflow();
  return a;
}
[[gnu::noinline]] inline Cost operator+(const Cost& a, const Cost& b) {
  Cost sum = a;
  return sum += b;
}
/// The cost of doing something `times` times.
[[gnu::noinline]] inline Cost operator*(const Cost& a, Index times) {
  Cost product;
  bool overflows = false;
  for (const auto& kind : cost_kinds) {
    overflows |= __builtin_mul_overflow(a.*kind.count, times, &(product.*kind.count));
  }
  if (overflows) detail::throw_overflow();
  return product;
}

/// The cost of an operation or of a step, pass by pass.
struct PassCosts {
  Cost forward, backward;

  Cost total() const { return forward + backward; }
  /// Costs may stand where a function that gives them is asked for.
  const PassCosts& operator()() const { return *this; }
  bool operator==(const PassCosts&) const = default;
};
inline PassCosts& operator+=(PassCosts& a, const PassCosts& b) {
  a.forward += b.forward;
  a.backward += b.backward;
  return a;
}
inline PassCosts operator+(PassCosts a, const PassCosts& b) { return a += b; }
inline PassCosts operator*(PassCosts a, Index times) { return {a.forward * times, a.backward * times}; }

/// Elements that must cross memory, pass by pass, by one rule (docs/flops.md): a pass reads each operand that
/// it needs once and writes each result once, a gradient that is added to counting as written.
struct Traffic {
  Index forward = 0, backward = 0;

  bool operator==(const Traffic&) const = default;
};

/// All that a call of an operation costs.
struct OperationCost {
  PassCosts passes;
  Traffic traffic;
  Index kept = 0;  // elements that the operation writes and keeps for the backward pass

  bool operator==(const OperationCost&) const = default;
};
[[gnu::noinline]] inline OperationCost& operator+=(OperationCost& a, const OperationCost& b) {
  a.passes += b.passes;
  a.traffic.forward = count_sum(a.traffic.forward, b.traffic.forward);
  a.traffic.backward = count_sum(a.traffic.backward, b.traffic.backward);
  a.kept = count_sum(a.kept, b.kept);
  return a;
}
[[gnu::noinline]] inline OperationCost operator*(const OperationCost& a, Index times) {
  return {a.passes * times,
          {count_product(a.traffic.forward, times), count_product(a.traffic.backward, times)},
          count_product(a.kept, times)};
}

}  // namespace slm
