// The library slm::compiled: definitions of what slm/compiled.hpp lists.
#define SLM_INSTANTIATE template
#include "slm/compiled.hpp"
