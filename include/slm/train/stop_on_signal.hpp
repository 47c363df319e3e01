#pragma once
// Ctrl-C as a wish that a training grants after its step.
#include <array>
#include <atomic>
#include <csignal>
#include <cstddef>

#include "slm/core/language.hpp"

namespace slm {

/// While it lives, the first SIGINT (Ctrl-C) or SIGTERM makes it true instead of ending the program; a second
/// one ends it as ever. One at a time.
///   const StopOnSignal stop;
///   config.stop = std::ref(stop);
///   if (file_exists(path)) load_checkpoint(model, optimizer, state, path);
///   const FitResult result = fit(model, optimizer, train, valid, dropout, config, state);
///   if (result.stopped) save_checkpoint(model, optimizer, state, path);       // goes on there the next time
class StopOnSignal {
 public:
  StopOnSignal() {
    caught_ = false;
    for (std::size_t i = 0; i < signals.size(); ++i) {
      before_[i] = std::signal(signals[i], &note);
      if (before_[i] == SIG_IGN) std::signal(signals[i], SIG_IGN);  // as nohup and shells ask for
    }
  }
  StopOnSignal(const StopOnSignal&) = delete;
  StopOnSignal& operator=(const StopOnSignal&) = delete;
  ~StopOnSignal() {
    for (std::size_t i = 0; i < signals.size(); ++i) {
      if (before_[i] != SIG_ERR) std::signal(signals[i], before_[i]);
    }
  }

  /// Whether a signal came.
  bool operator()() const { return caught_; }

 private:
  static constexpr std::array<int, 2> signals = {SIGINT, SIGTERM};
  using Handler = void (*)(int);

  static void note(int signal) {
    caught_ = true;
    std::signal(signal, SIG_DFL);
  }

  static_assert(std::atomic<bool>::is_always_lock_free, "a signal handler must not wait");
  inline static std::atomic<bool> caught_ = false;
  std::array<Handler, 2> before_{};
};

}  // namespace slm
