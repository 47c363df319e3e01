#pragma once
// Products whose right operand is always the same: it is packed once. A recurrent layer multiplies by the same
// weights at every position.
#include "slm/core/gemm.hpp"

namespace slm {
inline namespace SLM_INSTRUCTION_SET {

template <Scalar Real>
struct PackedMatrix;

/// Another way to pack B than as it is in panels: rounded, or as core/weight_strips.hpp has it.
template <Scalar Real>
struct Packing {
  Index together;                                                 // columns that lie together
  Index (*bytes)(Index rows, Index columns);                      // of the packed B
  void (*pack)(Matrix<const Real> b, bool transposed, void* to);  // B, or what B is the transpose of
  void (*multiply)(Matrix<const Real> a, const PackedMatrix<Real>& b, Matrix<Real> c, StoreMode store,
                   const Real* row);  // `packed_gemm`
  /// For products of so few rows that reading B takes longest: such a packing packs transposes alone, and its
  /// products assign.
  bool is_for_reading;
};

/// B (rows, columns) in the order in which products read it, or some of its columns.
template <Scalar Real>
struct PackedMatrix {
  const Real* data;
  Index rows, columns;
  Index first = 0, all = columns;          // its columns, among those that were packed
  const Packing<Real>* packing = nullptr;  // null: panels

  /// Columns that lie together: parts begin at a multiple of them.
  Index together() const {
    if (packing) return packing->together;
    if constexpr (gemm_backend<Real>() == GemmBackend::slm) return detail::panel_width<Real>;
    return 1;
  }
  PackedMatrix part(Index first_column, Index count) const {
    return {data, rows, count, first + first_column, all, packing};
  }
};

/// Elements of memory that the packed B takes.
template <Scalar Real>
Index packed_size(Index rows, Index columns, const Packing<Real>* packing = nullptr) {
  constexpr auto element = static_cast<Index>(sizeof(Real));
  if (packing) return (packing->bytes(rows, columns) + element - 1) / element;
  if constexpr (gemm_backend<Real>() == GemmBackend::slm) columns = detail::packed_columns<Real>(columns);
  return rows * columns;
}

/// Packs B, or with Transposed::b what B is the transpose of, into `memory` of as many elements.
template <Transposed transposed, Scalar Real>
PackedMatrix<Real> pack_matrix(Matrix<const Real> b, Real* memory, const Packing<Real>* packing = nullptr) {
  static_assert(!transposed.left);
  const Index rows = transposed.right ? b.columns : b.rows, columns = transposed.right ? b.rows : b.columns;
  const PackedMatrix<Real> packed{memory, rows, columns, 0, columns, packing};
  if (packing) {
    packing->pack(b, transposed.right, memory);
  } else if constexpr (gemm_backend<Real>() == GemmBackend::slm) {
    if (b.rows > 0 && b.columns > 0) detail::pack_blocks<transposed, Real>(b, memory);
  } else if constexpr (transposed.right) {
    transpose<Real>(b, {memory, b.columns, b.rows});
  } else {
    for (Index i = 0; i < b.rows; ++i) std::copy_n(b.row(i), b.columns, memory + i * b.columns);
  }
  return packed;
}

/// C (m, n) = A (m, k) B (k, n) on the calling thread, with the bits that `gemm` gives. Where there is a `row`
/// (n), it is added to every row.
template <Scalar Real>
void packed_gemm(Matrix<const Real> a, PackedMatrix<Real> b, Matrix<Real> c, StoreMode store,
                 const Real* row = nullptr) {
  if (b.packing && b.rows > 0) return b.packing->multiply(a, b, c, store, row);
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
  const Index together = b.together(), pieces = (c.columns + together - 1) / together;
  // To read a weight for a few rows takes as long as to multiply some by it.
  constexpr Index rows_while_reading = 6;
  const bool reads = b.packing && b.packing->is_for_reading;
  const Index work = c.rows + (reads ? rows_while_reading : 0);
  if (inside_parallel_loop() || work * c.columns * b.rows <= least_work) {
    return packed_gemm(a, b, c, store, row);
  }
  const Index across = std::min(pieces, 2 * wanted_tiles);
  const Index down = std::clamp<Index>(wanted_tiles / across, 1, (c.rows + least_rows - 1) / least_rows);
  const auto multiply = [&](Index tile) {
    const Index column = pieces * (tile % across) / across * together, top = c.rows * (tile / across) / down;
    const Index width = std::min(pieces * (tile % across + 1) / across * together, c.columns) - column;
    const Index height = c.rows * (tile / across + 1) / down - top;
    packed_gemm(a.block(top, 0, height, a.columns), b.part(column, width), c.block(top, column, height, width),
                store, row ? row + column : nullptr);
  };
  parallel_for(across * down, multiply, reads ? Tasks::to_the_same : Tasks::to_any);
}

}  // namespace SLM_INSTRUCTION_SET

namespace detail {
inline namespace SLM_INSTRUCTION_SET {

/// B in panels of numbers rounded to bfloat16.
template <Scalar Real>
struct Bfloat16Packing {
  static Index bytes(Index rows, Index columns) {
    return packed_size<Real>(rows, columns) * Index(sizeof(Real));
  }
  static void pack(Matrix<const Real> b, bool transposed, void* to) {
    if (b.rows == 0 || b.columns == 0) return;
    with_bfloat16_form(
        [&](auto form) { pack_rounded_blocks<decltype(form)>(b, transposed, static_cast<Real*>(to)); });
  }
  static void multiply(Matrix<const Real> a, const PackedMatrix<Real>& b, Matrix<Real> c, StoreMode store,
                       const Real* row) {
    if (c.rows == 0 || c.columns == 0) return;
    with_bfloat16_form(
        [&](auto form) { multiply_rounded_packed<decltype(form)>(a, b.data, b.first, b.all, c, store, row); });
  }
  static constexpr Packing<Real> packing{panel_width<Real>, bytes, pack, multiply, false};
};

}  // namespace SLM_INSTRUCTION_SET
}  // namespace detail

inline namespace SLM_INSTRUCTION_SET {

/// How B is packed for such products; null: as it is.
template <Scalar Real>
const Packing<Real>* packing_for(Products products) {
  if constexpr (has_bfloat16_products<Real>()) {
    if (products == Products::bfloat16) return &detail::Bfloat16Packing<Real>::packing;
  }
  return nullptr;
}

}  // namespace SLM_INSTRUCTION_SET
}  // namespace slm
