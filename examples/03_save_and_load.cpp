// A training run as one would write it: epochs with validation, a schedule, the best weights saved, loaded
// into a fresh model and evaluated.
#include <slm/slm.hpp>

#include <cstdio>

namespace {

void run() {
  using namespace slm;
  const Corpus corpus = synthetic_corpus();
  const Index T = 32, B = 32;
  const MlpConfig config{.vocabulary = corpus.vocabulary_size(), .context = T, .width = 32, .dropout = 0.1};
  MlpLM<float> model(config, Random(7, "init"));
  std::printf("%lld parameters on %d threads\n", static_cast<long long>(parameter_count(model)), threads());

  const RandomWindows<> train(corpus.train, T, B, Random(7, "data"));
  const SequentialWindows<> valid(corpus.valid, T, 256, 4096), test(corpus.test, T, 256, 4096);
  const Schedule rate{.decay = Decay::cosine, .peak = 2e-3, .floor = 2e-4, .warmup = 50, .steps = 3 * 256};
  Adam optimizer(model, {.weight_decay = 0.01});
  FitConfig fitting{.epochs = 3, .windows_per_epoch = 8192, .clip = 1.0};
  fitting.learning_rate = rate;
  fitting.on_epoch = [](const EpochReport& epoch) {
    std::printf("epoch %lld: train %.4f, validation %.4f nats per character, %.1f s%s\n",
                static_cast<long long>(epoch.epoch), epoch.train_nll, epoch.valid_nll, epoch.seconds,
                epoch.best ? " (best so far)" : "");
  };
  fit(model, optimizer, train, valid, Random(7, "dropout"), fitting);

  save_weights(model, "mlp.safetensors");
  MlpLM<float> loaded(config, Random(0, "init"));
  load_weights(loaded, "mlp.safetensors");
  std::printf("test: %.4f nats per character; the generator's own entropy there is %.4f\n",
              evaluate(loaded, test), mean_floor(corpus.floor->test, T, 4096));
}

}  // namespace

int main() {
  try {
    run();
  } catch (const slm::Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
