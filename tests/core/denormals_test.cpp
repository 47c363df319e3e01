#include "slm/core/denormals.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <limits>
#include <thread>

#include "slm/core/parallel.hpp"
#include "threads.hpp"

using namespace slm;

namespace {

/// Whether half of the smallest normal number, computed now, is more than zero. No number is returned: in the
/// mode that is tested such a one equals zero.
bool kept() {
  volatile float smallest = std::numeric_limits<float>::min(), half = 0.5F;
  return smallest * half > 0;
}

/// How many of 16 tasks find it so; they take so long that no thread can run all of them.
int kept_by_tasks() {
  std::atomic<int> count = 0;
  parallel_for(16, [&](Index) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    count += kept();
  });
  return count;
}

}  // namespace

TEST_CASE("denormals count unless they are flushed, and again afterwards") {
  CHECK_FALSE(denormals_flushed());
  CHECK(kept());
  {
    const FlushDenormals flush;
#ifdef SLM_CAN_FLUSH_DENORMALS
    CHECK(denormals_flushed());
    CHECK_FALSE(kept());
    {
      const FlushDenormals keep(false);
      CHECK(kept());
    }
    CHECK_FALSE(kept());
#else
    CHECK_FALSE(denormals_flushed());
#endif
  }
  CHECK_FALSE(denormals_flushed());
  CHECK(kept());
}

TEST_CASE("a parallel loop's tasks treat denormals as the thread that starts it, also on threads made before") {
  const slm_test::Threads restored;
  for (const int count : {1, 2, 5}) {
    set_threads(count);
    INFO(count, " threads");
    CHECK(kept_by_tasks() == 16);
    {
      const FlushDenormals flush;
      CHECK(kept_by_tasks() == (denormals_flushed() ? 0 : 16));
    }
    CHECK(kept_by_tasks() == 16);
  }
}
