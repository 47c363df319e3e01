#pragma once
// A few steps of a training, made to see what they take, and forgotten.
#include <string>

#include "harness/record.hpp"

namespace slm::studies {

/// A table of the parts of the job's model: where the time of its steps goes.
std::string step_profile(const Job& job);

/// Seconds, each the median of what two seconds have room for.
struct StepTime {
  double step = 0;              // with the drawing of its windows and the optimizer
  double evaluated_window = 0;  // of an evaluation of many
};
StepTime time_steps(const Job& job);

/// Of the whole training with the protocol's evaluations: what it takes where nothing else runs, which cannot
/// be said of most of the trainings that are made.
double training_seconds(const Job& job, const StepTime& time);

/// Puts the times of a record's row beside those of other rows in a JSON file, in place of its former ones.
/// Throws a `DataError` where the file is of another kind or cannot be written.
void save_time(const std::string& path, const Record& record, const StepTime& time);

}  // namespace slm::studies
