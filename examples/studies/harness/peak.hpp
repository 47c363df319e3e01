#pragma once
// What this machine can do at most, as far as a matrix product shows it.
#include <chrono>
#include <vector>

#include "slm/slm.hpp"

namespace slm::studies {

namespace detail {

/// What is timed: some products of n x n matrices on each thread, all threads at once.
class PeakRound {
 public:
  /// Gives what it computed.
  Cost operator()() {
    constexpr Index repeats = 4;
    const auto count = static_cast<Index>(operands_.size());
    parallel_for(count, [&](Index i) {
      auto& [tape, a, b] = operands_[static_cast<std::size_t>(i)];
      for (Index k = 0; k < repeats; ++k) {
        tape.reset();
        matmul(tape.input(a), tape.input(b));
      }
    });
    return gemm_cost(n, n, n) * repeats * count;
  }

 private:
  static constexpr Index n = 256;

  struct Operands {
    Tape<float> tape{Mode::evaluate};
    Tensor<float, 2> a{{n, n}}, b{{n, n}};

    Operands() {
      std::fill(a.begin(), a.end(), 1.0F);
      std::fill(b.begin(), b.end(), 1.0F);
    }
  };

  std::vector<Operands> operands_ = std::vector<Operands>(static_cast<std::size_t>(threads()));
};

}  // namespace detail

/// FLOP/s of float products that stay in cache, on all threads at once: the best of what fits in `seconds`.
inline double measured_peak(double seconds = 0.25) {
  using Clock = std::chrono::steady_clock;
  detail::PeakRound round;
  const auto start = Clock::now();
  double best = 0;
  do {
    const auto before = Clock::now();
    const auto flops = static_cast<double>(round().flops());
    best = std::max(best, flops / std::chrono::duration<double>(Clock::now() - before).count());
  } while (std::chrono::duration<double>(Clock::now() - start).count() < seconds);
  return best;
}

}  // namespace slm::studies
