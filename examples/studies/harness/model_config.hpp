#pragma once
// A model's config as JSON: in the results file, and in what a weights file says about itself.
#include <nlohmann/json_fwd.hpp>
#include <string_view>

#include "protocol.hpp"

namespace slm::studies {

nlohmann::json model_json(const ModelConfig& config);

/// Whether the protocol's models have this name: "linear", "mlp", "attention" or "transformer".
bool is_model(std::string_view name);

/// The config of one of these models from what `model_json` made. A field that is missing has its default, as
/// in what was made before slm had the field; other keys are left alone. Throws `DataError` where a value has
/// no meaning.
ModelConfig model_config(std::string_view model, const nlohmann::json& json);

}  // namespace slm::studies
