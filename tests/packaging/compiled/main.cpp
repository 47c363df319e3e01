// The README's program in short, its numbers with all their bits, beside a file with products of its own.
// Argument: a text file.
#include <slm/slm.hpp>

#include <cstdio>

bool own_numbers_are_right();

int main(int count, char** arguments) {
  using namespace slm;
  if (count != 2) return 2;
  const Corpus corpus = corpus_from_text("own", read_text(arguments[1]));
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
  const auto prompt = std::span(corpus.valid).first(4);
  const auto text = generate(model, prompt, 60, {.temperature = 0.8}, Random(1, "sampling"));
  std::printf("%s\n", corpus.tokenizer.decode(text).c_str());
  return own_numbers_are_right() ? 0 : 1;
}
