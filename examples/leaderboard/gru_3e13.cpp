#include "board/run.hpp"
#include "board/trained_entrant.hpp"
#include "slm/models/recurrent_lm.hpp"

using namespace slm;
using namespace slm::leaderboard;

int main(int count, char** arguments) {
  const Entry<GruConfig> entry{
      .name = "gru_3e13",
      .about = "slm's GRU of two layers, trained with many small steps and weights that decay",
      .division = Division::plain,
      .config = {.vocabulary = 0, .context = 64, .width = 256, .layers = 2, .layering = Layering::residual},
      .recipe = {.budget = 3e13,
                 .batch = 4,
                 .each_once = false,
                 .rate = 1.2e-3,
                 .table_rate = 1.2e-3,
                 .matrix_rate = 0,
                 .weight_decay = 0.1,
                 .cooldown = 0.2,
                 .score_context = 256},
  };
  return run(entry, count, arguments);
}
