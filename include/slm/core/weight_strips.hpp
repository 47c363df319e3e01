#pragma once
// Matrices of weights as a product of one row reads them: once, from the first byte to the last, in any
// `WeightFormat`. Memory is what such a product waits for.
//
// B (depth, columns) is cut into strips of as many columns as eight registers hold. A strip is one row after
// the other, whose numbers the product turns into the registers' on the way. A product of several rows unpacks
// the strips into the panels of core/gemm_kernel.hpp first. Sums are in the order of every product, so that of
// `full` and `bfloat16` they have the bits of a product with the weights that the format stands for; those of
// `int8` are multiplied by the scales at the end.
#include <bit>
#include <cstddef>

#include "slm/core/packed_gemm.hpp"
#include "slm/core/weight_format.hpp"

namespace slm {
namespace detail {
inline namespace SLM_INSTRUCTION_SET {

#ifdef SLM_HAS_VECTORS

inline constexpr int strip_panels = 4;
template <class Real>
inline constexpr Index strip_columns = strip_panels* panel_width<Real>;

/// Two registers: what a panel has in a row.
template <class Real>
struct Pair {
  simd::Vector<Real> first, second;
};

/// From any address.
template <class Register>
Register load_bytes(const std::byte* from) {
  Register v;
  std::memcpy(&v, from, sizeof v);
  return v;
}

// Of a format: the bytes of a row of a strip, those of the scales that stand before the first row, how far
// ahead memory is asked for, and how a row is written and what a panel has of it is read, in units of the
// scales.

/// The numbers as they are.
template <class Real>
struct FullStrip {
  static constexpr Index row_bytes = strip_columns<Real> * Index(sizeof(Real)), scale_bytes = 0,
                         bytes_ahead = 0;

  static void write(const Real* from, std::byte* row, const std::byte*) { std::memcpy(row, from, row_bytes); }
  static Pair<Real> read(const std::byte* row, int panel) {
    constexpr Index bytes = simd::register_bytes;
    using Register = simd::Vector<Real>;
    return {load_bytes<Register>(row + 2 * panel * bytes), load_bytes<Register>(row + (2 * panel + 1) * bytes)};
  }
};

/// A word holds the bfloat16 of a column of the panel's first register in its lower half, and of the second
/// register in its upper.
struct Bfloat16Strip {
  using Words __attribute__((vector_size(simd::register_bytes))) = std::uint32_t;
  static constexpr int lanes = simd::lanes<float>;
  static constexpr Index row_bytes = strip_columns<float> * 2, scale_bytes = 0, bytes_ahead = 4096;

  static void write(const float* from, std::byte* row, const std::byte*) {
    for (int panel = 0; panel < strip_panels; ++panel) {
      const float* columns = from + panel * 2 * lanes;
      std::uint16_t halves[2 * lanes];
      for (int l = 0; l < lanes; ++l) {
        halves[2 * l] = bf16_from_float(columns[l]), halves[2 * l + 1] = bf16_from_float(columns[lanes + l]);
      }
      std::memcpy(row + panel * Index(sizeof halves), halves, sizeof halves);
    }
  }
  static Pair<float> read(const std::byte* row, int panel) {
    const auto words = load_bytes<Words>(row + panel * simd::register_bytes);
    const Words first = words << 16, second = words & 0xffff'0000u;
    return {std::bit_cast<simd::Vector<float>>(first), std::bit_cast<simd::Vector<float>>(second)};
  }
};

/// A word holds the number of a column of each of the four registers of two panels.
struct Int8Strip {
  using Words __attribute__((vector_size(simd::register_bytes))) = std::int32_t;
  static constexpr int lanes = simd::lanes<float>, bits = 8;
  static constexpr Index row_bytes = strip_columns<float>, scale_bytes = strip_columns<float> * 4,
                         bytes_ahead = 4096;

  static void write(const float* from, std::byte* row, const std::byte* scales) {
    for (Index j = 0; j < strip_columns<float>; ++j) {
      float scale;
      std::memcpy(&scale, scales + j * 4, sizeof scale);
      const Index word = j / (4 * lanes) * lanes + j % lanes, of_word = j / lanes % 4;
      row[word * 4 + of_word] = static_cast<std::byte>(int8_from(from[j], scale));
    }
  }
  static Pair<float> read(const std::byte* row, int panel) {
    const auto words = load_bytes<Words>(row + panel / 2 * simd::register_bytes);
    const auto numbers =
        [&](int n) {  // a shift to the left drops the others, one to the right spreads the sign
          const Words shifted = words << (3 - n % 4) * bits >> 3 * bits;
          return __builtin_convertvector(shifted, simd::Vector<float>);
        };
    return {numbers(2 * panel), numbers(2 * panel + 1)};
  }
};

/// c = c times scale + row, of consecutive columns.
template <class Real>
void scale_sums(Real* c, const std::byte* scales, Index columns, const Real* row) {
  for (Index j = 0; j < columns; ++j) {
    Real scale;
    std::memcpy(&scale, scales + j * Index(sizeof scale), sizeof scale);
    c[j] = row ? c[j] * scale + row[j] : c[j] * scale;
  }
}

template <class Strip>
Index strip_bytes(Index depth) {
  return Strip::scale_bytes + depth * Strip::row_bytes;
}

/// The processor itself guesses what comes next as fast as floats are used up, but not faster.
template <class Strip>
void ask_for_rows_ahead(const std::byte* row) {
  for (Index line = 0; Strip::bytes_ahead > 0 && line < Strip::row_bytes; line += 64) {
    __builtin_prefetch(row + Strip::bytes_ahead + line);
  }
}

/// c (columns of a strip) = a (depth) B + row, where there is one.
template <class Strip, class Real>
[[gnu::noinline]] void multiply_strip(const Real* a, const std::byte* strip, Index depth, Real* c,
                                      const Real* row) {
  constexpr int all = 2 * strip_panels, W = simd::lanes<Real>;
  constexpr bool is_scaled = Strip::scale_bytes > 0;
  const std::byte* from = strip + Strip::scale_bytes;
  const Index even_depth = block_rows<Real>(depth);
  for (Index p0 = 0; p0 < depth; p0 += even_depth) {
    const bool is_first = p0 == 0, starts_at_row = row && is_first && !is_scaled;
    simd::Vector<Real> sum[std::size_t(all)];
#pragma GCC unroll 16
    for (int v = 0; v < all; ++v) sum[v] = starts_at_row ? simd::load(row + v * W) : simd::Vector<Real>{};
    const Index last = std::min(p0 + even_depth, depth);
    for (Index p = p0; p < last; ++p, from += Strip::row_bytes) {
      ask_for_rows_ahead<Strip>(from);
#pragma GCC unroll 16
      for (int panel = 0; panel < strip_panels; ++panel) {
        const Pair<Real> right = Strip::read(from, panel);
        sum[2 * panel] += a[p] * right.first, sum[2 * panel + 1] += a[p] * right.second;
      }
    }
#pragma GCC unroll 16
    for (int v = 0; v < all; ++v) simd::store(c + v * W, is_first ? sum[v] : simd::load(c + v * W) + sum[v]);
  }
  if constexpr (is_scaled) scale_sums(c, strip, strip_columns<Real>, row);
}

/// A block of rows of a strip as panels, one after the other.
template <class Strip, class Real>
[[gnu::noinline]] void unpack_strip(const std::byte* row, Index rows, Real* to) {
  constexpr Index width = panel_width<Real>;
  for (Index p = 0; p < rows; ++p, row += Strip::row_bytes) {
    ask_for_rows_ahead<Strip>(row);
#pragma GCC unroll 16
    for (int panel = 0; panel < strip_panels; ++panel) {
      const Pair<Real> pair = Strip::read(row, panel);
      simd::store(to + panel * rows * width + p * width, pair.first);
      simd::store(to + panel * rows * width + p * width + width / 2, pair.second);
    }
  }
}

/// `Packing` of one format.
template <class Strip, class Real>
struct StripPacking {
  static Index bytes(Index depth, Index columns) {
    return (columns + strip_columns<Real> - 1) / strip_columns<Real> * strip_bytes<Strip>(depth);
  }

  static void pack(Matrix<const Real> weights, bool, void* memory) {
    constexpr Index block = 64;
    const Index depth = weights.columns;
    parallel_for((weights.rows + S - 1) / S, [&](Index n) {
      const Index first = n * S, there = std::min(S, weights.rows - first);
      std::byte* strip = static_cast<std::byte*>(memory) + n * strip_bytes<Strip>(depth);
      for (Index j = 0; j < S && Strip::scale_bytes > 0; ++j) {
        const float scale = j < there ? int8_scale(weights.row(first + j), depth) : 0;
        std::memcpy(strip + j * 4, &scale, sizeof scale);
      }
      alignas(64) Real rows[std::size_t(block * S)];
      std::fill_n(rows, block * S, Real(0));  // also of columns that are not there
      for (Index p0 = 0; p0 < depth; p0 += block) {
        const Index count = std::min(block, depth - p0);
        const auto from = weights.block(first, p0, there, count);
        transpose<Real>(from, {rows, count, there, S});
        for (Index p = 0; p < count; ++p) {
          Strip::write(rows + p * S, strip + Strip::scale_bytes + (p0 + p) * Strip::row_bytes, strip);
        }
      }
    });
  }

  static void multiply(Matrix<const Real> a, const PackedMatrix<Real>& b, Matrix<Real> c, StoreMode,
                       const Real* row) {
    const auto* strips = reinterpret_cast<const std::byte*>(b.data);
    if (c.rows == 1) return multiply_row(a.data, strips, b, c, row);
    alignas(64) Real panels[std::size_t(S * depth_block)];
    const Index even_depth = block_rows<Real>(b.rows);
    for (Index j = 0; j < c.columns; j += S) {
      const std::byte* strip = strips + (b.first + j) / S * strip_bytes<Strip>(b.rows);
      const Index columns = std::min(S, c.columns - j);
      for (Index p0 = 0; p0 < b.rows; p0 += even_depth) {
        const Index depth = std::min(even_depth, b.rows - p0);
        unpack_strip<Strip, Real>(strip + Strip::scale_bytes + p0 * Strip::row_bytes, depth, panels);
        const bool starts_at_row = row && p0 == 0 && !is_scaled;
        const PackedBlock<Real> block{{a.data + p0, a.stride, 1},
                                      {panels, depth * panel_width<Real>, panel_width<Real>},
                                      depth,
                                      c.block(0, j, c.rows, columns),
                                      p0 == 0 ? StoreMode::assign : StoreMode::add,
                                      {starts_at_row ? row + j : nullptr, 0}};
        multiply_tiles(block);
      }
      for (Index i = 0; i < c.rows && is_scaled; ++i) {
        scale_sums(c.row(i) + j, strip, columns, row ? row + j : nullptr);
      }
    }
  }

 private:
  static constexpr Index S = strip_columns<Real>;
  static constexpr bool is_scaled = Strip::scale_bytes > 0;

  static void multiply_row(const Real* a, const std::byte* strips, const PackedMatrix<Real>& b, Matrix<Real> c,
                           const Real* row) {
    alignas(64) Real edge[std::size_t(S)], edge_row[std::size_t(S)] = {};
    for (Index j = 0; j < c.columns; j += S) {
      const std::byte* strip = strips + (b.first + j) / S * strip_bytes<Strip>(b.rows);
      const Index there = std::min(S, c.columns - j);
      if (there == S) {
        multiply_strip<Strip>(a, strip, b.rows, c.data + j, row ? row + j : nullptr);
        continue;
      }
      if (row) std::copy_n(row + j, there, edge_row);
      multiply_strip<Strip>(a, strip, b.rows, edge, row ? edge_row : nullptr);
      std::copy_n(edge, there, c.data + j);
    }
  }
};

template <class Strip, class Real>
inline constexpr Packing<Real> strip_packing{strip_columns<Real>, StripPacking<Strip, Real>::bytes,
                                             StripPacking<Strip, Real>::pack,
                                             StripPacking<Strip, Real>::multiply, true};

#endif

/// The numbers of a format as those of the scalar, for products that slm's own kernel does not make, and for
/// formats of floats where it does: B row after row.
template <class Real, WeightFormat format>
struct RoundedPacking {
  static Index bytes(Index depth, Index columns) { return count_product(depth, columns, Index(sizeof(Real))); }
  static void pack(Matrix<const Real> weights, bool, void* memory) {
    Real* to = static_cast<Real*>(memory);
    for (Index j = 0; j < weights.rows; ++j) {
      round_row(weights.row(j), to + j, weights.columns, format, weights.rows);
    }
  }
  static void multiply(Matrix<const Real> a, const PackedMatrix<Real>& b, Matrix<Real> c, StoreMode,
                       const Real* row) {
    gemm<Transposed::none, Real>(a, {b.data + b.first, b.rows, b.columns, b.all}, c, StoreMode::assign, row);
  }
};
template <class Real, WeightFormat format>
inline constexpr Packing<Real> rounded_packing{1, RoundedPacking<Real, format>::bytes,
                                               RoundedPacking<Real, format>::pack,
                                               RoundedPacking<Real, format>::multiply, true};

}  // namespace SLM_INSTRUCTION_SET
}  // namespace detail

/// How matrices of weights are packed for products of one row, in a format.
template <Scalar Real>
const Packing<Real>& weight_packing(WeightFormat format) {
  constexpr bool own = gemm_backend<Real>() == GemmBackend::slm, is_float = std::is_same_v<Real, float>;
  switch (format) {
    case WeightFormat::full:
      if constexpr (own) return detail::strip_packing<detail::FullStrip<Real>, Real>;
      return detail::rounded_packing<Real, WeightFormat::full>;
    case WeightFormat::bfloat16:
      if constexpr (own && is_float) return detail::strip_packing<detail::Bfloat16Strip, Real>;
      return detail::rounded_packing<Real, WeightFormat::bfloat16>;
    case WeightFormat::int8:
      if constexpr (own && is_float) return detail::strip_packing<detail::Int8Strip, Real>;
      return detail::rounded_packing<Real, WeightFormat::int8>;
  }
  throw_error<ConfigError>("weight_packing: the format is none that there is");
}

}  // namespace slm
