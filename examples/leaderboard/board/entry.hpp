#pragma once
// What an entry of the leaderboard is: a model, how it is trained, and what was tried beside it.
#include <string>
#include <vector>

#include "board/text.hpp"
#include "slm/core/names.hpp"
#include "slm/core/products.hpp"
#include "slm/core/shape.hpp"
#include "slm/optim/schedule.hpp"

namespace slm::leaderboard {

/// What an entry may predict from.
///   plain:   weights; a table is read by one token
///   lookups: also tables that are read by several tokens at once
///   mixed:   also counts of n-grams of the training text
enum class Division { plain, lookups, mixed };

inline constexpr EnumName<Division> division_names[] = {
    {Division::plain, "plain"}, {Division::lookups, "lookups"}, {Division::mixed, "mixed"}};
constexpr std::span<const EnumName<Division>> enum_names(Division) { return division_names; }

/// FLOPs, which a 64-bit count holds.
inline constexpr double largest_budget = 1e18;

/// How an entry is trained and scored. What changes over a training follows the share of the budget that is
/// spent.
struct Recipe {
  double budget = 0;          // FLOPs of training and optimizer
  Index batch = 32;           // windows a step
  Index final_batch = 0;      // towards which they grow on a line; 0: they do not
  bool each_once = true;      // an epoch reads each window once; else windows are drawn anew
  double rate = 3e-3;         // of Adam, for what has no rate of its own
  double table_rate = 3e-3;   // of Adam, for tables that are read by tokens
  double matrix_rate = 0.02;  // of Muon, for matrices between features; 0: Adam has them, too
  double beta1 = 0.9, beta2 = 0.99;
  double momentum = 0.95;  // of Muon
  Index rounds = 5;        // of Muon's iteration
  double weight_decay = 0;
  double warmup = 0.02;  // share in which the rate rises
  Decay decay = Decay::trapezoid;
  double cooldown = 0.5;               // share in which the rate of a trapezoid falls
  double floor = 0;                    // of the rate, as a share of its peak
  double average_decay = 0;            // of the average of weights that is scored; 0: the last weights are
  double dropout_from = 0;             // share from which on there is dropout
  Index score_context = 0;             // tokens of a window that is scored; 0: as in training
  Index score_stride = 0;              // from one such window to the next; 0: half of it
  double dynamic_rate = 0;             // of dynamic evaluation, a score of its own; 0: none
  Index dynamic_stride = 0;            // tokens between its steps; 0: a quarter of the window
  Index ngram_order = 0;               // of the n-gram model that is mixed in; 0: none
  double ngram_weight = 0.25;          // its share of each probability
  Products products = Products::full;  // of steps

  static void fields(auto& self, auto&& f) {
    f("budget", self.budget), f("batch", self.batch), f("final_batch", self.final_batch);
    f("each_once", self.each_once), f("rate", self.rate), f("table_rate", self.table_rate);
    f("matrix_rate", self.matrix_rate), f("beta1", self.beta1), f("beta2", self.beta2);
    f("momentum", self.momentum), f("rounds", self.rounds), f("weight_decay", self.weight_decay);
    f("warmup", self.warmup), f("decay", self.decay), f("cooldown", self.cooldown), f("floor", self.floor);
    f("average_decay", self.average_decay), f("dropout_from", self.dropout_from);
    f("score_context", self.score_context), f("score_stride", self.score_stride);
    f("dynamic_rate", self.dynamic_rate), f("dynamic_stride", self.dynamic_stride);
    f("ngram_order", self.ngram_order), f("ngram_weight", self.ngram_weight);
    f("products", self.products);
  }
};

/// Throws a `ConfigError` that names a setting no training can have.
void check(const Recipe& recipe);

/// In which a text is scored, in tokens.
struct ScoredWindows {
  Index context, stride;
};

/// Of a model that was trained with windows of T, by its weights as they are or by dynamic evaluation. Each
/// throws a `ConfigError` where a stride would leave tokens out.
ScoredWindows static_windows(const Recipe& recipe, Index T);
ScoredWindows dynamic_windows(const Recipe& recipe, Index T);

/// What was tried beside an entry: some of its settings, "width=96" of its config or of its recipe, and what
/// that is called.
struct Change {
  std::string name;
  std::vector<std::string> settings;
};

/// Config is that of the model, with `fields` and `Model`; its vocabulary is that of the text.
template <class Config>
struct Entry {
  std::string name;   // of its program
  std::string about;  // a line for people
  Division division;
  Config config;
  Recipe recipe;
  std::vector<Change> changes = {};
  Target target = Target::board;
};

}  // namespace slm::leaderboard
