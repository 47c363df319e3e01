#pragma once
// How far the trainings of the frontier are.
#include <chrono>
#include <cstdio>
#include <string>

#include "slm/core/shape.hpp"

namespace slm::frontier {

/// Says how far a training is, on standard output or another stream: on a terminal in one line that is written
/// over, elsewhere in a line every few seconds.
class Progress {
 public:
  /// The FLOPs of all trainings to be made.
  explicit Progress(double total_flops, std::FILE* stream = stdout);

  /// A training of so many FLOPs, of which some were made before.
  void begin(double flops, double made_before);
  void step(Index step, Index steps, double loss, double flops);
  /// What was made of it, and of all, counts as done.
  void end();

  /// A line that stays.
  void print(const std::string& line) const;

 private:
  using Clock = std::chrono::steady_clock;

  std::FILE* stream_;
  bool terminal_;
  double left_;                    // of all trainings not begun
  double flops_ = 0, done_ = 0;    // of this one
  double made_ = 0, seconds_ = 0;  // by this program, in trainings that ended
  double made_before_ = 0;         // of this one, by another
  Clock::time_point start_{}, shown_{};
};

}  // namespace slm::frontier
