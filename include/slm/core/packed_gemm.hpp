#pragma once
// Products whose right operand is always the same: it is packed once. A recurrent layer multiplies by the same
// weights at every position.
#include "slm/core/gemm.hpp"

namespace slm {
inline namespace SLM_INSTRUCTION_SET {

/// B (rows, columns) in the order in which products read it, or some of its columns.
template <Scalar Real>
struct PackedMatrix {
  const Real* data;
  Index rows, columns;
  Index first = 0, all = columns;  // its columns, among those that were packed

  /// Columns that lie together: parts begin at a multiple of them.
  static constexpr Index panel() {
    if constexpr (gemm_backend<Real>() == GemmBackend::slm) return detail::panel_width<Real>;
    return 1;
  }
  PackedMatrix part(Index first_column, Index count) const {
    return {data, rows, count, first + first_column, all};
  }
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
      return detail::multiply_packed<Real>(a, b.data, b.first, b.all, c, store, row);
    }
  }
  gemm<Transposed::none, Real>(a, {b.data + b.first, b.rows, b.columns, b.all}, c, store, row);
}

/// The same with the result cut into tiles that threads share.
template <Scalar Real>
void parallel_packed_gemm(Matrix<const Real> a, PackedMatrix<Real> b, Matrix<Real> c, StoreMode store,
                          const Real* row = nullptr) {
  using detail::wanted_tiles, detail::least_rows, detail::least_work;
  constexpr Index panel = PackedMatrix<Real>::panel();
  const Index panels = (c.columns + panel - 1) / panel;
  if (inside_parallel_loop() || c.rows * c.columns * b.rows <= least_work) {
    return packed_gemm(a, b, c, store, row);
  }
  const Index across = std::min(panels, 2 * wanted_tiles);
  const Index down = std::clamp<Index>(wanted_tiles / across, 1, (c.rows + least_rows - 1) / least_rows);
  parallel_for(across * down, [&](Index tile) {
    const Index column = panels * (tile % across) / across * panel, top = c.rows * (tile / across) / down;
    const Index width = std::min(panels * (tile % across + 1) / across * panel, c.columns) - column;
    const Index height = c.rows * (tile / across + 1) / down - top;
    packed_gemm(a.block(top, 0, height, a.columns), b.part(column, width), c.block(top, column, height, width),
                store, row ? row + column : nullptr);
  });
}

}  // namespace SLM_INSTRUCTION_SET
}  // namespace slm
