#pragma once
// Matrix products in float and double, on one thread, from three nested pieces:
//   tile   a few rows of C by one or more panels: the sums stay in registers while p runs over the depth;
//   panel  two registers' width of columns of B, packed row after row, so that a tile reads it in order;
//   block  at most `depth_block` rows of B, as many panels as fit in `packed_bytes`.
// An element of C is a sum over p in order, block after block: its bits depend on its row of A, its column
// of B and the depth, not on the sizes of the matrices, where they lie, or which tile it falls into.
// Packing and tiling after Goto and van de Geijn 2008.
#include <algorithm>

#include "slm/core/matrix.hpp"
#include "slm/core/simd.hpp"

namespace slm::detail {
inline namespace SLM_INSTRUCTION_SET {

/// See `gemm`, which asks for no empty sum. The sums of every row start at those of `start`, if given.
template <Transposed transposed, class Real>
void kernel_gemm(Matrix<const Real> a, Matrix<const Real> b, Matrix<Real> c, StoreMode store,
                 const Real* start = nullptr);

// The same in two parts, for products with one B: see core/packed_gemm.hpp.

/// Columns of B that its packed copy has: whole panels.
template <class Real>
Index packed_columns(Index columns);
/// Packs all of B (depth, columns), or of its transpose.
template <Transposed transposed, class Real>
void pack_blocks(Matrix<const Real> b, Real* packed);
/// By columns of the packed B from `first` on, of `all` that it has; `first` begins a panel.
template <class Real>
void multiply_packed(Matrix<const Real> a, const Real* packed, Index first, Index all, Matrix<Real> c,
                     StoreMode store, const Real* start);

/// Rows of B in a block: blocks of about the same depth, in steps of the widest register there is, so that sums
/// have the same parts whatever the instruction set.
template <class Real>
Index block_rows(Index depth);

/// Whether A is packed in place of B: of a few rows of a deep C (+)= A Bᵀ.
constexpr bool packs_rows(Transposed transposed, Index rows, Index columns, Index depth) {
  constexpr Index least = 8, most = 64, deep = 1024;
  const bool is_few = rows >= least && rows <= most && columns >= rows && depth >= deep;
  return is_few && transposed.right && !transposed.left;
}

#ifdef SLM_HAS_VECTORS

template <class Real>
inline constexpr Index panel_width = 2 * simd::lanes<Real>;
inline constexpr int tile_rows = simd::registers * 3 / 8;  // three quarters of the registers hold sums
inline constexpr Index depth_block = 256;                  // a panel: 16 KB with AVX, half of L1
inline constexpr Index packed_bytes = 1 << 16;             // on the stack; stays in L2

/// Rows of A: element (i, p) is data[i * row + p * step].
template <class Real>
struct Left {
  const Real* data;
  Index row, step;
};

/// Panels of B: row p of panel j starts at data[j * panel + p * step].
template <class Real>
struct Right {
  const Real* data;
  Index panel, step;
};

/// What sums begin with: that of element (i, j) with data[i * row + j], or with zero without `data`.
template <class Real>
struct Start {
  const Real* data;
  Index row;

  Start at(Index i, Index j) const { return {data ? data + i * row + j : nullptr, row}; }
};

/// What a tile adds in a step of its loop over the depth: one product to each sum.
struct OneTerm {
  template <class Vector, class Real>
  static Vector added(Vector sum, Real left, Vector right) {
    return sum + left * right;
  }
};

/// C (+)= A B for a tile of `rows` x `panels`.
template <int rows, int panels, class Terms, class Real>
[[gnu::always_inline]] inline void multiply_tile(Left<Real> a, Right<Real> b, Index depth, Real* c, Index c_row,
                                                 StoreMode store, Start<Real> start) {
  constexpr int W = simd::lanes<Real>, all = panels * 2;
#pragma GCC unroll 16
  for (int i = 0; i < rows; ++i) {
#pragma GCC unroll 16
    for (int v = 0; v < all; ++v) __builtin_prefetch(c + i * c_row + v * W, 1);
  }
  simd::Vector<Real> sum[std::size_t(rows)][std::size_t(all)];
#pragma GCC unroll 16
  for (int i = 0; i < rows; ++i) {
#pragma GCC unroll 16
    for (int v = 0; v < all; ++v) {
      sum[i][v] = start.data ? simd::load(start.data + i * start.row + v * W) : simd::Vector<Real>{};
    }
  }
#pragma GCC unroll 2
  for (Index p = 0; p < depth; ++p) {
    simd::Vector<Real> right[std::size_t(all)];
#pragma GCC unroll 16
    for (int v = 0; v < all; ++v) {
      right[v] = simd::load(b.data + p * b.step + v / 2 * b.panel + v % 2 * W);
    }
#pragma GCC unroll 16
    for (int i = 0; i < rows; ++i) {
      const Real left = a.data[p * a.step + i * a.row];
#pragma GCC unroll 16
      for (int v = 0; v < all; ++v) sum[i][v] = Terms::added(sum[i][v], left, right[v]);
    }
  }
#pragma GCC unroll 16
  for (int i = 0; i < rows; ++i) {
#pragma GCC unroll 16
    for (int v = 0; v < all; ++v) {
      Real* to = c + i * c_row + v * W;
      simd::store(to, store == StoreMode::add ? simd::load(to) + sum[i][v] : sum[i][v]);
    }
  }
}

/// The operands of a block: C (+)= A B for all rows of A and all panels of B. The last panel may be narrower
/// than the others.
template <class Real>
struct PackedBlock {
  Left<Real> a;
  Right<Real> b;
  Index depth;
  Matrix<Real> c;
  StoreMode store;
  Start<Real> start;
};

/// `rows` rows of a block, from row `first` on. The block comes by reference and stays as it is from tile to
/// tile: passed by value it would be written field by field and read as whole registers, which waits for
/// memory.
template <int rows, class Terms, class Real>
[[gnu::noinline]] void multiply_all_rows(const PackedBlock<Real>& block, Index first) {
  constexpr Index width = panel_width<Real>;
  const Index depth = block.depth, columns = block.c.columns, stride = block.c.stride;
  const StoreMode store = block.store;
  const Start<Real> start = block.start.at(first, 0);
  Real* c = block.c.row(first);
  Left<Real> a{block.a.data + first * block.a.row, block.a.row, block.a.step};
  Right<Real> b = block.b;
  // Rows of a transposed A are columns, a cache line for each number: copied where many panels need them.
  alignas(64) Real copy[std::size_t(rows * depth_block)];
  if (a.step != 1 && columns > 6 * width) {
    for (Index p = 0; p < depth; ++p) std::memcpy(copy + p * rows, a.data + p * a.step, rows * sizeof(Real));
    a = {copy, 1, rows};
  }
  // The multipliers are busy with 8 sums or more: one or two rows take several panels at once.
  constexpr int panels = rows == 1 ? 4 : rows == 2 ? 2 : 1;
  Index j = 0;
  if constexpr (panels > 1) {
    for (; columns - j >= panels * width; j += panels * width, b.data += panels * b.panel) {
      multiply_tile<rows, panels, Terms>(a, b, depth, c + j, stride, store, start.at(0, j));
    }
  }
  alignas(64) Real edge[std::size_t(rows * width)], edge_start[std::size_t(rows * width)];
  for (; j < columns; j += width, b.data += b.panel) {
    const Index there = std::min(width, columns - j);
    const bool whole = there == width;
    Start<Real> from = start.at(0, j);
    if (start.data && !whole) {
      for (Index i = 0; i < rows; ++i) std::copy_n(from.at(i, 0).data, there, edge_start + i * width);
      from = {edge_start, width};
    }
    // One call for both: every copy of a tile is a tenth of a second of a user's compile time.
    multiply_tile<rows, 1, Terms>(a, b, depth, whole ? c + j : edge, whole ? stride : width,
                                  whole ? store : StoreMode::assign, from);
    for (Index i = 0; i < rows && !whole; ++i) {
      Real* to = c + i * stride + j;
      const Real* sum = edge + i * width;
      for (Index l = 0; l < there; ++l) to[l] = store == StoreMode::add ? to[l] + sum[l] : sum[l];
    }
  }
}

/// The same for a number of rows that is at most `most`.
template <int most, class Terms, class Real>
void multiply_rows(const PackedBlock<Real>& block, Index first, Index rows) {
  if (rows == most) return multiply_all_rows<most, Terms>(block, first);
  if constexpr (most > 1) multiply_rows<most - 1, Terms>(block, first, rows);
}

/// How far ahead packing asks for what it will read: rows of a wide matrix are too far apart for the processor
/// to guess.
inline constexpr Index rows_ahead = 16, bytes_ahead = 768;

/// Packs B (depth, columns) into panels, the last filled up with zeros.
template <class Real>
void pack(Matrix<const Real> b, Real* panels) {
  constexpr Index W = simd::lanes<Real>, width = panel_width<Real>;
  const Index whole = b.columns / width * width, rest = b.columns - whole;
  for (Index p = 0; p < b.rows; ++p) {
    const Real *from = b.row(p), *ahead = b.row(std::min(p + rows_ahead, b.rows - 1));
    for (Index j = 0; j < whole; j += width) {
      __builtin_prefetch(ahead + j);
      Real* to = panels + j * b.rows + p * width;
      simd::store(to, simd::load(from + j));
      simd::store(to + W, simd::load(from + j + W));
    }
    Real* to = panels + whole * b.rows + p * width;
    if (rest == 0) continue;
    simd::store(to, simd::Vector<Real>{});
    simd::store(to + W, simd::Vector<Real>{});
    std::memcpy(to, from + whole, static_cast<std::size_t>(rest) * sizeof(Real));
  }
}

/// The same for B given as its transpose (columns, depth): square after square is transposed in registers.
template <class Real>
void pack_transposed(Matrix<const Real> b, Real* panels) {
  constexpr Index W = simd::lanes<Real>, width = panel_width<Real>, ahead = bytes_ahead / Index(sizeof(Real));
  const Index depth = b.columns;
  for (Index first = 0; first < b.rows; first += width) {
    Real* panel = panels + first * depth;
    for (Index j = 0; j < width; j += W) {
      const Index there = std::clamp<Index>(b.rows - first - j, 0, W);
      const Matrix<const Real> rows = b.block(first + j, 0, there, depth);
      Index p = 0;
      for (; p + W <= depth; p += W) {
        for (Index l = 0; l < there; ++l) __builtin_prefetch(rows.row(l) + std::min(p + ahead, depth - 1));
        simd::Vector<Real> square[std::size_t(W)];
#pragma GCC unroll 16
        for (Index l = 0; l < W; ++l)
          square[l] = l < there ? simd::load(rows.row(l) + p) : simd::Vector<Real>{};
        simd::transpose<Real>(square);
#pragma GCC unroll 16
        for (Index l = 0; l < W; ++l) simd::store(panel + (p + l) * width + j, square[l]);
      }
      for (; p < depth; ++p) {
        for (Index l = 0; l < W; ++l) panel[p * width + j + l] = l < there ? rows.row(l)[p] : Real(0);
      }
    }
  }
}

template <class Real>
Index block_rows(Index depth) {
  const Index blocks = (depth + depth_block - 1) / depth_block, step = 64 / Index(sizeof(Real));
  return ((depth + blocks - 1) / blocks + step - 1) / step * step;
}

/// A block for all rows of C, in tiles of about the same height.
template <class Terms = OneTerm, class Real>
void multiply_tiles(const PackedBlock<Real>& block) {
  const Index rows = block.c.rows, tiles = (rows + tile_rows - 1) / tile_rows;
  for (Index t = 0; t < tiles; ++t) {
    const Index first = rows * t / tiles;
    multiply_rows<tile_rows, Terms>(block, first, rows * (t + 1) / tiles - first);
  }
}

/// Elements of packed panels that `rows` rows go over at a time: a few rows do it so rarely that the panels had
/// better stay in L1.
template <class Real>
Index panel_room(Index rows) {
  constexpr Index capacity = packed_bytes / Index(sizeof(Real));
  return rows <= 2 * tile_rows ? capacity / 4 : capacity;
}

/// C (+)= A B with either transposed, of any size.
template <Transposed transposed, class Real>
void multiply_blocks(Matrix<const Real> a, Matrix<const Real> b, Matrix<Real> c, StoreMode store,
                     Start<Real> start) {
  constexpr Index width = panel_width<Real>, capacity = packed_bytes / Index(sizeof(Real));
  const Index k = transposed.left ? a.rows : a.columns;
  static_assert(depth_block * width <= capacity);
  alignas(64) Real packed[std::size_t(capacity)];
  const Index room = panel_room<Real>(c.rows), even_depth = block_rows<Real>(k);
  const bool in_place = !transposed.right && c.rows <= tile_rows;  // one pass over B: packing it takes longer
  for (Index p0 = 0; p0 < k; p0 += even_depth, store = StoreMode::add) {
    const Index depth = std::min(even_depth, k - p0);
    const Index most_columns = std::max(room / depth / width, Index(1)) * width;
    for (Index j0 = 0, columns = 0; j0 < c.columns; j0 += columns) {
      Right<Real> right{packed, depth * width, width};
      if (in_place && c.columns - j0 >= width) {
        columns = (c.columns - j0) / width * width;
        right = {b.row(p0) + j0, width, b.stride};
      } else {
        columns = std::min(most_columns, c.columns - j0);
        if constexpr (transposed.right) {
          pack_transposed(b.block(j0, p0, columns, depth), packed);
        } else {
          pack(b.block(p0, j0, depth, columns), packed);
        }
      }
      const Left<Real> left =
          transposed.left ? Left<Real>{a.row(p0), 1, a.stride} : Left<Real>{a.data + p0, a.stride, 1};
      const PackedBlock<Real> block{left,  right,
                                    depth, c.block(0, j0, c.rows, columns),
                                    store, p0 == 0 ? start.at(0, j0) : Start<Real>{}};
      multiply_tiles(block);
    }
  }
}

template <class Real>
Index packed_columns(Index columns) {
  return (columns + panel_width<Real> - 1) / panel_width<Real> * panel_width<Real>;
}

// Block after block.
template <Transposed transposed, class Real>
void pack_blocks(Matrix<const Real> b, Real* packed) {
  const Index depth = transposed.right ? b.columns : b.rows, columns = transposed.right ? b.rows : b.columns;
  const Index even_depth = block_rows<Real>(depth);
  for (Index p0 = 0; p0 < depth; p0 += even_depth) {
    const Index rows = std::min(even_depth, depth - p0);
    Real* to = packed + p0 * packed_columns<Real>(columns);
    if constexpr (transposed.right) {
      pack_transposed(b.block(0, p0, columns, rows), to);
    } else {
      pack(b.block(p0, 0, rows, columns), to);
    }
  }
}

// As multiply_blocks goes through them.
template <class Real>
void multiply_packed(Matrix<const Real> a, const Real* packed, Index first, Index all, Matrix<Real> c,
                     StoreMode store, const Real* start) {
  constexpr Index width = panel_width<Real>;
  const Index k = a.columns, even_depth = block_rows<Real>(k), room = panel_room<Real>(c.rows);
  for (Index p0 = 0; p0 < k; p0 += even_depth, store = StoreMode::add) {
    const Index depth = std::min(even_depth, k - p0);
    const Index most_columns = std::max(room / depth / width, Index(1)) * width;
    const Real* panels = packed + p0 * packed_columns<Real>(all) + first * depth;
    for (Index j0 = 0; j0 < c.columns; j0 += most_columns) {
      const Index columns = std::min(most_columns, c.columns - j0);
      const PackedBlock<Real> block{{a.data + p0, a.stride, 1},
                                    {panels + j0 * depth, depth * width, width},
                                    depth,
                                    c.block(0, j0, c.rows, columns),
                                    store,
                                    {start && p0 == 0 ? start + j0 : nullptr, 0}};
      multiply_tiles(block);
    }
  }
}

/// A few rows of a deep C (+)= A Bᵀ as Cᵀ (+)= B Aᵀ: packing A costs less than packing the many rows of B.
template <class Real>
void multiply_few_rows(Matrix<const Real> a, Matrix<const Real> b, Matrix<Real> c, StoreMode store,
                       const Real* start) {
  constexpr Index capacity = 8192;
  Real turned[capacity], starts[capacity];
  const Index part = capacity / c.rows;
  for (Index first = 0; first < c.columns; first += part) {
    const Index columns = std::min(part, c.columns - first);
    const Matrix<Real> to = c.block(0, first, c.rows, columns), sums(turned, columns, c.rows);
    if (store == StoreMode::add) transpose<Real>({to.data, to.rows, to.columns, to.stride}, sums);
    for (Index j = 0; start && j < columns; ++j) std::fill_n(starts + j * c.rows, c.rows, start[first + j]);
    multiply_blocks<Transposed::b, Real>(b.block(first, 0, columns, b.columns), a, sums, store,
                                         {start ? starts : nullptr, c.rows});
    transpose<Real>({turned, columns, c.rows}, to);
  }
}

template <Transposed transposed, class Real>
void kernel_gemm(Matrix<const Real> a, Matrix<const Real> b, Matrix<Real> c, StoreMode store,
                 const Real* start) {
  if constexpr (transposed.right && !transposed.left) {
    if (packs_rows(transposed, c.rows, c.columns, a.columns)) return multiply_few_rows(a, b, c, store, start);
  }
  multiply_blocks<transposed, Real>(a, b, c, store, {start, 0});
}

#endif

}  // namespace SLM_INSTRUCTION_SET
}  // namespace slm::detail
