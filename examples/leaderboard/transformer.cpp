#include "board/run.hpp"
#include "models/transformer_config.hpp"

using namespace slm::leaderboard;

int main(int count, char** arguments) {
  const Entry<TableTransformerConfig> entry{
      .name = "transformer",
      .about = "A transformer that reads tables of the last four characters, with normalised queries and keys",
      .division = Division::plain,
      .config = {.context = 64, .width = 64, .layers = 2, .lags = 4},
      .recipe = {.budget = 1e12, .batch = 16, .rate = 1e-2, .table_rate = 2e-2, .matrix_rate = 0.02},
  };
  return run(entry, count, arguments);
}
