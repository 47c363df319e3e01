#include "slm/core/denormals.hpp"

#include <doctest/doctest.h>

#include <limits>
#include <vector>

#include "slm/core/parallel.hpp"
#include "threads.hpp"

using namespace slm;

namespace {

/// Half of the smallest normal number, computed now.
float half_of_smallest() {
  volatile float smallest = std::numeric_limits<float>::min(), half = 0.5F;
  return smallest * half;
}

/// What each of 64 tasks finds it to be.
std::vector<float> found_by_tasks() {
  std::vector<float> found(64);
  parallel_for(64, [&](Index i) { found[static_cast<std::size_t>(i)] = half_of_smallest(); });
  return found;
}

}  // namespace

TEST_CASE("denormals count unless they are flushed, and again afterwards") {
  CHECK_FALSE(denormals_flushed());
  CHECK(half_of_smallest() > 0);
  {
    const FlushDenormals flush;
#ifdef SLM_CAN_FLUSH_DENORMALS
    CHECK(denormals_flushed());
    CHECK(half_of_smallest() == 0);
    {
      const FlushDenormals keep(false);
      CHECK(half_of_smallest() > 0);
    }
    CHECK(half_of_smallest() == 0);
#else
    CHECK_FALSE(denormals_flushed());
#endif
  }
  CHECK_FALSE(denormals_flushed());
  CHECK(half_of_smallest() > 0);
}

TEST_CASE("a parallel loop's tasks treat denormals as the thread that starts it, also on threads made before") {
  const slm_test::Threads restored;
  for (const int count : {1, 2, 5}) {
    set_threads(count);
    INFO(count, " threads");
    const float kept = half_of_smallest();
    REQUIRE(kept > 0);
    CHECK(found_by_tasks() == std::vector<float>(64, kept));
    {
      const FlushDenormals flush;
      CHECK(found_by_tasks() == std::vector<float>(64, denormals_flushed() ? 0.0F : kept));
    }
    CHECK(found_by_tasks() == std::vector<float>(64, kept));
  }
}
