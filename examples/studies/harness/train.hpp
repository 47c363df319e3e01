#pragma once
// One training from its first weight to its record.
#include <optional>
#include <string>

#include "harness/progress.hpp"
#include "harness/run_log.hpp"

namespace slm::studies {

/// Trains, restores the weights of the best validation NLL, tests, saves the weights and adds the record to
/// `log`. What is done is kept after every epoch: a training that was broken off goes on there, and ends with
/// the same bits. Returns the record; nothing, and none is added, if `interrupted` came true before the
/// training's end.
///
/// When the loss is not finite, the training has diverged, as it would each time: its record says where instead
/// of a test NLL, and the weights of the best epoch so far are saved under a name that says so.
std::optional<Record> train(const Study& study, const Job& job, RunLog& log, Progress& progress);

}  // namespace slm::studies
