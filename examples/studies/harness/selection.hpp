#pragma once
// Which of a study's runs are wanted.
#include <vector>

#include "harness/options.hpp"
#include "protocol.hpp"

namespace slm::studies {

/// All runs of a study, those first that the paper reports.
std::vector<const Run*> runs_of(const Study& study);

/// Those whose dataset, model and variant the options name, where they name any.
std::vector<const Run*> selected_runs(const Study& study, const Options& options);

}  // namespace slm::studies
