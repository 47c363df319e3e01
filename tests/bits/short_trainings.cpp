// Trains every kind of model for a few steps, with 2 threads, and prints losses and a hash of the weights.
// Compiled for several instruction sets; compare.cmake and ../dispatch/levels.cmake hold the outputs against
// each other. Standard error says which set it is.
#include <cmath>
#include <cstdint>
#include <cstdio>

#include <slm/slm.hpp>

#include "../hash_of_weights.hpp"

namespace {

using namespace slm;

bool are_plausible = true;  // the losses

template <class Model, class AnyBatch>
void train(const char* name, const auto& config, Products products = Products::full) {
  std::vector<Token> text(1200);
  Random random(7, "text");
  for (Token& token : text) token = static_cast<Token>(random.below(config.vocabulary));
  Model model(config, Random(1, "init"));
  Adam optimizer(model, {.learning_rate = 1e-2, .weight_decay = 0.01});
  FitState<float> state;
  const auto result = fit(model, optimizer, RandomWindows<AnyBatch>(text, config.context, 9, Random(1, "data")),
                          SequentialWindows<AnyBatch>(text, config.context, 9, 40), Random(1, "dropout"),
                          {.epochs = 2, .windows_per_epoch = 50, .clip = 0.5, .products = products}, state);
  const double by_chance = std::log(static_cast<double>(config.vocabulary));
  are_plausible = are_plausible && result.epochs.back().train_nll < by_chance + 1;
  std::printf("%s", name);
  for (const auto& epoch : result.epochs) std::printf(" %a %a", epoch.train_nll, epoch.valid_nll);
  std::printf(" %016llx\n", static_cast<unsigned long long>(slm_test::hash_of_weights(model)));
}

}  // namespace

int main() {
  std::fprintf(stderr, "%s\n", instruction_set());
  set_threads(2);
  // Sums of more than 256 terms, of numbers that no register's width divides.
  train<LinearLM<float>, Batch>("linear", LinearConfig{.vocabulary = 37, .context = 30, .width = 22});
  train<MlpLM<float>, Batch>(
      "MLP", MlpConfig{.vocabulary = 37, .context = 30, .width = 22, .hidden = 70, .dropout = 0.1});
  TransformerConfig config{.vocabulary = 37, .context = 37, .width = 60, .layers = 2, .heads = 3};
  train<TransformerLM<float>, Batch>("transformer, last position", config);
  config.attention_dropout = config.residual_dropout = 0.1;
  train<TransformerLM<float>, SequenceBatch>("transformer", config);
  train<TransformerLM<float>, SequenceBatch>("transformer, bfloat16", config, Products::bfloat16);
  config.position = Position::rotary, config.normalization = Normalization::rms, config.query_key_norm = true;
  config.activation = Activation::swiglu, config.vocabulary = 4001;  // logits are many
  train<TransformerLM<float>, SequenceBatch>("transformer of words", config);
  train<GruLM<float>, SequenceBatch>("GRU",
                                     GruConfig{.vocabulary = 37, .context = 37, .width = 38, .layers = 2});
  train<GruLM<float>, SequenceBatch>("GRU, bfloat16", GruConfig{.vocabulary = 37, .context = 37, .width = 38},
                                     Products::bfloat16);
  train<LstmLM<float>, SequenceBatch>("LSTM", LstmConfig{.vocabulary = 37, .context = 37, .width = 38});
  train<MinGruLM<float>, SequenceBatch>("minimal GRU",
                                        MinGruConfig{.vocabulary = 37, .context = 37, .width = 38});
  return are_plausible ? 0 : 1;
}
