#pragma once
// attention, causal_attention, rotary_embedding: how positions see each other.

#include "slm/autograd/ops/activation.hpp"
#include "slm/core/libm.hpp"
#include "slm/kernels/attention.hpp"
#include "slm/kernels/key_value_cache.hpp"
#include "slm/kernels/rotary.hpp"

namespace slm {

/// Who sees whom in `attention`.
struct AttentionConfig {
  Index heads = 1;
  Index key_value_heads = 0;  // a divisor of heads, of which consecutive ones share them; 0: as many as heads
  bool causal = true;         // a query sees keys up to its own position only; else all
  double dropout = 0;         // of weights, in training
};

/// Keys and values of `length` positions that were read before of each text, in memory for `capacity`.
template <Scalar Real>
struct KeyValues {
  Real *keys, *values;
  Index length, capacity, texts = 1;
};

namespace detail {

inline void require_heads(const char* operation, Index width, Index heads) {
  if (heads < 1 || width % heads != 0) {
    throw_error<ShapeError>({operation, ": ", heads, " heads do not divide the width ", width});
  }
}

/// What attention is recorded as.
constexpr const char* attention_name(bool causal) { return causal ? "causal_attention" : "attention"; }

/// Queries, keys and values, which may be parts of the same variable; rows of k and v are as wide.
template <Scalar Real>
struct AttentionInputs {
  Var<Real, 3> q, k, v;
  Index key_column, value_column;  // where they begin in a row of k and of v
  kernels::AttentionSize size;

  const char* name() const { return attention_name(size.causal); }
  bool wants_grad() const { return q.wants_grad() || k.wants_grad() || v.wants_grad(); }

