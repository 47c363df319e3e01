#include <slm/slm.hpp>

#include <cstdio>
#include <exception>

int main(int count, char** arguments) try {
  using namespace slm;
  if (count != 2) {
    std::fprintf(stderr, "usage: %s TEXT_FILE\n", arguments[0]);
    return 2;
  }
  const Corpus corpus = corpus_from_text("own", read_text(arguments[1]));  // or load_corpus(name, folder)
  TransformerLM<float> model({.vocabulary = corpus.vocabulary_size(), .context = 64, .layers = 2},
                             Random(1, "init"));
  Adam optimizer(model, {.learning_rate = 1e-3});
  RandomWindows<SequenceBatch> batches(corpus.train, 64, 16, Random(1, "data"));  // windows of 64, 16 at a time
  Tape<float> tape;
  for (int step = 0; step <= 600; ++step) {
    tape.reset();
    const auto loss = batch_loss(model, tape, batches.next());  // mean nats per character
    tape.backward(loss);
    optimizer.step();
    if (step % 100 == 0)
      std::printf("step %d: %.3f nats per character\n", step, static_cast<double>(loss.item()));
  }
  // What could follow the validation text, whose end fills the model's window.
  const auto text = generate(model, corpus.valid, 300, {.temperature = 0.8}, Random(1, "sampling"));
  std::printf("%s\n", corpus.tokenizer.decode(text).c_str());
} catch (const std::exception& error) {  // a text that cannot be read, or is too short
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}
