#pragma once
// What this machine can do at most, as far as a matrix product shows it.
#include <chrono>
#include <deque>

#include "slm/slm.hpp"

namespace slm::studies {

namespace detail {

/// What is timed: some products of n x n matrices on each thread, all threads at once.
template <Scalar Real>
class PeakRound {
 public:
  explicit PeakRound(Index n) : n_(n) {
    for (int thread = 0; thread < threads(); ++thread) operands_.emplace_back(n);
  }

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
    return gemm_cost(n_, n_, n_) * repeats * count;
  }

 private:
  struct Operands {
    Tape<Real> tape{Mode::evaluate};
    Tensor<Real, 2> a, b;

    explicit Operands(Index n) : a({n, n}), b({n, n}) {
      std::fill(a.begin(), a.end(), Real(1));
      std::fill(b.begin(), b.end(), Real(1));
    }
  };

  Index n_;
  std::deque<Operands> operands_;  // a tape stays where it is
};

}  // namespace detail

/// FLOP/s of float products that stay in cache, on all threads at once: the best of what fits in `seconds`.
inline double measured_peak(double seconds = 0.25) {
  using Clock = std::chrono::steady_clock;
  detail::PeakRound<float> round(256);
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
