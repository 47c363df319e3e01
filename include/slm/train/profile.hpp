#pragma once
// Where the time of a training step goes, by part of the model and operation.
#include <algorithm>
#include <cstdio>
#include <string>
#include <utility>
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
  const auto start = detail::clock_seconds();
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
  const auto took = [](const PartCost& row) { return row.seconds.forward + row.seconds.backward; };
  const PartCost optimizer{.path = "(optimizer)", .operation = "", .seconds = {0, profile.optimizer}},
      waiting{.path = "(waiting)", .operation = "", .seconds = {0, profile.waiting}};
  std::vector<const PartCost*> rows;
  const auto insert = [&](const PartCost& row) {  // which a compiler reads faster than std::stable_sort
    rows.push_back(&row);
    for (std::size_t i = rows.size() - 1; i > 0 && took(*rows[i - 1]) < took(*rows[i]); --i)
      std::swap(rows[i - 1], rows[i]);
  };
  for (const PartCost& row : profile.parts) insert(row);
  insert(optimizer), insert(waiting);
  std::size_t width = 4;
  for (const PartCost* row : rows) width = std::max(width, row->path.size());
  std::string text = "part" + std::string(width - 4, ' ') +
                     "  operation        forward ms  backward ms  share %     MFLOP  GFLOP/s\n";
  char line[256];
  for (const PartCost* its : rows) {
    const PartCost& row = *its;
    const std::string operation(row.operation);
    const auto flops = static_cast<double>(row.cost.passes.total().flops());
    std::snprintf(line, sizeof line, "  %-16s%11.3f%13.3f%9.1f", operation.c_str(), 1e3 * row.seconds.forward,
                  1e3 * row.seconds.backward, 100 * took(row) / total);
    text += row.path + std::string(width - row.path.size(), ' ') + line;
    std::snprintf(line, sizeof line, "%10.1f%9.1f", 1e-6 * flops, 1e-9 * flops / took(row));
    text += (flops > 0 ? line : "") + std::string("\n");
  }
  std::snprintf(line, sizeof line, "%.3f ms on %d threads; %.1f %% of their time is in the table\n",
                1e3 * profile.seconds, profile.threads, 100 * profile.accounted() / total);
  return text + line;
}

}  // namespace slm
