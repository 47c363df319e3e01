#pragma once
// How long trainings are likely to take yet.
#include <algorithm>
#include <chrono>

#include "harness/job.hpp"

namespace slm::studies {

class Estimate {
 public:
  /// The FLOPs of all trainings to be made.
  explicit Estimate(double total_flops) : pending_flops_(total_flops) {}

  void begin(const Job& job) {
    start_ = Clock::now();
    flops_ = job.flops();
    pending_flops_ -= flops_;
    windows_ = weighted_windows(job);
    done_ = 0;
  }

  /// Of this training's windows, so many were done before: they take no time.
  void skip(double windows) {
    flops_ *= (windows_ - windows) / windows_;
    windows_ -= windows;
  }

  /// Adds windows to those done of this training, evaluated ones weighted by `evaluation_share`.
  void advance(double windows) { done_ = std::min(done_ + windows, windows_); }

  void end() {
    past_seconds_ += seconds();
    past_flops_ += flops_ * done_ / windows_;  // a training that diverged ended before all were done
  }

  /// Of this training so far.
  double seconds() const { return std::chrono::duration<double>(Clock::now() - start_).count(); }

  /// Seconds until this training ends, from its own speed. Only after some windows.
  double run_left() const { return seconds() * (windows_ - done_) / done_; }

  /// Whether trainings follow this one.
  bool more() const { return pending_flops_ > 0; }

  /// Seconds until all end, if the next ones need the same time for their FLOPs as those so far.
  double all_left() const {
    const double pace = (past_seconds_ + seconds()) / (past_flops_ + flops_ * done_ / windows_);
    return run_left() + pending_flops_ * pace;
  }

 private:
  using Clock = std::chrono::steady_clock;
  double pending_flops_;                       // of trainings not begun
  double past_flops_ = 0, past_seconds_ = 0;   // of trainings ended
  double flops_ = 0, windows_ = 0, done_ = 0;  // of this one
  Clock::time_point start_;
};

}  // namespace slm::studies
