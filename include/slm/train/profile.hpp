#pragma once
// Where the time of a training step goes, by part of the model and operation.
#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include "slm/autograd/tape.hpp"

namespace slm {

/// A step that was run and timed. Seconds of parts are thread-seconds, so that those of all parts, of the
/// optimizer and of waiting add up to about `seconds` times `threads`; what is missing was spent between
/// operations.
struct Profile {
  double seconds = 0;  // of the step
  int threads = 1;
  std::vector<PartCost> parts;  // in the order of the forward pass
  double optimizer = 0;         // thread-seconds
  double waiting = 0;           // thread-seconds in which a thread had nothing to do

  double accounted() const {
    double sum = optimizer + waiting;
    for (const PartCost& part : parts) sum += part.seconds.forward + part.seconds.backward;
    return sum;
  }

  /// Adds another run of the same step.
  Profile& operator+=(const Profile& other) {
    if (parts.empty()) return *this = other;
    seconds += other.seconds, optimizer += other.optimizer, waiting += other.waiting;
    for (std::size_t i = 0; i < std::min(parts.size(), other.parts.size()); ++i) {
      parts[i].calls += other.parts[i].calls;
      parts[i].cost += other.parts[i].cost;
      parts[i].seconds += other.parts[i].seconds;
    }
    return *this;
  }
};

/// Runs step(), which computes a loss on the tape and its gradients, and then update(), the optimizer's step,
/// and measures both. Nothing else may use the threads meanwhile. Outside of it, nothing is measured.
template <Scalar Real, class Step, class Update>
Profile profile(Tape<Real>& tape, const Step& step, const Update& update) {
  struct Timed {
    Recorder<Real>& recorder;
    explicit Timed(Recorder<Real>& its) : recorder(its) { recorder.set_timed(true); }
    ~Timed() { recorder.set_timed(false); }
  };
  const MeasuredLoops measured;
  const Timed timed(tape.recorder());
  const WorkClock all;
  const auto start = detail::Clock::now();
  step();
  const WorkClock updating;
  update();
  Profile profile;
  profile.threads = threads();
  profile.optimizer = updating.seconds();
  const double work = all.seconds();
  profile.seconds = detail::seconds_since(start);
  profile.waiting = profile.seconds * profile.threads - work;
  profile.parts = tape.costs_by_part();
  return profile;
}

/// A table of it: milliseconds and shares of thread-time, FLOPs and their rate on one thread. What took most
/// comes first.
inline std::string profile_text(const Profile& profile) {
  const double total = profile.seconds * profile.threads;
  const auto padded = [](std::string text, std::size_t width, bool left = false) {
    const std::string space(width > text.size() ? width - text.size() : 0, ' ');
    return left ? text + space : space + text;
  };
  const auto fixed = [](double number, int digits) {
    char text[64];
    std::snprintf(text, sizeof text, "%.*f", digits, number);
    return std::string(text);
  };
  struct Row {
    std::string part, operation;
    double forward, backward;
    Index flops;
  };
  std::vector<Row> rows{{"(optimizer)", "", 0, profile.optimizer, 0}, {"(waiting)", "", 0, profile.waiting, 0}};
  for (const PartCost& part : profile.parts) {
    rows.push_back({part.path, std::string(part.operation), part.seconds.forward, part.seconds.backward,
                    part.cost.passes.total().flops()});
  }
  const auto took = [](const Row& row) { return row.forward + row.backward; };
  std::stable_sort(rows.begin(), rows.end(), [&](const Row& a, const Row& b) { return took(a) > took(b); });
  std::size_t width = 4;
  for (const Row& row : rows) width = std::max(width, row.part.size());
  std::string text = padded("part", width, true) + "  " + padded("operation", 16, true) +
                     " forward ms  backward ms  share %     MFLOP  GFLOP/s\n";
  for (const Row& row : rows) {
    text += padded(row.part, width, true) + "  " + padded(row.operation, 16, true) +
            padded(fixed(1e3 * row.forward, 3), 11) + padded(fixed(1e3 * row.backward, 3), 13) +
            padded(fixed(100 * took(row) / total, 1), 9);
    if (row.flops > 0) {
      text += padded(fixed(1e-6 * static_cast<double>(row.flops), 1), 10) +
              padded(fixed(1e-9 * static_cast<double>(row.flops) / took(row), 1), 9);
    }
    text += "\n";
  }
  return text +
         concatenate({fixed(1e3 * profile.seconds, 3), " ms on ", profile.threads, " threads; ",
                      fixed(100 * profile.accounted() / total, 1), " % of their time is in the table\n"});
}

}  // namespace slm
