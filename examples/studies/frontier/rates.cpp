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

/// By parameters, with a vocabulary as small texts have it.
bool is_larger(const Size& size, const Size& other) {
  constexpr Index vocabulary = 64;
  return parameters_of(with_vocabulary(size.config, vocabulary)) >
         parameters_of(with_vocabulary(other.config, vocabulary));
}

/// The small or the middle size of the family.
std::size_t nearest_searched(const Size& size) {
  return is_larger(size, sizes(size.family)[small_size]) ? middle_size : small_size;
}

/// Of budgets that ascend; where two are equally near the larger one, whatever the last bit of a logarithm is.
double nearest(const std::vector<double>& budgets, double budget) {
  constexpr double equal = 1e-9;
  const auto distance = [&](double other) { return std::abs(std::log(other / budget)); };
  double found = budgets.front();
  for (const double one : budgets) {
    if (distance(one) <= distance(found) + equal) found = one;
  }
  return found;
}

}  // namespace

std::vector<Setting> searched_settings(Family family, std::size_t size, bool quick) {
  // The middle sizes of the families that were searched first had their best in this part, but for linear
  // models.
  const bool part = size == middle_size && family != Family::linear && family != Family::mlp;
  const std::vector<Index> batches = quick  ? std::vector<Index>{128}
                                     : part ? std::vector<Index>{128, 256, 512}
                                            : std::vector<Index>{128, 256, 512, 1024, 2048};
  const std::vector<double> factors = quick  ? std::vector<double>{0.5, 1}
                                      : part ? std::vector<double>{0.25, 0.5, 1}
                                             : std::vector<double>{0.25, 0.5, 1, 2};
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

std::vector<Tried> tried_settings(const Log& log, const std::string& text, bool quick) {
  std::vector<Tried> tried;
  for (const nlohmann::json& line : log.lines()) {
    if (line["part"] != name_of(Part::selection) || line["text"] != text || line["quick"] != quick ||
        line["family"] == name_of(Family::ngram) || !line.contains("nll")) {
      continue;
    }
    tried.push_back({from_name<Stage>("stage", line["stage"].get<std::string>()),
                     from_name<Family>("family", line["family"].get<std::string>()),
                     line["size"].get<std::string>(),
                     line["budget"].get<double>(),
                     {line["tokens_per_step"].get<Index>(), line["rate"].get<double>()},
                     line["nll"].get<double>()});
  }
  return tried;
}

std::optional<Setting> Rates::selected(Family family, const std::string& size, Stage stage,
                                       double budget) const {
  const Tried* best = nullptr;
  for (const Tried& one : tried_) {
    const bool is_meant =
        one.stage == stage && one.family == family && one.size == size && one.budget == budget;
    if (is_meant && (!best || one.nll < best->nll)) best = &one;
  }
  return best ? std::optional(best->setting) : std::nullopt;
}

std::vector<double> Rates::searched_for(const Size& size) const {
  std::vector<double> budgets = searched_budgets(nearest_searched(size));
  for (double& one : budgets) one = scaled(one, quick_);
  return budgets;
}

Setting Rates::carried(const Size& size, double budget) const {
  const std::vector<Size>& all = sizes(size.family);
  const std::size_t near = nearest_searched(size);
  Setting setting = selected(size.family, all[near].name, Stage::search, nearest(searched_for(size), budget))
                        .value_or(quick_ ? quick_assumed : assumed);
  setting.rate = rounded(setting.rate * width_factor(all[near], size));
  return setting;
}

Setting Rates::of(const Size& size, const std::vector<double>& budgets) const {
  const Size& checked = sizes(size.family)[checked_size];
  Setting setting = carried(size, std::sqrt(budgets.front() * budgets.back()));
  if (is_larger(checked, size)) return setting;
  const double budget = scaled(checked_budget, quick_);
  const auto best = selected(size.family, checked.name, Stage::check, budget);
  const double factor = best ? best->rate / carried(checked, budget).rate : 1;
  setting.rate = rounded(setting.rate * factor);
  return setting;
}

Setting Rates::of_width(const Size& size, Index width, const std::vector<double>& budgets) const {
  Setting setting = of(size, budgets);
  const auto from = static_cast<double>(rule_width(size.config));
  setting.rate = rounded(setting.rate * std::sqrt(from / static_cast<double>(width)));
  return setting;
}

}  // namespace slm::frontier
