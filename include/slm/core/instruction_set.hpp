#pragma once
// Which vector instructions kernels are compiled for.
#include "slm/core/language.hpp"

// What is compiled for an instruction set has it in its name, so that a program and a library of other flags
// each call their own.
#if defined(__AVX512BF16__)
#define SLM_INSTRUCTION_SET avx512bf16
#elif defined(__AVX512F__)
#define SLM_INSTRUCTION_SET avx512
#elif defined(__AVX2__)
#define SLM_INSTRUCTION_SET avx2
#elif defined(__AVX__)
#define SLM_INSTRUCTION_SET avx
#else
#define SLM_INSTRUCTION_SET baseline
#endif

namespace slm {

/// Whose instructions kernels use: "baseline", "avx", "avx2", "avx512" or "avx512bf16". Where slm::compiled is
/// linked it is the library's, which may have chosen among several when the program started.
template <class = void>
const char* instruction_set() {
#define SLM_TEXT_OF(name) #name
#define SLM_VALUE_TEXT(macro) SLM_TEXT_OF(macro)
  return SLM_VALUE_TEXT(SLM_INSTRUCTION_SET);
#undef SLM_VALUE_TEXT
#undef SLM_TEXT_OF
}
#ifdef SLM_COMPILED
extern template const char* instruction_set<>();
#endif

}  // namespace slm
