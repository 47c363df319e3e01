#pragma once
// What a study prints before its first training and after its last.
#include <algorithm>
#include <string>
#include <vector>

#include "harness/run_log.hpp"

namespace slm::studies {

/// The datasets of jobs in their order, each once.
template <class AnyJob>
std::vector<const Dataset*> datasets_of(const std::vector<AnyJob>& jobs) {
  std::vector<const Dataset*> datasets;
  for (const AnyJob& job : jobs) {
    const bool known = std::find(datasets.begin(), datasets.end(), job.dataset) != datasets.end();
    if (!known) datasets.push_back(job.dataset);
  }
  return datasets;
}

/// Title, data with checksum, machine, threads, version.
std::string header(const std::string& title, bool quick, const std::vector<const Dataset*>& datasets,
                   const RunLog& log);

/// The models, the paper's figures beside ours, and which trainings `log` has already.
std::string model_table(const Study& study, const std::vector<Job>& jobs, const RunLog& log);

/// The paper's figures beside those of the trainings that `log` has: means over their seeds, ± one standard
/// deviation, and how many of them diverged. Empty if it has none.
std::string result_table(const Study& study, const std::vector<Job>& jobs, const RunLog& log);

}  // namespace slm::studies
