#pragma once
// The fields of a config by their names: as JSON, and set from text.
#include <nlohmann/json.hpp>
#include <string>
#include <type_traits>

#include "slm/core/names.hpp"

namespace slm::leaderboard {

template <class Config>
nlohmann::ordered_json settings_json(const Config& config) {
  nlohmann::ordered_json json;
  Config::fields(config, [&](const char* name, const auto& value) {
    if constexpr (std::is_enum_v<std::remove_cvref_t<decltype(value)>>) {
      json[name] = name_of(value);
    } else {
      json[name] = value;
    }
  });
  return json;
}

/// Those that are not the config's defaults.
template <class Config>
nlohmann::ordered_json changed_settings(const Config& config) {
  const nlohmann::ordered_json all = settings_json(config), defaults = settings_json(Config());
  nlohmann::ordered_json changed = nlohmann::ordered_json::object();
  for (const auto& [name, value] : all.items()) {
    if (value != defaults.at(name)) changed[name] = value;
  }
  return changed;
}

/// Sets the field of this name, if there is one; whether there is. Throws an error of JSON or a `DataError`
/// where the text is no value of it.
template <class Config>
bool set_field(Config& config, const std::string& field, const std::string& text) {
  bool found = false;
  Config::fields(config, [&](const char* name, auto& value) {
    if (field != name) return;
    found = true;
    using Value = std::remove_cvref_t<decltype(value)>;
    if constexpr (std::is_enum_v<Value>) {
      value = from_name<Value>(name, text);
    } else {
      value = nlohmann::json::parse(text).get<Value>();
    }
  });
  return found;
}

}  // namespace slm::leaderboard
