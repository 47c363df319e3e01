#include "flops/tables.hpp"

#include <algorithm>
#include <cmath>

#include "harness/table.hpp"
#include "harness/text.hpp"

namespace slm::count {

using studies::fixed;
using studies::scientific;
using studies::Table;
using studies::with_commas;

namespace {

/// In millions; nothing where there is none.
std::string millions(Index count) { return count == 0 ? "" : fixed(static_cast<double>(count) / 1e6, 3); }

Table::Row names(Table::Row first) {
  for (const auto& rule : studies::rules) first.emplace_back(rule.name);
  return first;
}

Table::Row convention_row(const Line& line) {
  Table::Row row = {line.part,
                    line.parameters == 0 ? "" : with_commas(line.parameters),
                    millions(line.cost.passes.forward.flops()),
                    millions(line.cost.passes.backward.flops()),
                    millions(line.flops()),
                    millions(line.everywhere),
                    millions(line.optimizer.flops())};
  for (const Index flops : line.rules) row.push_back(millions(flops));
  return row;
}

std::string ratio(Index flops, Index exact) {
  return fixed(static_cast<double>(flops) / static_cast<double>(exact), 2);
}

/// FLOPs of a training by everything that counts them: as executed, at every position, by each rule.
std::vector<Index> trainings(const Count& count) {
  std::vector<Index> all = {count.whole.spent.training.total().flops(), count.whole_everywhere};
  all.insert(all.end(), count.whole_rules.begin(), count.whole_rules.end());
  return all;
}

}  // namespace

std::string convention_table(const Count& count) {
  Table table({names({"MFLOP of a step", "parameters", "forward", "backward", "slm", "slm, all", "Adam"})});
  for (const Line& line : count.lines) table.add(convention_row(line));
  table.add(convention_row(count.total));
  const Index exact = count.total.flops();
  Table::Row ratios = {"multiple of slm",
                       "",
                       "",
                       "",
                       "1.00",
                       ratio(count.total.everywhere, exact),
                       ratio(count.total.optimizer.flops(), exact)};
  for (const Index flops : count.total.rules) ratios.push_back(ratio(flops, exact));
  table.add(ratios);
  return table.text();
}

std::string kind_table(const Count& count) {
  Table table({{"millions a step", "multiply-adds", "elementwise", "transcendental", "comparisons", "draws",
                "look-ups", "moved", "activations", "bytes", "FLOP/byte"}});
  const auto add = [&](const Line& line) {
    const Cost cost = line.cost.passes.total();
    Table::Row row = {line.part};
    for (const auto& kind : cost_kinds) row.push_back(millions(cost.*kind.count));
    row.push_back(millions(line.cost.kept));
    row.push_back(millions(4 * (line.cost.traffic.forward + line.cost.traffic.backward)));
    row.push_back(line.cost.traffic.forward == 0 ? "" : fixed(line.intensity(), 2));
    table.add(row);
  };
  for (const Line& line : count.lines) add(line);
  add(count.total);
  return table.text();
}

std::string summary(const Count& count) {
  const Index step = count.total.flops(), tokens = count.batch() * count.window();
  const auto& spent = count.whole.spent;
  const auto total = [](const Cost& cost) { return scientific(static_cast<double>(cost.flops())); };
  return std::string("A token ") + with_commas(step / tokens) + " FLOPs, a step of " + with_commas(tokens) +
         " tokens " + with_commas(step) + " and Adam's update " + with_commas(count.total.optimizer.flops()) +
         ".\nThe run: " + total(spent.training.total()) + " in training, " + total(spent.optimizer) +
         " in Adam, " + total(spent.validation) + " in validation, " + total(count.whole.test) +
         " in the test; " + with_commas(count.whole.steps) + " steps, " + with_commas(count.whole.tokens) +
         " tokens.\n";
}

std::string run_table(const std::vector<Count>& counts) {
  Table flops({names({"FLOPs of the training", "study", "parameters", "slm", "slm, all"})});
  Table ratios({names({"multiple of slm", "study", "parameters", "slm", "slm, all"})});
  for (const Count& count : counts) {
    const std::vector<Index> all = trainings(count);
    Table::Row row = {label(*count.run), std::to_string(count.run->study), with_commas(count.total.parameters)};
    Table::Row relative = row;
    for (const Index number : all) {
      row.push_back(scientific(static_cast<double>(number)));
      relative.push_back(ratio(number, all[0]));
    }
    flops.add(row);
    ratios.add(relative);
  }
  return flops.text() + "\n" + ratios.text();
}

std::string claim_table(const std::vector<Count>& counts, const Losses& losses) {
  const auto find = [&](std::string_view model) {
    const auto at = std::find_if(counts.begin(), counts.end(), [&](const Count& count) {
      return count.run->study == 1 && count.run->model == model;
    });
    return static_cast<std::size_t>(at - counts.begin());
  };
  const std::size_t mlp = find("mlp");
  std::vector<std::size_t> models = {find("linear"), mlp, find("attention"), find("transformer")};
  for (const std::size_t model : models) {
    if (model == counts.size() || losses.nll[model] == 0) return "";
  }
  const auto uniform = std::log(static_cast<double>(
      std::visit([](const auto& config) { return config.vocabulary; }, counts[mlp].run->config)));
  const auto gain = [&](std::size_t model) { return uniform - losses.nll[model]; };
  Table table({names({"against the MLP, " + losses.source, "test NLL", "slm", "slm, all"})});
  for (const std::size_t model : models) {
    Table::Row row = {label(*counts[model].run) + ": FLOPs", fixed(losses.nll[model], 4)};
    Table::Row pace = {"  nats below ln V per FLOP", ""};
    Table::Row verdict = {"  beats the MLP", ""};
    for (std::size_t i = 0; i < trainings(counts[mlp]).size(); ++i) {
      const double share =
          static_cast<double>(trainings(counts[model])[i]) / static_cast<double>(trainings(counts[mlp])[i]);
      const bool better = losses.nll[model] < losses.nll[mlp], cheaper = share <= 1;
      row.push_back(fixed(share, 3));
      pace.push_back(share == 0 ? "" : fixed(gain(model) / gain(mlp) / share, 3));
      verdict.push_back(better && cheaper ? "yes" : better ? "costs more" : cheaper ? "loses more" : "no");
    }
    table.add(row);
    table.add(pace);
    if (model != mlp) table.add(verdict);
  }
  return table.text();
}

std::string convention_notes() {
  std::string text =
      "slm: multiply-adds count 2, as executed, optimizer apart; slm, all: every position in all blocks, "
      "the last one in norm and head.\n";
  for (const auto& rule : studies::rules) {
    text += std::string(rule.name) + ": " + std::string(rule.formula) + " (" + std::string(rule.source) + ")\n";
  }
  return text;
}

}  // namespace slm::count
