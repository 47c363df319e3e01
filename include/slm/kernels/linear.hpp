#pragma once
// Affine map of rows, and the plain matrix product.
#include "slm/core/gemm.hpp"
#include "slm/kernels/elementwise.hpp"

namespace slm::kernels {
inline namespace SLM_INSTRUCTION_SET {

/// x (rows, inputs), W (outputs, inputs), b (outputs), y (rows, outputs).
struct LinearSize {
  Index rows, inputs, outputs;
};

/// y = x Wᵀ + b; b may be null.
template <Scalar Real>
void linear_forward(const Real* x, const Real* W, const Real* b, Real* y, LinearSize size) {
  const auto [rows, inputs, outputs] = size;
  parallel_gemm<Transposed::b, Real>({x, rows, inputs}, {W, outputs, inputs}, {y, rows, outputs},
                                     StoreMode::assign, b);
}
/// The same with Wᵀ (inputs, outputs): products of one row read it in order, where they would have to transpose
/// W first.
template <Scalar Real>
void linear_forward_transposed(const Real* x, const Real* W_transposed, const Real* b, Real* y,
                               LinearSize size) {
  const auto [rows, inputs, outputs] = size;
  parallel_gemm<Transposed::none, Real>({x, rows, inputs}, {W_transposed, inputs, outputs}, {y, rows, outputs},
                                        StoreMode::assign, b);
}
inline Cost linear_forward_cost(LinearSize size, bool bias) {
  return gemm_cost(size.rows, size.inputs, size.outputs) +
         bias_forward_cost(size.rows, size.outputs).when(bias);
}
/// dx += dy W
template <Scalar Real>
void linear_backward_input(const Real* W, const Real* dy, Into<Real> dx, LinearSize size) {
  const auto [rows, inputs, outputs] = size;
  parallel_gemm<Transposed::none, Real>({dy, rows, outputs}, {W, outputs, inputs}, {dx.data, rows, inputs},
                                        dx.store);
}
inline Cost linear_backward_input_cost(LinearSize size) {
  return gemm_cost(size.rows, size.outputs, size.inputs);
}
/// dW += dyᵀ x
template <Scalar Real>
void linear_backward_weight(const Real* x, const Real* dy, Into<Real> dW, LinearSize size) {
  const auto [rows, inputs, outputs] = size;
  parallel_gemm<Transposed::a, Real>({dy, rows, outputs}, {x, rows, inputs}, {dW.data, outputs, inputs},
                                     dW.store);
}
inline Cost linear_backward_weight_cost(LinearSize size) {
  return gemm_cost(size.outputs, size.rows, size.inputs);
}

/// `batch` products C (m, n) = A (m, k) B (k, n), one after the other in memory.
struct MatmulSize {
  Index batch, m, k, n;
};

/// C = A B
template <Scalar Real>
void matmul_forward(const Real* a, const Real* b, Real* c, MatmulSize size) {
  const auto [batch, m, k, n] = size;
  for (Index i = 0; i < batch; ++i) {
    parallel_gemm<Transposed::none, Real>({a + i * m * k, m, k}, {b + i * k * n, k, n}, {c + i * m * n, m, n},
                                          StoreMode::assign);
  }
}
inline Cost matmul_forward_cost(MatmulSize size) { return gemm_cost(size.m, size.k, size.n) * size.batch; }
/// dA += dC Bᵀ
template <Scalar Real>
void matmul_backward_a(const Real* b, const Real* dc, Into<Real> da, MatmulSize size) {
  const auto [batch, m, k, n] = size;
  for (Index i = 0; i < batch; ++i) {
    parallel_gemm<Transposed::b, Real>({dc + i * m * n, m, n}, {b + i * k * n, k, n},
                                       {da.data + i * m * k, m, k}, da.store);
  }
}
inline Cost matmul_backward_a_cost(MatmulSize size) { return gemm_cost(size.m, size.n, size.k) * size.batch; }
/// dB += Aᵀ dC
template <Scalar Real>
void matmul_backward_b(const Real* a, const Real* dc, Into<Real> db, MatmulSize size) {
  const auto [batch, m, k, n] = size;
  for (Index i = 0; i < batch; ++i) {
    parallel_gemm<Transposed::a, Real>({a + i * m * k, m, k}, {dc + i * m * n, m, n},
                                       {db.data + i * k * n, k, n}, db.store);
  }
}
inline Cost matmul_backward_b_cost(MatmulSize size) { return gemm_cost(size.k, size.m, size.n) * size.batch; }

}  // namespace SLM_INSTRUCTION_SET
}  // namespace slm::kernels
