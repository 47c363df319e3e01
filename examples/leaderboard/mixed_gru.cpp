#include "board/run.hpp"
#include "models/gate_gru_config.hpp"

using namespace slm::leaderboard;

int main(int count, char** arguments) {
  const Entry<GateGruConfig> entry{
      .name = "mixed_gru",
      .about = "`ngram_gru` with 8-grams mixed in",
      .division = Division::mixed,
      .config = {.context = 64, .width = 48, .order = 5},
      .recipe = {.budget = 1e11,
                 .batch = 16,
                 .rate = 1e-2,
                 .table_rate = 2e-2,
                 .matrix_rate = 0.02,
                 .ngram_order = 8,
                 .ngram_weight = 0.45},
  };
  return run(entry, count, arguments);
}
