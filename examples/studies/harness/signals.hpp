#pragma once
// Ctrl-C, as a wish that the program grants when it can.

namespace slm::studies {

/// What a shell sees of a program that was stopped by Ctrl-C.
inline constexpr int interrupted_exit_code = 130;

/// From now on SIGINT and SIGTERM only make `interrupted` true. A second one ends the program at once.
void catch_interrupts();

bool interrupted();

}  // namespace slm::studies
