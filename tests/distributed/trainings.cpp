// Trains every kind of model for 20 steps of G parts, and prints losses, costs and a hash of the weights:
//   slm_rank_trainings alone   one process, without MPI
//   slm_rank_trainings         the ranks that mpirun started; rank 0 prints
// compare.cmake holds the outputs against each other.
#include <algorithm>
#include <cstdio>
#include <span>
#include <string_view>
#include <vector>

#include <slm/distributed/mpi.hpp>
#include <slm/slm.hpp>

#include "../hash_of_weights.hpp"

namespace {

using namespace slm;

template <class Model, class AnyBatch>
void train(Ranks* ranks, const char* name, Index parts, const auto& config) {
  std::vector<Token> text(900);
  Random random(7, "text");
  for (Token& token : text) token = static_cast<Token>(random.below(config.vocabulary));
  Model model(config, Random(1, "init"));
  Adam optimizer(model, {.learning_rate = 1e-2, .weight_decay = 0.01});
  FitState<float> state;
  // Two epochs of ten steps, of which the last has one part less, and that of 2 windows instead of 3.
  const Index windows = 3 * (10 * parts - 1) - 1;
  double losses = 0;
  const FitConfig how{.epochs = 2,
                      .windows_per_epoch = windows,
                      .micro_batches = parts,
                      .clip = 0.5,
                      .on_step = [&](const StepReport& report) { losses += report.loss; },
                      .ranks = ranks};
  const FitResult result =
      fit(model, optimizer, RandomWindows<AnyBatch>(text, config.context, 3, Random(1, "data")),
          SequentialWindows<AnyBatch>(text, config.context, 9, 40), Random(1, "dropout"), how, state);
  if (ranks && ranks->rank() != 0) return;
  std::printf("%s, %d parts: %a", name, static_cast<int>(parts), losses);
  for (const auto& epoch : result.epochs) std::printf(" %a %a", epoch.train_nll, epoch.valid_nll);
  for (const Cost& cost : {result.spent.training.forward, result.spent.training.backward,
                           result.spent.optimizer, result.spent.validation}) {
    for (const CostKind& kind : cost_kinds) std::printf(" %lld", static_cast<long long>(cost.*kind.count));
  }
  std::printf(" %016llx\n", static_cast<unsigned long long>(slm_test::hash_of_weights(model)));
}

void train_all(Ranks* ranks) {
  for (const Index parts : {8, 9}) {
    train<LinearLM<float>, Batch>(ranks, "linear", parts,
                                  LinearConfig{.vocabulary = 37, .context = 9, .width = 11});
    train<MlpLM<float>, Batch>(
        ranks, "MLP", parts,
        MlpConfig{.vocabulary = 37, .context = 9, .width = 11, .hidden = 30, .dropout = 0.1});
    TransformerConfig config{.vocabulary = 37, .context = 17, .width = 12, .layers = 1, .heads = 1};
    config.attention_dropout = config.residual_dropout = config.feed_forward_dropout = 0.1;
    train<TransformerLM<float>, Batch>(ranks, "self-attention", parts, config);
    config.layers = 2, config.heads = 3;
    train<TransformerLM<float>, Batch>(ranks, "transformer", parts, config);
    config.position = Position::rotary, config.normalization = Normalization::rms, config.tied = true;
    config.vocabulary = 301;  // rows of an embedding that no window has
    train<TransformerLM<float>, SequenceBatch>(ranks, "GPT", parts, config);
    train<GruLM<float>, SequenceBatch>(ranks, "GRU", parts,
                                       GruConfig{.vocabulary = 37, .context = 17, .width = 19, .layers = 2});
  }
}

/// Messages of no bytes, of many pieces, and of as many bytes as pieces have, with what they are about.
void check_messages(Ranks& ranks) {
  constexpr std::size_t piece = 32 << 10, about = 24;
  for (const std::size_t size :
       {std::size_t(0), std::size_t(1), piece - about, 2 * piece - about, 2 * piece, 200 * piece + 1}) {
    std::vector<std::byte> bytes(size);
    for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::byte>(i * i % 251);
    const auto got = ranks.broadcast(ranks.rank() == 0 ? bytes : std::span<const std::byte>());
    if (!std::equal(got.begin(), got.end(), bytes.begin(), bytes.end())) throw Error("other bytes came");
  }
}

}  // namespace

int main(int count, char** arguments) {
  if (count > 1 && std::string_view(arguments[1]) == "alone") {
    train_all(nullptr);
    return 0;
  }
  MpiRanks ranks;
  check_messages(ranks);
  train_all(&ranks);
}
