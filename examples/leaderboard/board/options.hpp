#pragma once
// The command line of an entry.
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "board/entry.hpp"
#include "board/text.hpp"

namespace slm::leaderboard {

struct Options {
  std::string data;             // a folder, "synthetic", or empty: search
  std::string out = "results";  // a folder
  int threads = 0;              // 0: all cores
  Target target = Target::board;
  std::uint64_t seed = 1, seeds = 3;
  std::vector<std::string> changes;   // by their names; "all"
  std::vector<std::string> settings;  // "width=96"
  bool quick = false, dry_run = false, check = false, time = false;
};

/// Reads the command line into `options`. Returns the exit code where the program has to end: 0 after --help
/// and --version, 2 after a mistake, which is named on standard error.
std::optional<int> parse_options(const std::string& name, const std::string& about,
                                 const std::vector<Change>& changes, int argc, char** argv, Options& options);

}  // namespace slm::leaderboard
