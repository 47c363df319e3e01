#pragma once
// Matrix products. Eigen multiplies tiles on one thread; which tiles there are depends on the sizes only.
#include <Eigen/Core>

#include "slm/core/parallel.hpp"
#include "slm/core/scalar.hpp"

#ifdef _OPENMP
#include <omp.h>
#endif

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

/// Whether a product replaces what its result held or is added to it.
enum class Store { assign, add };

/// Which operand of a product is transposed.
enum class Product { plain, transpose_a, transpose_b };

namespace detail {

template <class Real>
using RowMajor = Eigen::Matrix<Real, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

template <class Real>
auto eigen_map(const Matrix<Real>& m) {
  using Plain = RowMajor<std::remove_const_t<Real>>;
  using Target = std::conditional_t<std::is_const_v<Real>, const Plain, Plain>;
  return Eigen::Map<Target, 0, Eigen::OuterStride<>>(m.data, m.rows, m.columns, Eigen::OuterStride<>(m.stride));
}

/// While it lives, Eigen uses one thread on this thread: its own threading changes the bits of a product.
class SingleThreadedEigen {
 public:
#ifdef _OPENMP
  SingleThreadedEigen() : before_(omp_get_max_threads()) {
    if (before_ != 1) omp_set_num_threads(1);
  }
  ~SingleThreadedEigen() {
    if (before_ != 1) omp_set_num_threads(before_);
  }
#else
  SingleThreadedEigen() = default;
#endif
  SingleThreadedEigen(const SingleThreadedEigen&) = delete;
  SingleThreadedEigen& operator=(const SingleThreadedEigen&) = delete;

 private:
  [[maybe_unused]] int before_ = 1;
};

template <Product product, Scalar Real>
void multiply_tile(Matrix<const Real> a, Matrix<const Real> b, Matrix<Real> c, Store store) {
  [[maybe_unused]] const SingleThreadedEigen scope;
  const auto left = eigen_map(a);
  const auto right = eigen_map(b);
  auto result = eigen_map(c);
  const auto put = [&](const auto& expression) {
    if (store == Store::assign) {
      result.noalias() = expression;
    } else {
      result.noalias() += expression;
    }
  };
  if constexpr (product == Product::plain) put(left * right);
  if constexpr (product == Product::transpose_a) put(left.transpose() * right);
  if constexpr (product == Product::transpose_b) put(left * right.transpose());
}

}  // namespace detail

/// One product on the calling thread:
///   plain        C (m, n) = A (m, k) B (k, n)
///   transpose_a  C (m, n) = Aᵀ B   with A (k, m)
///   transpose_b  C (m, n) = A Bᵀ   with B (n, k)
/// An empty sum (k = 0) is zero.
template <Product product, Scalar Real>
void multiply(Matrix<const Real> a, Matrix<const Real> b, Matrix<Real> c, Store store) {
  if (c.rows == 0 || c.columns == 0) return;
  detail::multiply_tile<product, Real>(a, b, c, store);
}

/// The same, with the result cut into tiles that threads share. The inner dimension is never cut, so each
/// element is one sum in one order.
template <Product product, Scalar Real>
void parallel_multiply(Matrix<const Real> a, Matrix<const Real> b, Matrix<Real> c, Store store) {
  const Index depth = product == Product::transpose_a ? a.rows : a.columns;
  Index tile_rows = c.rows, tile_columns = c.columns;
  const auto tiles = [&] {
    return ((c.rows + tile_rows - 1) / tile_rows) * ((c.columns + tile_columns - 1) / tile_columns);
  };
  constexpr Index small = Index(1) << 17, wanted_tiles = 16, most_rows = 256, most_columns = 1024, step = 16;
  const bool worth_cutting = !inside_parallel_loop() && c.rows * c.columns * depth > small;
  const auto halve = [](Index& extent) { extent = ((extent + 1) / 2 + step - 1) / step * step; };
  while (worth_cutting && (tile_rows > most_rows || tile_columns > most_columns || tiles() < wanted_tiles)) {
    Index& longer = tile_rows > most_rows || tile_rows >= tile_columns ? tile_rows : tile_columns;
    if (longer <= 2 * step) break;
    halve(longer);
  }
  if (c.rows == 0 || c.columns == 0 || tiles() == 1) return multiply<product, Real>(a, b, c, store);

  const Index across = (c.columns + tile_columns - 1) / tile_columns;
  parallel_for(tiles(), [&](Index tile) {
    const Index row = tile / across * tile_rows, column = tile % across * tile_columns;
    const Index height = std::min(tile_rows, c.rows - row), width = std::min(tile_columns, c.columns - column);
    const auto a_tile =
        product == Product::transpose_a ? a.block(0, row, a.rows, height) : a.block(row, 0, height, a.columns);
    const auto b_tile = product == Product::transpose_b ? b.block(column, 0, width, b.columns)
                                                        : b.block(0, column, b.rows, width);
    multiply<product, Real>(a_tile, b_tile, c.block(row, column, height, width), store);
  });
}

}  // namespace slm
