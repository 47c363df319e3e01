#include "slm/core/parallel.hpp"
#include "threads.hpp"

#include <doctest/doctest.h>

#include <array>
#include <atomic>
#include <memory>
#include <numeric>
#include <thread>
#include <vector>

using namespace slm;

namespace {

/// Runs f with 1, 2 and 5 threads.
template <class Function>
void with_each_setting(const Function& f) {
  const slm_test::Threads restored;
  for (const int count : {1, 2, 5}) {
    set_threads(count);
    INFO(count, " threads");
    f();
  }
}

/// What a task of the loop throws.
std::string message_of_loop(Index count, Index first_bad) {
  try {
    parallel_for(count, [&](Index i) {
      if (i >= first_bad) throw RangeError("task " + std::to_string(i));
    });
  } catch (const RangeError& error) {
    return error.what();
  }
  return "";
}

}  // namespace

TEST_CASE("parallel_for calls each index once") {
  with_each_setting([] {
    for (const Index count : {0, 1, 2, 3, 1000}) {
      std::vector<std::atomic<int>> calls(static_cast<std::size_t>(count));
      parallel_for(count, [&](Index i) { ++calls[static_cast<std::size_t>(i)]; });
      CHECK(std::all_of(calls.begin(), calls.end(), [](const auto& n) { return n == 1; }));
    }
  });
}

TEST_CASE("tasks that go to the same thread are called once, and in every loop there") {
  with_each_setting([] {
    for (const Index count : {0, 1, 2, 7, 100}) {
      std::vector<Index> of(static_cast<std::size_t>(count), -1);
      for (int loop = 0; loop < 20; ++loop) {
        std::vector<std::atomic<int>> calls(static_cast<std::size_t>(count));
        parallel_for(
            count,
            [&](Index i) {
              const auto at = static_cast<std::size_t>(i);
              ++calls[at];
              if (of[at] < 0) of[at] = thread_index();
              CHECK(of[at] == thread_index());
            },
            Tasks::to_the_same);
        CHECK(std::all_of(calls.begin(), calls.end(), [](const auto& n) { return n == 1; }));
      }
    }
  });
}

TEST_CASE("who measures loops counts those that threads share") {
  const slm_test::Threads setting(2);
  const MeasuredLoops loops;
  parallel_for(1, [](Index) {});
  CHECK(loops.shared() == 0);
  for (int i = 0; i < 3; ++i) parallel_for(2, [](Index) { parallel_for(5, [](Index) {}); });
  CHECK(loops.shared() == (threads() > 1 ? 3 : 0));
}

TEST_CASE("parallel_blocks cuts a range without gap or overlap, whatever the number of threads") {
  with_each_setting([] {
    for (const Index size : {0, 1, 9, 10, 11, 95}) {
      std::vector<std::atomic<int>> calls(static_cast<std::size_t>(size));
      std::atomic<int> blocks = 0;
      parallel_blocks(size, 10, [&](Index begin, Index end) {
        ++blocks;
        CHECK(begin % 10 == 0);
        CHECK(end == std::min<Index>(size, begin + 10));
        for (Index i = begin; i < end; ++i) ++calls[static_cast<std::size_t>(i)];
      });
      CHECK(blocks == (size + 9) / 10);
      CHECK(std::all_of(calls.begin(), calls.end(), [](const auto& n) { return n == 1; }));
    }
  });
}

TEST_CASE("a lone task is outside of a loop, and leaves the threads to the loops inside it") {
  with_each_setting([] {
    bool before = true;
    std::atomic<bool> within = false;
    parallel_for(1, [&](Index) {
      before = inside_parallel_loop();
      parallel_for(2, [&](Index) { within = inside_parallel_loop(); });
    });
    CHECK_FALSE(before);
    CHECK(within);
  });
}

TEST_CASE("each thread of a loop has an index of its own, below the number of threads") {
  with_each_setting([] {
    std::vector<std::atomic<int>> running(static_cast<std::size_t>(threads()));
    std::atomic<bool> good = true;
    parallel_for(200, [&](Index) {
      const Index thread = thread_index();
      if (thread < 0 || thread >= threads()) {
        good = false;
        return;
      }
      auto& own = running[static_cast<std::size_t>(thread)];
      if (++own > 1) good = false;
      std::this_thread::yield();
      --own;
    });
    CHECK(good);
    CHECK(thread_index() == 0);
  });
}

#ifdef _OPENMP
TEST_CASE("two tasks have a team of two threads") {
  const slm_test::Threads two(2);
  int granted = 1;
#pragma omp parallel num_threads(2)
#pragma omp single
  granted = omp_get_num_threads();
  if (granted < 2) {
    MESSAGE("skipped: OpenMP gives one thread here, as under OMP_THREAD_LIMIT=1");
    return;
  }
  std::array<int, 2> team{};
  parallel_for(2, [&](Index i) { team[static_cast<std::size_t>(i)] = omp_get_num_threads(); });
  CHECK(team == std::array<int, 2>{2, 2});
}
#endif

TEST_CASE("a loop inside a loop runs in order on its own thread") {
  with_each_setting([] {
    std::vector<int> in_order(8);
    CHECK_FALSE(inside_parallel_loop());
    parallel_for(8, [&](Index i) {
      const auto thread = std::this_thread::get_id();
      Index next = 0;
      bool good = inside_parallel_loop();
      parallel_for(20, [&](Index j) {
        good = good && j == next++ && std::this_thread::get_id() == thread && inside_parallel_loop();
      });
      in_order[static_cast<std::size_t>(i)] = good && next == 20 && inside_parallel_loop();
    });
    CHECK_FALSE(inside_parallel_loop());
    CHECK(std::accumulate(in_order.begin(), in_order.end(), 0) == 8);
  });
}

TEST_CASE("the exception of the lowest failing task arrives, and the next loop runs") {
  with_each_setting([] {
    CHECK(message_of_loop(100, 40) == "task 40");
    CHECK(message_of_loop(1, 0) == "task 0");
    CHECK(message_of_loop(100, 99) == "task 99");
    CHECK_FALSE(inside_parallel_loop());
    CHECK(message_of_loop(100, 100) == "");
  });
}

TEST_CASE("an exception in a nested loop arrives outside") {
  with_each_setting([] {
    CHECK_THROWS_WITH_AS(parallel_for(4,
                                      [](Index) {
                                        parallel_for(4, [](Index j) {
                                          if (j == 2) throw RangeError("inner");
                                        });
                                      }),
                         "inner", RangeError);
  });
}

TEST_CASE("set_threads sets what threads says, and refuses less than one") {
  const slm_test::Threads restored;
  CHECK(threads() >= 1);
#ifdef _OPENMP
  set_threads(3);
  CHECK(threads() == 3);
#else
  set_threads(3);
  CHECK(threads() == 1);
#endif
  set_threads(1);
  CHECK_THROWS_WITH_AS(set_threads(0), "set_threads: need 1 to 1024 threads, got 0", ConfigError);
  CHECK_THROWS_AS(set_threads(-2), ConfigError);
  CHECK_THROWS_AS(set_threads(100'000), ConfigError);
  CHECK(threads() == 1);
}
