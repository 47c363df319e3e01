#include "board/run.hpp"
#include "models/gate_gru_config.hpp"

using namespace slm::leaderboard;

int main(int count, char** arguments) {
  const Entry<GateGruConfig> entry{
      .name = "gru_1e12",
      .about = "`gru`, twice as wide, with ten times its budget",
      .division = Division::plain,
      .config = {.context = 64, .width = 128, .lags = 4},
      .recipe = {.budget = 1e12, .batch = 16, .rate = 5e-3, .table_rate = 1e-2, .matrix_rate = 0},
  };
  return run(entry, count, arguments);
}
