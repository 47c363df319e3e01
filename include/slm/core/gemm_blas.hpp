#pragma once
// Matrix products by OpenBLAS, on one thread. With SLM_GEMM_BLAS defined, core/gemm.hpp calls it for all
// products in float and double; the program must link openblas.
#include <cblas.h>

#include <limits>
#include <type_traits>

#include "slm/core/library_threads.hpp"
#include "slm/core/matrix.hpp"

#ifndef OPENBLAS_VERSION
#error "slm/core/gemm_blas.hpp needs the cblas.h of OpenBLAS (Debian: libopenblas-dev)"
#endif

namespace slm::detail {

/// Sizes are 32-bit in most builds of OpenBLAS. Throws a `ShapeError` on one that does not fit.
inline blasint blas_size(Index size) {
  constexpr Index most = std::numeric_limits<blasint>::max();
  if (size > most) throw_error<ShapeError>({"gemm: OpenBLAS knows sizes up to ", most, ", got ", size});
  return static_cast<blasint>(size);
}

/// From the first product on, OpenBLAS keeps to the thread it is called on. It remembers that for the whole
/// program: a program that wants OpenBLAS's threads elsewhere must ask for them again.
inline void keep_blas_on_one_thread() {
  [[maybe_unused]] static const bool done = [] {
    openblas_set_num_threads(1);
    return true;
  }();
}

/// See `gemm`, which asks for nothing empty. Real is float or double.
template <Transposed transposed, class Real>
void blas_gemm(Matrix<const Real> a, Matrix<const Real> b, Matrix<Real> c, StoreMode store) {
  static_assert(std::is_same_v<Real, float> || std::is_same_v<Real, double>);
  const Index k = transposed.left ? a.rows : a.columns;
  const SingleThreadedLibrary scope;
  keep_blas_on_one_thread();
  const auto run = [&](auto gemm) {
    gemm(CblasRowMajor, transposed.left ? CblasTrans : CblasNoTrans,
         transposed.right ? CblasTrans : CblasNoTrans, blas_size(c.rows), blas_size(c.columns), blas_size(k),
         Real(1), a.data, blas_size(a.stride), b.data, blas_size(b.stride),
         Real(store == StoreMode::add ? 1 : 0), c.data, blas_size(c.stride));
  };
  if constexpr (std::is_same_v<Real, float>) run(cblas_sgemm);
  if constexpr (std::is_same_v<Real, double>) run(cblas_dgemm);
}

}  // namespace slm::detail
