#pragma once
// What programs read.
#include "flops/count.hpp"

namespace slm::count {

/// An array with an object for each model.
std::string to_json(const std::vector<Count>& counts);

/// A line for each part of each model, below one of names.
std::string to_csv(const std::vector<Count>& counts);

}  // namespace slm::count
