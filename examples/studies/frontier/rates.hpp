#pragma once
// Rates and batches: which are searched, which were best, and how they are carried on to other sizes.
#include <optional>
#include <string>
#include <vector>

#include "frontier/family.hpp"
#include "frontier/log.hpp"

namespace slm::frontier {

enum class Stage;

/// Tokens that a step learns from, and a rate.
struct Setting {
  Index tokens;
  double rate;

  bool operator==(const Setting&) const = default;
};

/// For each batch three or four rates, around one that grows with the root of the batch.
std::vector<Setting> searched_settings(Family family, std::size_t size, bool quick);
/// Of the small or the middle size.
std::vector<double> searched_budgets(std::size_t size);

/// Where the rule is checked: at so many times its rate.
inline constexpr double checked_budget = 3e12;
inline constexpr double checked_factors[] = {0.5, 1, 2};

/// Three digits of a rate.
double rounded(double rate);
/// By which a rate changes from one size to another: with one over the root of the width, of an MLP its hidden
/// width.
double width_factor(const Size& from, const Size& to);

/// A setting that was tried, on the text for selections, and its score.
struct Tried {
  Stage stage;
  Family family;
  std::string size;
  double budget;
  Setting setting;
  double nll;
};
/// Those that the results have of a text.
std::vector<Tried> tried_settings(const Log& log, const std::string& text, bool quick);

/// The best settings among those that were tried. Where there are none a setting is assumed.
class Rates {
 public:
  Rates(std::vector<Tried> tried, bool quick) : tried_(std::move(tried)), quick_(quick) {}

  /// The best of a stage by its score; nothing where there is none.
  std::optional<Setting> selected(Family family, const std::string& size, Stage stage, double budget) const;

  /// The budgets that the searched size which is nearest was searched at.
  std::vector<double> searched_for(const Size& size) const;

  /// The rule: the best setting of the searched size that is nearest, at the searched budget that is nearest to
  /// `budget`, its rate by the width's factor.
  Setting carried(const Size& size, double budget) const;

  /// The rule for the middle one of a size's budgets; of sizes from the checked one on times the factor that
  /// was best where the rule was checked.
  Setting of(const Size& size, const std::vector<double>& budgets) const;
  /// The same for another width.
  Setting of_width(const Size& size, Index width, const std::vector<double>& budgets) const;

 private:
  std::vector<Tried> tried_;
  bool quick_;
};

}  // namespace slm::frontier
