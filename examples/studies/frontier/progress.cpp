#include "frontier/progress.hpp"

#include <unistd.h>

#include <algorithm>

#include "harness/text.hpp"

namespace slm::frontier {

namespace {

using Seconds = std::chrono::duration<double>;

constexpr Seconds terminal_interval(0.2), elsewhere_interval(10);
constexpr const char* erase_line = "\r\033[K";

}  // namespace

Progress::Progress(double total_flops, std::FILE* stream)
    : stream_(stream), terminal_(isatty(fileno(stream)) == 1), left_(total_flops) {}

void Progress::begin(double flops, double made_before) {
  left_ = std::max(0.0, left_ - flops);
  flops_ = flops, done_ = made_before_ = made_before;
  start_ = shown_ = Clock::now();
}

void Progress::step(Index step, Index steps, double loss, double flops) {
  done_ += flops;
  const auto now = Clock::now();
  if (now - shown_ < (terminal_ ? terminal_interval : elsewhere_interval)) return;
  shown_ = now;
  const double seconds = Seconds(now - start_).count(), made = done_ - made_before_;
  const double pace = (made_ + made) / (seconds_ + seconds);
  const double left = std::max(0.0, flops_ - done_) * seconds / made;
  const std::string line =
      make_text({"  step ", studies::with_commas(step), "/", studies::with_commas(steps), "  loss ",
                 studies::fixed(loss, 3), "  ", studies::fixed(made / seconds / 1e9, 1), " GFLOP/s  ",
                 studies::clock_time(left), " left, ~", studies::clock_time(left + left_ / pace), " in all"});
  std::fprintf(stream_, terminal_ ? "%s%s" : "%s%s\n", terminal_ ? erase_line : "", line.c_str());
  std::fflush(stream_);
}

void Progress::end() {
  made_ += done_ - made_before_;
  seconds_ += Seconds(Clock::now() - start_).count();
}

void Progress::print(const std::string& line) const {
  std::fprintf(stream_, "%s%s\n", terminal_ ? erase_line : "", line.c_str());
  std::fflush(stream_);
}

}  // namespace slm::frontier
