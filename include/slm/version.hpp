#pragma once
// The one place of the version; CMake reads it from here.
#include "slm/core/language.hpp"

#define SLM_VERSION_MAJOR 0
#define SLM_VERSION_MINOR 1
#define SLM_VERSION_PATCH 0

namespace slm {

/// Version of the library as text, "major.minor.patch".
inline constexpr const char* version = "0.1.0";

}  // namespace slm
