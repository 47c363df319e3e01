#include "harness/setting.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "harness/dataset.hpp"

namespace slm::studies {

Training protocol_training(const Run& run, bool quick) {
  Training training = run.training;
  if (quick) {
    training.windows_per_epoch /= 10;
    training.evaluation_windows /= 10;
  }
  return training;
}

nlohmann::json training_json(const Training& training, double rate) {
  return {{"batch", training.batch},
          {"epochs", training.epochs},
          {"windows", training.windows_per_epoch},
          {"evaluation_windows", training.evaluation_windows},
          {"learning_rate", rate}};
}

const Run* find_run(std::string_view study, std::string_view model, std::string_view variant,
                    std::string_view dataset) {
  const auto named = [&](const Run& run) {
    return study_name(run) == study && run.model == model && run.variant == variant &&
           (run.training.dataset == dataset || dataset == synthetic);
  };
  const auto reported = std::find_if(runs.begin(), runs.end(), named);
  if (reported != runs.end()) return &*reported;
  const auto unreported = std::find_if(unreported_runs.begin(), unreported_runs.end(), named);
  return unreported != unreported_runs.end() ? &*unreported : nullptr;
}

std::vector<std::string> changes(const Run& run, const nlohmann::json& config, bool quick, double rate) {
  nlohmann::json expected = training_json(protocol_training(run, quick), rate);
  expected["context"] = context(run);
  std::vector<std::string> found;
  for (const auto& [key, value] : expected.items()) {
    const nlohmann::json used = config.value(key, nlohmann::json());
    std::string name = key;
    std::replace(name.begin(), name.end(), '_', ' ');
    if (used != value) found.push_back(name + " " + used.dump());
  }
  if (config.contains("cap")) found.push_back("no cap");
  if (quick) found.push_back("quick");
  return found;
}

}  // namespace slm::studies
