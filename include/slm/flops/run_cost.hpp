#pragma once
// The cost of a training run from a config alone: steps, the optimizer's updates and the evaluations.
#include "slm/flops/model_cost.hpp"
#include "slm/optim/adam.hpp"
#include "slm/train/spent.hpp"

namespace slm::flops {

/// Windows are cut into batches, the last of which may be smaller.
struct RunSetting {
  Index batch = 1;
  Index windows_per_epoch = 1;
  Index epochs = 1;
  Index validation_windows = 0;  // after each epoch
  Index test_windows = 0;        // once, at the end
  Index window = 0;              // tokens; 0: the config's context
  Readout readout = Readout::next_token;
};

/// What a whole training costs.
struct RunCost {
  Spent spent;  // in training
  Cost test;
  Index steps = 0;
  Index tokens = 0;  // read in training
};

/// All batches of `windows` windows.
template <class Config>
PassCosts windows_cost(const Config& config, Index windows, const StepSetting& setting) {
  require_config(windows >= 0 && setting.batch > 0,
                 {"windows_cost: needs 0 or more windows in batches of at least 1, got ", windows, " and ",
                  setting.batch});
  PassCosts sum;
  StepSetting step = setting;
  if (windows >= step.batch) sum += model_cost(config, step).total() * (windows / step.batch);
  step.batch = windows % step.batch;
  if (step.batch > 0) sum += model_cost(config, step).total();
  return sum;
}

/// `optimizer_step_cost`: of a step, from the number of parameters.
template <class Config>
RunCost run_cost(const Config& config, const RunSetting& run,
                 Cost (*optimizer_step_cost)(Index) = adam_step_cost) {
  require_config(
      run.windows_per_epoch > 0 && run.epochs > 0,
      {"run_cost: needs at least 1 epoch of 1 window, got ", run.epochs, " of ", run.windows_per_epoch});
  const StepSetting train{run.batch, run.window, Mode::train, run.readout};
  const StepSetting evaluate{run.batch, run.window, Mode::evaluate, run.readout};
  const Index window = run.window == 0 ? config.context : run.window;
  RunCost cost;
  cost.spent.training = windows_cost(config, run.windows_per_epoch, train) * run.epochs;
  const Cost validation = windows_cost(config, run.validation_windows, evaluate).forward;
  cost.spent.validation = validation * run.epochs;
  cost.test = run.test_windows == run.validation_windows
                  ? validation
                  : windows_cost(config, run.test_windows, evaluate).forward;
  cost.steps = count_product((run.windows_per_epoch - 1) / run.batch + 1, run.epochs);
  cost.tokens = count_product(run.windows_per_epoch, window, run.epochs);
  cost.spent.optimizer =
      optimizer_step_cost(parameter_count(typename Config::template Model<Shapes>(config, Random()))) *
      cost.steps;
  return cost;
}

}  // namespace slm::flops
