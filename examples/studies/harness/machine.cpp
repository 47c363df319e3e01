#include "harness/machine.hpp"

#include <sys/utsname.h>
#ifdef __APPLE__
#include <sys/sysctl.h>
#endif

#include <fstream>

#include "harness/text.hpp"
#include "slm/core/parallel.hpp"

namespace slm::studies {

std::string cpu_name() {
#ifdef __APPLE__
  char brand[256];
  std::size_t size = sizeof brand;
  if (sysctlbyname("machdep.cpu.brand_string", brand, &size, nullptr, 0) == 0) return brand;
#else
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    const std::size_t colon = line.find(": ");
    if (line.starts_with("model name") && colon != std::string::npos) return line.substr(colon + 2);
  }
#endif
  utsname system{};
  return uname(&system) == 0 ? system.machine : "unknown";
}

std::string compiler_name() {
#ifdef __clang__
  return std::string("clang++ ") + std::to_string(__clang_major__) + "." + std::to_string(__clang_minor__) +
         "." + std::to_string(__clang_patchlevel__);
#else
  return "g++ " __VERSION__;
#endif
}

std::string threads_text() {
#ifdef _OPENMP
  return counted(threads(), "thread");
#else
  return "1 thread (no OpenMP)";
#endif
}

}  // namespace slm::studies
