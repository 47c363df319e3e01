#include "harness/signals.hpp"

#include <signal.h>
#include <unistd.h>

#include <cerrno>

namespace slm::studies {

namespace {

volatile sig_atomic_t caught = 0;

void on_signal(int) {
  caught = 1;
  const int error = errno;
  constexpr char message[] = "\nstopping; a second Ctrl-C ends the program at once\n";
  [[maybe_unused]] const auto written = write(STDERR_FILENO, message, sizeof message - 1);
  errno = error;
}

}  // namespace

void catch_interrupts() {
  struct sigaction action {};
  action.sa_handler = on_signal;
  action.sa_flags = static_cast<int>(SA_RESETHAND | SA_RESTART);
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

bool interrupted() { return caught != 0; }

}  // namespace slm::studies
