#include "models/transformer.hpp"

#include "board/trained_entrant.hpp"

namespace slm::leaderboard {

std::unique_ptr<Entrant> make_entrant(const TableTransformerConfig& config, const Recipe& recipe) {
  return make_entrant<TableTransformerConfig>(config, recipe);
}

}  // namespace slm::leaderboard
