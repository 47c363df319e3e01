#pragma once
// Numbers too small to be normal: in float those below 1.2e-38. Many x86 processors take a hundred times longer
// for a product with one of them than for any other, and a training at a high learning rate is full of them: in
// the tails of saturated softmaxes and in what flows back through them.
#include "slm/core/language.hpp"

#if defined(__SSE2__) && defined(__GNUC__)
#define SLM_CAN_FLUSH_DENORMALS
#endif

namespace slm {

#ifdef SLM_CAN_FLUSH_DENORMALS
namespace detail {
inline constexpr unsigned flush_bits = 0x8040u;  // of MXCSR: for results and for operands
}
#endif

/// Whether the calling thread takes such numbers for zero. Always false where a processor's mode for it is not
/// known: anywhere but on x86.
inline bool denormals_flushed() {
#ifdef SLM_CAN_FLUSH_DENORMALS
  return (__builtin_ia32_stmxcsr() & detail::flush_bits) == detail::flush_bits;
#else
  return false;
#endif
}

/// While it lives, the thread that made it takes such numbers for zero, or does not, and so do the parallel
/// loops that this thread starts, on all of their threads.
class FlushDenormals {
 public:
  explicit FlushDenormals(bool flush = true) : before_(denormals_flushed()) { set(flush); }
  ~FlushDenormals() { set(before_); }
  FlushDenormals(const FlushDenormals&) = delete;
  FlushDenormals& operator=(const FlushDenormals&) = delete;

 private:
  static void set([[maybe_unused]] bool flush) {
#ifdef SLM_CAN_FLUSH_DENORMALS
    if (flush == denormals_flushed()) return;
    const unsigned others = __builtin_ia32_stmxcsr() & ~detail::flush_bits;
    __builtin_ia32_ldmxcsr(flush ? others | detail::flush_bits : others);
#endif
  }

  bool before_;
};

}  // namespace slm