  template <class T>
  kernels::AttentionOperands<T> at(T* at_q, T* at_k, T* at_v) const {
    return {at_q, at_k ? at_k + key_column : nullptr, at_v ? at_v + value_column : nullptr, q.extent(2),
            k.extent(2)};
  }
};

/// The size without extents of memory, where the config has one.
[[gnu::noinline]] inline kernels::AttentionSize attention_size(const AttentionConfig& config) {
  const Index heads = config.heads, shared = config.key_value_heads == 0 ? heads : config.key_value_heads;
  if (heads < 1 || shared < 1 || heads % shared != 0) {
    throw_error<ShapeError>({attention_name(config.causal), ": ", heads, " heads and ", shared,
                             " of keys and values, but heads must be a multiple of those"});
  }
  return {0, 0, 0, heads, 0, shared, config.causal};
}
/// From the shape of queries, keys and values side by side.
[[gnu::noinline]] inline kernels::AttentionSize attention_size(const AttentionConfig& config,
                                                               const Shape<3>& qkv) {
  auto size = attention_size(config);
  const Index parts = size.heads + 2 * size.key_value_heads;
  if (qkv[2] % parts != 0) {
    throw_error<ShapeError>({attention_name(config.causal), ": qkv has shape ", qkv, ", but ", size.heads,
                             " heads and ", size.key_value_heads, " of keys and values need (B, T, ", parts,
                             " D)"});
  }
  size.B = qkv[0], size.queries = size.keys = qkv[1], size.head_width = qkv[2] / parts;
  return size;
}
/// From the shapes of queries and of keys or values or, with `parts` 2, both of them side by side.
[[gnu::noinline]] inline kernels::AttentionSize attention_size(const AttentionConfig& config, const Shape<3>& q,
                                                               const Shape<3>& k, Index parts,
                                                               const char* k_name) {
  auto size = attention_size(config);
  const char* name = attention_name(config.causal);
  require_heads(name, q[2], size.heads);
  size.B = q[0], size.queries = q[1], size.keys = k[1], size.head_width = q[2] / size.heads;
  const Index width = parts * size.key_value_width();
  if (k[0] != q[0] || k[1] < q[1] || k[2] != width) {
    throw_shape_mismatch(name, k_name, k, "q", q,
                         make_text({"(", q[0], ", at least ", q[1], ", ", width, ")"}));
  }
  return size;
}

template <Scalar Real>
AttentionInputs<Real> attention_inputs(Var<Real, 3> qkv, const AttentionConfig& config) {
  const auto size = attention_size(config, qkv.shape());
  return {qkv, qkv, qkv, size.width(), size.width() + size.key_value_width(), size};
}
template <Scalar Real>
AttentionInputs<Real> attention_inputs(Var<Real, 3> q, Var<Real, 3> kv, const AttentionConfig& config) {
  const auto size = attention_size(config, q.shape(), kv.shape(), 2, "kv");
  return {q, kv, kv, 0, size.key_value_width(), size};
}
template <Scalar Real>
AttentionInputs<Real> attention_inputs(Var<Real, 3> q, Var<Real, 3> k, Var<Real, 3> v,
                                       const AttentionConfig& config) {
  const auto size = attention_size(config, q.shape(), k.shape(), 1, "k");
  require_shape(attention_name(config.causal), "v", v.shape(), k.shape(), "k", k.shape());
  return {q, k, v, 0, 0, size};
}

/// A score that says how many heads it is for is for no other number.
template <AttentionScore Score>
void require_score_heads(const char* operation, const Score& score, Index heads) {
  if constexpr (requires { score.heads; }) {
    require_config(score.heads == heads,
                   {operation, ": the score is for ", score.heads, " heads, but there are ", heads});
  }
}

template <Scalar Real, AttentionScore Score>
Var<Real, 3> attention(const AttentionInputs<Real>& in, double dropout, const Score& score) {
  const auto& size = in.size;
  require_score_heads(in.name(), score, size.heads);
  const kernels::Dropout mask = make_dropout(in.q.tape(), in.name(), dropout);
  const Index key_values = size.B * size.keys * size.key_value_width();
  // Of each query and head the logarithm of its sum.
  return operation(
      in.q.tape(), size.causal ? "causal_attention" : "attention", Shape<3>{size.B, size.queries, size.width()},
      {needed(in.q).touching(size.B * size.queries * size.width()), needed(in.k).touching(key_values),
       needed(in.v).touching(key_values)},
      {.costs =
           [&] {
             return kernels::attention_costs(size, bool(mask), kernels::detail::has_score<Score>,
                                             in.q.wants_grad(), in.k.wants_grad(), in.v.wants_grad());
           },
       .needs_output = true,
       .keeps = count_product(size.B, size.heads, size.queries)},
      [=](auto y) {
        kernels::attention_forward<Real>(in.at(in.q.value(), in.k.value(), in.v.value()), in.size, mask,
                                         y.output(), y.kept(), score);
      },
      [=](auto y) {
        Real* dq = in.q.wants_grad() ? in.q.grad() : nullptr;
        Real* dk = in.k.wants_grad() ? in.k.grad() : nullptr;
        Real* dv = in.v.wants_grad() ? in.v.grad() : nullptr;
        kernels::attention_backward<Real>(in.at(in.q.value(), in.k.value(), in.v.value()), in.size, mask,
                                          y.value(), y.kept(), y.grad(), in.at(dq, dk, dv), score);
      });
}

/// With the keys and values of the positions before those of `in`.
template <Scalar Real, AttentionScore Score>
Var<Real, 3> attention(const AttentionInputs<Real>& in, const KeyValues<Real>& past, const Score& score) {
  kernels::AttentionSize size = in.size;
  const Index T = size.keys, C = size.key_value_width();
  require_score_heads(in.name(), score, size.heads);
  if (size.B != past.texts || past.length + T > past.capacity) {
    throw_shape_mismatch(in.name(), "q", in.q.shape(), "k", in.k.shape(),
                         make_text({"(", past.texts, ", at most ", past.capacity - past.length, ", …) behind ",
                                    past.length, " positions in memory for ", past.capacity}));
  }
  if (!size.causal) {
    throw_error<ConfigError>(
        "attention: what is read piece by piece cannot see the keys to come; it must be causal");
  }
  if (in.wants_grad()) {
    throw_error<Error>(
        "causal_attention: keys and values are kept in evaluation only; use Tape tape(Mode::evaluate)");
  }
  size.keys += past.length;
  const kernels::CacheSize stored{T, C, past.length, past.capacity, in.k.extent(2)};
  return operation(
      in.q.tape(), "causal_attention", Shape<3>{size.B, size.queries, size.width()},
      {Operand(in.q).touching(size.B * size.queries * size.width()), Operand(in.k).touching(size.B * T * C),
       Operand(in.v).touching(size.B * T * C)},
      {.costs =
           [&] {  // no dropout, no gradients
             return kernels::attention_costs(size, false, kernels::detail::has_score<Score>, false, false,
                                             false) +
                    kernels::store_keys_values_costs(stored) * size.B;
           },
       .keeps = count_product(size.B, size.heads, size.queries),
       .state = {.forward = count_product(2, size.B, C, size.keys + T)}},
      [=](auto y) {
        const auto read = in.at(in.q.value(), in.k.value(), in.v.value());
        const Index of_text = past.capacity * C;
        for (Index b = 0; b < size.B; ++b) {
          const Index from = b * T * stored.stride, to = b * of_text;
          kernels::store_keys_values(read.k + from, read.v + from, past.keys + to, past.values + to, stored);
        }
        kernels::attention_forward<Real>(
            {read.q, past.keys, past.values, read.q_stride, C, past.capacity, of_text}, size, {}, y.output(),
            y.kept(), score);
      },
      [](auto) {});
}

}  // namespace detail

/// Scaled dot-product attention of H heads, each of width D:
///   Y = dropout(softmax(Q Kᵀ / √D + S)) V                                                Vaswani et al. 2017
///   PyTorch: F.scaled_dot_product_attention(q, k, v, attn_mask=S)
/// qkv (B, T, (H + 2 G) D): queries, keys and values side by side   →   y (B, T, H D)
///
/// G, `key_value_heads`, are the heads of keys and values; of the H = `heads` of queries, H / G consecutive
/// ones share each (Ainslie et al. 2023). S(h, i, j) = score(head, query position, key position) is any
/// function that gives a number, which has no gradient: minus infinity hides the key, as do the positions after
/// the query where attention is causal, the default. A query that sees no key gives zeros, and no gradient.
///
///   attention(qkv, {.heads = 4}, alibi(4))
///   attention(qkv, {.heads = 4, .causal = false}, [=](Index, Index query, Index key) {  // n tokens see all
///     return key < n || key <= query ? 0 : -std::numeric_limits<double>::infinity();
///   });
/// Tiles of keys that causality masks are skipped; those that a score hides are computed.
/// Throws a `ShapeError` where widths and heads do not fit.
template <Scalar Real, AttentionScore Score = NoScore>
Var<Real, 3> attention(Var<Real, 3> qkv, const AttentionConfig& config, const Score& score = {}) {
  return detail::attention(detail::attention_inputs(qkv, config), config.dropout, score);
}
/// The same of queries, keys and values apart, the queries of the last positions only where there are fewer.
/// q (B, Q, H D): of positions T − Q … T − 1   k, v (B, T, G D)   →   y (B, Q, H D)
template <Scalar Real, AttentionScore Score = NoScore>
Var<Real, 3> attention(Var<Real, 3> q, Var<Real, 3> k, Var<Real, 3> v, const AttentionConfig& config,
                       const Score& score = {}) {
  return detail::attention(detail::attention_inputs(q, k, v, config), config.dropout, score);
}
/// The same with keys and values side by side: kv (B, T, 2 G D).
template <Scalar Real, AttentionScore Score = NoScore>
Var<Real, 3> attention(Var<Real, 3> q, Var<Real, 3> kv, const AttentionConfig& config,
                       const Score& score = {}) {
  return detail::attention(detail::attention_inputs(q, kv, config), config.dropout, score);
}

/// The three of B texts that are read piece by piece, in evaluation: keys and values join those of before, and
/// queries see all up to their position. Nothing is dropped out.
template <Scalar Real, AttentionScore Score = NoScore>
Var<Real, 3> attention(Var<Real, 3> qkv, const AttentionConfig& config, const KeyValues<Real>& past,
                       const Score& score = {}) {
  return detail::attention(detail::attention_inputs(qkv, config), past, score);
}
template <Scalar Real, AttentionScore Score = NoScore>
Var<Real, 3> attention(Var<Real, 3> q, Var<Real, 3> k, Var<Real, 3> v, const AttentionConfig& config,
                       const KeyValues<Real>& past, const Score& score = {}) {
  return detail::attention(detail::attention_inputs(q, k, v, config), past, score);
}
template <Scalar Real, AttentionScore Score = NoScore>
Var<Real, 3> attention(Var<Real, 3> q, Var<Real, 3> kv, const AttentionConfig& config,
                       const KeyValues<Real>& past, const Score& score = {}) {
  return detail::attention(detail::attention_inputs(q, kv, config), past, score);
}

/// `attention` that is causal, of as many heads of keys and values as of queries, without a score.
/// qkv (B, T, 3C)   →   y (B, T, C)
template <Scalar Real>
Var<Real, 3> causal_attention(Var<Real, 3> qkv, Index heads, double dropout = 0) {
  return attention(qkv, {.heads = heads, .dropout = dropout});
}
/// q (B, Q, C)   kv (B, T, 2C)   →   y (B, Q, C)
template <Scalar Real>
Var<Real, 3> causal_attention(Var<Real, 3> q, Var<Real, 3> kv, Index heads, double dropout = 0) {
  return attention(q, kv, {.heads = heads, .dropout = dropout});
}
template <Scalar Real>
Var<Real, 3> causal_attention(Var<Real, 3> qkv, Index heads, const KeyValues<Real>& past) {
  return attention(qkv, {.heads = heads}, past);
}
template <Scalar Real>
Var<Real, 3> causal_attention(Var<Real, 3> q, Var<Real, 3> kv, Index heads, const KeyValues<Real>& past) {
  return attention(q, kv, {.heads = heads}, past);
}

/// Cosines and sines of the rotary angles position / base^(i / (D/2)), each (positions, D/2).
template <Scalar Real>
struct RotaryTable {
  Tensor<Real, 2> cosine, sine;

