// A training on many machines, to the bits of one: mpirun starts this program on each, and every rank computes
// its share of the eight parts of a step. Ctrl-C, a rank that dies or a machine that hangs ends it; the same
// command, with as many ranks as there are then, goes on from the last checkpoint.
//   mpirun -n 2 build/release/examples/09_many_machines book.txt
#include <slm/distributed/mpi.hpp>
#include <slm/slm.hpp>

#include <cstdio>

using namespace slm;

int train(const std::string& path) {
  MpiRanks ranks({.limit = 60});                                   // seconds that a rank may make no progress
  const Corpus corpus = corpus_from_text("own", read_text(path));  // every machine has the text
  constexpr Index T = 64, B = 4;
  TransformerLM<float> model({.vocabulary = corpus.vocabulary_size(), .context = T, .width = 64, .layers = 2},
                             Random(1, "init"));
  Adam optimizer(model, {.learning_rate = 3e-3});
  FitState<float> state;
  const std::string checkpoint = path + ".checkpoint";  // on rank 0's machine alone
  load_checkpoint(model, optimizer, state, checkpoint, ranks);

  const StopOnSignal stop;
  FitConfig config{.epochs = 3, .windows_per_epoch = 20 * 8 * B, .micro_batches = 8, .clip = 1};
  config.ranks = &ranks;
  config.stop = std::ref(stop);
  config.on_step = [&](const StepReport& step) {  // on rank 0, as `on_epoch`
    if (step.step % 10 == 9) {
      std::printf("step %d: %.3f nats per character, %.1f MB sent by %d ranks\n",
                  static_cast<int>(step.step + 1), step.loss, 1e-6 * static_cast<double>(step.bytes_sent),
                  static_cast<int>(ranks.count()));
      save_checkpoint(model, optimizer, state, checkpoint);
    }
  };
  const RandomWindows<SequenceBatch> windows(corpus.train, T, B, Random(1, "data"));
  const SequentialWindows<SequenceBatch> valid(corpus.valid, T, B, window_count(corpus.valid.size(), T, T), T);
  const FitResult result = fit(model, optimizer, windows, valid, Random(1, "dropout"), config, state);

  const double loss = evaluate(model, valid, MeanCrossEntropy(), nullptr, &ranks);  // by all of them
  if (ranks.rank() != 0) return 0;
  save_checkpoint(model, optimizer, state, checkpoint);
  std::printf("%s after epoch %d: %.3f nats per character\n", result.stopped ? "stopped" : "done",
              static_cast<int>(state.epochs.size()), loss);
  return 0;
}

int main(int count, char** arguments) {
  try {
    return train(count > 1 ? arguments[1] : "book.txt");
  } catch (const Error& error) {
    std::fprintf(stderr, "%s\n", error.what());  // begins with the rank that it came from
    return 1;
  }
}
