#pragma once
// Which trainings are the same, whenever and by whichever version of slm they were made.
#include <nlohmann/json_fwd.hpp>
#include <string_view>

#include "harness/record.hpp"

namespace slm::studies {

/// A config with every field at its default, where it has one; empty for a model that is not of the protocol.
/// What a training was recorded without, because slm had no such field yet, it had at its default: so the
/// default of a field never changes.
nlohmann::json default_config(std::string_view model);

/// A model's config without the fields that are at their default: the same before and after slm got another
/// field.
nlohmann::json essential_config(std::string_view model, const nlohmann::json& config);

/// What makes a training the one that it is: study, model, variant, essential config, text, seed and --quick.
/// The version of slm is no part of it.
nlohmann::json identity(const Record& record);

}  // namespace slm::studies
