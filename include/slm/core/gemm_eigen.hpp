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

/// See `multiply`.
template <Product product, class Real>
void eigen_multiply(Matrix<const Real> a, Matrix<const Real> b, Matrix<Real> c, Store store) {
  if (c.rows == 0 || c.columns == 0) return;
  [[maybe_unused]] const SingleThreadedLibrary scope;
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

}  // namespace slm::detail
