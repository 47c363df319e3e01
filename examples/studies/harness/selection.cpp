#include "harness/selection.hpp"

#include <algorithm>

namespace slm::studies {

bool wanted(std::string_view name, const std::vector<std::string>& names) {
  return names.empty() || std::find(names.begin(), names.end(), name) != names.end();
}

std::vector<const Run*> runs_of(const Study& study) {
  std::vector<const Run*> found;
  const auto add = [&](const Run& run) {
    if (run.study == study.number) found.push_back(&run);
  };
  std::for_each(runs.begin(), runs.end(), add);
  std::for_each(unreported_runs.begin(), unreported_runs.end(), add);
  return found;
}

std::vector<const Run*> selected_runs(const Study& study, const Options& options) {
  std::vector<const Run*> found = runs_of(study);
  std::erase_if(found, [&](const Run* run) {
    return !wanted(run->training.dataset, options.datasets) || !wanted(run->model, options.models) ||
           !wanted(run->variant, options.variants);
  });
  return found;
}

}  // namespace slm::studies
