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

/// A line for each run that `log` has not, by its name and record, with a line before them; empty if it has
/// all.
template <class AnyJob, class Name, class Planned>
std::string missing_text(const std::vector<AnyJob>& jobs, const RunLog& log, const Name& name,
                         const Planned& planned) {
  std::string lines;
  std::size_t count = 0;
  for (const AnyJob& job : jobs) {
    if (log.find(planned(job))) continue;
    lines += make_text({"  ", name(job), "\n"});
    ++count;
  }
  if (count == 0) return "";
  return make_text({"Missing in ", log.path(), ": ", count, " of ", jobs.size(), " runs\n"}) + lines;
}

/// "shard     2/3, 4 of 12 runs" as a line; empty where the program is to make all of them.
std::string shard_line(const Shard& shard, const std::vector<bool>& dealt);

/// Title, data with checksum, machine, threads, version.
std::string header(const std::string& title, bool quick, const std::vector<const Dataset*>& datasets,
                   const RunLog& log);

/// The models, the paper's figures beside ours, and which trainings `log` has already.
std::string model_table(const Study& study, const std::vector<Job>& jobs, const RunLog& log);

/// The paper's figures beside those of the trainings that `log` has: means over their seeds, ± one standard
/// deviation, and how many of them diverged. Empty if it has none.
std::string result_table(const Study& study, const std::vector<Job>& jobs, const RunLog& log);

}  // namespace slm::studies
