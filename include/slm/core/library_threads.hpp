#pragma once
// Other people's matrix products are called from inside our parallel loops, and their own threads would change
// the bits of a product: they get one thread.
#ifdef _OPENMP
#include <omp.h>
#endif

#include "slm/core/language.hpp"

namespace slm::detail {

/// While it lives, a library that asks OpenMP for threads finds one, on this thread.
class SingleThreadedLibrary {
 public:
#ifdef _OPENMP
  SingleThreadedLibrary() : before_(omp_get_max_threads()) {
    if (before_ != 1) omp_set_num_threads(1);
  }
  ~SingleThreadedLibrary() {
    if (before_ != 1) omp_set_num_threads(before_);
  }
#else
  SingleThreadedLibrary() = default;
#endif
  SingleThreadedLibrary(const SingleThreadedLibrary&) = delete;
  SingleThreadedLibrary& operator=(const SingleThreadedLibrary&) = delete;

 private:
  [[maybe_unused]] int before_ = 1;
};

}  // namespace slm::detail
