#include "frontier/rates.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>

#include "frontier/stages.hpp"

namespace slm::frontier {

namespace {

/// Before anything was searched.
constexpr Setting assumed = {512, 8e-3}, quick_assumed = {128, 4e-3};

Index rule_width(const AnyConfig& config) {
  const auto* mlp = std::get_if<MlpConfig>(&config);
  return mlp ? mlp->hidden : width_of(config);
}

double nearest(const std::vector<double>& budgets, double budget) {
  const auto distance = [&](double other) { return std::abs(std::log(other / budget)); };
  return *std::min_element(budgets.begin(), budgets.end(),
                           [&](double a, double b) { return distance(a) < distance(b); });
}

}  // namespace

std::vector<Setting> searched_settings(bool quick) {
  const std::vector<Index> batches =
      quick ? std::vector<Index>{128} : std::vector<Index>{128, 256, 512, 1024, 2048};
  const std::vector<double> factors =
      quick ? std::vector<double>{0.5, 1} : std::vector<double>{0.25, 0.5, 1, 2};
  std::vector<Setting> settings;
  for (const Index tokens : batches) {
    const double middle = 8e-3 * std::sqrt(static_cast<double>(tokens) / 512);
    for (const double factor : factors) settings.push_back({tokens, rounded(middle * factor)});
  }
  return settings;
}

std::vector<double> searched_budgets(std::size_t size) {
  return size == small_size ? std::vector<double>{1e11, 3e11, 1e12} : std::vector<double>{1e12, 3e12};
}

double rounded(double rate) {
  char text[32];
  std::snprintf(text, sizeof text, "%.2e", rate);
  return std::strtod(text, nullptr);
}

double width_factor(const Size& from, const Size& to) {
  return std::sqrt(static_cast<double>(rule_width(from.config)) / static_cast<double>(rule_width(to.config)));
}

std::optional<Setting> Rates::selected(Family family, const std::string& size, Stage stage,
                                       double budget) const {
  std::optional<Setting> best;
  double lowest = 0;
  for (const nlohmann::json& line : log_.lines()) {
    if (line["part"] != name_of(Part::selection) || line["text"] != text_ || line["quick"] != quick_ ||
        line["stage"] != name_of(stage) || line["family"] != name_of(family) || line["size"] != size ||
        line["budget"] != budget || !line.contains("nll")) {
      continue;
    }
    const auto nll = line["nll"].get<double>();
    if (best && nll >= lowest) continue;
    best = {line["tokens_per_step"].get<Index>(), line["rate"].get<double>()};
    lowest = nll;
  }
  return best;
}

Setting Rates::carried(Family family, std::size_t size, double budget) const {
  const std::size_t near = size <= small_size ? small_size : middle_size;
  std::vector<double> budgets = searched_budgets(near);
  for (double& one : budgets) one = scaled(one, quick_);
  const Size& from = sizes(family)[near];
  Setting setting = selected(family, from.name, Stage::search, nearest(budgets, budget))
                        .value_or(quick_ ? quick_assumed : assumed);
  setting.rate = rounded(setting.rate * width_factor(from, sizes(family)[size]));
  return setting;
}

Setting Rates::of(Family family, std::size_t size, const std::vector<double>& budgets) const {
  const double middle = std::sqrt(budgets.front() * budgets.back());
  Setting setting = carried(family, size, middle);
  if (size < checked_size) return setting;
  const double budget = scaled(checked_budget, quick_);
  const auto best = selected(family, sizes(family)[checked_size].name, Stage::check, budget);
  const double factor = best ? best->rate / carried(family, checked_size, budget).rate : 1;
  setting.rate = rounded(setting.rate * factor);
  return setting;
}

Setting Rates::of_width(Family family, std::size_t size, Index width,
                        const std::vector<double>& budgets) const {
  Setting setting = of(family, size, budgets);
  const auto from = static_cast<double>(rule_width(sizes(family)[size].config));
  setting.rate = rounded(setting.rate * std::sqrt(from / static_cast<double>(width)));
  return setting;
}

}  // namespace slm::frontier
