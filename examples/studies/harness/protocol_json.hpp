#pragma once
// The protocol for programs in other languages.
#include <string>

namespace slm::studies {

/// JSON, a run on a line: datasets and their caps; of each run its names, its config as a record has it and
/// what
/// --quick changes of it, FLOPs of its training as executed and were every position computed, and the paper's
/// figures, where it has some.
std::string protocol_json();

}  // namespace slm::studies
