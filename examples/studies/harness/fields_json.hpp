#pragma once
// The fields of a config by their names, as JSON.
#include <nlohmann/json.hpp>
#include <type_traits>

#include "slm/core/names.hpp"

namespace slm::studies {

/// All of them. `Json` sorts them or keeps their order.
template <class Json = nlohmann::json, class Config>
Json fields_json(const Config& config) {
  Json json = Json::object();
  Config::fields(config, [&](const char* name, const auto& value) {
    if constexpr (std::is_enum_v<std::remove_cvref_t<decltype(value)>>) {
      json[name] = name_of(value);
    } else {
      json[name] = value;
    }
  });
  return json;
}

/// Without those at their default: so a training is the same before and after slm got another field.
template <class Json = nlohmann::json, class Config>
Json changed_fields_json(const Config& config) {
  const Json all = fields_json<Json>(config), defaults = fields_json<Json>(Config());
  Json changed = Json::object();
  for (const auto& [name, value] : all.items()) {
    if (value != defaults.at(name)) changed[name] = value;
  }
  return changed;
}

}  // namespace slm::studies
