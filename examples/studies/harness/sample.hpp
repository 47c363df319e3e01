#pragma once
// Text from trained models.
#include <string>

#include "harness/run_log.hpp"

namespace slm::studies {

/// A continuation of the prompt by the transformer whose weights the log has for this training. Empty if the
/// model is none, its weights are not there, or it does not know a token of the prompt.
std::string sample_text(const Study& study, const Job& job, const RunLog& log, const std::string& prompt);

}  // namespace slm::studies
