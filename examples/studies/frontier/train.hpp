#pragma once
// A trunk from its first weight to its lines in the results.
#include "frontier/log.hpp"
#include "frontier/progress.hpp"
#include "frontier/trunk.hpp"

namespace slm::frontier {

/// Name of a trunk's checkpoints and of its claim.
std::string stem(const Trunk& trunk);

/// The budgets of a trunk that the log has not.
std::vector<Reading> missing_readings(const Trunk& trunk, const Log& log);

/// Trains and scores what the log has not of the trunk's budgets, a line each. Where the program is ended the
/// training goes on from its last checkpoint with the same bits: one is written where a branch begins, every
/// minute, and where `studies::interrupted` came true. The trunk's last one stays, from which a later stage
/// goes on to larger budgets, where `keep` says so.
///
/// A training whose loss is not finite has diverged, as it would each time: the lines of all budgets that it
/// has not reached say so instead of a score. False where it was interrupted.
bool train(const Trunk& trunk, bool keep, Log& log, Progress& progress);

/// Seconds of a step: the median of what a second has room for. Its memory: weights, gradients, moments, and
/// what the tape holds.
struct StepNeeds {
  double seconds;
  std::size_t bytes;
};
StepNeeds measure_step(const Trunk& trunk);
/// Seconds of scoring the text once.
double measure_evaluation(const Trunk& trunk);

}  // namespace slm::frontier
