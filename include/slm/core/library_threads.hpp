#pragma once
// Other people's matrix products are called from inside our parallel loops, and their own threads would change
// the bits of a product: they get one thread.
#ifdef _OPENMP
#include <omp.h>
#endif

#include "slm/core/language.hpp"

namespace slm::detail {

/// While it lives, a library that asks OpenMP for threads finds one, on this thread.
class [[maybe_unused]] SingleThreadedLibrary {
#ifdef _OPENMP
 public:
  SingleThreadedLibrary() { omp_set_num_threads(1); }
  ~SingleThreadedLibrary() { omp_set_num_threads(before_); }
  SingleThreadedLibrary(const SingleThreadedLibrary&) = delete;
  SingleThreadedLibrary& operator=(const SingleThreadedLibrary&) = delete;

 private:
  int before_ = omp_get_max_threads();
#endif
};

}  // namespace slm::detail
