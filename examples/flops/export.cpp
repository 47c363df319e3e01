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
  for (std::size_t i = 0; i < rule_count; ++i) json[std::string(studies::rules[i].name)] = rules[i];
  return json;
}

Json line_json(const Line& line) {
  return {
      {"part", line.part},
      {"parameters", line.parameters},
      {"forward", cost_json(line.cost.passes.forward)},
      {"backward", cost_json(line.cost.passes.backward)},
      {"optimizer", cost_json(line.optimizer)},
      {"all_positions_flops", line.everywhere},
      {"activations", line.cost.kept},
      {"elements_moved", {{"forward", line.cost.traffic.forward}, {"backward", line.cost.traffic.backward}}},
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

/// Values of a line with commas between.
class CsvLine {
 public:
  void add(Index number) { add_cell(std::to_string(number)); }
  /// In quotes, so that no reader takes it apart.
  void add(std::string_view text) {
    add_cell("\"");
    text_.append(text).append("\"");
  }
  std::string text() const { return text_ + '\n'; }

 private:
  void add_cell(std::string_view cell) {
    if (!text_.empty()) text_ += ',';
    text_.append(cell);
  }
  std::string text_;
};

CsvLine csv_header() {
  CsvLine line;
  for (const char* name : {"study", "model", "variant", "dataset", "batch", "context", "part", "parameters"}) {
    line.add(std::string_view(name));
  }
  for (const std::string pass : {"forward_", "backward_", "optimizer_"}) {
    line.add(std::string_view(pass + "flops"));
    for (const auto& kind : cost_kinds) line.add(std::string_view(pass + std::string(kind.name)));
  }
  for (const char* name :
       {"all_positions_flops", "activations", "forward_elements_moved", "backward_elements_moved"}) {
    line.add(std::string_view(name));
  }
  for (const auto& rule : studies::rules) line.add(rule.name);
  return line;
}

CsvLine csv_line(const Count& count, const Line& part) {
  const auto& run = *count.run;
  CsvLine line;
  line.add(Index(run.study));
  for (const std::string_view text : {run.model, run.variant, run.training.dataset}) line.add(text);
  line.add(count.batch());
  line.add(count.window());
  line.add(std::string_view(part.part));
  line.add(part.parameters);
  for (const Cost& cost : {part.cost.passes.forward, part.cost.passes.backward, part.optimizer}) {
    line.add(cost.flops());
    for (const auto& kind : cost_kinds) line.add(cost.*kind.count);
  }
  for (const Index number :
       {part.everywhere, part.cost.kept, part.cost.traffic.forward, part.cost.traffic.backward}) {
    line.add(number);
  }
  for (const Index flops : part.rules) line.add(flops);
  return line;
}

}  // namespace

std::string to_json(const std::vector<Count>& counts) {
  Json json = Json::array();
  for (const Count& count : counts) json.push_back(count_json(count));
  return json.dump(1) + "\n";
}

std::string to_csv(const std::vector<Count>& counts) {
  std::string text = csv_header().text();
  for (const Count& count : counts) {
    for (const Line& line : count.lines) text += csv_line(count, line).text();
  }
  return text;
}

}  // namespace slm::count
