#pragma once
// A model counted in every way, part by part.
#include <array>
#include <string>
#include <vector>

#include "protocol.hpp"
#include "rule_2pn.hpp"
#include "slm/flops/run_cost.hpp"

namespace slm::count {

inline constexpr std::size_t rule_count = studies::rules.size();
using Rules = std::array<Index, rule_count>;

/// One line of a table: parts of the same name in all blocks, or one part.
struct Line {
  std::string part;
  Index parameters = 0;
  OperationCost cost;  // as executed
  Cost optimizer;
  Index everywhere = 0;  // FLOPs when every position is computed and the last one is used
  Rules rules{};         // FLOPs by each convention

  /// Forward and backward, without the optimizer.
  Index flops() const { return cost.passes.total().flops(); }
  /// FLOPs per byte of float operands, the optimizer left out.
  double intensity() const;
};

/// A training step of a run's batch, and the whole run.
struct Count {
  const studies::Run* run;
  std::vector<Line> lines;
  Line total;  // of all lines
  flops::RunCost whole;
  Index whole_everywhere;  // FLOPs of training when every position is computed
  Rules whole_rules;

  Index batch() const { return run->training.batch; }
  Index window() const { return studies::context(*run); }
};

/// `each_layer`: blocks have lines of their own.
Count count(const studies::Run& run, bool each_layer);

/// "transformer, L = 3".
std::string label(const studies::Run& run);

}  // namespace slm::count