  RotaryTable(Index positions, Index head_width, double base = 10000) {
    require_config(
        head_width > 0 && head_width % 2 == 0,
        {"RotaryTable: rotary embedding turns pairs and needs an even head width, got ", head_width});
    const Index half = head_width / 2;
    detail::BuildLimit::take(count_product(2, positions, half));
    cosine = sine = Tensor<Real, 2>({positions, half});
    for (Index position = 0; position < (has_values<Real> ? positions : 0); ++position) {
      for (Index i = 0; i < half; ++i) {
        const double angle =
            static_cast<double>(position) / libm::pow(base, static_cast<double>(i) / static_cast<double>(half));
        cosine(position, i) = Real(libm::cos(angle));
        sine(position, i) = Real(libm::sin(angle));
      }
    }
  }
};

/// Turns the heads in the first `rotated` features of each row by the row's position, `first` + t; the
/// other features pass. Half-split pairs (i, i + D/2), D = twice the table's columns.   Su et al. 2021
/// x (B, T, F)   →   y (B, T, F)
///   dx += dy turned back
/// The table must outlive the step, because the backward pass reads it.
template <Scalar Real>
Var<Real, 3> rotary_embedding(Var<Real, 3> x, const RotaryTable<Real>& table, Index rotated, Index first = 0) {
  const Index D = 2 * table.cosine.extent(1), T = x.extent(1);
  if (D == 0 || rotated < 0 || rotated % D != 0 || rotated > x.extent(2) || first < 0 ||
      first + T > table.cosine.extent(0)) {
    throw_error<ShapeError>({"rotary_embedding: positions ", first, " … ", first + T - 1, " and ", rotated,
                             " rotated features of input ", x.shape(), " do not fit a table of ",
                             table.cosine.extent(0), " positions and head width ", D});
  }
  const kernels::RotarySize size{row_count(x.shape()), x.extent(2), rotated, D, T, first};
  const Real *cosine = table.cosine.data(), *sine = table.sine.data();
  return operation(
      x.tape(), "rotary_embedding", x.shape(), {x}, {.costs = [&] { return kernels::rotary_costs(size); }},
      [=](auto y) { kernels::rotary_forward(x.value(), cosine, sine, y.output(), size); },
      [=](auto y) { kernels::rotary_backward(cosine, sine, y.grad(), x.grad_into(), size); });
}
template <Scalar Real>
Var<Real, 3> rotary_embedding(Var<Real, 3> x, const RotaryTable<Real>&& table, Index rotated,
                              Index first = 0) = delete;

}  // namespace slm
