#pragma once
// Rows of a table looked up by token, and one position picked out.
#include "slm/core/tensor.hpp"
#include "slm/kernels/elementwise.hpp"

namespace slm::kernels {
inline namespace SLM_INSTRUCTION_SET {

/// y[n] = W[token[n]] for every row n.
template <Scalar Real>
void embedding_forward(const Token* tokens, const Real* W, Real* y, RowsSize size) {
  const Index C = size.columns;
  for_each_row(size, [=](Index n) { std::copy_n(W + tokens[n] * C, C, y + n * C); });
}
/// dW[token[n]] += dy[n]: threads own columns, rows are added in order.
template <Scalar Real>
void embedding_backward(const Token* tokens, const Real* dy, Real* dW, RowsSize size) {
  constexpr Index width = 32;
  const Index C = size.columns;
  parallel_blocks(C, width, [=](Index begin, Index end) {
    const auto add_all = [=](auto count) {
      for (Index n = 0; n < size.rows; ++n) {
        const Real* from = dy + n * C + begin;
        Real* to = dW + tokens[n] * C + begin;
        for (Index c = 0; c < count; ++c) to[c] += from[c];
      }
    };
    // A number that the compiler knows saves it a loop.
    if (end - begin == width) {
      add_all(std::integral_constant<Index, width>());
    } else {
      add_all(end - begin);
    }
  });
}
inline PassCosts embedding_costs(RowsSize size) {
  return PassCosts{{.lookups = 1}, {.elementwise = 1}} * size.rows * size.columns;
}

/// Sequences of T positions with C features.
struct SequenceSize {
  Index B, T, C;
};

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
