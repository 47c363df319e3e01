#include "board/run.hpp"
#include "models/gate_gru_config.hpp"

using namespace slm::leaderboard;

int main(int count, char** arguments) {
  const Entry<GateGruConfig> entry{
      .name = "gru",
      .about = "A GRU whose gates read tables of characters, with Muon",
      .division = Division::plain,
      .config = {.context = 64, .width = 80},
      .recipe = {.budget = 1e11, .batch = 32, .rate = 5e-3, .table_rate = 5e-3, .matrix_rate = 0.02},
  };
  return run(entry, count, arguments);
}
