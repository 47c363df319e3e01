#pragma once
// The command line of the advisor.
#include <optional>
#include <string>

#include "slm/core/shape.hpp"
#include "slm/data/tokenizer.hpp"

namespace slm::advise {

struct Options {
  std::string data;  // a file
  TokenUnit unit = TokenUnit::character;
  std::optional<double> budget;        // FLOPs
  std::optional<double> minutes;       // of training
  std::optional<Index> parameters;     // at most
  std::string findings;                // a file; empty: those that the program was built with
  std::string out = "results/advise";  // a folder
  std::string cpp;                     // a file for the program; empty: none, "-": standard output
  int threads = 0;                     // 0: all cores
  std::size_t train = 0;               // so many of the first offers
  bool calibrate = true, json = false;
};

/// Reads the command line into `options`. Returns the exit code where the program has to end: 0 after --help
/// and
/// --version, 2 after a mistake, which is named on standard error.
std::optional<int> parse_options(int argc, char** argv, Options& options);

}  // namespace slm::advise
