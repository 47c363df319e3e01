#pragma once
// Loops over independent tasks, the only ones that OpenMP runs. How work is cut into tasks depends on the
// data alone, never on the number of threads: a result has the same bits on any machine setting.
#include <algorithm>
#include <exception>
#include <memory>
#include <utility>

#include "slm/core/denormals.hpp"
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

/// Marks this thread as inside a parallel loop, as one of its threads.
struct LoopScope {
  explicit LoopScope(Index thread = 0) : before(std::exchange(loop_thread(), thread)) { ++loop_depth(); }
  ~LoopScope() { --loop_depth(), loop_thread() = before; }
  LoopScope(const LoopScope&) = delete;
  LoopScope& operator=(const LoopScope&) = delete;

  Index before;
};

}  // namespace detail

/// Threads that parallel loops use; without OpenMP always 1. Set it between training steps only.
inline int threads() { return detail::thread_setting(); }
inline void set_threads(int count) {
  require_config(count >= 1, {"set_threads: need at least 1 thread, got ", count});
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

/// A task by reference. One loop then serves every task: a loop for each would be compiled again and again.
class LoopTask {
 public:
  template <class Function>
  LoopTask(const Function& function)
      : object_(std::addressof(function)),
        call_([](const void* object, Index i) { (*static_cast<const Function*>(object))(i); }) {}
  void operator()(Index i) const { call_(object_, i); }

 private:
  const void* object_;
  void (*call_)(const void*, Index);
};

/// Calls task(i) for i in [0, count), each exactly once, in any order, on several threads. Tasks must not
/// write to the same memory. Inside another parallel loop the tasks run in order on the calling thread; a task
/// that is alone leaves the threads to the loops inside it.
/// The exception of the task with the lowest index is passed on.
inline void parallel_for(Index count, LoopTask task) {
  if (count == 1) return task(0);
#ifdef _OPENMP
  if (count > 1 && threads() > 1 && !inside_parallel_loop()) {
    std::exception_ptr failure;
    Index failed_at = count;
    const bool flush = denormals_flushed();  // a thread that was made earlier may have another mode
// As many threads for few tasks as for many: a runtime may end the threads that a smaller team leaves over, and
// would make them anew for the next loop.
#pragma omp parallel for schedule(dynamic, 1) num_threads(threads())
    for (Index i = 0; i < count; ++i) {
      const detail::LoopScope scope(omp_get_thread_num());
      const FlushDenormals as_caller(flush);
      try {
        task(i);
      } catch (...) {
#pragma omp critical(slm_parallel_failure)
        if (i < failed_at) {
          failed_at = i;
          failure = std::current_exception();
        }
      }
    }
    if (failure) std::rethrow_exception(failure);
    return;
  }
#endif
  const detail::LoopScope scope;
  for (Index i = 0; i < count; ++i) task(i);
}

/// Cuts [0, size) into blocks of `block` (the last may be shorter) and calls task(begin, end) for each.
template <class Function>
void parallel_blocks(Index size, Index block, const Function& task) {
  parallel_for((size + block - 1) / block, [&](Index i) { task(i * block, std::min(size, (i + 1) * block)); });
}

}  // namespace slm
