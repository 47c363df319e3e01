#pragma once
// Products of floats whose operands are rounded to bfloat16 while they are packed: see `Products`.
//
// Blocks, panels and tiles are those of core/gemm_kernel.hpp, but rows of A are copied, too. What the copies
// hold is one of two forms:
//   floats  the rounded numbers, for the tiles of every product
//   pairs   of terms p and p + 1 in one word, for AVX512-BF16's vdpbf16ps, where that does twice as much at
//   once
// Products of two such numbers are floats without rounding, the instruction adds the one in the upper half of a
// word first, and so a sum has the terms' order and the same bits in both forms. But the instruction takes
// numbers below the normal ones for zero, always; floats do so under `FlushDenormals`.
#include <bit>
#include <cstdint>

#include "slm/core/function_ref.hpp"
#include "slm/core/gemm_kernel.hpp"

#ifdef SLM_HAS_VECTORS
namespace slm::detail {
inline namespace SLM_INSTRUCTION_SET {

using Words __attribute__((vector_size(simd::register_bytes))) = std::uint32_t;

/// The bits of the bfloat16 next to a float, of two equally near ones the even, and 16 zeros: of one float or a
/// register of them. Beyond the largest comes infinity, and not a number stays so; what is below the normal
/// numbers becomes zero.
template <class Bits>
Bits round_to_bfloat16(Bits bits) {
  const Bits magnitude = bits & 0x7fff'ffffu;
  const Bits next = (bits + 0x7fffu + (bits >> 16 & 1u)) & 0xffff'0000u;
  const Bits number = magnitude > 0x7f80'0000u ? (bits | 0x40'0000u) & 0xffff'0000u : next;
  return magnitude < 0x80'0000u ? bits & 0x8000'0000u : number;
}
inline Words rounded_words(const float* from) {
  return round_to_bfloat16(std::bit_cast<Words>(simd::load(from)));
}
inline void store_words(float* to, Words words) { simd::store(to, std::bit_cast<simd::Vector<float>>(words)); }

/// Rounded numbers as floats.
struct FloatForm {
  using Terms = OneTerm;

  /// Terms of a sum over so many products.
  static Index terms(Index depth) { return depth; }
  /// Rows of A or of panels of B, one after the other, where they are; all of whole registers.
  static void round(float* numbers, Index count) {
    for (Index i = 0; i < count; i += simd::lanes<float>) store_words(numbers + i, rounded_words(numbers + i));
  }
  static void round_row(float* row, Index depth) { round(row, depth); }
  static void round_panel(float* panel, Index depth) { round(panel, depth * panel_width<float>); }
};

#ifdef __AVX512BF16__
/// The products of the pairs in each word.
struct TwoTerms {
  static simd::Vector<float> added(simd::Vector<float> sum, float left, simd::Vector<float> right) {
    const Words everywhere = Words{} + std::bit_cast<std::uint32_t>(left);
    asm("vdpbf16ps %2, %1, %0" : "+v"(sum) : "v"(right), "v"(everywhere));
    return sum;
  }
};

/// Two rounded numbers in a word, the first in the upper half. Of an odd number of terms the last has beside it
/// a product of 0 and −0, which changes no sum.
struct PairForm {
  using Terms = TwoTerms;

