#include "flops/count.hpp"

#include <algorithm>

namespace slm::count {

namespace {

/// "blocks.2.norm1" becomes "blocks.norm1".
std::string without_number(const std::string& name) {
  const std::string blocks = "blocks.";
  if (name.rfind(blocks, 0) != 0) return name;
  return blocks + name.substr(name.find('.', blocks.size()) + 1);
}

/// A layer's own operation goes by its path, "blocks.norm1", what stands between layers by its name below it,
/// "blocks.dropout".
std::string line_name(const PartCost& part) {
  constexpr std::string_view own[] = {"",
                                      "embedding",
                                      "add_positions",
                                      "linear",
                                      "layer_norm",
                                      "rms_norm",
                                      "causal_attention",
                                      "cross_entropy",
                                      "linear_cross_entropy"};
  const bool is_own = std::find(std::begin(own), std::end(own), part.operation) != std::end(own);
  if (is_own) return part.path;
  return part.path + (part.path.empty() ? "" : ".") + std::string(part.operation);
}

class Lines {
 public:
  explicit Lines(bool each_layer) : each_layer_(each_layer) {}

  Line& of(const std::string& name) {
    const std::string part = each_layer_ ? name : without_number(name);
    auto line = std::find_if(lines_.begin(), lines_.end(), [&](const Line& one) { return one.part == part; });
    if (line == lines_.end()) {
      lines_.emplace_back();
      lines_.back().part = part;
      return lines_.back();
    }
    return *line;
  }
  std::vector<Line> take() { return std::move(lines_); }

 private:
  bool each_layer_;
  std::vector<Line> lines_;
};

void add(Line& sum, const Line& line) {
  sum.parameters += line.parameters;
  sum.cost += line.cost;
  sum.optimizer += line.optimizer;
  sum.everywhere = count_sum(sum.everywhere, line.everywhere);
  for (std::size_t i = 0; i < rule_count; ++i) sum.rules[i] = count_sum(sum.rules[i], line.rules[i]);
}

flops::Readout everywhere(const LinearConfig&) { return flops::Readout::next_token; }
flops::Readout everywhere(const MlpConfig&) { return flops::Readout::next_token; }
flops::Readout everywhere(const TransformerConfig&) { return flops::Readout::last_of_all; }

}  // namespace

double Line::intensity() const {
  const Index elements = count_sum(cost.traffic.forward, cost.traffic.backward);
  return elements == 0 ? 0 : static_cast<double>(flops()) / (4 * static_cast<double>(elements));
}

Count count(const studies::Run& run, bool each_layer) {
  return std::visit(
      [&](const auto& config) {
        const auto& training = run.training;
        const Index B = training.batch, T = config.context;
        Lines lines(each_layer);
        for (const auto& part : flops::model_cost(config, {.batch = B}).parts) {
          Line line;
          line.parameters = part.parameters;
          line.cost = part.cost;
          line.optimizer = adam_step_cost(part.parameters);
          add(lines.of(line_name(part)), line);
        }
        const flops::StepSetting all_positions{.batch = B, .readout = everywhere(config)};
        for (const auto& part : flops::model_cost(config, all_positions).parts) {
          Index& sum = lines.of(line_name(part)).everywhere;
          sum = count_sum(sum, part.cost.passes.total().flops());
        }
        const auto layers = flops::layers(config);
        for (const auto& layer : layers) {
          Line line;
          for (std::size_t i = 0; i < rule_count; ++i) {
            line.rules[i] = studies::rules[i].layer_flops(layer, B, T);
          }
          add(lines.of(layer.path), line);
        }

        flops::RunSetting setting{.batch = B,
                                  .windows_per_epoch = training.windows_per_epoch,
                                  .epochs = training.epochs,
                                  .validation_windows = training.evaluation_windows,
                                  .test_windows = training.evaluation_windows};
        Count count{&run, lines.take(), {}, flops::run_cost(config, setting), 0, {}};
        count.total.part = "total";
        for (const Line& line : count.lines) add(count.total, line);
        setting.readout = everywhere(config);
        count.whole_everywhere = flops::run_cost(config, setting).spent.training.total().flops();
        const Index windows = count_product(training.windows_per_epoch, training.epochs);
        for (std::size_t i = 0; i < rule_count; ++i) {
          count.whole_rules[i] = studies::rules[i](layers, windows, T);
        }
        return count;
      },
      run.config);
}

std::string label(const studies::Run& run) {
  std::string text(run.model);
  if (!run.variant.empty()) text += std::string(", ") + std::string(run.variant);
  if (run.study == 3) text += std::string(", ") + std::string(run.training.dataset);
  return text;
}

}  // namespace slm::count
