#pragma once
// The command line that all studies share.
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "harness/study.hpp"
#include "slm/core/shape.hpp"

namespace slm::studies {

struct Options {
  std::vector<std::string> datasets, models, variants;  // empty: all of the study
  std::string data;                                     // a folder, "synthetic", or empty: search
  std::string out = "results";                          // a folder, or a file that ends in .jsonl
  std::uint64_t seed = 1;                               // of the first run of each model
  int seeds = 1;
  int threads = 0;  // 0: all cores
  bool quick = false, dry_run = false, again = false, profile = false;
  bool peak = true;    // measure what the machine can do
  bool capped = true;  // of word-level texts, only as many tokens as the paper's
  // What replaces the protocol's own setting, where given.
  std::optional<Index> epochs, windows, evaluation_windows, context;
  std::vector<double> learning_rates;  // each run is made with each of them
};

/// Reads the command line into `options`. Returns the exit code where the program has to end: 0 after --help
/// and --version, 2 after a mistake, which is named on standard error.
std::optional<int> parse_options(const Study& study, int argc, char** argv, Options& options);

}  // namespace slm::studies
