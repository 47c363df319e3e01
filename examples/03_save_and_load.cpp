// A training run as one would write it: epochs with validation, a schedule, the best weights saved, loaded
// into a fresh model and evaluated: as they are, and in fewer bits.
#include <slm/slm.hpp>

#include <cstdio>
#include <string>

namespace {

void run(const std::string& text_path) {
  using namespace slm;
  const std::string weights_path = "mlp.safetensors";
  require_writable(weights_path);  // rather before the training than after it
  const Corpus corpus = corpus_from_text("own", read_text(text_path));
  const Index T = 32, B = 32;
  const MlpConfig config{.vocabulary = corpus.vocabulary_size(), .context = T, .width = 32, .dropout = 0.1};
  MlpLM<float> model(config, Random(7, "init"));
  std::printf("%lld parameters on %d threads\n", static_cast<long long>(parameter_count(model)), threads());

  const RandomWindows<> train(corpus.train, T, B, Random(7, "data"));
  // Every window there is: each character is predicted once, except the first T.
  const SequentialWindows<> valid(corpus.valid, T, 256, window_count(corpus.valid.size(), T));
  const SequentialWindows<> test(corpus.test, T, 256, window_count(corpus.test.size(), T));
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

  MlpLM<float> loaded(config, Random(0, "init"));
  for (const WeightFormat format : {WeightFormat::int8, WeightFormat::bfloat16, WeightFormat::full}) {
    save_weights(model, weights_path, {}, format);
    load_weights(loaded, weights_path);
    std::printf("test: %.4f nats per character with %s weights\n", evaluate(loaded, test),
                std::string(name_of(format)).c_str());
  }
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 2) {
    std::fprintf(stderr, "usage: 03_save_and_load TEXT_FILE\n");
    return 2;
  }
  try {
    run(arguments[1]);
  } catch (const slm::Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
