#include "board/run.hpp"
#include "models/gate_gru_config.hpp"

using namespace slm::leaderboard;

int main(int count, char** arguments) {
  const Entry<GateGruConfig> entry{
      .name = "gru_2e10",
      .about = "`gru`, half as wide, with a fifth of its budget",
      .division = Division::plain,
      .config = {.context = 64, .width = 32, .lags = 4},
      .recipe = {.budget = 2e10, .batch = 4, .rate = 1e-2, .table_rate = 2e-2, .matrix_rate = 0},
  };
  return run(entry, count, arguments);
}
