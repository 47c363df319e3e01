#include "board/run.hpp"
#include "models/gate_gru_config.hpp"

using namespace slm::leaderboard;

int main(int count, char** arguments) {
  const Entry<GateGruConfig> entry{
      .name = "ngram_gru",
      .about = "A GRU whose gates read tables of the last one to five characters",
      .division = Division::lookups,
      .config = {.context = 64, .width = 48, .order = 5},
      .recipe = {.budget = 1e11, .batch = 16, .rate = 1e-2, .table_rate = 2e-2, .matrix_rate = 0.02},
  };
  return run(entry, count, arguments);
}
