#pragma once
// The fields of a config by their names, set from text.
#include <concepts>
#include <nlohmann/json.hpp>
#include <string>
#include <type_traits>

#include "slm/core/check.hpp"
#include "slm/core/names.hpp"

namespace slm::leaderboard {

/// Sets the field of this name, if there is one; whether there is. Throws an error of JSON, a `ConfigError` or
/// a `DataError` where the text is no value of it.
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
      const auto parsed = nlohmann::json::parse(text);
      if constexpr (std::integral<Value> && !std::same_as<Value, bool>) {
        require_config(parsed.is_number_integer(), {name, " must be a whole number, got ", text});
      }
      value = parsed.get<Value>();
    }
  });
  return found;
}

/// The names of a config's fields, with commas between them.
template <class Config>
std::string field_names(const Config& config) {
  std::string names;
  Config::fields(config, [&](const char* name, const auto&) {
    if (!names.empty()) names += ", ";
    names += name;
  });
  return names;
}

}  // namespace slm::leaderboard
