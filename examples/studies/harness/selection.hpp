#pragma once
// Which of a study's runs are wanted.
#include <string>
#include <string_view>
#include <vector>

#include "harness/options.hpp"
#include "protocol.hpp"

namespace slm::studies {

/// Whether a name is asked for: one of the list, or any where the list is empty.
bool wanted(std::string_view name, const std::vector<std::string>& names);

/// All runs of a study, those first that the paper reports.
std::vector<const Run*> runs_of(const Study& study);

/// Those whose dataset, model and variant the options name, where they name any.
std::vector<const Run*> selected_runs(const Study& study, const Options& options);

}  // namespace slm::studies
