#pragma once
// Matrix products by Eigen, on one thread: for number types that core/gemm_kernel.hpp does not know, for all
// with SLM_GEMM_EIGEN defined, and to compare it with.
#include <Eigen/Core>
#include <type_traits>

#include "slm/core/library_threads.hpp"
#include "slm/core/matrix.hpp"

namespace slm::detail {

template <bool transposed = false, class Real>
auto eigen_map(const Matrix<Real>& m) {
  using Plain = Eigen::Matrix<std::remove_const_t<Real>, Eigen::Dynamic, Eigen::Dynamic,
                              transposed ? Eigen::ColMajor : Eigen::RowMajor>;
  using Target = std::conditional_t<std::is_const_v<Real>, const Plain, Plain>;
  return Eigen::Map<Target, 0, Eigen::OuterStride<>>(
      m.data, transposed ? m.columns : m.rows, transposed ? m.rows : m.columns, Eigen::OuterStride<>(m.stride));
}

template <class Real>
struct EigenProducts {};

/// See `gemm`.
template <Transposed transposed, class Real>
void eigen_gemm(Matrix<const Real> a, Matrix<const Real> b, Matrix<Real> c, StoreMode store) {
  const SingleThreadedLibrary scope;
  const auto left = eigen_map<transposed.left>(a);
  const auto right = eigen_map<transposed.right>(b);
  auto result = eigen_map(c);
  if (store == StoreMode::assign) {
    result.noalias() = left * right;
  } else {
    result.noalias() += left * right;
  }
}

}  // namespace slm::detail
