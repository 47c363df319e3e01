#include "harness/model_config.hpp"

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <type_traits>

#include "harness/fields_json.hpp"

namespace slm::studies {

namespace {

/// With every field at its default; nothing for a name that is none of the protocol's models.
std::optional<ModelConfig> default_model(std::string_view name) {
  if (name == "linear") return LinearConfig{};
  if (name == "mlp") return MlpConfig{};
  if (name == "attention" || name == "transformer") return TransformerConfig{};
  return std::nullopt;
}

template <class Config>
void read_fields(Config& config, const nlohmann::json& json) {
  Config::fields(config, [&](const char* name, auto& value) {
    using Value = std::remove_cvref_t<decltype(value)>;
    if (!json.contains(name)) return;
    if constexpr (std::is_enum_v<Value>) {
      value = from_name<Value>(make_text({"model_config: ", name}), json.at(name).template get<std::string>());
    } else {
      json.at(name).get_to(value);
    }
  });
}

}  // namespace

nlohmann::json model_json(const ModelConfig& config) {
  return std::visit([](const auto& model) { return fields_json(model); }, config);
}

bool is_model(std::string_view name) { return default_model(name).has_value(); }

ModelConfig model_config(std::string_view model, const nlohmann::json& json) {
  std::optional<ModelConfig> config = default_model(model);
  if (!config) {
    throw DataError(
        make_text({"model_config: expected linear, mlp, attention or transformer, got '", model, "'"}));
  }
  try {
    std::visit([&](auto& one) { read_fields(one, json); }, *config);
  } catch (const nlohmann::json::exception& error) {
    throw DataError(make_text({"model_config: ", error.what()}));
  }
  return *config;
}

}  // namespace slm::studies
