#include "law.hpp"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "frontier/stages.hpp"

namespace slm::advise {

/// The file that the build put here.
extern const char* const own_findings_text;

namespace {

double effective_tokens(double tokens, double text, double repetitions) {
  if (tokens <= text) return tokens;
  return text + text * repetitions * (1 - std::exp(-(tokens / text - 1) / repetitions));
}

Law law_from(const nlohmann::json& numbers) {
  const auto at = [&](std::size_t i) { return numbers.at(i).get<double>(); };
  const Law law{at(0), at(1), at(2), at(3), at(4), at(5)};
  if (law.alpha > 0 && law.beta > 0 && law.repetitions > 0) return law;
  throw DataError(make_text({"exponents and repetitions of a law are positive, got ", numbers.dump()}));
}

double positive(const nlohmann::json& json, const char* name) {
  const auto value = json.at(name).get<double>();
  if (value > 0) return value;
  throw DataError(make_text({name, " must be positive, got ", value}));
}

}  // namespace

double Law::loss(double parameters, double tokens, double text) const {
  return E + A * std::pow(parameters, -alpha) +
         B * std::pow(effective_tokens(tokens, text, repetitions), -beta);
}

double shallow_nll(const std::vector<double>& by_order) { return (by_order.at(1) + by_order.at(2)) / 2; }

double drift_after(double decades) { return drift * std::sqrt(decades); }

double FamilyLaw::deviation(double parameters, double tokens, double text) const {
  double squares = residual * residual;
  const double middle = law.loss(parameters, tokens, text);
  for (const Law& draw : draws) {
    const double off = draw.loss(parameters, tokens, text) - middle;
    squares += off * off / static_cast<double>(draws.size());
  }
  return std::sqrt(squares);
}

double FamilyLaw::deviation(double parameters, double tokens, double text, double budget) const {
  const double decades = std::max({0.0, std::log10(lowest / budget), std::log10(budget / highest)});
  return std::hypot(deviation(parameters, tokens, text), drift_after(decades));
}

Findings findings_from_json(const std::string& path, const std::string& text) {
  try {
    const auto json = nlohmann::json::parse(text);
    Findings findings{json.at("text").get<std::string>(),
                      json.at("vocabulary").get<Index>(),
                      positive(json, "train_tokens"),
                      json.at("counting").get<std::vector<double>>(),
                      {},
                      {}};
    if (findings.counting.size() < 3 || std::ranges::min(findings.counting) <= 0) {
      throw DataError("counting must be positive losses of orders 1 to 3 at least");
    }
    for (const auto& [name, its] : json.at("families").items()) {
      FamilyLaw family{law_from(its.at("law")),
                       {},
                       positive(its, "residual"),
                       its.at("budgets").at(0).get<double>(),
                       its.at("budgets").at(1).get<double>(),
                       positive(its, "epochs"),
                       positive(its, "reach")};
      for (const auto& draw : its.at("draws")) family.draws.push_back(law_from(draw));
      findings.families.emplace(from_name<Family>("a family", name), std::move(family));
    }
    for (const auto& one : json.at("settings")) {
      findings.tried.push_back({from_name<frontier::Stage>("a stage", one.at("stage").get<std::string>()),
                                from_name<Family>("a family", one.at("family").get<std::string>()),
                                one.at("size").get<std::string>(),
                                one.at("budget").get<double>(),
                                {one.at("tokens_per_step").get<Index>(), one.at("rate").get<double>()},
                                one.at("nll").get<double>()});
    }
    return findings;
  } catch (const std::exception& error) {  // JSON's, a name's or a number's
    throw DataError(make_text({"'", path, "' is not what scripts/frontier.py writes: ", error.what()}));
  }
}

Findings own_findings() { return findings_from_json("docs/results/frontier_law.json", own_findings_text); }

}  // namespace slm::advise
