// The README's program in short, its numbers with all their bits, beside a file with products of its own.
#include <slm/slm.hpp>

#include <cstdio>

bool own_numbers_are_right();

int main() {
  using namespace slm;
  const Corpus corpus = synthetic_corpus({.train = 20'000, .valid = 100, .test = 100});
  TransformerLM<float> model({.vocabulary = corpus.vocabulary_size(), .context = 48, .layers = 2},
                             Random(1, "init"));
  Adam optimizer(model, {.learning_rate = 1e-3});
  RandomWindows<SequenceBatch> batches(corpus.train, 48, 8, Random(1, "data"));
  Tape<float> tape;
  for (int step = 0; step < 8; ++step) {
    tape.reset();
    const auto loss = batch_loss(model, tape, batches.next());
    tape.backward(loss);
    optimizer.step();
    std::printf("%a\n", static_cast<double>(loss.item()));
  }
  const auto prompt = corpus.tokenizer.encode("The ");
  const auto text = generate(model, prompt, 60, {.temperature = 0.8}, Random(1, "sampling"));
  std::printf("%s\n", corpus.tokenizer.decode(text).c_str());
  return own_numbers_are_right() ? 0 : 1;
}
