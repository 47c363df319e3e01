#pragma once
// How a model is trained: as the protocol says, and what a recorded training has otherwise.
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "protocol.hpp"

namespace slm::studies {

/// A run's training, with --quick on a tenth of its windows.
Training protocol_training(const Run& run, bool quick);

/// How a model is trained and evaluated, as the config of a record has it. `capped`: the text is no longer than
/// the paper's.
nlohmann::json training_json(const Training& training, double rate, bool capped);

/// Everything but seed and text that a training's result depends on, as a record has it.
nlohmann::json config_json(const Run& run, double rate, bool capped = true);

/// The run of the protocol that goes by these names in a record or in a weights file, null where there is none.
/// What was trained on the synthetic corpus is taken for the first run of its other names.
const Run* find_run(std::string_view study, std::string_view model, std::string_view variant,
                    std::string_view dataset);

/// What a training of this run, with its config from a record or a weights file, has other than the protocol at
/// this learning rate: "context 64", "learning rate 0.001", "no cap". The vocabulary is that of its text.
std::vector<std::string> setting_changes(const Run& run, const nlohmann::json& config, bool quick,
                                         double rate = learning_rate);

/// The same, and "quick" for a training with --quick.
std::vector<std::string> changes(const Run& run, const nlohmann::json& config, bool quick,
                                 double rate = learning_rate);

}  // namespace slm::studies
