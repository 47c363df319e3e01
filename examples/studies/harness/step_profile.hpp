#pragma once
// Where the time of a training's steps goes.
#include <string>

#include "harness/job.hpp"

namespace slm::studies {

/// A table of the parts of the job's model: a few steps of its training are run and forgotten.
std::string step_profile(const Job& job);

}  // namespace slm::studies
