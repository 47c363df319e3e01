#pragma once
// The number of threads in tests.
#include "slm/core/parallel.hpp"

namespace slm_test {

/// Sets a number of threads, where one is given, and puts the one before back at the end of a scope.
class Threads {
 public:
  Threads() : before_(slm::threads()) {}
  explicit Threads(int count) : Threads() { slm::set_threads(count); }
  Threads(const Threads&) = delete;
  Threads& operator=(const Threads&) = delete;
  ~Threads() { slm::set_threads(before_); }

 private:
  int before_;
};

}  // namespace slm_test
