#pragma once
// The command lines of the studies.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/shard.hpp"
#include "harness/study.hpp"
#include "slm/core/products.hpp"
#include "slm/core/shape.hpp"

namespace CLI {
class App;
}

namespace slm::studies {

/// Those that all studies share.
struct CommonOptions {
  std::vector<std::string> datasets;  // empty: all of the study
  std::string data;                   // a folder, "synthetic", or empty: search
  std::string out = "results";        // a folder, or a file that ends in .jsonl
  int threads = 0;                    // 0: all cores
  bool quick = false, dry_run = false, again = false;
  bool table = false;  // of results, and which are missing; make no run
  Shard shard;         // of the runs, which alone are made
  bool capped = true;  // of word-level texts, only as many tokens as the paper's
  // What replaces the protocol's own setting, where given.
  std::optional<Index> evaluation_windows, context;
};

/// Of a study that trains.
struct Options : CommonOptions {
  std::vector<std::string> models, variants;  // empty: all of the study
  std::uint64_t seed = 1;                     // of the first run of each model
  int seeds = 1;
  bool profile = false, time = false;
  bool peak = true;  // measure what the machine can do
  // What replaces the protocol's own setting, where given.
  std::optional<Index> epochs, windows;
  std::vector<double> learning_rates;  // each run is made with each of them
  Products products = Products::full;
};

/// Of the study of n-grams.
struct NgramOptions : CommonOptions {
  std::vector<std::string> smoothings, orders;  // empty: all
};

/// Reads the command line into `options`. Returns the exit code where the program has to end: 0 after --help
/// and --version, 2 after a mistake, which is named on standard error.
std::optional<int> parse_options(const Study& study, int argc, char** argv, Options& options);
std::optional<int> parse_options(int argc, char** argv, NgramOptions& options);

/// The option --threads; 0 stands for all cores.
void add_threads(CLI::App& app, int& threads);
/// The option --shard of a program that makes `of`, such as "the runs".
void add_shard(CLI::App& app, Shard& shard, std::string_view of);

}  // namespace slm::studies
