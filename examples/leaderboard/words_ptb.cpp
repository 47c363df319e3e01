#include "board/run.hpp"
#include "models/word_lstm_config.hpp"

using namespace slm::leaderboard;

int main(int count, char** arguments) {
  const Entry<WordLstmConfig> entry{
      .name = "words_ptb",
      .about = "An LSTM whose embedding is its head, on the words of PTB",
      .division = Division::plain,
      .config = {.context = 64,
                 .factor = 256,
                 .width = 512,
                 .layers = 1,
                 .dropout = 0.4,
                 .frequent = 1000,
                 .rare = 1024},
      .recipe = {.budget = 5e13,
                 .batch = 4,
                 .rate = 1e-3,
                 .table_rate = 1.5e-3,
                 .matrix_rate = 0,
                 .weight_decay = 0.01,
                 .score_context = 256,
                 .dynamic_rate = 0.1},
      .target = Target::ptb,
  };
  return run(entry, count, arguments);
}
