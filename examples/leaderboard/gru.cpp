#include "board/run.hpp"
#include "models/gate_gru_config.hpp"

using namespace slm::leaderboard;

int main(int count, char** arguments) {
  const Entry<GateGruConfig> entry{
      .name = "gru",
      .about = "A GRU whose gates read tables of the last four characters",
      .division = Division::plain,
      .config = {.context = 64, .width = 64, .lags = 4},
      .recipe = {.budget = 1e11, .batch = 8, .rate = 1e-2, .table_rate = 2e-2, .matrix_rate = 0},
      .changes = {{"Muon", {"matrix_rate=0.02"}},
                  {"Muon of 3 rounds", {"matrix_rate=0.02", "rounds=3"}},
                  {"gates read the last character alone", {"lags=1"}},
                  {"gates read the last 8 characters", {"lags=8"}},
                  {"twice the batch", {"batch=16"}},
                  {"half the batch", {"batch=4"}},
                  {"a batch that grows from 4 to 16", {"batch=4", "final_batch=16"}},
                  {"windows that begin anywhere", {"each_once=false"}},
                  {"cosine", {"decay=cosine"}},
                  {"an average of the weights", {"average_decay=0.98"}},
                  {"tables for the logits", {"logit_lags=4"}},
                  {"a layer of ReLU² behind the states", {"hidden=128"}},
                  {"dropout 0.1", {"dropout=0.1"}},
                  {"dropout 0.1 in the second half", {"dropout=0.1", "dropout_from=0.5"}},
                  {"weight decay 0.1", {"weight_decay=0.1"}},
                  {"look-ups of 2 characters", {"order=2"}},
                  {"look-ups of up to 3 characters", {"order=3"}},
                  {"look-ups of up to 4 characters", {"order=4"}}},
  };
  return run(entry, count, arguments);
}
