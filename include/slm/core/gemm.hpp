#pragma once
// Matrix products, in tiles that threads share. Which tiles there are depends on the sizes only.
//
// Float and double are multiplied by our own kernel, or, where one of these is defined, by
//   SLM_GEMM_EIGEN    Eigen, all number types
//   SLM_GEMM_BLAS     OpenBLAS; link openblas
//   SLM_GEMM_ONEDNN   oneDNN, float only; link dnnl
// All files of a program must agree. Other number types are Eigen's. It is left out unless it is asked for,
// because to read it takes a compiler as long as to read slm: for these include slm/core/gemm_eigen.hpp, too.
#include <algorithm>
#include <type_traits>

#include "slm/core/bfloat16_gemm.hpp"
#include "slm/core/cost.hpp"
#include "slm/core/gemm_kernel.hpp"
#include "slm/core/matrix.hpp"
#include "slm/core/parallel.hpp"
#include "slm/core/products.hpp"
#include "slm/core/scalar.hpp"

#if defined(SLM_GEMM_EIGEN) + defined(SLM_GEMM_BLAS) + defined(SLM_GEMM_ONEDNN) > 1
#error "of SLM_GEMM_EIGEN, SLM_GEMM_BLAS and SLM_GEMM_ONEDNN, define one"
#endif
#if defined(SLM_GEMM_BLAS)
#include "slm/core/gemm_blas.hpp"
#elif defined(SLM_GEMM_ONEDNN)
#include "slm/core/gemm_onednn.hpp"
#endif
#if defined(SLM_GEMM_EIGEN) || !defined(SLM_HAS_VECTORS)
#include "slm/core/gemm_eigen.hpp"
#endif

