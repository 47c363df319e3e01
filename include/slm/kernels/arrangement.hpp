#pragma once
// Elements brought to another place: parts of rows, and two axes exchanged.
#include <type_traits>

#include "slm/core/matrix.hpp"
#include "slm/kernels/elementwise.hpp"

namespace slm::kernels {
inline namespace SLM_INSTRUCTION_SET {

/// y = x
template <Scalar Real>
void copy(const Real* x, Real* y, Index count) {
  parallel_blocks(count, elementwise_block,
                  [=](Index begin, Index end) { std::copy(x + begin, x + end, y + begin); });
}

/// Rows of `columns` elements that begin `from` elements after each other where they are read, and `to` where
/// they are written.
struct StridedRows {
  Index rows, columns, from, to;

  /// Of the way back.
  StridedRows turned() const { return {rows, columns, to, from}; }
};

/// y[n, c] = x[n, c]
template <Scalar Real>
void copy_rows(const Real* x, Real* y, StridedRows size) {
  for_each_part_of_rows({size.rows, size.columns}, [=](Index n, Index begin, Index end) {
    const Index skipped = n * size.columns;
    std::copy(x + n * size.from + begin - skipped, x + n * size.from + end - skipped,
              y + n * size.to + begin - skipped);
  });
}
/// dx[n, c] += dy[n, c]
template <Scalar Real>
void add_rows(const Real* dy, Into<Real> dx, StridedRows size) {
  for_each_part_of_rows({size.rows, size.columns}, [=](Index n, Index begin, Index end) {
    const Index first = begin - n * size.columns, count = end - begin;
    const Real* up = dy + n * size.from + first;
    const Index to = n * size.to + first;
    for (Index c = 0; c < count; ++c) dx.data[to + c] = dx.before(to + c) + up[c];
  });
}

/// Moving `count` elements, and adding to the gradients of `wanted` of them.
inline PassCosts move_costs(Index count, Index wanted) { return {{.moved = count}, {.elementwise = wanted}}; }
inline PassCosts move_costs(Index count) { return move_costs(count, count); }

/// x (outer, a, middle, b, inner) → y (outer, b, middle, a, inner)
struct TransposeSize {
  Index outer, a, middle, b, inner;

  /// Of the way back.
  TransposeSize turned() const { return {outer, b, middle, a, inner}; }
  Index count() const { return outer * a * middle * b * inner; }
};

/// Calls move(to, from, inner) for all runs of `inner` elements of y and where each stands in x. Works in
/// squares of 16 by 16 runs, so that what is read or written of a cache line is so at once; a task has whole
/// columns of squares.
template <class Move>
void for_each_transposed(TransposeSize size, const Move& move) {
  constexpr Index square = 16;
  const Index strips = (size.b + square - 1) / square;
  const Index strip_size = std::max<Index>(1, size.a * std::min(size.b, square) * size.inner);
  const auto move_strip = [size, strips, move](Index strip, auto inner) {
    const Index first_b = strip % strips * square, last_b = std::min(size.b, first_b + square);
    const Index m = strip / strips % size.middle, o = strip / strips / size.middle;
    const Index y_step = size.middle * size.a, x_step = size.middle * size.b;  // of b and of a, in runs
    const Index y = o * size.b * y_step + m * size.a, x = o * size.a * x_step + m * size.b;
    for (Index first_a = 0; first_a < size.a; first_a += square) {
      const Index last_a = std::min(size.a, first_a + square);
      for (Index b = first_b; b < last_b; ++b) {
        for (Index a = first_a; a < last_a; ++a) {
          move((y + b * y_step + a) * inner, (x + a * x_step + b) * inner, inner);
        }
      }
    }
  };
  parallel_blocks(size.outer * size.middle * strips, std::max<Index>(1, elementwise_block / strip_size),
                  [=](Index begin, Index end) {
                    for (Index strip = begin; strip < end; ++strip) {
                      // A number that the compiler knows saves it a loop.
                      if (size.inner == 1) {
                        move_strip(strip, std::integral_constant<Index, 1>());
                      } else {
                        move_strip(strip, size.inner);
                      }
                    }
                  });
}
/// y = x with axes a and b exchanged.
template <Scalar Real>
void transpose_forward(const Real* x, Real* y, TransposeSize size) {
  for_each_transposed(size, [=](Index to, Index from, auto count) {
    for (Index i = 0; i < count; ++i) y[to + i] = x[from + i];
  });
}
/// dx += dy with the axes exchanged again.
template <Scalar Real>
void transpose_backward(const Real* dy, Into<Real> dx, TransposeSize size) {
  for_each_transposed(size.turned(), [=](Index to, Index from, auto count) {
    for (Index i = 0; i < count; ++i) dx.data[to + i] = dx.before(to + i) + dy[from + i];
  });
}

}  // namespace SLM_INSTRUCTION_SET
}  // namespace slm::kernels