  static Index terms(Index depth) { return (depth + 1) / 2; }
  static void round_row(float* row, Index depth) {
    using Pairs __attribute__((vector_size(simd::register_bytes))) = std::uint64_t;
    using Halves __attribute__((vector_size(simd::register_bytes / 2))) = std::uint32_t;
    for (Index p = 0; p < depth; p += simd::lanes<float>) {
      const auto pairs = std::bit_cast<Pairs>(rounded_words(row + p));
      const Pairs words = (pairs & 0xffff'0000u) | pairs >> 48;
      const auto halves = __builtin_convertvector(words, Halves);
      std::memcpy(row + p / 2, &halves, sizeof halves);
    }
  }
  static void round_panel(float* panel, Index depth) {
    constexpr Index width = panel_width<float>;
    for (Index p = 0; p < depth; p += 2) {
      for (Index j = 0; j < width; j += simd::lanes<float>) {
        const float* from = panel + p * width + j;
        const Words second = p + 1 < depth ? rounded_words(from + width) : Words{} + 0x8000'0000u;
        store_words(panel + p / 2 * width + j, rounded_words(from) | second >> 16);
      }
    }
  }
};

/// Whether the processor adds as described above, seen once by sums that tell: else floats are multiplied.
inline bool instruction_adds_in_order() {
  static const bool in_order = [] {
    std::uint32_t state = 1;
    const auto next = [&] {  // some numbers of all magnitudes from 2⁻¹⁶ to 2¹⁶
      state = state * 1664525u + 1013904223u;
      const std::uint32_t sign = state & 0x8000'0000u, fraction = state >> 8 & 0x7fu << 16;
      return sign | (111 + (state >> 12) % 32) << 23 | fraction;
    };
    for (int trial = 0; trial < 1000; ++trial) {
      const std::uint32_t c = next(), a[] = {next(), next()}, b[] = {next(), next()};
      const auto number = [](std::uint32_t bits) { return std::bit_cast<float>(bits); };
      simd::Vector<float> sum = simd::Vector<float>{} + number(c);
      sum = TwoTerms::added(sum, number(a[0] | a[1] >> 16),
                            std::bit_cast<simd::Vector<float>>(Words{} + (b[0] | b[1] >> 16)));
      const float expected = number(c) + number(a[0]) * number(b[0]) + number(a[1]) * number(b[1]);
      for (int l = 0; l < simd::lanes<float>; ++l) {
        if (sum[l] != expected) return false;
      }
    }
    return true;
  }();
  return in_order;
}

/// Whether the instruction comes as often as a multiply-add of floats. Intel's processors make half as many,
/// which gains nothing for what the pairing costs (docs/performance.md).
inline bool instruction_is_faster() { return __builtin_cpu_is("amd"); }
#endif

/// Panels of a block of B, (depth, columns) from row p and column j on: in the form that is wanted.
using RoundedPanels = FunctionRef<const float*(Index p, Index depth, Index j, Index columns)>;

/// C (+)= A B, where `a` is A or, if it is transposed, Aᵀ.
template <class Form>
void multiply_rounded(Matrix<const float> a, bool transposed, RoundedPanels panels, Matrix<float> c,
                      StoreMode store, const float* start) {
  constexpr Index width = panel_width<float>, most_rows = 128;
  alignas(64) float rounded[std::size_t(most_rows * depth_block)];
  const Index k = transposed ? a.rows : a.columns, even_depth = block_rows<float>(k);
  for (Index p0 = 0; p0 < k; p0 += even_depth, store = StoreMode::add) {
    const Index depth = std::min(even_depth, k - p0);
    const Index most_columns = std::max(panel_room<float>(c.rows) / depth / width, Index(1)) * width;
    for (Index i0 = 0; i0 < c.rows; i0 += most_rows) {
      const Index rows = std::min(most_rows, c.rows - i0);
      for (Index i = 0; i < rows; ++i) std::fill_n(rounded + i * even_depth + depth, even_depth - depth, 0.0F);
      const Matrix<float> copy(rounded, rows, depth, even_depth);
      if (transposed) {
        transpose<float>(a.block(p0, i0, depth, rows), copy);
      } else {
        for (Index i = 0; i < rows; ++i) std::copy_n(a.row(i0 + i) + p0, depth, copy.row(i));
      }
      for (Index i = 0; i < rows; ++i) Form::round_row(copy.row(i), depth);
      for (Index j = 0; j < c.columns; j += most_columns) {
        const Index columns = std::min(most_columns, c.columns - j);
        const float* right = panels(p0, depth, j, columns);
        multiply_tiles<typename Form::Terms>(PackedBlock<float>{{rounded, even_depth, 1},
                                                                {right, depth * width, width},
                                                                Form::terms(depth),
                                                                c.block(i0, j, rows, columns),
                                                                store,
                                                                {start && p0 == 0 ? start + j : nullptr, 0}});
      }
    }
  }
}

/// Packs a block of B, which is given as it is or as its transpose, into panels of rounded numbers.
template <class Form>
void pack_rounded(Matrix<const float> block, bool transposed, float* panels) {
  const Index depth = transposed ? block.columns : block.rows;
  const Index columns = transposed ? block.rows : block.columns;
  if (transposed) {
    pack_transposed(block, panels);
  } else {
    pack(block, panels);
  }
  for (Index j = 0; j < columns; j += panel_width<float>) Form::round_panel(panels + j * depth, depth);
}

/// See `gemm`: of any size, on the calling thread.
template <class Form>
void bfloat16_gemm(Transposed transposed, Matrix<const float> a, Matrix<const float> b, Matrix<float> c,
                   StoreMode store, const float* start) {
  alignas(64) float packed[std::size_t(packed_bytes / Index(sizeof(float)))];
  const auto panels = [&](Index p, Index depth, Index j, Index columns) {
    pack_rounded<Form>(transposed.right ? b.block(j, p, columns, depth) : b.block(p, j, depth, columns),
                       transposed.right, packed);
    return static_cast<const float*>(packed);
  };
  multiply_rounded<Form>(a, transposed.left, panels, c, store, start);
}

// The same in two parts: see core/packed_gemm.hpp.

template <class Form>
void pack_rounded_blocks(Matrix<const float> b, bool transposed, float* packed) {
  const Index depth = transposed ? b.columns : b.rows, columns = transposed ? b.rows : b.columns;
  const Index even_depth = block_rows<float>(depth);
  for (Index p = 0; p < depth; p += even_depth) {
    const Index rows = std::min(even_depth, depth - p);
    pack_rounded<Form>(transposed ? b.block(0, p, columns, rows) : b.block(p, 0, rows, columns), transposed,
                       packed + p * packed_columns<float>(columns));
  }
}

template <class Form>
void multiply_rounded_packed(Matrix<const float> a, const float* packed, Index first, Index all,
                             Matrix<float> c, StoreMode store, const float* start) {
  const auto panels = [&](Index p, Index depth, Index j, Index) {
    return packed + p * packed_columns<float>(all) + (first + j) * depth;
  };
  multiply_rounded<Form>(a, false, panels, c, store, start);
}

/// Calls f with the form that is multiplied fastest.
template <class F>
auto with_bfloat16_form(const F& f) {
#ifdef __AVX512BF16__
  if (instruction_is_faster() && instruction_adds_in_order()) return f(PairForm());
#endif
  return f(FloatForm());
}

}  // namespace SLM_INSTRUCTION_SET
}  // namespace slm::detail
#endif
