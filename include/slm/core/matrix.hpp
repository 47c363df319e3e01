#pragma once
// Matrices in somebody else's memory, and the words for what a product of two of them means.
#include <algorithm>
#include <type_traits>

#include "slm/core/shape.hpp"

namespace slm {

/// A row-major matrix in somebody else's memory; a row starts `stride` elements after the one before.
template <class T>
struct Matrix {
  T* data;
  Index rows, columns, stride;

  Matrix(T* start, Index row_count, Index column_count, Index row_stride)
      : data(start), rows(row_count), columns(column_count), stride(row_stride) {}
  Matrix(T* start, Index row_count, Index column_count)
      : Matrix(start, row_count, column_count, column_count) {}

  T* row(Index i) const { return data + i * stride; }
  Matrix block(Index row, Index column, Index row_count, Index column_count) const {
    return {data + row * stride + column, row_count, column_count, stride};
  }
};

/// to (columns, rows) = fromᵀ
template <class T>
void transpose(Matrix<const T> from, Matrix<T> to) {
  constexpr Index block = 16;  // of floats a cache line: what is written is written whole
  for (Index first = 0; first < from.rows; first += block) {
    const Index last = std::min(first + block, from.rows);
    for (Index j = 0; j < from.columns; ++j) {
      for (Index i = first; i < last; ++i) to.row(j)[i] = from.row(i)[j];
    }
  }
}

/// Whether a product replaces what its result held or is added to it.
enum class StoreMode : bool { assign, add };

/// Where a backward function leaves a gradient: added to what is there, or set where nothing is yet. Memory
/// alone stands for adding.
template <class Real>
struct Destination {
  Real* data;
  StoreMode store;

  Destination(Real* start, StoreMode how = StoreMode::add) : data(start), store(how) {}

  /// What element i is added to.
  Real before(Index i) const { return store == StoreMode::add ? data[i] : Real(0); }
};
/// Takes no part in finding out what Real is, so that memory is taken for a destination.
template <class Real>
using Into = std::type_identity_t<Destination<Real>>;

/// Which operands of a product A B are transposed.
struct Transposed {
  bool left, right;
  static const Transposed none, a, b;
};
inline constexpr Transposed Transposed::none{false, false}, Transposed::a{true, false},
    Transposed::b{false, true};

}  // namespace slm
