#pragma once
// Products whose right operand is always the same: it is packed once. A recurrent layer multiplies by the same
// weights at every position.
#include "slm/core/gemm.hpp"

namespace slm {
inline namespace SLM_INSTRUCTION_SET {

/// B (rows, columns) in the order in which products read it.
template <Scalar Real>
struct PackedMatrix {
  const Real* data;
  Index rows, columns;
};

/// Elements of memory that the packed B takes.
template <Scalar Real>
Index packed_size(Index rows, Index columns) {
  if constexpr (gemm_backend<Real>() == GemmBackend::slm) columns = detail::packed_columns<Real>(columns);
  return rows * columns;
}

/// Packs B, or with Transposed::b what B is the transpose of, into `memory` of as many elements.
template <Transposed transposed, Scalar Real>
PackedMatrix<Real> pack_matrix(Matrix<const Real> b, Real* memory) {
  static_assert(!transposed.left);
  if constexpr (gemm_backend<Real>() == GemmBackend::slm) {
    if (b.rows > 0 && b.columns > 0) detail::pack_blocks<transposed, Real>(b, memory);
  } else if constexpr (transposed.right) {
    transpose<Real>(b, {memory, b.columns, b.rows});
  } else {
    for (Index i = 0; i < b.rows; ++i) std::copy_n(b.row(i), b.columns, memory + i * b.columns);
  }
  return transposed.right ? PackedMatrix<Real>{memory, b.columns, b.rows}
                          : PackedMatrix<Real>{memory, b.rows, b.columns};
}

/// C (m, n) = A (m, k) B (k, n) on the calling thread, with the bits that `gemm` gives. Where there is a `row`
/// (n), it is added to every row.
template <Scalar Real>
void packed_gemm(Matrix<const Real> a, PackedMatrix<Real> b, Matrix<Real> c, StoreMode store,
                 const Real* row = nullptr) {
  if constexpr (gemm_backend<Real>() == GemmBackend::slm) {
    if (c.rows > 0 && c.columns > 0 && b.rows > 0) {
      return detail::multiply_packed<Real>(a, b.data, c, store, row);
    }
  }
  gemm<Transposed::none, Real>(a, {b.data, b.rows, b.columns}, c, store, row);
}

}  // namespace SLM_INSTRUCTION_SET
}  // namespace slm
