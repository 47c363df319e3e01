// A training that is killed, stopped and gone on with:
//   slm_rank_training FILE [EVENT]
// goes on from FILE, writes it after every fifth step, and prints a hash of the weights at the end. Each rank
// says which process it is. An event, after 30 losses, happens on the last rank, or on rank 0 where it begins
// with "first ":
//   "throw"      its code throws
//   "stop"       its process stops, as if its machine hung; the limit is 3 seconds
//   "slow stop"  the same, and the rank before it takes 2 seconds for a part
//   "exit"       its process ends without a word
#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include <slm/distributed/mpi.hpp>
#include <slm/slm.hpp>

#include "../hash_of_weights.hpp"

using namespace slm;

namespace {

void happen(std::string_view event) {
  if (event == "throw") throw DataError("as the test asked for");
  if (event == "stop" || event == "slow stop") ::raise(SIGSTOP);
  if (event == "exit") std::_Exit(3);
}

int train(const char* file, std::string_view event) {
  MpiRanks ranks({.limit = 3});
  const bool is_first = ranks.rank() == 0;
  std::fprintf(stderr, "rank %d is process %d\n", static_cast<int>(ranks.rank()), static_cast<int>(::getpid()));
  std::vector<Token> text(900);
  Random random(7, "text");
  for (Token& token : text) token = static_cast<Token>(random.below(37));
  MlpLM<float> model({.vocabulary = 37, .context = 9, .width = 11, .hidden = 30, .dropout = 0.1},
                     Random(1, "init"));
  Adam optimizer(model, {.learning_rate = 1e-2});
  FitState<float> state;
  const std::string path = file;
  load_checkpoint(model, optimizer, state, path, ranks);

  FitConfig config{
      .epochs = 4, .windows_per_epoch = 100 * 8 * 4, .micro_batches = 8, .clip = 0.5, .ranks = &ranks};
  config.on_step = [&](const StepReport& report) {
    if (report.step % 5 == 4) save_checkpoint(model, optimizer, state, path);
  };
  const bool at_first = event.starts_with("first ");
  if (at_first) event.remove_prefix(6);
  const bool happens = is_first == at_first && (at_first || ranks.rank() == ranks.count() - 1);
  Index calls = 0;
  const auto loss = [&](const auto& its_model, auto& tape, const Batch& batch) {
    const bool now = ++calls == 30;
    if (happens && now) happen(event);
    if (event == "slow stop" && ranks.rank() == ranks.count() - 2 && now) ::usleep(2'000'000);
    return batch_loss(its_model, tape, batch);
  };
  fit(model, optimizer, RandomWindows<>(text, 9, 4, Random(1, "data")), SequentialWindows<>(text, 9, 9, 40),
      Random(1, "dropout"), config, state, loss);
  if (!is_first) return 0;
  save_checkpoint(model, optimizer, state, path);
  std::printf("%016llx after %d steps\n", static_cast<unsigned long long>(slm_test::hash_of_weights(model)),
              static_cast<int>(state.steps));
  return 0;
}

}  // namespace

int main(int count, char** arguments) {
  if (count < 2) return 2;
  try {
    return train(arguments[1], count > 2 ? arguments[2] : "");
  } catch (const Error& error) {
    std::fprintf(stderr, "error: %s\n", error.what());
    return 1;
  }
}
