#include "harness/progress.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdio>

#include "harness/text.hpp"

namespace slm::studies {

namespace {

using Seconds = std::chrono::duration<double>;

constexpr Seconds terminal_interval(0.2), elsewhere_interval(5);
constexpr const char* erase_line = "\r\033[K";

/// Cut to what fits a line of the terminal: a longer one would not be written over as a whole.
std::string fitting(const std::string& line) {
  winsize size{};
  const bool known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1;
  return line.substr(0, known ? size.ws_col - 1u : 79u);
}

}  // namespace

std::string nll_text(double nll, const std::optional<double>& floor) {
  return fixed(nll, 4) + (floor ? std::string(" (floor ") + fixed(*floor, 4) + ")" : "");
}

std::string speed_text(double flops, double seconds, const std::optional<double>& peak) {
  const double speed = flops / seconds;
  return fixed(speed / 1e9, 1) + " GFLOP/s" +
         (peak ? std::string(" (") + fixed(100 * speed / *peak, 0) + "% of peak)" : "");
}

Progress::Progress(double total_flops, const std::optional<double>& peak)
    : estimate_(total_flops), peak_(peak), terminal_(isatty(STDOUT_FILENO) == 1) {}

void Progress::begin(const Job& job) {
  training_ = job.training();
  weighted_epoch_ = weighted_epoch(job);
  floors_ = job.floors;
  estimate_.begin(job);
  shown_ = Clock::now();
  flops_before_ = 0;
  begin_epoch();
}

void Progress::resume(const std::vector<EpochReport>& epochs) {
  if (epochs.empty()) return;
  print(make_text({"  going on after epoch ", epochs.size()}));
  estimate_.skip(static_cast<double>(epochs.size()) * weighted_epoch_);
  flops_before_ = epochs.back().spent.total().flops();
  begin_epoch();
}

void Progress::begin_epoch() {
  epoch_start_ = Clock::now();
  tokens_ = steps_ = 0;
  loss_ = 0;
}

void Progress::step(const StepReport& report) {
  ++steps_;
  tokens_ += report.tokens;
  loss_ += report.loss;
  const auto windows = static_cast<double>(training_.windows_per_epoch);
  estimate_.advance(windows / static_cast<double>(report.steps_per_epoch));
  const bool last = steps_ == report.steps_per_epoch;
  const auto now = Clock::now();
  if (now - shown_ < (terminal_ ? terminal_interval : elsewhere_interval) && !(last && terminal_)) return;
  shown_ = now;
  show(last && terminal_ ? "  validating" : line(report));
}

std::string Progress::line(const StepReport& report) const {
  // What a narrow terminal cuts off stands last.
  const double seconds = Seconds(Clock::now() - epoch_start_).count();
  const auto spent = static_cast<double>(report.spent.total().flops() - flops_before_);
  return std::string("  epoch ") + std::to_string(report.epoch) + "/" + std::to_string(report.epochs) + "  " +
         std::to_string(100 * steps_ / report.steps_per_epoch) + "%  loss " +
         fixed(loss_ / static_cast<double>(steps_), 4) + "  " +
         with_commas(static_cast<Index>(static_cast<double>(tokens_) / seconds)) + " tokens/s  " +
         clock_time(estimate_.run_left()) + " left" +
         (estimate_.more() ? std::string(", ~") + clock_time(estimate_.all_left()) + " in all" : "") + "  " +
         speed_text(spent, seconds, peak_);
}

void Progress::epoch_done(const EpochReport& report) {
  estimate_.advance(weighted_epoch_ - static_cast<double>(training_.windows_per_epoch));
  print(std::string("  epoch ") + std::to_string(report.epoch) + "/" + std::to_string(training_.epochs) +
        "  train " + nll_text(report.train_nll, floors_.train) + "  valid " +
        nll_text(report.valid_nll, floors_.valid) + (report.best ? "  best" : "      ") + "  " +
        fixed(report.seconds, 1) + " s  " +
        speed_text(static_cast<double>(report.spent.total().flops() - flops_before_), report.seconds, peak_));
  flops_before_ = report.spent.total().flops();
  begin_epoch();
}

void Progress::testing() {
  estimate_.advance(evaluation_share * static_cast<double>(training_.evaluation_windows));
  if (terminal_) show("  testing");
}

void Progress::end() { estimate_.end(); }

void Progress::print(const std::string& line) {
  std::printf("%s%s\n", terminal_ ? erase_line : "", line.c_str());
  std::fflush(stdout);
}

void Progress::show(const std::string& line) {
  if (!terminal_) return print(line);
  std::printf("%s%s", erase_line, fitting(line).c_str());
  std::fflush(stdout);
}

}  // namespace slm::studies
