#pragma once
// The minimal GRU: gates that see the input alone, so that only a running mean goes from position to position.
#include "slm/core/math.hpp"
#include "slm/kernels/recurrent.hpp"

namespace slm::kernels {
inline namespace SLM_INSTRUCTION_SET {

// A position after the other for all features at once, which vector units like better than the scan over
// positions that the paper has for many cores; threads own sequences.

/// z = σ(x_z)   y = h′ = h + z (x_h − h)                       Feng et al. 2024, section 3.1: the plain version
/// x (B, T, 2H): z's part, then the candidate   →   y (B, T, H).   `states` (B, H) are where the sequences go
/// on from, if they do, and what they leave behind; null for zeros. `scratch` is memory for H numbers.
template <Scalar Real>
void min_gru_forward(const Real* x, Real* states, Real* y, const RecurrentSize& size, Real* scratch) {
  const Index T = size.T, H = size.H;
  std::fill_n(scratch, H, Real(0));
  for_each_row({size.B, T * H}, [=, continues = size.continues](Index b) {
    const Real* h = continues ? states + b * H : scratch;
    for (Index n = b * T; n < (b + 1) * T; ++n) {
      const Real *z = x + n * 2 * H, *candidate = z + H, *before = h;
      Real* to = y + n * H;
      for_each_feature(H,
                       [=](Index j) { to[j] = before[j] + math::sigmoid(z[j]) * (candidate[j] - before[j]); });
      h = to;
    }
    if (states) std::copy_n(h, H, states + b * H);
  });
}

/// dx_z += dh′ (x_h − h) z (1 − z)   dx_h += dh′ z   dh = dh′ (1 − z), of sequences that began at zeros.
/// `scratch` is memory for B + 1 rows of H.
template <Scalar Real>
void min_gru_backward(const Real* x, const Real* y, const Real* dy, Into<Real> dx, const RecurrentSize& size,
                      Real* scratch) {
  const Index T = size.T, H = size.H;
  Real *zeros = scratch, *ds = scratch + H;
  std::fill_n(scratch, (size.B + 1) * H, Real(0));
  for_each_row({size.B, T * H}, [=](Index b) {
    Real* slope = ds + b * H;
    for (Index n = (b + 1) * T - 1; n >= b * T; --n) {
      const Real *in = x + n * 2 * H, *h = n > b * T ? y + (n - 1) * H : zeros, *up = dy + n * H;
      const Destination<Real> to(dx.data + n * 2 * H, dx.store);
      for_each_feature(H, [=](Index j) {
        const Real z = math::sigmoid(in[j]), rest = Real(1) - z, dh = up[j] + slope[j];
        to.data[j] = to.before(j) + dh * (in[H + j] - h[j]) * (z * rest);
        to.data[H + j] = to.before(H + j) + dh * z;
        slope[j] = dh * rest;
      });
    }
  });
}
inline PassCosts min_gru_costs(const RecurrentSize& size) {
  return PassCosts{{.elementwise = 3, .transcendental = 1}, {.elementwise = 10, .transcendental = 1}} *
         count_product(size.B, size.T, size.H);
}

}  // namespace SLM_INSTRUCTION_SET
}  // namespace slm::kernels
