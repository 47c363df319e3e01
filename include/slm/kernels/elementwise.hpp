#pragma once
// Element by element: sum, product, scaling, and a vector added to every row.
#include "slm/core/matrix.hpp"
#include "slm/core/parallel.hpp"
#include "slm/core/reduce.hpp"
#include "slm/core/scalar.hpp"
#include "slm/core/simd.hpp"

namespace slm::kernels {
inline namespace SLM_INSTRUCTION_SET {

/// Elements a task of an elementwise loop takes: large enough to pay for itself, small enough for L2.
inline constexpr Index elementwise_block = 16384;

// Before a loop: what an iteration reads and writes at its own index is no other's, even where input and
// output are the same memory. Compilers would take that for a dependence and not vectorise. clang warns where
// it cannot even so, as with a number type of one's own: here, or at the function that all of it was inlined
// into.
#ifdef __clang__
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wpass-failed"
#define SLM_INDEPENDENT_ITERATIONS _Pragma("clang loop vectorize(assume_safety)")
#elif defined(__GNUC__)
#define SLM_INDEPENDENT_ITERATIONS _Pragma("GCC ivdep")
#else
#define SLM_INDEPENDENT_ITERATIONS
#endif

/// Calls f(i) for every i in [0, count); f touches no other element than its own.
template <class Function>
void for_each_element(Index count, const Function& f) {
  parallel_blocks(count, elementwise_block, [&](Index begin, Index end) {
    SLM_INDEPENDENT_ITERATIONS
    for (Index i = begin; i < end; ++i) f(i);
  });
}
#ifdef __clang__
#pragma clang diagnostic pop
#endif

/// Rows of `columns` elements.
struct RowsSize {
  Index rows, columns;
};

/// Calls f(n) for every row n, in tasks of about `elementwise_block` elements; f touches no row but its own.
template <class Function>
void for_each_row(RowsSize size, const Function& f) {
  const Index block = std::max<Index>(1, elementwise_block / std::max<Index>(1, size.columns));
  parallel_blocks(size.rows, block, [f](Index begin, Index end) {  // a copy is faster than a reference
    for (Index n = begin; n < end; ++n) f(n);
  });
}

/// Calls f(n, begin, end) for the elements [begin, end) of row n, or for parts of it that lie in other tasks:
/// all rows are one sequence of elements, of which tasks take `elementwise_block`.
template <class Function>
void for_each_part_of_rows(RowsSize size, const Function& f) {
  const Index C = size.columns;
  parallel_blocks(size.rows * C, elementwise_block, [f, C](Index begin, Index end) {
    for (Index n = begin / C; begin < end; ++n) {
      const Index last = std::min(end, (n + 1) * C);
      f(n, begin, last);
      begin = last;
    }
  });
}

/// Calls f(n, c) for every row n and column c, to add rows up in order: threads own columns.
template <class Function>
void for_each_in_columns(RowsSize size, const Function& f) {
  parallel_blocks(size.columns, 64, [=](Index begin, Index end) {
    for (Index n = 0; n < size.rows; ++n) {
      for (Index c = begin; c < end; ++c) f(n, c);
    }
  });
}

/// y = a + b. In place when y is one of them.
template <Scalar Real>
void add_forward(const Real* a, const Real* b, Real* y, Index count) {
  for_each_element(count, [=](Index i) { y[i] = a[i] + b[i]; });
}
/// dx += dy; of either operand.
template <Scalar Real>
void add_backward(const Real* dy, Into<Real> dx, Index count) {
  for_each_element(count, [=](Index i) { dx.data[i] = dx.before(i) + dy[i]; });
}
inline PassCosts add_costs(Index count, bool a = true, bool b = true) {
  const Cost each{.elementwise = count};
  return {each, each.when(a) + each.when(b)};
}

/// y = a ∘ b. In place when y is one of them.
template <Scalar Real>
void multiply_forward(const Real* a, const Real* b, Real* y, Index count) {
  for_each_element(count, [=](Index i) { y[i] = a[i] * b[i]; });
}
/// da += dy ∘ b; with the operands exchanged for db.
template <Scalar Real>
void multiply_backward(const Real* b, const Real* dy, Into<Real> da, Index count) {
  for_each_element(count, [=](Index i) { da.data[i] = da.before(i) + dy[i] * b[i]; });
}
inline PassCosts multiply_costs(Index count, bool a = true, bool b = true) {
  const Cost gradient = Cost{.elementwise = 2} * count;
  return {{.elementwise = count}, gradient.when(a) + gradient.when(b)};
}

/// y = s x
template <Scalar Real>
void scale_forward(const Real* x, Real s, Real* y, Index count) {
  for_each_element(count, [=](Index i) { y[i] = s * x[i]; });
}
/// dx += s dy
template <Scalar Real>
void scale_backward(Real s, const Real* dy, Into<Real> dx, Index count) {
  for_each_element(count, [=](Index i) { dx.data[i] = dx.before(i) + s * dy[i]; });
}
inline PassCosts scale_costs(Index count) { return PassCosts{{.elementwise = 1}, {.elementwise = 2}} * count; }

/// y[n] = x[n] + b for every row n. In place when y = x.
template <Scalar Real>
void bias_forward(const Real* x, const Real* b, Real* y, RowsSize size) {
  const Index C = size.columns;
  for_each_row(size, [=](Index n) {
    for (Index c = 0; c < C; ++c) y[n * C + c] = x[n * C + c] + b[c];
  });
}
/// db += Σₙ dy[n]
template <Scalar Real>
void bias_backward(const Real* dy, Real* db, RowsSize size) {
  for_each_in_columns(size, [=](Index n, Index c) { db[c] += dy[n * size.columns + c]; });
}
inline PassCosts bias_costs(RowsSize size, bool x = true, bool b = true) {
  return add_costs(count_product(size.rows, size.columns), x, b);
}

}  // namespace SLM_INSTRUCTION_SET
}  // namespace slm::kernels
