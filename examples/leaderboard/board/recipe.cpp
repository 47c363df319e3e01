#include <algorithm>
#include <utility>

#include "board/entry.hpp"
#include "slm/core/check.hpp"

namespace slm::leaderboard {

namespace {

void require_least(const char* name, auto value, auto least) {
  require_config(value >= least, {name, " must be at least ", least, ", got ", value});
}
void require_share(const char* name, double value) {
  require_config(value >= 0 && value <= 1, {name, " must lie between 0 and 1, got ", value});
}

/// A stride of 0 is that part of the window.
ScoredWindows windows(const Recipe& recipe, Index T, const char* name, Index stride, Index part) {
  const Index context = recipe.score_context > 0 ? recipe.score_context : T;
  if (stride == 0) stride = std::max<Index>(1, context / part);
  require_config(stride <= context, {name, " must be at most ", context, ", the window, got ", stride});
  return {context, stride};
}

}  // namespace

void check(const Recipe& recipe) {
  require_config(recipe.budget > 0 && recipe.budget <= largest_budget,
                 {"budget must be positive and at most 1e18, got ", recipe.budget});
  require_least("batch", recipe.batch, Index(1));
  for (const auto& [name, value] :
       {std::pair("final_batch", recipe.final_batch), std::pair("rounds", recipe.rounds),
        std::pair("score_context", recipe.score_context), std::pair("score_stride", recipe.score_stride),
        std::pair("dynamic_stride", recipe.dynamic_stride), std::pair("ngram_order", recipe.ngram_order)}) {
    require_least(name, value, Index(0));
  }
  for (const auto& [name, value] :
       {std::pair("rate", recipe.rate), std::pair("table_rate", recipe.table_rate),
        std::pair("matrix_rate", recipe.matrix_rate), std::pair("weight_decay", recipe.weight_decay),
        std::pair("dynamic_rate", recipe.dynamic_rate)}) {
    require_least(name, value, 0.0);
  }
  for (const auto& [name, value] :
       {std::pair("warmup", recipe.warmup), std::pair("cooldown", recipe.cooldown),
        std::pair("floor", recipe.floor), std::pair("dropout_from", recipe.dropout_from),
        std::pair("ngram_weight", recipe.ngram_weight)}) {
    require_share(name, value);
  }
}

ScoredWindows static_windows(const Recipe& recipe, Index T) {
  return windows(recipe, T, "score_stride", recipe.score_stride, 2);
}

ScoredWindows dynamic_windows(const Recipe& recipe, Index T) {
  return windows(recipe, T, "dynamic_stride", recipe.dynamic_stride, 4);
}

}  // namespace slm::leaderboard