namespace slm {

/// Who makes a product on one thread: our own kernel, or a library.
enum class GemmBackend { slm, eigen, blas, onednn };

/// Whom `gemm` asks for products of Real.
template <class Real>
constexpr GemmBackend gemm_backend() {
  [[maybe_unused]] constexpr bool is_float = std::is_same_v<Real, float>;
  [[maybe_unused]] constexpr bool is_common = is_float || std::is_same_v<Real, double>;
#if defined(SLM_GEMM_BLAS)
  if (is_common) return GemmBackend::blas;
#elif defined(SLM_GEMM_ONEDNN)
  if (is_float) return GemmBackend::onednn;
#endif
#if defined(SLM_HAS_VECTORS) && !defined(SLM_GEMM_EIGEN)
  if (is_common) return GemmBackend::slm;
#endif
  return GemmBackend::eigen;
}

/// Whether there are `Products::bfloat16` of the scalar: of float by our own kernel.
template <class Real>
constexpr bool has_bfloat16_products() {
  return std::is_same_v<Real, float> && gemm_backend<Real>() == GemmBackend::slm;
}

namespace detail {

// Each is defined in its own header, core/gemm_….hpp.
template <Transposed transposed, class Real>
void eigen_gemm(Matrix<const Real> a, Matrix<const Real> b, Matrix<Real> c, StoreMode store);
template <Transposed transposed, class Real>
void blas_gemm(Matrix<const Real> a, Matrix<const Real> b, Matrix<Real> c, StoreMode store);
template <Transposed transposed, class Real>
void onednn_gemm(Matrix<const Real> a, Matrix<const Real> b, Matrix<Real> c, StoreMode store);

/// Complete where core/gemm_eigen.hpp was included.
template <class Real>
struct EigenProducts;

}  // namespace detail

namespace detail {
inline namespace SLM_INSTRUCTION_SET {

/// Tiles of a product that threads share: how many are wanted, the fewest rows of one, and the multiply-adds,
/// some ten microseconds, up to which a product is not worth sharing.
inline constexpr Index wanted_tiles = 8, least_rows = 32, least_work = Index(1) << 19;

/// A `gemm`.
template <Scalar Real>
using Gemm = void (*)(Matrix<const Real> a, Matrix<const Real> b, Matrix<Real> c, StoreMode store,
                      const Real* row);

/// parallel_gemm whatever is transposed, so that it is compiled once.
template <Scalar Real>
void multiply_in_tiles(Transposed transposed, Gemm<Real> multiply, Matrix<const Real> a, Matrix<const Real> b,
                       Matrix<Real> c, StoreMode store, const Real* row) {
  const Index depth = transposed.left ? a.rows : a.columns;
  Index rows_of_tile = c.rows, columns_of_tile = c.columns;
  const auto tiles = [&] {
    return ((c.rows + rows_of_tile - 1) / rows_of_tile) * ((c.columns + columns_of_tile - 1) / columns_of_tile);
  };
  constexpr Index most_rows = 256, most_columns = 1024, least_columns = 32, step = 16;
  const bool worth_cutting = !inside_parallel_loop() && c.rows * c.columns * depth > least_work;
  const auto halve = [](Index& extent) { extent = ((extent + 1) / 2 + step - 1) / step * step; };
  const auto too_few = [&] {
    return tiles() < wanted_tiles && rows_of_tile * columns_of_tile * depth > least_work;
  };
  while (worth_cutting && (rows_of_tile > most_rows || columns_of_tile > most_columns || too_few())) {
    // Columns first: a tile packs its columns of B, which would be packed again for other rows. But a few are
    // not cut into unequal parts, and where the rows of A are packed instead, they are cut first.
    const bool equal = columns_of_tile % (2 * step) == 0 || columns_of_tile > 8 * step;
    const bool by_rows =
        packs_rows(transposed, rows_of_tile, columns_of_tile, depth) && rows_of_tile > least_rows;
    const bool by_columns = columns_of_tile > least_columns && rows_of_tile <= most_rows && equal && !by_rows;
    Index& extent = by_columns ? columns_of_tile : rows_of_tile;
    if (extent <= (by_columns ? least_columns : least_rows)) break;
    halve(extent);
  }
  if (c.rows == 0 || c.columns == 0 || tiles() == 1) return multiply(a, b, c, store, row);

  const Index across = (c.columns + columns_of_tile - 1) / columns_of_tile;
  parallel_for(tiles(), [&](Index tile) {
    const Index top = tile / across * rows_of_tile, column = tile % across * columns_of_tile;
    const Index height = std::min(rows_of_tile, c.rows - top),
                width = std::min(columns_of_tile, c.columns - column);
    const auto a_tile = transposed.left ? a.block(0, top, a.rows, height) : a.block(top, 0, height, a.columns);
    const auto b_tile =
        transposed.right ? b.block(column, 0, width, b.columns) : b.block(0, column, b.rows, width);
    multiply(a_tile, b_tile, c.block(top, column, height, width), store, row ? row + column : nullptr);
  });
}

}  // namespace SLM_INSTRUCTION_SET
}  // namespace detail

inline namespace SLM_INSTRUCTION_SET {

/// One product on the calling thread:
///   none  C (m, n) = A (m, k) B (k, n)
///   a     C (m, n) = Aᵀ B   with A (k, m)
///   b     C (m, n) = A Bᵀ   with B (n, k)
/// An empty sum (k = 0) is zero. Where there is a `row` (n), it is added to every row.
template <Transposed transposed, Scalar Real>
void gemm(Matrix<const Real> a, Matrix<const Real> b, Matrix<Real> c, StoreMode store,
          const Real* row = nullptr) {
  if (c.rows == 0 || c.columns == 0) return;
  const Index depth = transposed.left ? a.rows : a.columns;
  constexpr GemmBackend by = gemm_backend<Real>();
  {
    [[maybe_unused]] const typename Observer<Real>::ProductScope scope(c.rows, depth, c.columns);
    if (depth == 0) {  // strides may be zero, which libraries refuse
      for (Index i = 0; i < c.rows && store == StoreMode::assign; ++i)
        std::fill_n(c.row(i), c.columns, Real(0));
    } else if constexpr (by == GemmBackend::slm) {
      return detail::kernel_gemm<transposed, Real>(a, b, c, store, row);
    } else if constexpr (by == GemmBackend::eigen) {
      static_assert(
          requires { sizeof(detail::EigenProducts<Real>); },
          "gemm: slm multiplies float and double itself; for another number type, such as long double, "
          "include slm/core/gemm_eigen.hpp, too");
      detail::eigen_gemm<transposed, Real>(a, b, c, store);
    } else if constexpr (by == GemmBackend::blas) {
      detail::blas_gemm<transposed, Real>(a, b, c, store);
    } else {
      static_assert(by == GemmBackend::onednn);
      detail::onednn_gemm<transposed, Real>(a, b, c, store);
    }
  }
  for (Index i = 0; row && i < c.rows; ++i) {
    for (Index j = 0; j < c.columns; ++j) c.row(i)[j] += row[j];
  }
}

}  // namespace SLM_INSTRUCTION_SET

namespace detail {
inline namespace SLM_INSTRUCTION_SET {

/// `gemm` of rounded operands, where there is that.
template <Transposed transposed, Scalar Real>
void rounded_gemm(Matrix<const Real> a, Matrix<const Real> b, Matrix<Real> c, StoreMode store,
                  const Real* row) {
  if constexpr (has_bfloat16_products<Real>()) {
    if (c.rows > 0 && c.columns > 0 && (transposed.left ? a.rows : a.columns) > 0) {
      return with_bfloat16_form(
          [&](auto form) { bfloat16_gemm<decltype(form)>(transposed, a, b, c, store, row); });
    }
  }
  gemm<transposed, Real>(a, b, c, store, row);
}

}  // namespace SLM_INSTRUCTION_SET
}  // namespace detail

inline namespace SLM_INSTRUCTION_SET {

/// `gemm` with the result cut into tiles that threads share. The inner dimension is never cut, so each element
/// is one sum in one order.
template <Transposed transposed, Scalar Real>
void parallel_gemm(Matrix<const Real> a, Matrix<const Real> b, Matrix<Real> c, StoreMode store,
                   const Real* row = nullptr, Products products = Products::full) {
  const auto multiply =
      products == Products::bfloat16 ? detail::rounded_gemm<transposed, Real> : gemm<transposed, Real>;
  detail::multiply_in_tiles<Real>(transposed, multiply, a, b, c, store, row);
}

/// The most terms that `sum_part` gives.
inline constexpr Index longest_sum_part = 256;
/// Terms in a part of a sum over `depth` > 0 terms, of which only the last is shorter: products over part after
/// part, each added to those before, have the bits of one product over all. A library need not sum that way.
template <Scalar Real>
Index sum_part(Index depth) {
  if constexpr (gemm_backend<Real>() == GemmBackend::slm) {
    return detail::block_rows<Real>(depth);
  } else {
    return std::min(depth, longest_sum_part);
  }
}
#ifdef SLM_HAS_VECTORS
static_assert(detail::depth_block <= longest_sum_part);
#endif

}  // namespace SLM_INSTRUCTION_SET

/// Of both: C (m, n) = A (m, k) B (k, n), with either transposed.
inline Cost gemm_cost(Index m, Index k, Index n) { return {.multiply_adds = count_product(m, k, n)}; }

}  // namespace slm
