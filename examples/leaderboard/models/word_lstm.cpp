#include "models/word_lstm.hpp"

#include "board/trained_entrant.hpp"

namespace slm::leaderboard {

std::unique_ptr<Entrant> make_entrant(const WordLstmConfig& config, const Recipe& recipe) {
  return make_entrant<WordLstmConfig>(config, recipe);
}

}  // namespace slm::leaderboard
