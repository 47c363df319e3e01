#include "models/gate_gru.hpp"

#include "board/trained_entrant.hpp"

namespace slm::leaderboard {

std::unique_ptr<Entrant> make_entrant(const GateGruConfig& config, const Recipe& recipe) {
  return make_entrant<GateGruConfig>(config, recipe);
}

}  // namespace slm::leaderboard
