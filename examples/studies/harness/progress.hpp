#pragma once
// How far a training is, while it runs.
#include <chrono>
#include <optional>
#include <string>

#include "harness/estimate.hpp"
#include "slm/train/fit.hpp"

namespace slm::studies {

/// Says on standard output how far a training is: on a terminal in one line that is written over, elsewhere
/// in a line every few seconds.
class Progress {
 public:
  /// The FLOPs of all trainings to be made, and what the machine can do at most, in FLOP/s, where that is
  /// known.
  Progress(double total_flops, const std::optional<double>& peak);

  void begin(const Job& job);
  /// These epochs were done before the program began.
  void resume(const std::vector<EpochReport>& epochs);
  void step(const StepReport& report);
  void epoch_done(const EpochReport& report);
  void testing();
  void end();

  /// A line that stays.
  void print(const std::string& line);

  const std::optional<double>& peak() const { return peak_; }

  /// Of this training so far.
  double seconds() const { return estimate_.seconds(); }

 private:
  using Clock = std::chrono::steady_clock;
  std::string line(const StepReport& report) const;
  void show(const std::string& line);
  void begin_epoch();

  Estimate estimate_;
  std::optional<double> peak_;
  bool terminal_;
  Training training_{};
  double weighted_epoch_ = 0;
  Floors floors_;
  Clock::time_point shown_{};  // when a line was last shown
  Clock::time_point epoch_start_{};
  Index tokens_ = 0, steps_ = 0;  // of this epoch
  Index flops_before_ = 0;        // spent on this training before this epoch
  double loss_ = 0;               // sum over its steps
};

/// "57.3 GFLOP/s", and "(42% of the peak)" where that is known.
std::string speed_text(double flops, double seconds, const std::optional<double>& peak);

/// "2.0058", or "2.0058 (floor 1.9000)" where that is known; nats per token.
std::string nll_text(double nll, const std::optional<double>& floor);

}  // namespace slm::studies
