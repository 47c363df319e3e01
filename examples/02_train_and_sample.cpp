#include <slm/slm.hpp>

#include <cstdio>

int main() {
  using namespace slm;
  const Corpus corpus = synthetic_corpus();  // or load_corpus("tiny_shakespeare", folder)
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
  const auto prompt = corpus.tokenizer.encode("The ");
  const auto text = generate(model, prompt, 300, {.temperature = 0.8}, Random(1, "sampling"));
  std::printf("The %s\n", corpus.tokenizer.decode(text).c_str());
}
