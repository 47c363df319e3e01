#pragma once
// What a run was made with.
#include <string>

namespace slm::studies {

/// The processor's name, as the system gives it; its architecture where it gives none.
std::string cpu_name();

/// "g++ 12.2.0", "clang++ 14.0.6": what compiled this program.
std::string compiler_name();

/// "2 threads"; without OpenMP "1 thread (no OpenMP)".
std::string threads_text();

}  // namespace slm::studies
