#pragma once
// The program of an entry: `int main(int count, char** arguments) { return run(entry, count, arguments); }`.
#include <memory>

#include "board/entrant.hpp"
#include "board/entry.hpp"

namespace slm::leaderboard {

/// Reads the command line and makes what it asks for. The exit code.
int run_program(const Entrant& entrant, const std::string& name, const std::string& about, Division division,
                const std::vector<Change>& changes, Target target, int argc, char** argv);

template <class Config>
int run(const Entry<Config>& entry, int argc, char** argv) {
  const std::unique_ptr<Entrant> entrant = make_entrant(entry.config, entry.recipe);
  return run_program(*entrant, entry.name, entry.about, entry.division, entry.changes, entry.target, argc,
                     argv);
}

}  // namespace slm::leaderboard
