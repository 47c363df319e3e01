#pragma once
// The command line of the frontier.
#include <optional>
#include <string>
#include <vector>

#include "frontier/stages.hpp"
#include "harness/shard.hpp"

namespace slm::frontier {

struct Options {
  std::string data;              // a folder, "synthetic", or empty: search
  std::string out = "results";   // a folder
  int threads = 0;               // 0: all cores
  std::vector<Stage> stages;     // in their order; empty: all
  std::vector<Family> families;  // empty: all
  std::uint64_t seeds = 3;
  bool quick = false, dry_run = false, table = false, time = false;
  studies::Shard shard;
};

/// Reads the command line into `options`. Returns the exit code where the program has to end: 0 after --help
/// and
/// --version, 2 after a mistake, which is named on standard error.
std::optional<int> parse_options(int argc, char** argv, Options& options);

}  // namespace slm::frontier
