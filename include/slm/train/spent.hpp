#pragma once
#include "slm/core/cost.hpp"

namespace slm {

/// What a training has cost so far.
struct Spent {
  PassCosts training;  // of the model and its loss
  Cost optimizer;      // adding up micro-batches, clipping and updates
  Cost validation;

  Cost total() const { return training.total() + optimizer + validation; }
  bool operator==(const Spent&) const = default;
};

}  // namespace slm
