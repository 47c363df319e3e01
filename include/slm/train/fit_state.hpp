#pragma once
// What a training has done, and where it stands.
#include <string>
#include <vector>

#include "slm/train/snapshot.hpp"
#include "slm/train/spent.hpp"

namespace slm {

/// What happened in an epoch. Epochs count from 1.
struct EpochReport {
  Index epoch = 0;
  double train_nll = 0;  // nats per token, mean over the epoch's batches while training
  double valid_nll = 0;  // nats per token, after the epoch
  double seconds = 0;    // of training and validation
  bool best = false;     // the lowest validation NLL so far
  Spent spent = {};      // since the training began
};

/// An epoch that is under way, as far as it is done.
struct UnfinishedEpoch {
  Index steps = 0;
  double loss_sum = 0;  // of the mean loss of each batch times its targets
  Index targets = 0;
  double seconds = 0;
  Spent spent = {};          // since the training began
  std::string batches = "";  // how many make a step, and a checksum of the first; empty: not known
};

/// Where a training stands after a step. With the model's and the optimizer's numbers it is all that is needed
/// to go on as if nothing had happened, because random streams are counted by epoch and step.
template <Scalar Real>
struct FitState {
  std::vector<EpochReport> epochs;
  Index best_epoch = 0;  // 0: none had a finite validation loss
  Index steps = 0;       // of these epochs
  Spent spent;           // of these epochs
  Snapshot<Real> best;   // weights of `best_epoch`
  Snapshot<Real> last;   // weights to go on from, where `fit` ended with those of another epoch in the model
  UnfinishedEpoch unfinished;           // the epoch after these
  bool failed = false;                  // an error left model and optimizer in the middle of a step
  std::vector<std::string> parameters;  // of the model, by name and shape; empty before the first step
  std::string text;                     // checksum of the text trained on; empty: not known

  bool within_epoch() const { return unfinished.steps > 0; }
  /// Whether an epoch with this validation NLL is the best so far.
  bool is_best(double valid_nll) const {
    return is_finite(valid_nll) &&
           (best_epoch == 0 || valid_nll < epochs[static_cast<std::size_t>(best_epoch - 1)].valid_nll);
  }
};

}  // namespace slm
