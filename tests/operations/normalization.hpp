#pragma once
#include <limits>

#include "operations/entry.hpp"
#include "slm/autograd/ops/normalization.hpp"

namespace slm::detail {

template <Scalar Real>
OperationEntry<Real> layer_norm_entry() {
  const auto f = priced([](auto x, auto gain, auto shift) { return layer_norm(x, gain, shift); },
                        [](auto x, auto, auto) {
                          return kernels::layer_norm_costs({row_count(x), last_extent(x)});
                        });
  const auto without_shift = priced([](auto x, auto gain) { return layer_norm(x, gain); },
                                    [](auto x, auto) {
                                      return kernels::layer_norm_costs({row_count(x), last_extent(x)}, false);
                                    });
  return {.name = "layer_norm",
          .formula = "y = (x − mean) / √(variance + eps) ∘ gain + shift over the last axis",
          .small = {example<Real>("", f, Named("x", 5, 8), Named("gain", 8), Named("shift", 8)),
                    example<Real>("rank 3", f, Named("x", 2, 3, 20), Named("gain", 20), Named("shift", 20)),
                    example<Real>("without shift", without_shift, Named("x", 5, 8), Named("gain", 8))},
          .large = {example<Real>("", f, Named("x", 3, 100, 140), Named("gain", 140), Named("shift", 140))},
          .refused = {{example<Real>("", f, Named("x", 2, 3), Named("gain", 2), Named("shift", 3)),
                       {"gain has shape (2)", "input of shape (2, 3)", "needs (3)"}},
                      {example<Real>("", f, Named("x", 2, 3), Named("gain", 3), Named("shift", 2)),
                       {"shift has shape (2)", "input of shape (2, 3)", "needs (3)"}},
                      {example<Real>(
                           "eps", [](auto x, auto gain) { return layer_norm(x, gain, Real(-1e-5)); },
                           Named("x", 2, 3), Named("gain", 3)),
                       {"eps must be finite and at least 0", "-1e-05"}}}};
}

template <Scalar Real>
OperationEntry<Real> rms_norm_entry() {
  const auto f = priced([](auto x, auto gain) { return rms_norm(x, gain); },
                        [](auto x, auto) {
                          return kernels::rms_norm_costs({row_count(x), last_extent(x)});
                        });
  return {.name = "rms_norm",
          .formula = "y = x / √(mean(x²) + eps) ∘ gain over the last axis",
          .small = {example<Real>("", f, Named("x", 5, 8), Named("gain", 8)),
                    example<Real>("rank 3", f, Named("x", 2, 3, 20), Named("gain", 20))},
          .large = {example<Real>("", f, Named("x", 3, 100, 140), Named("gain", 140))},
          .refused = {
              {example<Real>("", f, Named("x", 2, 3), Named("gain", 4)),
               {"gain has shape (4)", "input of shape (2, 3)", "needs (3)"}},
              {example<Real>(
                   "eps",
                   [](auto x, auto gain) { return rms_norm(x, gain, std::numeric_limits<Real>::quiet_NaN()); },
                   Named("x", 2, 3), Named("gain", 3)),
               {"eps must be finite and at least 0", "nan"}}}};
}

}  // namespace slm::detail
