#pragma once
// A study of the paper as a program: it trains the study's runs of protocol.hpp and reports.
#include <string>
#include <vector>

namespace slm::studies {

struct Study {
  int number;                        // in protocol.hpp
  std::string name;                  // of the program, and in the results file
  std::string title;                 // one line for people
  std::vector<std::string> prompts;  // each is continued by every transformer that knows its tokens
};

/// The whole program: reads options and data, trains what is missing in the results file, prints the table.
/// Returns the exit code: 0, 1 after an error, where a training diverged and where --table has found runs
/// missing, 2 for wrong options, 130 after Ctrl-C.
int run_study(const Study& study, int argc, char** argv);

}  // namespace slm::studies
