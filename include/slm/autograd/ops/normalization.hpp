#pragma once
// layer_norm, rms_norm: rows brought to a common scale.
#include <optional>

#include "slm/autograd/ops/check.hpp"
#include "slm/kernels/normalization.hpp"

namespace slm {

namespace detail {

/// Throws a `ConfigError` where what is added under a root may make it none.
template <Scalar Real>
void require_epsilon(const char* operation, Real eps) {
  if constexpr (std::is_floating_point_v<Real>) {
    require_config(is_finite(eps) && eps >= 0, {operation, ": eps must be finite and at least 0, got ", eps});
  }
}

template <Scalar Real, std::size_t Rank>
Var<Real, Rank> layer_norm(Var<Real, Rank> x, Var<Real, 1> gain, const std::optional<Var<Real, 1>>& shift,
                           std::type_identity_t<Real> eps) {
  const kernels::RowsSize size{row_count(x.shape()), last_extent(x.shape())};
  require_epsilon("layer_norm", eps);
  require_shape("layer_norm", "gain", gain.shape(), {size.columns}, "input", x.shape());
  if (shift) require_shape("layer_norm", "shift", shift->shape(), {size.columns}, "input", x.shape());
  const bool dshift = shift && shift->wants_grad();
  // Of each row its mean and the reciprocal of its deviation.
  return operation(
      x.tape(), "layer_norm", x.shape(), {needed(x), needed(gain, x.wants_grad()), shift},
      {.costs =
           [&] {
             return kernels::layer_norm_costs(size, shift.has_value(), x.wants_grad(), gain.wants_grad(),
                                              dshift);
           },
       .keeps = 2 * size.rows},
      [=](auto y) {
        const Real* by = shift ? shift->value() : nullptr;
        kernels::layer_norm_forward(x.value(), gain.value(), by, eps, y.output(), y.kept(),
                                    y.kept() + size.rows, size);
      },
      [=](auto y) {
        const Real *mean = y.kept(), *rstd = mean + size.rows;
        if (x.wants_grad()) {
          kernels::layer_norm_backward_input(x.value(), gain.value(), mean, rstd, y.grad(), x.grad_into(),
                                             size);
        }
        if (gain.wants_grad()) {
          kernels::layer_norm_backward_gain(x.value(), mean, rstd, y.grad(), gain.grad(), size);
        }
        if (dshift) kernels::bias_backward(y.grad(), shift->grad(), size);
      });
}

}  // namespace detail

/// y = (x − mean) / √(variance + eps) ∘ gain + shift over the last axis.        PyTorch: F.layer_norm
/// x (…, C)   gain (C)   shift (C)   →   y (…, C)
///   with x̂ the normalised x, g = dy ∘ gain, means over C:
///   dx += (g − mean(g) − x̂ mean(g ∘ x̂)) / √(variance + eps)      dgain += Σₙ dy ∘ x̂      dshift += Σₙ dy
template <Scalar Real, std::size_t Rank>
Var<Real, Rank> layer_norm(Var<Real, Rank> x, Var<Real, 1> gain, Var<Real, 1> shift,
                           std::type_identity_t<Real> eps = Real(1e-5)) {
  return detail::layer_norm<Real, Rank>(x, gain, shift, eps);
}
/// The same without shift.
template <Scalar Real, std::size_t Rank>
Var<Real, Rank> layer_norm(Var<Real, Rank> x, Var<Real, 1> gain, std::type_identity_t<Real> eps = Real(1e-5)) {
  return detail::layer_norm<Real, Rank>(x, gain, std::nullopt, eps);
}

/// y = x / √(mean(x²) + eps) ∘ gain over the last axis.                         PyTorch: nn.RMSNorm
/// x (…, C)   gain (C)   →   y (…, C)
///   dx += (g − x̂ mean(g ∘ x̂)) / √(mean(x²) + eps)      dgain += Σₙ dy ∘ x̂
template <Scalar Real, std::size_t Rank>
Var<Real, Rank> rms_norm(Var<Real, Rank> x, Var<Real, 1> gain, std::type_identity_t<Real> eps = Real(1e-5)) {
  const kernels::RowsSize size{row_count(x.shape()), last_extent(x.shape())};
  detail::require_epsilon("rms_norm", eps);
  detail::require_shape("rms_norm", "gain", gain.shape(), {size.columns}, "input", x.shape());
  // Of each row the reciprocal of its root mean square.
  return operation(
      x.tape(), "rms_norm", x.shape(), {needed(x), needed(gain, x.wants_grad())},
      {.costs = [&] { return kernels::rms_norm_costs(size, x.wants_grad(), gain.wants_grad()); },
       .keeps = size.rows},
      [=](auto y) { kernels::rms_norm_forward(x.value(), gain.value(), eps, y.output(), y.kept(), size); },
      [=](auto y) {
        if (x.wants_grad()) {
          kernels::rms_norm_backward_input(x.value(), gain.value(), y.kept(), y.grad(), x.grad_into(), size);
        }
        if (gain.wants_grad())
          kernels::rms_norm_backward_gain(x.value(), y.kept(), y.grad(), gain.grad(), size);
      });
}

}  // namespace slm
