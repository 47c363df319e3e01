#pragma once
// The advisor as a program.

namespace slm::advise {

/// The whole program: reads options, the text and the findings, trains and measures, prints the advice. Returns
/// the exit code: 0, 1 after an error and where the budget buys nothing, 2 for wrong options, 130 after Ctrl-C.
int run_advisor(int argc, char** argv);

}  // namespace slm::advise
