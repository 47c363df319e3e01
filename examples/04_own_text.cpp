// A text file of one's own: train on it, keep the model, and let it write.
//
//   04_own_text book.txt                     trains, and keeps the model in book.txt.safetensors
//   04_own_text book.txt "It was a dark"     goes on with a text, by the model that was kept
#include <slm/slm.hpp>

#include <cstdio>
#include <string>
#include <vector>

namespace {

using namespace slm;

/// Learns to predict every character from those before it, with a tenth of the text to validate on.
void train(const std::string& text, const std::string& model_path) {
  require_writable(model_path);  // rather before the training than after it
  const Corpus corpus = corpus_from_text("own", text);
  const Index T = 64, B = 16;
  TransformerLM<float> model(
      {.vocabulary = corpus.vocabulary_size(), .context = T, .width = 64, .layers = 2, .residual_dropout = 0.1},
      Random(1, "init"));
  std::printf("%lld parameters, %zu characters, %d threads\n", static_cast<long long>(parameter_count(model)),
              corpus.train.size(), threads());

  const RandomWindows<SequenceBatch> windows(corpus.train, T, B, Random(1, "data"));
  // Each character of the validation text is predicted once: windows do not overlap.
  const SequentialWindows<SequenceBatch> valid(corpus.valid, T, B, window_count(corpus.valid.size(), T, T), T);
  Adam optimizer(model, {.learning_rate = 2e-3, .weight_decay = 0.01});
  FitConfig config{.epochs = 6, .windows_per_epoch = 2000, .patience = 2, .clip = 1.0};
  config.on_epoch = [](const EpochReport& epoch) {
    std::printf("epoch %lld: train %.3f, validation %.3f nats per character\n",
                static_cast<long long>(epoch.epoch), epoch.train_nll, epoch.valid_nll);
  };
  fit(model, optimizer, windows, valid, Random(1, "dropout"), config);
  save_model(model, corpus.tokenizer, model_path);
  const TextEvaluation test = evaluate(model, corpus.test, corpus.tokenizer);
  std::printf("test: %.3f nats per character, %.3f bits per byte\n", test.nats_per_token, test.bits_per_byte);
}

/// The prompt, or where there is none the text's first characters, and 500 more as they come; an empty line
/// ends the text early.
void write(std::string prompt, const std::string& text, const std::string& model_path) {
  const auto [model, tokenizer, about] = load_model<TransformerLM<float>>(model_path);
  if (prompt.empty()) prompt = tokenizer.decode(tokenizer.encode(text, 16));
  const std::vector<Token> tokens = tokenizer.encode(prompt);
  std::string waiting;  // of a model of bytes, the beginning of a character
  const auto show = [&](const std::string& more) {
    waiting += more;
    const std::size_t whole = waiting.size() - unfinished_bytes(waiting);
    std::printf("%s", to_utf8(waiting.substr(0, whole)).c_str());
    std::fflush(stdout);
    waiting.erase(0, whole);
  };
  show(prompt);
  SampleConfig config{.temperature = 0.8, .top_k = 20};
  std::string before;
  config.on_token = [&, &characters = tokenizer](Token token) {
    const std::string character = characters.decode({&token, 1});
    show(character);
    const bool empty_line = before == "\n" && character == "\n";
    before = character;
    return !empty_line;
  };
  generate(model, tokens, 500, config, Random(1, "sampling"));
  std::printf("\n");
}

}  // namespace

int main(int count, char** arguments) {
  if (count < 2 || count > 3) {
    std::fprintf(stderr, "usage: 04_own_text TEXT_FILE [PROMPT]\n");
    return 2;
  }
  try {
    const std::string text_path = arguments[1], model_path = text_path + ".safetensors";
    const std::string text = read_text(text_path);
    if (!file_exists(model_path)) train(text, model_path);
    write(count == 3 ? arguments[2] : "", text, model_path);
  } catch (const Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
