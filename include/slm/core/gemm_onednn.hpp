#pragma once
// Matrix products by oneDNN, in float and on one thread. With SLM_GEMM_ONEDNN defined, core/gemm.hpp calls it
// for all products in float (oneDNN has none in double); the program must link dnnl.
#include <oneapi/dnnl/dnnl.h>

#include <type_traits>

#include "slm/core/library_threads.hpp"
#include "slm/core/matrix.hpp"

#ifndef _OPENMP
#error "slm/core/gemm_onednn.hpp needs OpenMP, to keep oneDNN to one thread: compile with -fopenmp"
#endif

namespace slm::detail {

/// See `gemm`, which asks for nothing empty. Real is float. Throws an `Error` where oneDNN refuses.
template <Transposed transposed, class Real>
void onednn_gemm(Matrix<const Real> a, Matrix<const Real> b, Matrix<Real> c, StoreMode store) {
  static_assert(std::is_same_v<Real, float>);
  const Index k = transposed.left ? a.rows : a.columns;
  const SingleThreadedLibrary scope;
  const dnnl_status_t status =
      dnnl_sgemm(transposed.left ? 'T' : 'N', transposed.right ? 'T' : 'N', c.rows, c.columns, k, 1.0F, a.data,
                 a.stride, b.data, b.stride, store == StoreMode::add ? 1.0F : 0.0F, c.data, c.stride);
  if (status != dnnl_success) {
    throw_error<Error>({"gemm: oneDNN answers ", static_cast<Index>(status), " to a product of ", c.rows, " x ",
                        k, " and ", k, " x ", c.columns});
  }
}

}  // namespace slm::detail
