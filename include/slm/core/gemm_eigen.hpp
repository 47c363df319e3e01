#pragma once
// Matrix products by Eigen, on one thread: for number types that core/gemm_kernel.hpp does not know, for all
// with SLM_GEMM_EIGEN defined, and to compare it with.
#include <Eigen/Core>
#include <type_traits>

#include "slm/core/library_threads.hpp"
#include "slm/core/matrix.hpp"

namespace slm::detail {

template <class Real>
using RowMajor = Eigen::Matrix<Real, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

template <class Real>
auto eigen_map(const Matrix<Real>& m) {
  using Plain = RowMajor<std::remove_const_t<Real>>;
  using Target = std::conditional_t<std::is_const_v<Real>, const Plain, Plain>;
  return Eigen::Map<Target, 0, Eigen::OuterStride<>>(m.data, m.rows, m.columns, Eigen::OuterStride<>(m.stride));
}

/// See `gemm`.
template <Transposed transposed, class Real>
void eigen_gemm(Matrix<const Real> a, Matrix<const Real> b, Matrix<Real> c, StoreMode store) {
  if (c.rows == 0 || c.columns == 0) return;
  [[maybe_unused]] const SingleThreadedLibrary scope;
  const auto left = eigen_map(a);
  const auto right = eigen_map(b);
  auto result = eigen_map(c);
  const auto put = [&](const auto& expression) {
    if (store == StoreMode::assign) {
      result.noalias() = expression;
    } else {
      result.noalias() += expression;
    }
  };
  if constexpr (transposed == Transposed::none) put(left * right);
  if constexpr (transposed == Transposed::a) put(left.transpose() * right);
  if constexpr (transposed == Transposed::b) put(left * right.transpose());
}

}  // namespace slm::detail
