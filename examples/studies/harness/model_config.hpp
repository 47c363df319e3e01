#pragma once
// A model's config as JSON: in the results file, and in what a weights file says about itself.
#include <nlohmann/json_fwd.hpp>
#include <string_view>

#include "protocol.hpp"

namespace slm::studies {

nlohmann::json model_json(const ModelConfig& config);

/// The config of a model, "linear", "mlp", "attention" or "transformer", from what `model_json` made. Other
/// keys are left alone. Throws `DataError` where one is missing or has no meaning.
ModelConfig model_config(std::string_view model, const nlohmann::json& json);

}  // namespace slm::studies
