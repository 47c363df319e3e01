#pragma once
// Tables of vectors: rows looked up by token, rows added by position, and one position picked out.
#include "slm/core/tensor.hpp"
#include "slm/kernels/elementwise.hpp"

namespace slm::kernels {
inline namespace SLM_INSTRUCTION_SET {

/// `rows` tokens into a table of C features.
struct EmbeddingSize {
  Index rows, columns;
};

/// y[n] = W[token[n]]
template <Scalar Real>
void embedding_forward(const Token* tokens, const Real* W, Real* y, EmbeddingSize size) {
  const Index C = size.columns;
  parallel_blocks(size.rows, rows_per_block(C), [=](Index begin, Index end) {
    for (Index n = begin; n < end; ++n) std::copy_n(W + tokens[n] * C, C, y + n * C);
  });
}
/// dW[token[n]] += dy[n]: threads own columns, rows are added in order.
template <Scalar Real>
void embedding_backward(const Token* tokens, const Real* dy, Real* dW, EmbeddingSize size) {
  constexpr Index width = 32;
  const Index C = size.columns;
  parallel_blocks(C, width, [=](Index begin, Index end) {
    const auto add_rows = [=](auto count) {
      for (Index n = 0; n < size.rows; ++n) {
        const Real* from = dy + n * C + begin;
        Real* to = dW + tokens[n] * C + begin;
        for (Index c = 0; c < count; ++c) to[c] += from[c];
      }
    };
    // A number that the compiler knows saves it a loop.
    if (end - begin == width) {
      add_rows(std::integral_constant<Index, width>());
    } else {
      add_rows(end - begin);
    }
  });
}
inline PassCosts embedding_costs(EmbeddingSize size) {
  return PassCosts{{.lookups = 1}, {.elementwise = 1}} * size.rows * size.columns;
}

/// Sequences of T positions with C features.
struct SequenceSize {
  Index B, T, C;
};

/// y[b, t] = x[b, t] + P[t]
template <Scalar Real>
void positions_forward(const Real* x, const Real* P, Real* y, SequenceSize size) {
  const auto [B, T, C] = size;
  const Index row = T * C;
  parallel_blocks(B, rows_per_block(row), [=](Index begin, Index end) {
    for (Index b = begin; b < end; ++b) {
      for (Index i = 0; i < row; ++i) y[b * row + i] = x[b * row + i] + P[i];
    }
  });
}
/// dP[t] += Σ_b dy[b, t]: threads own positions, sequences are added in order.
template <Scalar Real>
void positions_backward(const Real* dy, Real* dP, SequenceSize size) {
  bias_backward(dy, dP, size.B, size.T * size.C);
}
inline PassCosts positions_costs(SequenceSize size, bool x = true, bool P = true) {
  return add_costs(count_product(size.B, size.T, size.C), x, P);
}

/// y[b] = x[b, T − 1]
template <Scalar Real>
void last_position_forward(const Real* x, Real* y, SequenceSize size) {
  const auto [B, T, C] = size;
  for (Index b = 0; b < B; ++b) std::copy_n(x + (b * T + T - 1) * C, C, y + b * C);
}
/// dx[b, T − 1] += dy[b]
template <Scalar Real>
void last_position_backward(const Real* dy, Real* dx, SequenceSize size) {
  const auto [B, T, C] = size;
  for (Index b = 0; b < B; ++b) {
    for (Index c = 0; c < C; ++c) dx[(b * T + T - 1) * C + c] += dy[b * C + c];
  }
}
inline PassCosts last_position_costs(SequenceSize size) {
  return PassCosts{{.moved = 1}, {.elementwise = 1}} * size.B * size.C;
}

}  // namespace SLM_INSTRUCTION_SET
}  // namespace slm::kernels
