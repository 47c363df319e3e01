#include "frontier/stages.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "frontier/rates.hpp"
#include "frontier/train.hpp"
#include "harness/text.hpp"

namespace slm::frontier {

namespace {

constexpr double all_budgets[] = {1e11, 3e11, 1e12, 3e12, 1e13, 3e13};
constexpr double largest_budget = 1e14;
/// Of models so near to the lead, in nats, seeds decide.
constexpr double near_lead = 0.02;
constexpr double large_dropout = 0.1;
constexpr Index sweep_contexts[] = {32, 64, 128, 256};
const std::vector<double> sweep_budgets = {3e12, 1e13};
const std::vector<double> word_budgets = {3e12, 1e13, 3e13};
constexpr double word_dropout = 0.1;
/// A quick run has no larger ones, before they are scaled.
constexpr double most_quick = 3e12;
/// Blocks and widths of about 7.5e5 parameters; of 4 heads each.
constexpr std::pair<Index, Index> depths[] = {{1, 256}, {2, 184}, {3, 144}, {4, 128}, {5, 112}, {6, 104}};

std::vector<double> scaled(const std::vector<double>& budgets, bool quick) {
  std::vector<double> all;
  for (const double budget : budgets) all.push_back(frontier::scaled(budget, quick));
  return all;
}

/// Those of a list that a run has.
std::vector<double> made_of(const std::vector<double>& budgets, const Request& request) {
  std::vector<double> made;
  for (const double budget : budgets) {
    if (!request.quick || budget <= most_quick) made.push_back(budget);
  }
  return made;
}

std::vector<double> budgets_of(const Size& size, const Request& request) {
  std::vector<double> budgets;
  for (const double budget : all_budgets) {
    if (budget >= size.lowest && budget <= size.highest) budgets.push_back(budget);
  }
  return made_of(budgets, request);
}

bool wanted(Family family, const Request& request) {
  return request.families.empty() ||
         std::find(request.families.begin(), request.families.end(), family) != request.families.end();
}

/// Of a text, without the budgets' being scaled yet.
Trunk trunk_of(const Size& size, const Setting& setting, const Text& text, const std::vector<double>& budgets,
               const Request& request, Stage stage, std::uint64_t seed = 1, double dropout = 0) {
  return {.text = &text,
          .family = size.family,
          .size = size.name,
          .config = with_dropout(with_vocabulary(size.config, text.vocabulary), dropout),
          .batch = windows_for(size.config, setting.tokens),
          .rate = setting.rate,
          .dropout = dropout,
          .seed = seed,
          .budgets = scaled(budgets, request.quick),
          .lowest = frontier::scaled(size.lowest, request.quick),
          .quick = request.quick,
          .stage = std::string(name_of(stage))};
}

/// The sizes of a family that are trained here.
std::size_t sizes_of(Family family, const Request& request) {
  return request.quick ? small_size + 1 : sizes(family).size();
}

/// Where a stage stands on another: names it where its results are not whole.
void require(Stage stage, const Request& request, Plan& plan) {
  std::size_t missing = 0, all = 0;
  for (const Work& work : frontier::plan(stage, request).work) {
    missing += missing_readings(work.trunk, request.log).size();
    all += work.trunk.budgets.size();
  }
  if (missing == 0) return;
  plan.missing.push_back(make_text({"the stage ", name_of(stage), ", of whose ", all, " scores ", missing,
                                    " are missing in ", request.log.path()}));
}

Plan plan_search(const Request& request) {
  Plan plan;
  const Text& text = request.texts.get(characters, Part::selection);
  for (const Family family : trained_families) {
    if (!wanted(family, request)) continue;
    for (const std::size_t at : {small_size, middle_size}) {
      if (at >= sizes_of(family, request)) continue;
      for (const Setting& setting : searched_settings(family, at, request.quick)) {
        plan.work.push_back(
            {trunk_of(sizes(family)[at], setting, text, searched_budgets(at), request, Stage::search)});
      }
    }
  }
  return plan;
}

Plan plan_check(const Request& request) {
  Plan plan;
  require(Stage::search, request, plan);
  const Text& text = request.texts.get(characters, Part::selection);
  for (const Family family : trained_families) {
    if (!wanted(family, request) || family == Family::linear) continue;
    if (checked_size >= sizes_of(family, request)) continue;
    const Rates rates(tried_settings(request.log, text.name, request.quick), request.quick);
    const Setting setting =
        rates.carried(sizes(family)[checked_size], scaled({checked_budget}, request.quick)[0]);
    for (const double factor : checked_factors) {
      plan.work.push_back(
          {trunk_of(sizes(family)[checked_size], {setting.tokens, rounded(setting.rate * factor)}, text,
                    {checked_budget}, request, Stage::check)});
    }
  }
  return plan;
}

/// All sizes of the families, at the rates that the rule gives: for the middle of a size's budgets, and once
/// more for each budget that was searched and wants another setting.
Plan plan_trunks(const Request& request) {
  Plan plan;
  require(Stage::check, request, plan);
  require(Stage::search, request, plan);
  const Text& text = request.texts.get(characters, Part::score);
  const Rates rates(tried_settings(request.log, text.name, request.quick), request.quick);
  for (const Family family : trained_families) {
    if (!wanted(family, request)) continue;
    for (std::size_t at = 0; at < sizes_of(family, request); ++at) {
      const Size& size = sizes(family)[at];
      const std::vector<double> budgets = budgets_of(size, request);
      const Setting setting = rates.of(size, scaled(budgets, request.quick));
      const bool keep = request.quick || size.highest >= 3e13;
      plan.work.push_back({trunk_of(size, setting, text, budgets, request, Stage::trunks), keep});
      if (at >= checked_size && family != Family::linear) {
        plan.work.push_back(
            {trunk_of(size, setting, text, budgets, request, Stage::trunks, 1, large_dropout), keep});
      }
      const std::vector<double> searched = rates.searched_for(size);
      for (const double budget : budgets) {
        const double whole = frontier::scaled(budget, request.quick);
        if (std::find(searched.begin(), searched.end(), whole) == searched.end()) continue;
        const Setting its_own = rates.of(size, {whole});
        if (its_own == setting) continue;
        plan.work.push_back({trunk_of(size, its_own, text, {budget}, request, Stage::trunks)});
      }
    }
  }
  return plan;
}

/// The mean score that a trunk's seeds have at a budget; nothing without one.
std::optional<double> mean_score(Trunk trunk, double budget, const Request& request) {
  double sum = 0;
  int found = 0;
  for (trunk.seed = 1; trunk.seed <= request.seeds; ++trunk.seed) {
    const nlohmann::json* line = request.log.find(key(trunk), budget);
    if (line && line->contains("nll")) sum += (*line)["nll"].get<double>(), ++found;
  }
  return found > 0 ? std::optional(sum / found) : std::nullopt;
}

/// A score of a training of the stage `trunks`.
struct Scored {
  const Work* work;
  double nll;
};

/// What those trainings score at a budget, the best first. Where the results have none of them, an order is
/// assumed: large models first.
std::vector<Scored> ranking(const std::vector<Work>& trunks, double budget, const Request& request) {
  std::vector<Scored> found;
  for (const Work& work : trunks) {
    const std::vector<double>& budgets = work.trunk.budgets;
    if (std::find(budgets.begin(), budgets.end(), budget) == budgets.end()) continue;
    if (const auto score = mean_score(work.trunk, budget, request)) found.push_back({&work, *score});
  }
  if (found.empty()) {
    for (const Work& work : trunks) {
      const std::vector<double>& budgets = work.trunk.budgets;
      if (std::find(budgets.begin(), budgets.end(), budget) == budgets.end()) continue;
      found.push_back({&work, -static_cast<double>(parameters_of(work.trunk.config))});
    }
  }
  std::stable_sort(found.begin(), found.end(), [](const Scored& a, const Scored& b) { return a.nll < b.nll; });
  return found;
}

/// The best of each family at a budget, the best family first; at most so many.
std::vector<Scored> leading_families(const std::vector<Work>& trunks, double budget, const Request& request,
                                     std::size_t most) {
  std::vector<Scored> leaders;
  for (const Scored& one : ranking(trunks, budget, request)) {
    const auto same = [&](const Scored& other) { return other.work->trunk.family == one.work->trunk.family; };
    if (std::none_of(leaders.begin(), leaders.end(), same) && leaders.size() < most) leaders.push_back(one);
  }
  return leaders;
}

std::size_t index_of(const Trunk& trunk) {
  const std::vector<Size>& all = sizes(trunk.family);
  return static_cast<std::size_t>(
      std::find_if(all.begin(), all.end(), [&](const Size& size) { return size.name == trunk.size; }) -
      all.begin());
}

Plan plan_leaders(const Request& request) {
  Plan plan;
  require(Stage::trunks, request, plan);
  const Plan trunks = plan_trunks(request);
  std::map<const Work*, std::vector<double>> led;
  for (const double budget : scaled({std::begin(all_budgets), std::end(all_budgets)}, request.quick)) {
    const auto ranks = ranking(trunks.work, budget, request);
    for (const Scored& one : ranks) {
      if (one.nll <= ranks.front().nll + near_lead) led[one.work].push_back(budget);
    }
  }
  const auto add = [&](const Work& work, std::uint64_t seed, const std::vector<double>& budgets) {
    Trunk trunk = work.trunk;
    trunk.seed = seed;
    trunk.budgets = budgets;
    trunk.stage = name_of(Stage::leaders);
    plan.work.push_back({trunk, true});
  };
  for (const Work& work : trunks.work) {
    if (!led.contains(&work)) continue;
    for (std::uint64_t seed = 2; seed <= request.seeds; ++seed) add(work, seed, led[&work]);
  }
  // The leading families go on with their best size and the next larger one; more seeds are for what leads
  // then.
  const double before = frontier::scaled(
      made_of({std::begin(all_budgets), std::end(all_budgets)}, request).back(), request.quick);
  const double largest = frontier::scaled(request.quick ? most_quick * 3 : largest_budget, request.quick);
  const auto ranks = ranking(trunks.work, before, request);
  std::vector<Work> further;
  for (const Scored& leader : leading_families(trunks.work, before, request, 3)) {
    further.push_back(*leader.work);
    const auto larger = std::find_if(ranks.begin(), ranks.end(), [&](const Scored& other) {
      return other.work->trunk.family == leader.work->trunk.family &&
             index_of(other.work->trunk) == index_of(leader.work->trunk) + 1;
    });
    if (larger != ranks.end()) further.push_back(*larger->work);
  }
  for (Work& work : further) {
    work.trunk.budgets = {largest};
    add(work, 1, work.trunk.budgets);
  }
  const auto furthest = ranking(further, largest, request);
  for (const Scored& one : furthest) {
    if (one.nll > furthest.front().nll + near_lead) continue;
    for (std::uint64_t seed = 2; seed <= request.seeds; ++seed) add(*one.work, seed, {largest});
  }
  return plan;
}

/// At the largest budget what is next has as many seeds already.
Plan plan_rivals(const Request& request) {
  Plan plan;
  require(Stage::leaders, request, plan);
  const Plan trunks = plan_trunks(request);
  for (const double budget : scaled({std::begin(all_budgets), std::end(all_budgets)}, request.quick)) {
    const auto families = leading_families(trunks.work, budget, request, 2);
    if (families.size() < 2) continue;
    for (std::uint64_t seed = 2; seed <= request.seeds; ++seed) {
      Trunk trunk = families.back().work->trunk;
      trunk.seed = seed;
      trunk.budgets = {budget};
      trunk.stage = name_of(Stage::rivals);
      plan.work.push_back({trunk});
    }
  }
  return plan;
}

Plan plan_context(const Request& request) {
  Plan plan;
  require(Stage::trunks, request, plan);
  const Plan trunks = plan_trunks(request);
  const std::vector<double> budgets = scaled(made_of(sweep_budgets, request), request.quick);
  for (const Scored& leader : leading_families(trunks.work, budgets.back(), request, 2)) {
    const Index tokens = tokens_per_step(leader.work->trunk);
    for (const Index T : sweep_contexts) {
      for (std::uint64_t seed = 1; seed <= request.seeds; ++seed) {
        Trunk trunk = leader.work->trunk;
        trunk.config = with_context(trunk.config, T);
        trunk.batch = windows_for(trunk.config, tokens);
        trunk.seed = seed;
        trunk.budgets = budgets;
        trunk.stage = name_of(Stage::context);
        plan.work.push_back({trunk});
      }
    }
  }
  return plan;
}

Plan plan_depth(const Request& request) {
  Plan plan;
  if (!wanted(Family::transformer, request)) return plan;
  require(Stage::check, request, plan);
  require(Stage::search, request, plan);
  const Text& text = request.texts.get(characters, Part::score);
  const Rates rates(tried_settings(request.log, text.name, request.quick), request.quick);
  const std::vector<double> budgets = made_of(sweep_budgets, request);
  for (const auto& [layers, full_width] : depths) {
    constexpr Index context = 64, heads = 4;
    const Index width = request.quick ? full_width / 32 * 8 : full_width;
    TransformerConfig config = transformer(layers, width, context);
    config.heads = heads;
    const Size size{Family::transformer, make_text({layers, " x ", width}), config, sweep_budgets.front(),
                    sweep_budgets.back()};
    const Setting setting =
        rates.of_width(sizes(Family::transformer)[checked_size], width, scaled(budgets, request.quick));
    for (std::uint64_t seed = 1; seed <= request.seeds; ++seed) {
      plan.work.push_back({trunk_of(size, setting, text, budgets, request, Stage::depth, seed)});
    }
  }
  return plan;
}

/// The small and the middle size of the leading families, for words.
std::vector<std::pair<Family, std::size_t>> word_sizes(const Request& request) {
  const Plan trunks = plan_trunks(request);
  const double budget = frontier::scaled(made_of(sweep_budgets, request).back(), request.quick);
  std::vector<std::pair<Family, std::size_t>> found;
  for (const Scored& leader : leading_families(trunks.work, budget, request, 3)) {
    for (const std::size_t at : {small_size, middle_size}) {
      if (at < sizes_of(leader.work->trunk.family, request)) found.emplace_back(leader.work->trunk.family, at);
    }
  }
  return found;
}

/// The rule that was found for characters, at the least budget of words.
Setting carried_to_words(Family family, const Request& request) {
  const std::string& name = request.texts.get(characters, Part::selection).name;
  return Rates(tried_settings(request.log, name, request.quick), request.quick)
      .of(sizes(family)[small_size], scaled({word_budgets[0]}, request.quick));
}

/// A step on words costs many times one on characters: the warm-up is for the least budget of words.
Trunk word_trunk(Family family, std::size_t at, const Setting& setting, const Text& text,
                 const std::vector<double>& budgets, const Request& request, Stage stage) {
  Size size = sizes(family)[at];
  size.lowest = word_budgets.front();
  return trunk_of(size, setting, text, budgets, request, stage, 1, word_dropout);
}

Plan plan_word_rates(const Request& request) {
  Plan plan;
  require(Stage::trunks, request, plan);
  const double budget = word_budgets.front();
  for (const char* name : word_texts) {
    const Text& text = request.texts.get(name, Part::selection);
    for (const auto& [family, at] : word_sizes(request)) {
      if (at != small_size) continue;
      const Setting setting = carried_to_words(family, request);
      for (const double factor : checked_factors) {
        plan.work.push_back({word_trunk(family, at, {setting.tokens, rounded(setting.rate * factor)}, text,
                                        {budget}, request, Stage::word_rates)});
      }
    }
  }
  return plan;
}

Plan plan_words(const Request& request) {
  Plan plan;
  require(Stage::word_rates, request, plan);
  const std::vector<double> budgets = made_of(word_budgets, request);
  for (const char* name : word_texts) {
    const Text& text = request.texts.get(name, Part::score);
    const Rates rates(tried_settings(request.log, text.name, request.quick), request.quick);
    for (const auto& [family, at] : word_sizes(request)) {
      const Size& searched = sizes(family)[small_size];
      Setting setting = rates
                            .selected(family, searched.name, Stage::word_rates,
                                      frontier::scaled(budgets.front(), request.quick))
                            .value_or(carried_to_words(family, request));
      setting.rate = rounded(setting.rate * width_factor(searched, sizes(family)[at]));
      plan.work.push_back({word_trunk(family, at, setting, text, budgets, request, Stage::words)});
    }
  }
  return plan;
}

/// Each training once, with all budgets that are asked for.
void merge_equal(std::vector<Work>& work) {
  std::vector<Work> merged;
  std::map<std::string, std::size_t> places;
  for (const Work& one : work) {
    const auto [place, is_new] = places.emplace(key(one.trunk), merged.size());
    if (is_new) {
      merged.push_back(one);
      continue;
    }
    Work& first = merged[place->second];
    std::set<double> budgets(first.trunk.budgets.begin(), first.trunk.budgets.end());
    budgets.insert(one.trunk.budgets.begin(), one.trunk.budgets.end());
    first.trunk.budgets.assign(budgets.begin(), budgets.end());
    first.keep |= one.keep;
  }
  work = std::move(merged);
}

/// A hundredth of a budget may have no room for a training on words: --quick leaves it out.
void leave_out_too_small(std::vector<Work>& work) {
  for (Work& one : work) {
    std::erase_if(one.trunk.budgets,
                  [least = smallest_budget(one.trunk)](double budget) { return budget < least; });
  }
  std::erase_if(work, [](const Work& one) { return one.trunk.budgets.empty(); });
}

}  // namespace

double scaled(double budget, bool quick) {
  constexpr double shrink = 100;
  return quick ? budget / shrink : budget;
}

Plan plan(Stage stage, const Request& request) {
  Plan plan;
  switch (stage) {
    case Stage::ngrams:
      break;
    case Stage::search:
      plan = plan_search(request);
      break;
    case Stage::check:
      plan = plan_check(request);
      break;
    case Stage::trunks:
      plan = plan_trunks(request);
      break;
    case Stage::leaders:
      plan = plan_leaders(request);
      break;
    case Stage::rivals:
      plan = plan_rivals(request);
      break;
    case Stage::context:
      plan = plan_context(request);
      break;
    case Stage::depth:
      plan = plan_depth(request);
      break;
    case Stage::word_rates:
      plan = plan_word_rates(request);
      break;
    case Stage::words:
      plan = plan_words(request);
      break;
  }
  merge_equal(plan.work);
  if (request.quick) leave_out_too_small(plan.work);
  return plan;
}

}  // namespace slm::frontier
