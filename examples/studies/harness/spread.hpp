#pragma once
// What a model loses on windows spread evenly over whole texts, beside the passages that the protocol evaluates
// on.
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "harness/job.hpp"
#include "slm/slm.hpp"

namespace slm::studies {

/// Neighbouring windows make a block, whose mean says what a passage does to a loss.
inline constexpr Index spread_blocks = 100;

/// NLL of both texts after an epoch: of all windows, and of each block of them in the text's order.
struct SpreadReport {
  double valid_nll = 0, test_nll = 0;  // nats per token
  std::vector<float> valid_blocks = {}, test_blocks = {};
  Index flops = 0;  // of the evaluation
};

/// JSON of all epochs, and what it was made of. Throws a `DataError` where it is no such JSON.
std::string spread_text(const std::vector<SpreadReport>& epochs);
std::vector<SpreadReport> spread_from_text(const std::string& text);

/// A number of JSON, which has null for what is not finite.
double number_or_nan(const nlohmann::json& number);

/// The windows that the models of a text are evaluated on.
struct EvaluatedWindows {
  Windows<> paper_valid, paper_test;    // the protocol's: the first of their texts, in order
  Windows<> spread_valid, spread_test;  // spread evenly over the whole texts
};
EvaluatedWindows evaluated_windows(const Job& job);

/// Of T tokens; `spread` of each whole text.
EvaluatedWindows evaluated_windows(const Dataset& dataset, Index T, const Training& training, Index spread);

/// The mean of losses, and the means of their blocks.
double mean_loss(const std::vector<float>& losses);
std::vector<float> block_means(const std::vector<float>& losses);

/// Losses of a model by window, in the order of the windows.
struct WindowLosses {
  std::vector<float> paper_valid, paper_test, spread_valid, spread_test;
};

/// What `losses_of` gives of each list of windows.
template <class LossesOf>
WindowLosses losses_by_window(const EvaluatedWindows& windows, const LossesOf& losses_of) {
  return {losses_of(windows.paper_valid), losses_of(windows.paper_test), losses_of(windows.spread_valid),
          losses_of(windows.spread_test)};
}

/// Losses are kept in steps of so many nats.
inline constexpr double loss_step = 1.0 / 2048;

/// Writes a safetensors file: losses by window as U16 in steps of `loss_step`, the largest of which stands for
/// any that is larger, and the blocks of each epoch as F32 (epochs, blocks).
void save_losses(const std::string& path, const WindowLosses& losses, const std::vector<SpreadReport>& epochs,
                 Metadata about);

/// The loss of each window, in their order, nats. Adds what it costs to `cost`.
template <class Model>
std::vector<float> window_losses(const Model& model, const Windows<>& windows, Cost& cost) {
  std::vector<float> losses;
  const auto recorded = [&](const Model& its, auto& tape, const Batch& batch) {
    const auto each = token_losses(its.next_token(tape, batch.inputs), batch.targets);
    losses.insert(losses.end(), each.value(), each.value() + each.size());
    return mean(each);
  };
  evaluate(model, windows, recorded, &cost);
  return losses;
}

/// Of losses on the windows spread over both texts, and the FLOPs that they took.
SpreadReport spread_report(const std::vector<float>& valid, const std::vector<float>& test, Index flops);

/// What the model with its present weights loses on both texts.
template <class Model>
SpreadReport spread_report(const Model& model, const Job& job) {
  const EvaluatedWindows windows = evaluated_windows(job);
  Cost cost;
  const std::vector<float> valid = window_losses(model, windows.spread_valid, cost);
  const std::vector<float> test = window_losses(model, windows.spread_test, cost);
  return spread_report(valid, test, cost.flops());
}

}  // namespace slm::studies
