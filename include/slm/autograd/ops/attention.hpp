#pragma once
// causal_attention, rotary_embedding: how positions see each other.
#include <cmath>

#include "slm/autograd/ops/activation.hpp"
#include "slm/kernels/attention.hpp"
#include "slm/kernels/key_value_cache.hpp"
#include "slm/kernels/rotary.hpp"

namespace slm {

/// Keys and values of `length` positions that were read before, in memory for `capacity`.
template <Scalar Real>
struct KeyValues {
  Real *keys, *values;
  Index length, capacity;
};

namespace detail {

inline void require_heads(const char* operation, Index width, Index heads) {
  if (heads < 1 || width % heads != 0) {
    throw ShapeError(make_text({operation, ": ", heads, " heads do not divide the width ", width}));
  }
}

/// Queries from `q`, keys and values from `kv`, which may be parts of one packed variable.
template <Scalar Real>
Var<Real, 3> causal_attention(Var<Real, 3> q, Var<Real, 3> kv, Index key_column, Index heads, Index C,
                              double dropout) {
  auto& tape = q.tape();
  const kernels::AttentionSize size{q.extent(0), q.extent(1), kv.extent(1), heads, C / heads};
  const kernels::Dropout mask = make_dropout(tape, "causal_attention", dropout);
  const auto operands = [=]<class T>(T* at_q, T* at_kv) {
    return kernels::AttentionOperands<T>{at_q, at_kv ? at_kv + key_column : nullptr,
                                         at_kv ? at_kv + key_column + C : nullptr, q.extent(2), kv.extent(2)};
  };
  // Of a packed variable, the keys and values are what the queries leave.
  const auto packed = needed(kv).touching(&q.node() == &kv.node() ? kv.size() - q.size() / 3 : kv.size());
  // Of each query and head the logarithm of its sum.
  return operation(
      tape, "causal_attention", Shape<3>{size.B, size.queries, C},
      {needed(q).touching(size.B * size.queries * C), packed},
      {.costs = [&] { return kernels::attention_costs(size, bool(mask), q.wants_grad(), kv.wants_grad()); },
       .needs_output = true,
       .keeps = count_product(size.B, heads, size.queries)},
      [=](auto y) {
        kernels::attention_forward<Real>(operands(q.value(), kv.value()), size, mask, y.output(), y.kept());
      },
      [=](auto y) {
        Real* dq = q.wants_grad() ? q.grad() : nullptr;
        Real* dkv = kv.wants_grad() ? kv.grad() : nullptr;
        kernels::attention_backward<Real>(operands(q.value(), kv.value()), size, mask, y.value(), y.kept(),
                                          y.grad(), operands(dq, dkv));
      });
}

/// Queries from `q`, keys and values of the same or of more positions from `kv` behind column `key_column`.
template <Scalar Real>
Var<Real, 3> causal_attention(Var<Real, 3> q, Var<Real, 3> kv, Index key_column, Index heads, Index C,
                              const KeyValues<Real>& past) {
  const Index Q = q.extent(1), T = kv.extent(1), seen = past.length + T;
  if (q.extent(0) != 1 || seen > past.capacity) {
    throw_shape_mismatch("causal_attention", "q", q.shape(), "kv", kv.shape(),
                         make_text({"(1, at most ", past.capacity - past.length, ", …) behind ", past.length,
                                    " positions in memory for ", past.capacity}));
  }
  if (q.wants_grad() || kv.wants_grad()) {
    throw Error("causal_attention: keys and values are kept in evaluation only; use Tape tape(Mode::evaluate)");
  }
  const kernels::AttentionSize size{1, Q, seen, heads, C / heads};
  const kernels::CacheSize stored{T, C, past.length, past.capacity, kv.extent(2)};
  return operation(
      q.tape(), "causal_attention", Shape<3>{1, Q, C},
      {Operand(q).touching(Q * C), Operand(kv).touching(2 * T * C)},
      {.costs =
           [&] {  // no dropout, no gradients
             return kernels::attention_costs(size, false, false, false) +
                    kernels::store_keys_values_costs(stored);
           },
       .keeps = count_product(heads, Q),
       .state = {.forward = count_product(2, C, seen + T)}},
      [=](auto y) {
        kernels::store_keys_values(kv.value() + key_column, past.keys, past.values, stored);
        kernels::attention_forward<Real>({q.value(), past.keys, past.values, q.extent(2), C, past.capacity},
                                         size, {}, y.output(), y.kept());
      },
      [](auto) {});
}

/// C of qkv (B, T, 3C).
template <Scalar Real>
Index packed_width(Var<Real, 3> qkv, Index heads) {
  const Index C = qkv.extent(2) / 3;
  if (qkv.extent(2) % 3 != 0) {
    throw ShapeError(make_text({"causal_attention: qkv has shape ", qkv.shape(), ", but needs (B, T, 3C)"}));
  }
  require_heads("causal_attention", C, heads);
  return C;
}

template <Scalar Real>
void require_kv(Var<Real, 3> q, Var<Real, 3> kv, Index heads) {
  const Index C = q.extent(2);
  require_heads("causal_attention", C, heads);
  if (kv.extent(0) != q.extent(0) || kv.extent(1) < q.extent(1) || kv.extent(2) != 2 * C) {
    throw_shape_mismatch("causal_attention", "kv", kv.shape(), "q", q.shape(),
                         make_text({"(", q.extent(0), ", at least ", q.extent(1), ", ", 2 * C, ")"}));
  }
}

}  // namespace detail

/// Causal scaled dot-product attention of `heads` heads, each of width D = C / heads:
///   Y = dropout(softmax(Q Kᵀ / √D, keys up to the query's position only)) V           Vaswani et al. 2017
/// qkv (B, T, 3C): queries, keys and values side by side   →   y (B, T, C)
template <Scalar Real>
Var<Real, 3> causal_attention(Var<Real, 3> qkv, Index heads, double dropout = 0) {
  const Index C = detail::packed_width(qkv, heads);
  return detail::causal_attention(qkv, qkv, C, heads, C, dropout);
}
/// The same of a text that is read piece by piece, in evaluation: keys and values join those of before, and
/// every query sees all.    qkv (1, T, 3C)   →   y (1, T, C)
template <Scalar Real>
Var<Real, 3> causal_attention(Var<Real, 3> qkv, Index heads, const KeyValues<Real>& past) {
  const Index C = detail::packed_width(qkv, heads);
  return detail::causal_attention(qkv, qkv, C, heads, C, past);
}

/// The same for queries of the last positions only.
/// q (B, Q, C): of positions T − Q … T − 1   kv (B, T, 2C): keys and values side by side   →   y (B, Q, C)
template <Scalar Real>
Var<Real, 3> causal_attention(Var<Real, 3> q, Var<Real, 3> kv, Index heads, double dropout = 0) {
  detail::require_kv(q, kv, heads);
  return detail::causal_attention(q, kv, 0, heads, q.extent(2), dropout);
}
template <Scalar Real>
Var<Real, 3> causal_attention(Var<Real, 3> q, Var<Real, 3> kv, Index heads, const KeyValues<Real>& past) {
  detail::require_kv(q, kv, heads);
  return detail::causal_attention(q, kv, 0, heads, q.extent(2), past);
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
            static_cast<double>(position) / std::pow(base, static_cast<double>(i) / static_cast<double>(half));
        cosine(position, i) = Real(std::cos(angle));
        sine(position, i) = Real(std::sin(angle));
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
    throw ShapeError(make_text({"rotary_embedding: positions ", first, " … ", first + T - 1, " and ", rotated,
                                " rotated features of input ", x.shape(), " do not fit a table of ",
                                table.cosine.extent(0), " positions and head width ", D}));
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
