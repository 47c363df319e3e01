#pragma once
// Affine map of rows, and the plain matrix product.
#include "slm/core/gemm.hpp"
#include "slm/core/packed_gemm.hpp"
#include "slm/kernels/elementwise.hpp"

namespace slm::kernels {
inline namespace SLM_INSTRUCTION_SET {

/// x (rows, inputs), W (outputs, inputs), b (outputs), y (rows, outputs).
struct LinearSize {
  Index rows, inputs, outputs;
};

/// y = x Wᵀ + b; b may be null. Where Wᵀ is there packed, W is not read, and the products are those that it was
/// packed for.
template <Scalar Real>
void linear_forward(const Real* x, const Real* W, const Real* b, Real* y, LinearSize size,
                    PackedMatrix<std::type_identity_t<Real>> W_packed = {},
                    Products products = Products::full) {
  const auto [rows, inputs, outputs] = size;
  if (W_packed.data) {
    return parallel_packed_gemm<Real>({x, rows, inputs}, W_packed, {y, rows, outputs}, StoreMode::assign, b);
  }
  parallel_gemm<Transposed::b, Real>({x, rows, inputs}, {W, outputs, inputs}, {y, rows, outputs},
                                     StoreMode::assign, b, products);
}
/// dx += dy W. Where W is there packed, it is read so.
template <Scalar Real>
void linear_backward_input(const Real* W, const Real* dy, Into<Real> dx, LinearSize size,
                           PackedMatrix<std::type_identity_t<Real>> W_packed = {},
                           Products products = Products::full) {
  const auto [rows, inputs, outputs] = size;
  const Matrix<Real> to(dx.data, rows, inputs);
  if (W_packed.data) return parallel_packed_gemm<Real>({dy, rows, outputs}, W_packed, to, dx.store);
  parallel_gemm<Transposed::none, Real>({dy, rows, outputs}, {W, outputs, inputs}, to, dx.store, nullptr,
                                        products);
}
/// dW += dyᵀ x
template <Scalar Real>
void linear_backward_weight(const Real* x, const Real* dy, Into<Real> dW, LinearSize size,
                            Products products = Products::full) {
  const auto [rows, inputs, outputs] = size;
  parallel_gemm<Transposed::a, Real>({dy, rows, outputs}, {x, rows, inputs}, {dW.data, outputs, inputs},
                                     dW.store, nullptr, products);
}
inline PassCosts linear_costs(LinearSize size, bool has_bias, bool x = true, bool W = true, bool b = true) {
  const Cost product = gemm_cost(size.rows, size.inputs, size.outputs);
  const Cost bias{.elementwise = count_product(size.rows, size.outputs)};
  return {product + bias.when(has_bias), product.when(x) + product.when(W) + bias.when(has_bias && b)};
}

/// `batch` products C (m, n) = A (m, k) B (k, n), one after the other in memory.
struct MatmulSize {
  Index batch, m, k, n;
};

/// C = A B
template <Scalar Real>
void matmul_forward(const Real* a, const Real* b, Real* c, MatmulSize size,
                    Products products = Products::full) {
  const auto [batch, m, k, n] = size;
  for (Index i = 0; i < batch; ++i) {
    parallel_gemm<Transposed::none, Real>({a + i * m * k, m, k}, {b + i * k * n, k, n}, {c + i * m * n, m, n},
                                          StoreMode::assign, nullptr, products);
  }
}
/// dA += dC Bᵀ
template <Scalar Real>
void matmul_backward_a(const Real* b, const Real* dc, Into<Real> da, MatmulSize size,
                       Products products = Products::full) {
  const auto [batch, m, k, n] = size;
  for (Index i = 0; i < batch; ++i) {
    parallel_gemm<Transposed::b, Real>({dc + i * m * n, m, n}, {b + i * k * n, k, n},
                                       {da.data + i * m * k, m, k}, da.store, nullptr, products);
  }
}
/// dB += Aᵀ dC
template <Scalar Real>
void matmul_backward_b(const Real* a, const Real* dc, Into<Real> db, MatmulSize size,
                       Products products = Products::full) {
  const auto [batch, m, k, n] = size;
  for (Index i = 0; i < batch; ++i) {
    parallel_gemm<Transposed::a, Real>({a + i * m * k, m, k}, {dc + i * m * n, m, n},
                                       {db.data + i * k * n, k, n}, db.store, nullptr, products);
  }
}
inline PassCosts matmul_costs(MatmulSize size, bool a = true, bool b = true) {
  const Cost product = gemm_cost(size.m, size.k, size.n) * size.batch;
  return {product, product.when(a) + product.when(b)};
}

}  // namespace SLM_INSTRUCTION_SET
}  // namespace slm::kernels
