#pragma once
// Causal scaled dot-product attention of several heads, with dropout on its weights.
//
// Weights are computed in tiles that fit the first-level cache and thrown away: what is kept for the
// backward pass is the logarithm of each row's sum, so memory grows with T, not with T². Tiles above the
// diagonal are skipped.                       Vaswani et al. 2017, eq. 1; tiling after Dao et al. 2022, alg. 1
#include <limits>

#include "slm/core/gemm.hpp"
#include "slm/core/math.hpp"
#include "slm/core/tensor.hpp"
#include "slm/kernels/dropout.hpp"

namespace slm::kernels {
inline namespace SLM_INSTRUCTION_SET {

/// B sequences; the queries stand at the last `queries` of the `keys` positions.
struct AttentionSize {
  Index B, queries, keys, heads, head_width;

  Index position(Index query) const { return keys - queries + query; }
  Index width() const { return heads * head_width; }

  /// Heads whose work is worth a thread.
  Index heads_per_task() const {
    constexpr Index least_work = Index(1) << 18;  // multiply-adds of the scores, some ten microseconds
    return std::max<Index>(1, least_work / std::max<Index>(1, queries * keys * head_width));
  }
};

/// Where queries, keys and values (or their gradients) lie: head h of row n starts at n * stride + h * D.
///
/// With `key_columns`, which only the forward pass knows, the keys of one sequence lie transposed: feature c of
/// key n at c * key_columns + n. A product with few queries then reads them in order, where it would have to
/// transpose them first.
template <class T>
struct AttentionOperands {
  T *q, *k, *v;
  Index q_stride, kv_stride;
  Index key_columns = 0;

  AttentionOperands head(const AttentionSize& size, Index b, Index h) const {
    const Index kv = b * size.keys * kv_stride + h * size.head_width;
    const Index first_key = key_columns > 0 ? h * size.head_width * key_columns : kv;
    return {q ? q + b * size.queries * q_stride + h * size.head_width : nullptr,
            k ? k + first_key : nullptr,
            v ? v + kv : nullptr,
            q_stride,
            kv_stride,
            key_columns};
  }
};

inline constexpr Index attention_query_tile = 32;
inline constexpr Index attention_key_tile = dropout_block;

/// What the tiles of all heads add up to.
struct AttentionWork {
  Index heads;      // of all sequences
  Index rows;       // queries of all heads
  Index scores;     // elements of the tiles that are not skipped, masked ones included
  Index visible;    // elements that are not masked
  Index row_tiles;  // rows of tiles with an element that is not masked

  explicit AttentionWork(const AttentionSize& size) {
    const Index Q = size.queries, before = size.keys - Q;
    // Twice a bound of every sum over one head.
    count_product(2, count_product(count_sum(size.keys, attention_key_tile), Q));
    const Index R = attention_query_tile, full = Q / R, rest = Q % R;
    // A tile of R queries from i₀ on has before + i₀ + R keys in sight.
    const Index head_scores = R * full * before + R * R * (full * (full + 1) / 2) + rest * size.keys;
    const Index head_visible = Q * before + Q * (Q + 1) / 2;
    const Index head_row_tiles = tiles_to(size.keys) - tiles_to(before);
    heads = count_product(size.B, size.heads);
    rows = count_product(Q, heads);
    scores = count_product(head_scores, heads);
    visible = count_product(head_visible, heads);
    row_tiles = count_product(head_row_tiles, heads);
  }

 private:
  /// Σ ⌈p / key tile⌉ for p from 1 to n.
  static Index tiles_to(Index n) {
    const Index full = n / attention_key_tile, rest = n % attention_key_tile;
    return attention_key_tile * (full * (full + 1) / 2) + rest * (full + 1);
  }
};

namespace detail {

/// Rows of a tile by columns of a tile, on the stack.
template <class Real>
struct alignas(slm::alignment) AttentionTile {
  Real data[attention_query_tile * attention_key_tile];
  Real* row(Index i) { return data + i * attention_key_tile; }
  Matrix<Real> matrix(Index rows, Index columns) { return {data, rows, columns, attention_key_tile}; }
  Matrix<const Real> view(Index rows, Index columns) const { return {data, rows, columns, attention_key_tile}; }
};

/// How many of `columns` keys from `first_key` on the query may look at.
inline Index visible_keys(const AttentionSize& size, Index query, Index first_key, Index columns) {
  return std::clamp<Index>(size.position(query) + 1 - first_key, 0, columns);
}

template <Scalar Real>
void attention_head_forward(const AttentionOperands<const Real>& in, const AttentionSize& size,
                            const Dropout& dropout, std::uint64_t first_row, Real* y, Real* log_sum) {
  const Index D = size.head_width, y_stride = size.width();
  const Real scale = Real(1) / math::sqrt(Real(D));
  AttentionTile<Real> tile;
  Real highest[attention_query_tile], total[attention_query_tile];
  std::uint16_t draws[dropout_block];
  for (Index i0 = 0; i0 < size.queries; i0 += attention_query_tile) {
    const Index rows = std::min(attention_query_tile, size.queries - i0);
    const Index visible = size.position(i0 + rows - 1) + 1;
    const Matrix<const Real> q(in.q + i0 * in.q_stride, rows, D, in.q_stride);
    const Matrix<Real> out(y + i0 * y_stride, rows, D, y_stride);
    for (Index k0 = 0; k0 < visible; k0 += attention_key_tile) {
      const Index columns = std::min(attention_key_tile, visible - k0);
      const Matrix<const Real> v(in.v + k0 * in.kv_stride, columns, D, in.kv_stride);
      if (in.key_columns > 0) {
        gemm<Transposed::none, Real>(q, {in.k + k0, D, columns, in.key_columns}, tile.matrix(rows, columns),
                                     StoreMode::assign);
      } else {
        gemm<Transposed::b, Real>(q, {in.k + k0 * in.kv_stride, columns, D, in.kv_stride},
                                  tile.matrix(rows, columns), StoreMode::assign);
      }
      for (Index i = 0; i < rows; ++i) {
        Real* weight = tile.row(i);
        const Index seen = visible_keys(size, i0 + i, k0, columns);
        if (seen > 0) {
          const Real tile_highest = scale * max_of(weight, seen);
          const bool first = k0 == 0;
          const Real now = first || tile_highest > highest[i] ? tile_highest : highest[i];
          for (Index j = 0; j < seen; ++j) weight[j] = math::exp(scale * weight[j] - now);
          const Real sum = sum_over<Real>(seen, [=](Index j) { return weight[j]; });
          if (first) {
            total[i] = sum;
          } else {
            const Real shrink = math::exp(highest[i] - now);
            total[i] = total[i] * shrink + sum;
            for (Index d = 0; d < D; ++d) out.row(i)[d] *= shrink;
          }
          highest[i] = now;
          if (dropout) {
            dropout_draws<Real>(dropout.stream, first_row + static_cast<std::uint64_t>(i0 + i),
                                k0 / dropout_block, draws);
            const Real kept = dropout.scale<Real>();
            for (Index j = 0; j < seen; ++j) weight[j] *= draws[j] < dropout.threshold ? Real(0) : kept;
          }
        }
        std::fill(weight + seen, weight + columns, Real(0));
      }
      gemm<Transposed::none, Real>(tile.view(rows, columns), v, out,
                                   k0 == 0 ? StoreMode::assign : StoreMode::add);
    }
    for (Index i = 0; i < rows; ++i) {
      const Real share = Real(1) / total[i];
      for (Index d = 0; d < D; ++d) out.row(i)[d] *= share;
      log_sum[i0 + i] = highest[i] + math::log(total[i]);
    }
  }
}

/// With P the weights, M the dropout factors and ⟨dy, y⟩ taken per row:
///   dV += (P ∘ M)ᵀ dY     dS = P ∘ (M ∘ (dY Vᵀ) − ⟨dy, y⟩) / √D     dQ += dS K     dK += dSᵀ Q
template <Scalar Real>
void attention_head_backward(const AttentionOperands<const Real>& in, const AttentionSize& size,
                             const Dropout& dropout, std::uint64_t first_row, const Real* y,
                             const Real* log_sum, const Real* dy, const AttentionOperands<Real>& grad) {
  const Index D = size.head_width, y_stride = size.width();
  const Real scale = Real(1) / math::sqrt(Real(D));
  AttentionTile<Real> weights, slopes;
  Real along[attention_query_tile];
  std::uint16_t draws[dropout_block];
  for (Index i0 = 0; i0 < size.queries; i0 += attention_query_tile) {
    const Index rows = std::min(attention_query_tile, size.queries - i0);
    const Index visible = size.position(i0 + rows - 1) + 1;
    const Matrix<const Real> q(in.q + i0 * in.q_stride, rows, D, in.q_stride);
    const Matrix<const Real> up(dy + i0 * y_stride, rows, D, y_stride);
    for (Index i = 0; i < rows; ++i) {
      const Real *out = y + (i0 + i) * y_stride, *slope = up.row(i);
      along[i] = sum_over<Real>(D, [=](Index d) { return slope[d] * out[d]; });
    }
    for (Index k0 = 0; k0 < visible; k0 += attention_key_tile) {
      const Index columns = std::min(attention_key_tile, visible - k0);
      const Matrix<const Real> k(in.k + k0 * in.kv_stride, columns, D, in.kv_stride);
      const Matrix<const Real> v(in.v + k0 * in.kv_stride, columns, D, in.kv_stride);
      gemm<Transposed::b, Real>(q, k, weights.matrix(rows, columns), StoreMode::assign);
      gemm<Transposed::b, Real>(up, v, slopes.matrix(rows, columns), StoreMode::assign);
      for (Index i = 0; i < rows; ++i) {
        Real *weight = weights.row(i), *slope = slopes.row(i);
        const Index seen = visible_keys(size, i0 + i, k0, columns);
        const Real row_log_sum = log_sum[i0 + i], row_along = along[i];
        for (Index j = 0; j < seen; ++j) weight[j] = math::exp(scale * weight[j] - row_log_sum);
        if (dropout && seen > 0) {
          dropout_draws<Real>(dropout.stream, first_row + static_cast<std::uint64_t>(i0 + i),
                              k0 / dropout_block, draws);
          const Real kept = dropout.scale<Real>();
          for (Index j = 0; j < seen; ++j) {
            const Real factor = draws[j] < dropout.threshold ? Real(0) : kept;
            slope[j] = weight[j] * (factor * slope[j] - row_along) * scale;
            weight[j] *= factor;
          }
        } else {
          for (Index j = 0; j < seen; ++j) slope[j] = weight[j] * (slope[j] - row_along) * scale;
        }
        std::fill(weight + seen, weight + columns, Real(0));
        std::fill(slope + seen, slope + columns, Real(0));
      }
      const auto rows_of = [&](Real* start) {
        return Matrix<Real>(start + k0 * grad.kv_stride, columns, D, grad.kv_stride);
      };
      if (grad.v) gemm<Transposed::a, Real>(weights.view(rows, columns), up, rows_of(grad.v), StoreMode::add);
      if (grad.k) gemm<Transposed::a, Real>(slopes.view(rows, columns), q, rows_of(grad.k), StoreMode::add);
      if (grad.q) {
        gemm<Transposed::none, Real>(slopes.view(rows, columns), k,
                                     {grad.q + i0 * grad.q_stride, rows, D, grad.q_stride}, StoreMode::add);
      }
    }
  }
}

}  // namespace detail

/// y (B, queries, C), C = heads · D; log_sum (B, heads, queries) is kept for the backward pass.
template <Scalar Real>
void attention_forward(const AttentionOperands<const Real>& in, const AttentionSize& size,
                       const Dropout& dropout, Real* y, Real* log_sum) {
  parallel_blocks(size.B * size.heads, size.heads_per_task(), [&](Index begin, Index end) {
    for (Index head = begin; head < end; ++head) {
      const Index b = head / size.heads, h = head % size.heads;
      detail::attention_head_forward<Real>(
          in.head(size, b, h), size, dropout, static_cast<std::uint64_t>(head * size.queries),
          y + b * size.queries * size.width() + h * size.head_width, log_sum + head * size.queries);
    }
  });
}

/// Adds to the gradients of queries, keys and values; those that are null are left out.
template <Scalar Real>
void attention_backward(const AttentionOperands<const Real>& in, const AttentionSize& size,
                        const Dropout& dropout, const Real* y, const Real* log_sum, const Real* dy,
                        const AttentionOperands<Real>& grad) {
  parallel_for(size.B * size.heads, [&](Index task) {
    const Index b = task / size.heads, h = task % size.heads;
    const Index out = b * size.queries * size.width() + h * size.head_width;
    detail::attention_head_backward<Real>(in.head(size, b, h), size, dropout,
                                          static_cast<std::uint64_t>(task * size.queries), y + out,
                                          log_sum + task * size.queries, dy + out, grad.head(size, b, h));
  });
}
/// With the gradients of queries, or of keys and values, or of all.
inline PassCosts attention_costs(const AttentionSize& size, bool dropout, bool q = true, bool kv = true) {
  const AttentionWork work(size);
  const Index D = size.head_width;
  const Cost scale = Cost{.elementwise = 1, .transcendental = 1} * work.heads;
  const Cost draws = dropout_draws_cost() * work.row_tiles;

  const Cost softmax = Cost{.elementwise = 2, .transcendental = 1} * work.visible;
  const Cost sums = Cost{.elementwise = 1} * work.visible + sum_over_cost(0) * work.row_tiles;
  const Cost highest{.elementwise = work.row_tiles, .comparisons = work.visible - work.row_tiles};
  const Cost later =
      Cost{.elementwise = 3 + D, .transcendental = 1, .comparisons = 1} * (work.row_tiles - work.rows);
  const Cost mask = Cost{.elementwise = work.visible} + draws;
  const Cost normalise = Cost{.elementwise = 2 + D, .transcendental = 1} * work.rows;
  const Cost forward =
      gemm_cost(work.scores, D, 2) + softmax + sums + highest + later + mask.when(dropout) + normalise + scale;

  const Index products = 2 + (q ? 1 : 0) + (kv ? 2 : 0);
  const Cost along = (Cost{.elementwise = D} + sum_over_cost(D)) * work.rows;
  const Cost slopes = Cost{.elementwise = 2 + 3, .transcendental = 1} * work.visible;
  const Cost mask_again = Cost{.elementwise = 2} * work.visible + draws;
  const Cost backward = gemm_cost(work.scores, D, products) + along + slopes + mask_again.when(dropout) + scale;
  return {forward, backward.when(q || kv)};
}

}  // namespace SLM_INSTRUCTION_SET
}  // namespace slm::kernels
