#pragma once
// How `fit` trains, and what it says of it.
#include <functional>
#include <vector>

#include "slm/core/products.hpp"
#include "slm/train/fit_state.hpp"
#include "slm/train/ranks.hpp"

namespace slm {

/// What happened in a step. Steps count from 0 over all epochs.
struct StepReport {
  Index epoch = 0, step = 0;
  Index steps_per_epoch = 0, epochs = 0;
  double loss = 0;           // nats per token
  Index tokens = 0;          // tokens read in this step
  Spent spent = {};          // since the training began
  double learning_rate = 0;  // of a schedule; 0 where the optimizer has its own
  Index bytes_sent = 0;      // in this step, by all ranks together
};

/// How `fit` trains.
struct FitConfig {
  Index epochs = 1;
  Index windows_per_epoch = 0;  // drawn anew each epoch
  Index micro_batches = 1;      // so many batches of the source make a step; the epoch's last may have fewer
  Index patience = 0;           // stop after so many epochs without a better one; 0: never
  double clip = 0;              // largest norm of the gradient; 0: no clipping
  Products products = Products::full;                     // of steps; an evaluation's are full
  std::function<double(Index step)> learning_rate = {};   // as a Schedule; empty: the optimizer's own
  std::function<void(const StepReport&)> on_step = {};    // may be empty
  std::function<void(const EpochReport&)> on_epoch = {};  // may be empty
  std::function<bool()> stop = {};                        // asked after every step; true ends the training
  Ranks* ranks = nullptr;                                 // that train together; null: this process alone
};

/// What `fit` did.
struct FitResult {
  std::vector<EpochReport> epochs;
  Index best_epoch = 0;  // 0: none was finished before `stop` that had a finite validation loss
  bool stopped = false;  // by `stop`, before the last epoch's end
  Spent spent;
};

}  // namespace slm
