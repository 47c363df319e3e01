#include "flops/export.hpp"

#include <nlohmann/json.hpp>

namespace slm::count {

namespace {

using Json = nlohmann::ordered_json;

Json cost_json(const Cost& cost) {
  Json json = {{"flops", cost.flops()}};
  for (const auto& kind : cost_kinds) json[std::string(kind.name)] = cost.*kind.count;
  return json;
}

Json rules_json(const Rules& rules) {
  Json json = Json::object();
  for (std::size_t i = 0; i < rule_count; ++i) json[std::string(flops::conventions[i].name)] = rules[i];
  return json;
}

Json line_json(const Line& line) {
  return {{"part", line.part},
          {"parameters", line.parameters},
          {"forward", cost_json(line.costs.forward)},
          {"backward", cost_json(line.costs.backward)},
          {"optimizer", cost_json(line.optimizer)},
          {"all_positions_flops", line.everywhere},
          {"activations", line.activations},
          {"elements_moved", {{"forward", line.traffic.forward}, {"backward", line.traffic.backward}}},
          {"conventions", rules_json(line.rules)}};
}

Json count_json(const Count& count) {
  const auto& run = *count.run;
  const auto& spent = count.whole.spent;
  Json json = {{"study", run.study},
               {"model", run.model},
               {"variant", run.variant},
               {"dataset", run.training.dataset},
               {"vocabulary", std::visit([](const auto& config) { return config.vocabulary; }, run.config)},
               {"context", count.window()},
               {"batch", count.batch()},
               {"step", line_json(count.total)},
               {"training",
                {{"tokens", count.whole.tokens},
                 {"steps", count.whole.steps},
                 {"forward", cost_json(spent.training.forward)},
                 {"backward", cost_json(spent.training.backward)},
                 {"optimizer", cost_json(spent.optimizer)},
                 {"validation", cost_json(spent.validation)},
                 {"test", cost_json(count.whole.test)},
                 {"all_positions_flops", count.whole_everywhere},
                 {"conventions", rules_json(count.whole_rules)}}}};
  if (run.paper.test_nll > 0) json["paper_test_nll"] = run.paper.test_nll;
  for (const Line& line : count.lines) json["parts"].push_back(line_json(line));
  return json;
}

/// A cell that no reader takes apart.
std::string cell(std::string_view text) { return '"' + std::string(text) + '"'; }

}  // namespace

std::string to_json(const std::vector<Count>& counts) {
  Json json = Json::array();
  for (const Count& count : counts) json.push_back(count_json(count));
  return json.dump(1) + "\n";
}

std::string to_csv(const std::vector<Count>& counts) {
  std::string text = "study,model,variant,dataset,batch,context,part,parameters";
  for (const char* pass : {"forward", "backward", "optimizer"}) {
    text += std::string(",") + pass + "_flops";
    for (const auto& kind : cost_kinds) text += std::string(",") + pass + "_" + std::string(kind.name);
  }
  text += ",all_positions_flops,activations,forward_elements_moved,backward_elements_moved";
  for (const auto& rule : flops::conventions) text += "," + cell(rule.name);
  text += "\n";
  const auto number = [&](Index value) { text += "," + std::to_string(value); };
  for (const Count& count : counts) {
    const auto& run = *count.run;
    for (const Line& line : count.lines) {
      text += std::to_string(run.study) + "," + cell(run.model) + "," + cell(run.variant) + "," +
              cell(run.training.dataset);
      number(count.batch()), number(count.window());
      text += "," + cell(line.part);
      number(line.parameters);
      for (const Cost& cost : {line.costs.forward, line.costs.backward, line.optimizer}) {
        number(cost.flops());
        for (const auto& kind : cost_kinds) number(cost.*kind.count);
      }
      number(line.everywhere), number(line.activations);
      number(line.traffic.forward), number(line.traffic.backward);
      for (const Index flops : line.rules) number(flops);
      text += "\n";
    }
  }
  return text;
}

}  // namespace slm::count
