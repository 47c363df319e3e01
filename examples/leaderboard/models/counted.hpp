#pragma once
// An n-gram model by itself: it counts the training text, and trains nothing.
#include <memory>

#include "board/entrant.hpp"
#include "board/entry.hpp"
#include "slm/models/ngram_lm.hpp"

namespace slm::leaderboard {

std::unique_ptr<Entrant> make_entrant(const NgramConfig& config, const Recipe& recipe);

}  // namespace slm::leaderboard
