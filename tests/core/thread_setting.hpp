#pragma once
#include "slm/core/parallel.hpp"

namespace core_test {

/// Puts the number of threads back when a test ends.
class ThreadSetting {
 public:
  ThreadSetting() : before_(slm::threads()) {}
  ThreadSetting(const ThreadSetting&) = delete;
  ThreadSetting& operator=(const ThreadSetting&) = delete;
  ~ThreadSetting() { slm::set_threads(before_); }

 private:
  int before_;
};

}  // namespace core_test
