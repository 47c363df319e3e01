#pragma once
// What this machine can do at most, as far as a matrix product shows it.
#include <chrono>
#include <limits>
#include <vector>

#include "slm/core/gemm.hpp"
#include "slm/core/tensor.hpp"

namespace slm::flops {

/// FLOP/s of float products that stay in cache, on all threads at once: the best of what fits in `seconds`.
inline double measured_peak(double seconds = 0.25) {
  using Clock = std::chrono::steady_clock;
  constexpr Index n = 256, repeats = 4;
  struct Operands {
    Tensor<float, 2> a{{n, n}}, b{{n, n}}, c{{n, n}};
  };
  std::vector<Operands> operands(static_cast<std::size_t>(threads()));
  for (auto& [a, b, c] : operands) {
    std::fill(a.begin(), a.end(), 1.0F);
    std::fill(b.begin(), b.end(), 1.0F);
  }
  const auto start = Clock::now();
  double best = std::numeric_limits<double>::infinity();
  do {
    const auto before = Clock::now();
    parallel_for(static_cast<Index>(operands.size()), [&](Index i) {
      auto& [a, b, c] = operands[static_cast<std::size_t>(i)];
      for (Index k = 0; k < repeats; ++k) {
        multiply<Product::plain, float>({a.data(), n, n}, {b.data(), n, n}, {c.data(), n, n}, Store::assign);
      }
    });
    best = std::min(best, std::chrono::duration<double>(Clock::now() - before).count());
  } while (std::chrono::duration<double>(Clock::now() - start).count() < seconds);
  const Cost all = multiply_cost(n, n, n) * repeats * static_cast<Index>(operands.size());
  return static_cast<double>(all.flops()) / best;
}

}  // namespace slm::flops
