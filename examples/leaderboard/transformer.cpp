#include "board/run.hpp"
#include "models/transformer_config.hpp"

using namespace slm::leaderboard;

int main(int count, char** arguments) {
  const Entry<TableTransformerConfig> entry{
      .name = "transformer",
      .about = "A transformer that reads tables of the last four characters, with normalised queries and keys",
      .division = Division::plain,
      .config = {.context = 64, .width = 64, .layers = 2, .lags = 4},
      .recipe = {.budget = 1e12, .batch = 16, .rate = 1e-2, .table_rate = 2e-2, .matrix_rate = 0.01},
      .changes = {{"Adam alone", {"matrix_rate=0"}},
                  {"twice Muon's rate", {"matrix_rate=0.02"}},
                  {"Muon of 3 rounds", {"rounds=3"}},
                  {"GELU", {"activation=gelu"}},
                  {"queries and keys as they are", {"query_key_norm=false"}},
                  {"branches that begin as a linear layer does", {"zero_start=false"}},
                  {"values of a table in the last block", {"value_layers=1"}},
                  {"values of a table in both blocks", {"value_layers=2"}},
                  {"the tokens' table is the head", {"tied=true"}},
                  {"reads the last character alone", {"lags=1"}},
                  {"reads the last 8 characters", {"lags=8"}},
                  {"tables for the logits", {"logit_lags=4"}},
                  {"twice the batch", {"batch=32"}},
                  {"half the batch", {"batch=8"}},
                  {"a batch that grows from 8 to 32", {"batch=8", "final_batch=32"}},
                  {"twice the context", {"context=128", "batch=8"}},
                  {"cosine", {"decay=cosine"}},
                  {"an average of the weights", {"average_decay=0.98"}},
                  {"dropout 0.1", {"dropout=0.1"}},
                  {"dropout 0.1 in the second half", {"dropout=0.1", "dropout_from=0.5"}},
                  {"weight decay 0.1", {"weight_decay=0.1"}},
                  {"look-ups of 2 characters", {"order=2"}},
                  {"look-ups of up to 3 characters", {"order=3"}}},
  };
  return run(entry, count, arguments);
}
