#include "harness/model_config.hpp"

#include <nlohmann/json.hpp>
#include <string>
#include <type_traits>

namespace slm::studies {

namespace {

template <class Config>
Config from_json(const nlohmann::json& json) {
  Config config{};
  Config::fields(config, [&](const char* name, auto& value) {
    using Value = std::remove_cvref_t<decltype(value)>;
    if constexpr (std::is_enum_v<Value>) {
      value =
          from_name<Value>(concatenate({"model_config: ", name}), json.at(name).template get<std::string>());
    } else {
      json.at(name).get_to(value);
    }
  });
  return config;
}

ModelConfig from_json(std::string_view model, const nlohmann::json& json) {
  if (model == "linear") return from_json<LinearConfig>(json);
  if (model == "mlp") return from_json<MlpConfig>(json);
  if (model == "attention" || model == "transformer") return from_json<TransformerConfig>(json);
  throw DataError(
      concatenate({"model_config: expected linear, mlp, attention or transformer, got '", model, "'"}));
}

}  // namespace

nlohmann::json model_json(const ModelConfig& config) {
  nlohmann::json json;
  const auto write = [&](const char* name, const auto& value) {
    if constexpr (std::is_enum_v<std::remove_cvref_t<decltype(value)>>) {
      json[name] = name_of(value);
    } else {
      json[name] = value;
    }
  };
  std::visit([&](const auto& model) { model.fields(model, write); }, config);
  return json;
}

ModelConfig model_config(std::string_view model, const nlohmann::json& json) {
  try {
    return from_json(model, json);
  } catch (const nlohmann::json::exception& error) {
    throw DataError(concatenate({"model_config: ", error.what()}));
  }
}

}  // namespace slm::studies
