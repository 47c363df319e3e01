// nanoGPT's configuration for CPUs (README, train_shakespeare_char.py with its arguments), without its
// clipping, as a scale: what its estimate of 1.88 is by the score of this board.
#include "board/run.hpp"
#include "board/trained_entrant.hpp"
#include "slm/models/transformer_lm.hpp"

using namespace slm;
using namespace slm::leaderboard;

int main(int count, char** arguments) {
  const Entry<TransformerConfig> entry{
      .name = "nanogpt_cpu",
      .about = "nanoGPT's configuration for CPUs, by AdamW",
      .division = Division::plain,
      .config = {.vocabulary = 0,
                 .context = 64,
                 .width = 128,
                 .layers = 4,
                 .heads = 4,
                 .biases = false,
                 .tied = true,
                 .initial_deviation = 0.02},
      .recipe = {.budget = 8e12,
                 .batch = 12,
                 .each_once = false,
                 .rate = 1e-3,
                 .table_rate = 1e-3,
                 .matrix_rate = 0,
                 .weight_decay = 0.1,
                 .warmup = 0.05,
                 .decay = Decay::cosine,
                 .floor = 0.1},
  };
  return run(entry, count, arguments);
}
