#pragma once
// Between tensors and Eigen. Not part of slm.hpp, which needs no Eigen to be read.
#include <Eigen/Core>

#include "slm/core/tensor.hpp"

namespace slm {

/// Eigen's matrix in the order of a tensor's elements.
template <class T>
using EigenRowMajor = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

/// A tensor's own memory as a matrix: rows are all axes but the last. It is valid as long as that memory.
///   eigen_map(y) = eigen_map(x) * eigen_map(W).transpose();
template <class T, std::size_t Rank>
requires(Rank >= 1) Eigen::Map<EigenRowMajor<T>> eigen_map(Tensor<T, Rank>& x) {
  return {x.data(), row_count(x.shape()), last_extent(x.shape())};
}
template <class T, std::size_t Rank>
requires(Rank >= 1) Eigen::Map<const EigenRowMajor<T>> eigen_map(const Tensor<T, Rank>& x) {
  return {x.data(), row_count(x.shape()), last_extent(x.shape())};
}
template <class T, std::size_t Rank>
void eigen_map(Tensor<T, Rank>&&) = delete;  // gone after this line

/// The numbers of a matrix, of a map or of what else Eigen computes.
template <class Expression>
Tensor<typename Expression::Scalar, 2> tensor_from(const Eigen::DenseBase<Expression>& matrix) {
  Tensor<typename Expression::Scalar, 2> made({matrix.rows(), matrix.cols()});
  eigen_map(made) = matrix;
  return made;
}

}  // namespace slm
