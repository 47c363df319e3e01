// What a program calls of slm::compiled: for each function of entries.inc a jump to the one that was compiled
// for the level of instructions that this processor has.
#include <cpuid.h>

#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iterator>

// The level, as the distance of its column in a row of functions. Baseline until the program starts.
extern "C" {
[[gnu::visibility("hidden")]] std::size_t slm_level = 0;
}

// The levels' names in the order of `levels` below. A register that no call keeps is free for the jump.
#define SLM_ENTRY(function)                                                                   \
  asm(".pushsection .data.rel.ro." #function                                                  \
      ", \"aw\"\n"                                                                            \
      ".balign 8\n"                                                                           \
      "1: .quad " #function ".baseline, " #function ".avx2, " #function ".avx512, " #function \
      ".avx512bf16\n"                                                                         \
      ".popsection\n"                                                                         \
      ".pushsection .text." #function                                                         \
      ", \"ax\"\n"                                                                            \
      ".balign 16\n"                                                                          \
      ".weak " #function                                                                      \
      "\n"                                                                                    \
      ".type " #function ", @function\n" #function                                            \
      ":\n"                                                                                   \
      "  endbr64\n"                                                                           \
      "  leaq 1b(%rip), %r11\n"                                                               \
      "  addq slm_level(%rip), %r11\n"                                                        \
      "  jmpq *(%r11)\n"                                                                      \
      ".size " #function ", . - " #function                                                   \
      "\n"                                                                                    \
      ".popsection");
#include "entries.inc"

namespace {

/// What x86-64-v3 has beside the names that every compiler knows: F16C, MOVBE and LZCNT.
bool has_rest_of_v3() {
  unsigned a = 0, b = 0, c = 0, d = 0;
  constexpr unsigned basic = bit_F16C | bit_MOVBE, extended = bit_LZCNT;
  return __get_cpuid(1, &a, &b, &c, &d) && (c & basic) == basic &&  //
         __get_cpuid(0x80000001, &a, &b, &c, &d) && (c & extended) == extended;
}
// These ask, too, whether the system keeps the registers.
bool has_avx2() {
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi") &&
         __builtin_cpu_supports("bmi2") && has_rest_of_v3();
}
bool has_avx512() {
  return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
         __builtin_cpu_supports("avx512vl");
}
bool has_avx512bf16() { return has_avx512() && __builtin_cpu_supports("avx512bf16"); }

struct Level {
  const char* name;
  bool (*is_here)();
};
constexpr Level levels[] = {{"baseline", [] { return true; }},
                            {"avx2", has_avx2},
                            {"avx512", has_avx512},
                            {"avx512bf16", has_avx512bf16}};

std::size_t highest_level() {
  std::size_t level = std::size(levels) - 1;
  while (!levels[level].is_here()) --level;
  return level;
}

/// The highest level, or a lower one that SLM_INSTRUCTION_SET asks for.
std::size_t wanted_level() {
  const std::size_t highest = highest_level();
  const char* asked = std::getenv("SLM_INSTRUCTION_SET");
  if (!asked || !*asked) return highest;
  for (std::size_t level = 0; level <= highest; ++level) {
    if (std::strcmp(asked, levels[level].name) == 0) return level;
  }
  std::fprintf(stderr, "slm: SLM_INSTRUCTION_SET is \"%s\", but this processor has", asked);
  for (std::size_t level = 0; level <= highest; ++level) std::fprintf(stderr, " %s", levels[level].name);
  std::fprintf(stderr, ": it runs %s\n", levels[highest].name);
  return highest;
}

/// Before any constructor of the program's that could call slm.
[[gnu::constructor(101)]] void choose_level() {
  __builtin_cpu_init();
  slm_level = wanted_level() * sizeof(void (*)());
}

}  // namespace
