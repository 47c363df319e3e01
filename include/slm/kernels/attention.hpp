#pragma once
// Scaled dot-product attention of several heads, with dropout on its weights.
//
// Weights are computed in tiles that fit the first-level cache and thrown away: what is kept for the
// backward pass is the logarithm of each row's sum, so memory grows with T, not with T². Where attention is
// causal, tiles above the diagonal are skipped.
//                                             Vaswani et al. 2017, eq. 1; tiling after Dao et al. 2022, alg. 1
#include <concepts>
#include <type_traits>

#include "slm/core/gemm.hpp"
#include "slm/core/math.hpp"
#include "slm/core/tensor.hpp"
#include "slm/kernels/dropout.hpp"

namespace slm {

/// Nothing is added to the scores of attention.
struct NoScore {};

/// What `attention` may add to its scores: score(head, query position, key position) gives a number; minus
/// infinity hides the key. It is called on several threads at once and must not own memory, since nothing is
/// destroyed.
template <class Score>
concept AttentionScore = std::is_trivially_destructible_v<Score> &&
    (std::same_as<Score, NoScore> || requires(const Score& score, Index position) {
      { score(position, position, position) } -> std::convertible_to<double>;
    });

namespace kernels {
inline namespace SLM_INSTRUCTION_SET {

/// B sequences; the queries stand at the last `queries` of the `keys` positions. Consecutive heads share keys
/// and values where there are fewer heads of those (Ainslie et al. 2023).
struct AttentionSize {
  Index B, queries, keys, heads, head_width;
  Index key_value_heads = heads;  // a divisor of heads
  bool causal = true;             // a query sees keys up to its own position only

  Index position(Index query) const { return keys - queries + query; }
  /// Keys that the query may look at, unless they are hidden.
  Index visible(Index query) const { return causal ? position(query) + 1 : keys; }
  Index width() const { return heads * head_width; }
  Index key_value_width() const { return key_value_heads * head_width; }
  /// Heads that share keys and values.
  Index group() const { return heads / key_value_heads; }

  /// Heads whose work is worth a thread.
  Index heads_per_task() const {
    constexpr Index least_work = Index(1) << 18;  // multiply-adds of the scores, some ten microseconds
    constexpr Index rows_while_reading = 6;       // keys and values are read, however few the queries
    return std::max<Index>(1,
                           least_work / std::max<Index>(1, (queries + rows_while_reading) * keys * head_width));
  }
};

/// Where queries, keys and values (or their gradients) lie: head h of row n starts at n * stride + h * D, of
/// keys and values that of its group.
///
/// With `key_columns`, which only the forward pass knows, the keys of a sequence lie transposed: feature c of
/// key n at c * key_columns + n. A product with few queries then reads them in order, where it would have to
/// transpose them first.
template <class T>
struct AttentionOperands {
  T *q, *k, *v;
  Index q_stride, kv_stride;
  Index key_columns = 0,
        kv_sequence = 0;  // and from one sequence to the next, where it is not keys * kv_stride

  AttentionOperands head(const AttentionSize& size, Index b, Index h) const {
    const Index column = h / size.group() * size.head_width;
    const Index sequence = b * (kv_sequence > 0 ? kv_sequence : size.keys * kv_stride), kv = sequence + column;
    const Index first_key = key_columns > 0 ? sequence + column * key_columns : kv;
    return {q ? q + b * size.queries * q_stride + h * size.head_width : nullptr,
            k ? k + first_key : nullptr,
            v ? v + kv : nullptr,
            q_stride,
            kv_stride,
            key_columns,
            kv_sequence};
  }
};

inline constexpr Index attention_query_tile = 32;
inline constexpr Index attention_key_tile = dropout_block;

/// What the tiles of all heads add up to.
struct AttentionWork {
  Index heads;      // of all sequences
  Index rows;       // queries of all heads
  Index scores;     // elements of the tiles that are not skipped, masked ones included
  Index visible;    // elements that are not masked; what a score hides is among them
  Index row_tiles;  // rows of tiles with an element that is not masked

  explicit AttentionWork(const AttentionSize& size) {
    const Index Q = size.queries, before = size.keys - Q;
    // Twice a bound of every sum over one head.
    count_product(2, count_product(count_sum(size.keys, attention_key_tile), Q));
    const Index R = attention_query_tile, full = Q / R, rest = Q % R;
    const Index all = Q * size.keys, row = (size.keys + attention_key_tile - 1) / attention_key_tile;
    // A tile of R queries from i₀ on has before + i₀ + R keys in sight.
    const Index causal = R * full * before + R * R * (full * (full + 1) / 2) + rest * size.keys;
    const Index head_scores = size.causal ? causal : all;
    const Index head_visible = size.causal ? Q * before + Q * (Q + 1) / 2 : all;
    const Index head_row_tiles = size.causal ? tiles_to(size.keys) - tiles_to(before) : Q * row;
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
  return std::clamp<Index>(size.visible(query) - first_key, 0, columns);
}

/// As many keys in whole registers: to go on to there costs less than to stop before.
template <Scalar Real>
Index whole_registers(Index seen) {
  if constexpr (!slm::detail::has_registers<Real>) return seen;
  return (seen + reduction_lanes - 1) / reduction_lanes * reduction_lanes;
}
static_assert(attention_key_tile % reduction_lanes == 0);

template <class Score>
inline constexpr bool has_score = !std::is_same_v<Score, NoScore>;

/// Products of one query with consecutive keys become scores: s = scale s + score(head, query, key).
template <Scalar Real, class Score>
void add_scores(const Score& score, Real scale, Index head, Index query, Index first_key, Real* s,
                Index count) {
  for (Index j = 0; j < count; ++j) {
    s[j] = scale * s[j] + static_cast<Real>(score(head, query, first_key + j));
  }
}

/// What is subtracted from scores whose highest is `highest`: where all are hidden so far, any finite number,
/// since exp(−∞ − level) is 0.
template <class Score, Scalar Real>
Real level_of(Real highest) {
  if constexpr (has_score<Score>) {
    if (!is_finite(highest)) return Real(0);
  }
  return highest;
}

/// `head` is that of the sequence, as the score is told. A row whose keys are all hidden has highest score −∞
/// and is zero. What is computed does not depend on what is hidden.
template <Scalar Real, class Score>
void attention_head_forward(const AttentionOperands<const Real>& in, const AttentionSize& size,
                            const Dropout& dropout, std::uint64_t first_row, [[maybe_unused]] Index head,
                            [[maybe_unused]] const Score& score, Real* y, Real* log_sum) {
  const Index D = size.head_width, y_stride = size.width();
  const Real scale = Real(1) / math::sqrt(Real(D));
  AttentionTile<Real> tile;
  Real highest[attention_query_tile], now[attention_query_tile], total[attention_query_tile];
  std::uint16_t draws[dropout_block];
  for (Index i0 = 0; i0 < size.queries; i0 += attention_query_tile) {
    const Index rows = std::min(attention_query_tile, size.queries - i0);
    const Index visible = size.visible(i0 + rows - 1);
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
      // Row after row in loops of their own: each waits for its numbers, and a processor can overlap the rows.
      for (Index i = 0; i < rows; ++i) {
        Real* weight = tile.row(i);
        const Index seen = visible_keys(size, i0 + i, k0, columns), whole = whole_registers<Real>(seen);
        if (seen == 0) continue;
        if constexpr (has_score<Score>) {
          add_scores(score, scale, head, size.position(i0 + i), k0, weight, seen);
        }
        std::fill(weight + seen, weight + whole, weight[seen - 1]);  // any score will do
        const Real tile_highest = has_score<Score> ? max_of(weight, whole) : scale * max_of(weight, whole);
        now[i] = k0 == 0 || tile_highest > highest[i] ? tile_highest : highest[i];
      }
      for (Index i = 0; i < rows; ++i) {
        Real* weight = tile.row(i);
        const Index whole = whole_registers<Real>(visible_keys(size, i0 + i, k0, columns));
        if (whole == 0) continue;
        const Real level = level_of<Score>(now[i]);
        if constexpr (has_score<Score>) {
          for (Index j = 0; j < whole; ++j) weight[j] = math::exp(weight[j] - level);
        } else {
          for (Index j = 0; j < whole; ++j) weight[j] = math::exp(scale * weight[j] - level);
        }
      }
      for (Index i = 0; i < rows; ++i) {
        Real* weight = tile.row(i);
        const Index seen = visible_keys(size, i0 + i, k0, columns), whole = whole_registers<Real>(seen);
        std::fill(weight + seen, weight + std::max(whole, columns), Real(0));
        if (seen == 0) continue;
        const Real sum = sum_over<Real>(whole, [=](Index j) { return weight[j]; });
        if (k0 == 0) {
          total[i] = sum;
        } else {
          const Real shrink = math::exp(highest[i] - level_of<Score>(now[i]));
          total[i] = total[i] * shrink + sum;
          for (Index d = 0; d < D; ++d) out.row(i)[d] *= shrink;
        }
        highest[i] = now[i];
        if (dropout) {
          dropout_draws<Real>(dropout.stream, first_row + static_cast<std::uint64_t>(i0 + i),
                              k0 / dropout_block, draws);
          const Real kept = dropout.scale<Real>();
          for (Index j = 0; j < whole; ++j) weight[j] *= draws[j] < dropout.threshold ? Real(0) : kept;
        }
      }
      gemm<Transposed::none, Real>(tile.view(rows, columns), v, out,
                                   k0 == 0 ? StoreMode::assign : StoreMode::add);
    }
    for (Index i = 0; i < rows; ++i) {
      Real share = Real(1) / total[i], row_log_sum = highest[i] + math::log(total[i]);
      if constexpr (has_score<Score>) {
        if (!is_finite(highest[i])) share = row_log_sum = Real(0);
      }
      for (Index d = 0; d < D; ++d) out.row(i)[d] *= share;
      log_sum[i0 + i] = row_log_sum;
    }
  }
}

/// With P the weights, M the dropout factors and ⟨dy, y⟩ taken per row:
///   dV += (P ∘ M)ᵀ dY     dS = P ∘ (M ∘ (dY Vᵀ) − ⟨dy, y⟩) / √D     dQ += dS K     dK += dSᵀ Q
template <Scalar Real, class Score>
void attention_head_backward(const AttentionOperands<const Real>& in, const AttentionSize& size,
                             const Dropout& dropout, std::uint64_t first_row, [[maybe_unused]] Index head,
                             [[maybe_unused]] const Score& score, const Real* y, const Real* log_sum,
                             const Real* dy, const AttentionOperands<Real>& grad) {
  const Index D = size.head_width, y_stride = size.width();
  const Real scale = Real(1) / math::sqrt(Real(D));
  AttentionTile<Real> weights, slopes;
  Real along[attention_query_tile];
  std::uint16_t draws[dropout_block];
  for (Index i0 = 0; i0 < size.queries; i0 += attention_query_tile) {
    const Index rows = std::min(attention_query_tile, size.queries - i0);
    const Index visible = size.visible(i0 + rows - 1);
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
        const Index seen = visible_keys(size, i0 + i, k0, columns), whole = whole_registers<Real>(seen);
        const Real row_log_sum = log_sum[i0 + i], row_along = along[i];
        if constexpr (has_score<Score>) {
          add_scores(score, scale, head, size.position(i0 + i), k0, weight, seen);
          for (Index j = 0; j < whole; ++j) weight[j] = math::exp(weight[j] - row_log_sum);
        } else {
          for (Index j = 0; j < whole; ++j) weight[j] = math::exp(scale * weight[j] - row_log_sum);
        }
        if (dropout && seen > 0) {
          dropout_draws<Real>(dropout.stream, first_row + static_cast<std::uint64_t>(i0 + i),
                              k0 / dropout_block, draws);
          const Real kept = dropout.scale<Real>();
          for (Index j = 0; j < whole; ++j) {
            const Real factor = draws[j] < dropout.threshold ? Real(0) : kept;
            slope[j] = weight[j] * (factor * slope[j] - row_along) * scale;
            weight[j] *= factor;
          }
        } else {
          for (Index j = 0; j < whole; ++j) slope[j] = weight[j] * (slope[j] - row_along) * scale;
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
template <Scalar Real, class Score = NoScore>
void attention_forward(const AttentionOperands<const Real>& in, const AttentionSize& size,
                       const Dropout& dropout, Real* y, Real* log_sum, const Score& score = {}) {
  parallel_blocks(size.B * size.heads, size.heads_per_task(), [&](Index begin, Index end) {
    for (Index head = begin; head < end; ++head) {
      const Index b = head / size.heads, h = head % size.heads;
      detail::attention_head_forward<Real>(
          in.head(size, b, h), size, dropout, static_cast<std::uint64_t>(head * size.queries), h, score,
          y + b * size.queries * size.width() + h * size.head_width, log_sum + head * size.queries);
    }
  });
}

/// Adds to the gradients of queries, keys and values; those that are null are left out. A task has the heads
/// that share keys and values: what those get is added up in their order.
template <Scalar Real, class Score = NoScore>
void attention_backward(const AttentionOperands<const Real>& in, const AttentionSize& size,
                        const Dropout& dropout, const Real* y, const Real* log_sum, const Real* dy,
                        const AttentionOperands<Real>& grad, const Score& score = {}) {
  parallel_for(size.B * size.key_value_heads, [&](Index task) {
    for (Index head = task * size.group(); head < (task + 1) * size.group(); ++head) {
      const Index b = head / size.heads, h = head % size.heads;
      const Index out = b * size.queries * size.width() + h * size.head_width;
      detail::attention_head_backward<Real>(in.head(size, b, h), size, dropout,
                                            static_cast<std::uint64_t>(head * size.queries), h, score, y + out,
                                            log_sum + head * size.queries, dy + out, grad.head(size, b, h));
    }
  });
}
/// With a score or without, and with the gradients of queries, keys and values that are wanted. What the
/// score's own function computes is not counted, only that its numbers are added.
inline PassCosts attention_costs(const AttentionSize& size, bool dropout, bool score = false, bool q = true,
                                 bool k = true, bool v = true) {
  const AttentionWork work(size);
  const Index D = size.head_width;
  const Cost scale = Cost{.elementwise = 1, .transcendental = 1} * work.heads;
  const Cost draws = dropout_draws_cost() * work.row_tiles;
  const Cost added = Cost{.elementwise = work.visible}.when(score);

  const Cost softmax = Cost{.elementwise = 2, .transcendental = 1} * work.visible + added;
  const Cost sums = Cost{.elementwise = 1} * work.visible + sum_over_cost(0) * work.row_tiles;
  // A maximum of scores that have one added is scaled already.
  const Cost highest{.elementwise = score ? 0 : work.row_tiles, .comparisons = work.visible - work.row_tiles};
  const Cost later =
      Cost{.elementwise = 3 + D, .transcendental = 1, .comparisons = 1} * (work.row_tiles - work.rows);
  const Cost mask = Cost{.elementwise = work.visible} + draws;
  const Cost normalise = Cost{.elementwise = 2 + D, .transcendental = 1} * work.rows;
  const Cost forward =
      gemm_cost(work.scores, D, 2) + softmax + sums + highest + later + mask.when(dropout) + normalise + scale;

  const Index products = 2 + (q ? 1 : 0) + (k ? 1 : 0) + (v ? 1 : 0);
  const Cost along = (Cost{.elementwise = D} + sum_over_cost(D)) * work.rows;
  const Cost slopes = Cost{.elementwise = 2 + 3, .transcendental = 1} * work.visible + added;
  const Cost mask_again = Cost{.elementwise = 2} * work.visible + draws;
  const Cost backward = gemm_cost(work.scores, D, products) + along + slopes + mask_again.when(dropout) + scale;
  return {forward, backward.when(q || k || v)};
}

}  // namespace SLM_INSTRUCTION_SET
}  // namespace kernels
}  // namespace slm
