#pragma once
// The study of n-grams as a program.
#include <string>
#include <vector>

#include "harness/ngram.hpp"

namespace slm::studies {

/// The losses that `log` has of the models, a table for each text.
std::string ngram_tables(const std::vector<NgramJob>& jobs, const RunLog& log);

/// The whole program: reads options and data, makes what is missing in the results file, prints the tables.
/// Returns the exit code: 0, 1 after an error or where --table has found
/// runs missing, 2 for wrong options.
int run_ngram_study(int argc, char** argv);

}  // namespace slm::studies
