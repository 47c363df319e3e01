#pragma once
// Loops over independent tasks, the only ones that OpenMP runs. How work is cut into tasks depends on the
// data alone, never on the number of threads: a result has the same bits on any machine setting.
#include <algorithm>
#include <atomic>
#include <exception>
#include <utility>

#include "slm/core/clock.hpp"
#include "slm/core/denormals.hpp"
#include "slm/core/function_ref.hpp"
#include "slm/core/shape.hpp"

#ifdef _OPENMP
#include <omp.h>
#endif

namespace slm {

namespace detail {

inline int& thread_setting() {
#ifdef _OPENMP
  static int threads = std::max(1, omp_get_max_threads());
#else
  static int threads = 1;
#endif
  return threads;
}

inline int& loop_depth() {
  thread_local int depth = 0;
  return depth;
}

inline Index& loop_thread() {
  thread_local Index thread = 0;
  return thread;
}

/// What loops on several threads took while somebody measures.
struct LoopTimes {
  bool on = false;
  double seconds = 0;  // of the threads that started them
  Index loops = 0;
  std::atomic<std::int64_t> busy_nanoseconds = 0;  // of all threads, in tasks
};
inline LoopTimes& loop_times() {
  static LoopTimes times;
  return times;
}

/// Marks this thread as inside a parallel loop, as one of its threads.
struct LoopScope {
  explicit LoopScope(Index thread = 0) : before(std::exchange(loop_thread(), thread)) { ++loop_depth(); }
  ~LoopScope() { --loop_depth(), loop_thread() = before; }
  LoopScope(const LoopScope&) = delete;
  LoopScope& operator=(const LoopScope&) = delete;

  Index before;
};

}  // namespace detail

/// Threads that parallel loops use, 1 to 1024; without OpenMP always 1.
inline int threads() { return detail::thread_setting(); }
/// Sets their number, between training steps only. Throws a `ConfigError` outside of 1 to 1024.
inline void set_threads(int count) {
  require_config(count >= 1 && count <= 1024, {"set_threads: need 1 to 1024 threads, got ", count});
#ifdef _OPENMP
  detail::thread_setting() = count;
#endif
}

/// Whether the caller runs inside a `parallel_for` of several tasks; true there with one thread, too, so that a
/// choice made by it does not depend on the number of threads.
inline bool inside_parallel_loop() { return detail::loop_depth() > 0; }

/// Which of the threads of the innermost parallel loop the caller runs on, from 0 to threads() - 1: for memory
/// that tasks use one after another. No result may depend on it.
inline Index thread_index() { return detail::loop_thread(); }

/// Which thread takes a task: any that is free, or in every loop of so many tasks the same one, whose caches
/// may still hold what the task read the last time.
enum class Tasks : bool { to_any, to_the_same };

/// Calls task(i) for i in [0, count), each exactly once, in any order, on several threads. Tasks must not
/// write to the same memory. Inside another parallel loop the tasks run in order on the calling thread; a task
/// that is alone leaves the threads to the loops inside it.
/// The exception of the task with the lowest index is passed on.
inline void parallel_for(Index count, FunctionRef<void(Index)> task,
                         [[maybe_unused]] Tasks go = Tasks::to_any) {
  if (count == 1) return task(0);
#ifdef _OPENMP
  if (count > 1 && threads() > 1 && !inside_parallel_loop()) {
    std::exception_ptr failure;
    Index failed_at = count;
    const bool flush = denormals_flushed();  // a thread that was made earlier may have another mode
    detail::LoopTimes& times = detail::loop_times();
    const bool timed = times.on;
    const auto start = timed ? detail::clock_seconds() : 0;
    const auto run = [&](Index i) {
      const detail::LoopScope scope(omp_get_thread_num());
      const FlushDenormals as_caller(flush);
      const auto task_start = timed ? detail::clock_seconds() : start;
      try {
        task(i);
      } catch (...) {
#pragma omp critical(slm_parallel_failure)
        if (i < failed_at) {
          failed_at = i;
          failure = std::current_exception();
        }
      }
      if (timed) {
        times.busy_nanoseconds += static_cast<std::int64_t>(1e9 * detail::seconds_since(task_start));
      }
    };
    // As many threads for few tasks as for many: a runtime may end the threads that a smaller team leaves over,
    // and would make them anew for the next loop.
    if (go == Tasks::to_any) {
#pragma omp parallel for schedule(dynamic, 1) num_threads(threads())
      for (Index i = 0; i < count; ++i) run(i);
    } else {
#pragma omp parallel for schedule(static) num_threads(threads())
      for (Index i = 0; i < count; ++i) run(i);
    }
    if (timed) times.seconds += detail::seconds_since(start), ++times.loops;
    if (failure) std::rethrow_exception(failure);
    return;
  }
#endif
  const detail::LoopScope scope;
  for (Index i = 0; i < count; ++i) task(i);
}

/// The work since it was made, in thread-seconds: of the calling thread and, outside of loops, of all threads
/// in the loops that it started. Only while loops are measured (`MeasuredLoops`).
class WorkClock {
 public:
  /// One that is not to run takes no time.
  explicit WorkClock(bool runs = true)
      : start_(runs ? detail::clock_seconds() : 0), loops_(runs ? loops() : 0) {}
  double seconds() const { return detail::seconds_since(start_) + loops() - loops_; }

 private:
  /// Work of other threads, less the waiting of this one.
  static double loops() {
    if (inside_parallel_loop()) return 0;
    const detail::LoopTimes& times = detail::loop_times();
    return 1e-9 * static_cast<double>(times.busy_nanoseconds) - times.seconds;
  }

  double start_, loops_;
};

/// While it lives, parallel loops are measured. One at a time, and outside of loops.
class MeasuredLoops {
 public:
  MeasuredLoops() : before_(count()) { detail::loop_times().on = true; }
  ~MeasuredLoops() { detail::loop_times().on = false; }
  MeasuredLoops(const MeasuredLoops&) = delete;
  MeasuredLoops& operator=(const MeasuredLoops&) = delete;

  /// Loops that several threads shared since it was made: so often they waited for one another.
  Index shared() const { return count() - before_; }

 private:
  static Index count() { return detail::loop_times().loops; }

  Index before_;
};

/// Cuts [0, size) into blocks of `block` (the last may be shorter) and calls task(begin, end) for each.
template <class Function>
void parallel_blocks(Index size, Index block, const Function& task) {
  parallel_for((size + block - 1) / block, [&](Index i) { task(i * block, std::min(size, (i + 1) * block)); });
}

}  // namespace slm
