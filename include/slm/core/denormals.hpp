#pragma once
// Numbers too small to be normal: in float those below 1.2e-38. Many x86 processors take a hundred times longer
// for a product with one of them than for any other, and a training at a high learning rate is full of them: in
// the tails of saturated softmaxes and in what flows back through them.

#if defined(__SSE2__) && defined(__GNUC__)
#define SLM_CAN_FLUSH_DENORMALS
#endif

namespace slm {

/// Whether the calling thread takes such numbers for zero. Always false where a processor's mode for it is not
/// known: anywhere but on x86.
inline bool denormals_flushed() {
#ifdef SLM_CAN_FLUSH_DENORMALS
  return (__builtin_ia32_stmxcsr() & 0x8040u) == 0x8040u;  // of operands and of results
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
    const unsigned others = __builtin_ia32_stmxcsr() & ~0x8040u;
    __builtin_ia32_ldmxcsr(flush ? others | 0x8040u : others);
#endif
  }

  bool before_;
};

}  // namespace slm
