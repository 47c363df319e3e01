#pragma once
// What a step of a model costs, part by part.
#include <string>
#include <string_view>
#include <vector>

#include "slm/core/cost.hpp"

namespace slm::flops {

/// Elements that the kernels of each pass read and write when every operand of a call is read once, every
/// result written once, and every gradient that is added to read and written. Left out are tokens and the
/// angles of a rotary embedding. Caches can make the traffic to main memory less.
struct Traffic {
  Index forward = 0, backward = 0;
};

/// One operation at one place of a model.
struct Part {
  std::string name;            // of the layer, "blocks.0.attention.qkv", or of what stands between layers
  std::string_view operation;  // as the tape names it
  Index calls = 0;
  PassCosts costs = {};
  Index parameters = 0;   // elements
  Index activations = 0;  // elements that the operation writes and keeps for the backward pass
  Traffic traffic = {};

  /// FLOPs per byte of traffic, both passes, for elements of `element_bytes` bytes.
  double intensity(Index element_bytes = 4) const {
    const Index elements = count_sum(traffic.forward, traffic.backward);
    if (elements == 0) return 0;
    return static_cast<double>(costs.total().flops()) /
           static_cast<double>(count_product(elements, element_bytes));
  }
};

/// A step without its optimizer.
struct ModelCost {
  std::vector<Part> parts;  // in the order of the forward pass

  PassCosts total() const {
    PassCosts sum;
    for (const Part& part : parts) sum += part.costs;
    return sum;
  }
  Index parameters() const { return sum_of(&Part::parameters); }
  Index activations() const { return sum_of(&Part::activations); }
  Traffic traffic() const {
    Traffic sum;
    for (const Part& part : parts) {
      sum.forward = count_sum(sum.forward, part.traffic.forward);
      sum.backward = count_sum(sum.backward, part.traffic.backward);
    }
    return sum;
  }

 private:
  Index sum_of(Index Part::*count) const {
    Index sum = 0;
    for (const Part& part : parts) sum = count_sum(sum, part.*count);
    return sum;
  }
};

}  // namespace slm::flops
