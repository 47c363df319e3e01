#include "board/run.hpp"
#include "models/gate_gru_config.hpp"

using namespace slm::leaderboard;

int main(int count, char** arguments) {
  const Entry<GateGruConfig> entry{
      .name = "ngram_gru_1e13",
      .about = "Two layers of GRU, the first of which reads tables of the last one to three characters",
      .division = Division::lookups,
      .config = {.context = 64, .width = 192, .layers = 2, .order = 3, .dropout = 0.2, .table_dropout = 0.2},
      .recipe = {.budget = 1e13,
                 .batch = 16,
                 .rate = 3e-3,
                 .table_rate = 6e-3,
                 .matrix_rate = 0,
                 .score_context = 256},
  };
  return run(entry, count, arguments);
}
