#include "harness/protocol_json.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "harness/setting.hpp"
#include "slm/flops/run_cost.hpp"

namespace slm::studies {

namespace {

using Json = nlohmann::ordered_json;

flops::Readout all_positions(const LinearConfig&) { return flops::Readout::next_token; }
flops::Readout all_positions(const MlpConfig&) { return flops::Readout::next_token; }
flops::Readout all_positions(const TransformerConfig&) { return flops::Readout::last_of_all; }

Json flops_json(const Run& run) {
  return std::visit(
      [&](const auto& config) -> Json {
        flops::RunSetting setting{.batch = run.training.batch,
                                  .windows_per_epoch = run.training.windows_per_epoch,
                                  .epochs = run.training.epochs};
        const auto training = [&] { return flops::run_cost(config, setting).spent.training.total().flops(); };
        const Index executed = training();
        setting.readout = all_positions(config);
        return {{"training", executed}, {"all_positions", training()}};
      },
      run.config);
}

Json curve_json(const Curve& curve) {
  return Json(std::vector<double>(curve.begin(), std::find(curve.begin(), curve.end(), 0.0)));
}

Json run_json(const Run& run) {
  const Training quick = protocol_training(run, true);
  Json json = {
      {"study", study_name(run)},
      {"dataset", run.training.dataset},
      {"model", run.model},
      {"variant", run.variant},
      {"config", Json(config_json(run, learning_rate))},
      {"quick", {{"windows", quick.windows_per_epoch}, {"evaluation_windows", quick.evaluation_windows}}},
      {"flops", flops_json(run)}};
  if (is_reported(run)) {
    const Reported& paper = run.paper;
    json["reported"] = {{"parameters", paper.parameters},           {"flops_2pn", paper.flops_2pn},
                        {"context_2pn", context_2pn(run)},          {"test_nll", paper.test_nll},
                        {"train_nll", curve_json(paper.nll.train)}, {"valid_nll", curve_json(paper.nll.valid)}};
  }
  return json;
}

/// "name": [a line for each element].
template <class Elements>
std::string list(const std::string& name, const Elements& elements) {
  std::string text = "\"" + name + "\": [";
  const char* separator = "\n";
  for (const Json& element : elements) {
    text += separator + element.dump();
    separator = ",\n";
  }
  return text + "\n]";
}

}  // namespace

std::string protocol_json() {
  std::vector<Json> datasets, all_runs;
  for (const DataSize& data : data_sizes) {
    datasets.push_back({{"name", data.name},
                        {"vocabulary", data.vocabulary},
                        {"tokens", data.tokens},
                        {"capped", data.capped}});
  }
  for (const Run& run : runs) all_runs.push_back(run_json(run));
  for (const Run& run : unreported_runs) all_runs.push_back(run_json(run));
  return "{" + list("datasets", datasets) + ",\n" + list("runs", all_runs) + "}\n";
}

}  // namespace slm::studies
