#include "harness/setting.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "harness/dataset.hpp"
#include "harness/identity.hpp"
#include "harness/model_config.hpp"

namespace slm::studies {

Training protocol_training(const Run& run, bool quick) {
  Training training = run.training;
  if (quick) {
    training.windows_per_epoch /= 10;
    training.evaluation_windows /= 10;
  }
  return training;
}

nlohmann::json training_json(const Training& training, double rate, bool capped) {
  nlohmann::json json = {{"batch", training.batch},
                         {"epochs", training.epochs},
                         {"windows", training.windows_per_epoch},
                         {"evaluation_windows", training.evaluation_windows},
                         {"learning_rate", rate}};
  if (!capped) json["cap"] = "none";
  if (training.products != Products::full) json["products"] = name_of(training.products);
  return json;
}

nlohmann::json config_json(const Run& run, double rate, bool capped) {
  nlohmann::json config = model_json(run.config);
  config.update(training_json(run.training, rate, capped));
  return config;
}

const Run* find_run(std::string_view study, std::string_view model, std::string_view variant,
                    std::string_view dataset) {
  const auto named = [&](const Run& run) {
    return study_name(run) == study && run.model == model && run.variant == variant &&
           (run.training.dataset == dataset || dataset == synthetic::corpus_name);
  };
  const auto reported = std::find_if(runs.begin(), runs.end(), named);
  if (reported != runs.end()) return &*reported;
  const auto unreported = std::find_if(unreported_runs.begin(), unreported_runs.end(), named);
  return unreported != unreported_runs.end() ? &*unreported : nullptr;
}

std::vector<std::string> setting_changes(const Run& run, const nlohmann::json& config, bool quick,
                                         double rate) {
  Run unchanged = run;
  unchanged.training = protocol_training(run, quick);
  nlohmann::json expected = default_config(run.model), used = expected;
  expected.update(config_json(unchanged, rate));
  used.update(config);
  std::vector<std::string> found;
  for (const auto& [key, value] : used.items()) {
    if (key == "vocabulary" || key == "cap" || (expected.contains(key) && expected[key] == value)) continue;
    std::string name = key;
    std::replace(name.begin(), name.end(), '_', ' ');
    found.push_back(name + " " + value.dump());
  }
  if (used.contains("cap")) found.push_back("no cap");
  return found;
}

std::vector<std::string> changes(const Run& run, const nlohmann::json& config, bool quick, double rate) {
  std::vector<std::string> found = setting_changes(run, config, quick, rate);
  if (quick) found.push_back("quick");
  return found;
}

}  // namespace slm::studies
