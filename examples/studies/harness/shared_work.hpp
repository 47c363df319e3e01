#pragma once
// Runs made by several programs that share a results folder: each run by one of them.
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "harness/run_log.hpp"

namespace slm::studies {

/// One of the runs that a program is to make.
struct Work {
  std::size_t position;  // in the request
  Record planned;        // without results
  std::string stem;      // of its files: see `file_stem`
};

/// How the work goes on, in the order in which it does.
struct WorkEvents {
  /// The run is there: it was before, or another program has made it meanwhile.
  std::function<void(const Work&, const Record&)> recorded;
  /// Another program is making it now.
  std::function<void(const Work&, const std::string& holder)> taken;
  /// To be made. False: no more of them.
  std::function<bool(const Work&)> make;
};

/// Goes through the work. What is in the log is not made again, or with `again` not again after another program
/// did since this one began. A run that another program is making is left to it, and looked at again when all
/// others are done: if that program has died, it is made after all.
void share_work(const std::vector<Work>& work, RunLog& log, bool again, const WorkEvents& events);

}  // namespace slm::studies
