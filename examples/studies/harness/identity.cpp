#include "harness/identity.hpp"

#include <nlohmann/json.hpp>

#include "harness/model_config.hpp"
#include "harness/setting.hpp"

namespace slm::studies {

nlohmann::json default_config(std::string_view model) {
  if (!is_model(model)) return nlohmann::json::object();
  Run run{};
  run.config = model_config(model, nlohmann::json::object());
  return config_json(run, learning_rate);
}

nlohmann::json essential_config(std::string_view model, const nlohmann::json& config) {
  const nlohmann::json defaults = default_config(model);
  nlohmann::json essential = config;
  for (const auto& [name, value] : defaults.items()) {
    if (essential.contains(name) && essential[name] == value) essential.erase(name);
  }
  return essential;
}

nlohmann::json identity(const Record& record) {
  return {{"study", record.study},     {"model", record.model},
          {"variant", record.variant}, {"config", essential_config(record.model, record.config)},
          {"dataset", record.dataset}, {"sha256", record.sha256},
          {"seed", record.seed},       {"quick", record.quick}};
}

}  // namespace slm::studies
