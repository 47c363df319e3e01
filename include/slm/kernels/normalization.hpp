#pragma once
// Layer norm and RMS norm of rows.
#include "slm/core/math.hpp"
#include "slm/kernels/elementwise.hpp"

namespace slm::kernels {
inline namespace SLM_INSTRUCTION_SET {

/// y = (x − mean) rstd ∘ gain + shift over the C features of a row, with rstd = 1/√(variance + eps) and the
/// biased variance. Keeps mean and rstd, one of each per row. `shift` may be null. In place when y = x.
///                                                                       Ba, Kiros, Hinton 2016, eq. 4
template <Scalar Real>
void layer_norm_forward(const Real* x, const Real* gain, const Real* shift, Real eps, Real* y, Real* mean,
                        Real* rstd, RowsSize size) {
  const Index C = size.columns;
  for_each_row(size, [=](Index n) {
    const Real* row = x + n * C;
    Real* out = y + n * C;
    const Real m = sum_over<Real>(C, [=](Index c) { return row[c]; }) / Real(C);
    const Real variance = sum_over<Real>(C, [=](Index c) { return (row[c] - m) * (row[c] - m); }) / Real(C);
    const Real r = Real(1) / math::sqrt(variance + eps);
    if (shift) {
      for (Index c = 0; c < C; ++c) out[c] = (row[c] - m) * r * gain[c] + shift[c];
    } else {
      for (Index c = 0; c < C; ++c) out[c] = (row[c] - m) * r * gain[c];
    }
    mean[n] = m;
    rstd[n] = r;
  });
}
/// With x̂ = (x − mean) rstd and g = dy ∘ gain:  dx += rstd (g − mean(g) − x̂ mean(g ∘ x̂)).
template <Scalar Real>
void layer_norm_backward_input(const Real* x, const Real* gain, const Real* mean, const Real* rstd,
                               const Real* dy, Into<Real> dx, RowsSize size) {
  const Index C = size.columns;
  for_each_row(size, [=](Index n) {
    const Real *row = x + n * C, *up = dy + n * C;
    const Real m = mean[n], r = rstd[n];
    const Real g_mean = sum_over<Real>(C, [=](Index c) { return up[c] * gain[c]; }) / Real(C);
    const Real gx_mean =
        sum_over<Real>(C, [=](Index c) { return up[c] * gain[c] * ((row[c] - m) * r); }) / Real(C);
    for (Index c = 0, i = n * C; c < C; ++c, ++i) {
      dx.data[i] = dx.before(i) + r * (up[c] * gain[c] - g_mean - (row[c] - m) * r * gx_mean);
    }
  });
}
/// dgain += Σₙ dy ∘ x̂; the gradient of shift is that of a bias.
template <Scalar Real>
void layer_norm_backward_gain(const Real* x, const Real* mean, const Real* rstd, const Real* dy, Real* dgain,
                              RowsSize size) {
  const Index C = size.columns;
  for_each_in_columns(
      size, [=](Index n, Index c) { dgain[c] += dy[n * C + c] * ((x[n * C + c] - mean[n]) * rstd[n]); });
}
inline PassCosts layer_norm_costs(RowsSize size, bool has_shift = true, bool x = true, bool gain = true,
                                  bool shift = true) {
  const Index C = size.columns;
  const Cost sums = sum_over_cost(C) * 2;
  const Cost y = Cost{.elementwise = 3 + 3 + (has_shift ? 1 : 0)} * C + sums +
                 Cost{.elementwise = 2 + 2, .transcendental = 1};
  const Cost dx = Cost{.elementwise = 1 + 4 + 8} * C + sums + Cost{.elementwise = 2};
  const Cost affine = Cost{.elementwise = (gain ? 4 : 0) + (has_shift && shift ? 1 : 0)} * C;
  return PassCosts{y, dx.when(x) + affine} * size.rows;
}

/// y = x r ∘ gain with r = 1/√(mean(x²) + eps), kept per row.                Zhang and Sennrich 2019, eq. 4
template <Scalar Real>
void rms_norm_forward(const Real* x, const Real* gain, Real eps, Real* y, Real* rrms, RowsSize size) {
  const Index C = size.columns;
  for_each_row(size, [=](Index n) {
    const Real* row = x + n * C;
    const Real square = sum_over<Real>(C, [=](Index c) { return row[c] * row[c]; }) / Real(C);
    const Real r = Real(1) / math::sqrt(square + eps);
    for (Index c = 0; c < C; ++c) y[n * C + c] = row[c] * r * gain[c];
    rrms[n] = r;
  });
}
/// With x̂ = x r and g = dy ∘ gain:  dx += r (g − x̂ mean(g ∘ x̂)).
template <Scalar Real>
void rms_norm_backward_input(const Real* x, const Real* gain, const Real* rrms, const Real* dy, Into<Real> dx,
                             RowsSize size) {
  const Index C = size.columns;
  for_each_row(size, [=](Index n) {
    const Real *row = x + n * C, *up = dy + n * C;
    const Real r = rrms[n];
    const Real gx_mean = sum_over<Real>(C, [=](Index c) { return up[c] * gain[c] * (row[c] * r); }) / Real(C);
    for (Index c = 0, i = n * C; c < C; ++c, ++i) {
      dx.data[i] = dx.before(i) + r * (up[c] * gain[c] - row[c] * r * gx_mean);
    }
  });
}
/// dgain += Σₙ dy ∘ x̂
template <Scalar Real>
void rms_norm_backward_gain(const Real* x, const Real* rrms, const Real* dy, Real* dgain, RowsSize size) {
  const Index C = size.columns;
  for_each_in_columns(size, [=](Index n, Index c) { dgain[c] += dy[n * C + c] * (x[n * C + c] * rrms[n]); });
}
inline PassCosts rms_norm_costs(RowsSize size, bool x = true, bool gain = true) {
  const Index C = size.columns;
  const Cost y =
      Cost{.elementwise = 1 + 2} * C + sum_over_cost(C) + Cost{.elementwise = 1 + 2, .transcendental = 1};
  const Cost dx = Cost{.elementwise = 3 + 6} * C + sum_over_cost(C) + Cost{.elementwise = 1};
  const Cost dgain = Cost{.elementwise = 3} * C;
  return PassCosts{y, dx.when(x) + dgain.when(gain)} * size.rows;
}

}  // namespace SLM_INSTRUCTION_SET
}  // namespace slm::kernels
