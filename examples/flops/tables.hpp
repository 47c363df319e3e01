#pragma once
// What people read.
#include "flops/count.hpp"

namespace slm::count {

/// Parts down, conventions across: a training step.
std::string convention_table(const Count& count);

/// Parts down, kinds of operations across, with memory and traffic: the same step.
std::string kind_table(const Count& count);

/// Per token, step and training run.
std::string summary(const Count& count);

/// Runs down, conventions across: FLOPs of the training, and as multiples of the executed ones.
std::string run_table(const std::vector<Count>& counts);

/// Test losses in nats per token, one for each count; where they come from.
struct Losses {
  std::string source;
  std::vector<double> nll;
};

/// Whether attention beats the MLP in loss per FLOP, by every convention. Empty without the four
/// architectures of study 1.
std::string claim_table(const std::vector<Count>& counts, const Losses& losses);

/// The rules' sources.
std::string convention_notes();

}  // namespace slm::count
