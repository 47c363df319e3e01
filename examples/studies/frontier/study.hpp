#pragma once
// The frontier as a program.

namespace slm::frontier {

/// The whole program: reads options and texts, trains what is missing in the results, prints a table. Returns
/// the exit code: 0, 1 after an error and where --table has found results missing, 2 for wrong options, 130
/// after Ctrl-C.
int run_frontier(int argc, char** argv);

}  // namespace slm::frontier
