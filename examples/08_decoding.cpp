// A text read token by token, as generating does: what it costs in loss where the text outgrows the context and
// the cache goes on without its oldest tokens, and where the weights are read in fewer bits.
//
//   08_decoding book.txt            trains for 3000 steps, some minutes
//   08_decoding book.txt 200
#include <slm/slm.hpp>

#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstring>

namespace {

using namespace slm;

/// Mean nats of every token of the text but the first, each from the logits that a decoder had before it.
double decoding_loss(const TransformerLM<float>& model, const std::vector<Token>& text, WeightFormat weights) {
  Decoder decoder(model, {.weights = weights, .rolls = true});
  double sum = 0;
  for (std::size_t i = 0; i + 1 < text.size(); ++i) {
    const auto logits = decoder.read({&text[i], 1});
    double all = 0;
    for (const float logit : logits) all += std::exp(static_cast<double>(logit));
    sum += std::log(all) - static_cast<double>(logits[static_cast<std::size_t>(text[i + 1])]);
  }
  return sum / static_cast<double>(text.size() - 1);
}

}  // namespace

int main(int count, char** arguments) {
  int steps = 3000;
  const char* end = count == 3 ? arguments[2] + std::strlen(arguments[2]) : nullptr;
  const bool has_steps = end && std::from_chars(arguments[2], end, steps).ptr == end && steps > 0;
  if (count != 2 && !has_steps) {
    std::fprintf(stderr, "usage: 08_decoding TEXT_FILE [STEPS]\n");
    return 2;
  }
  try {
    const Corpus corpus = corpus_from_text("own", read_text(arguments[1]));
    const Index T = 64;
    TransformerLM<float> model({.vocabulary = corpus.vocabulary_size(),
                                .context = T,
                                .width = 64,
                                .layers = 3,
                                .position = Position::rotary},
                               Random(1, "init"));
    Adam optimizer(model, {.learning_rate = 3e-3});
    RandomWindows<SequenceBatch> batches(corpus.train, T, 16, Random(1, "data"));
    Tape<float> tape;
    for (int step = 0; step < steps; ++step) {
      tape.reset();
      const auto loss = batch_loss(model, tape, batches.next());
      tape.backward(loss);
      optimizer.step();
      if (step % 500 == 0) std::printf("step %d of %d: %.3f\n", step, steps, static_cast<double>(loss.item()));
    }

    std::printf("nats per token of the test text\n");
    const auto print = [](const char* how, double nats) { std::printf("%.4f  %s\n", nats, how); };
    print("each token from a window of its own", evaluate(model, corpus.test, {.stride = 1}).nats_per_token);
    print("from windows side by side", evaluate(model, corpus.test).nats_per_token);
    print("from a cache that rolls", decoding_loss(model, corpus.test, WeightFormat::full));
    print("the same with weights in bfloat16", decoding_loss(model, corpus.test, WeightFormat::bfloat16));
    print("the same with weights in int8", decoding_loss(model, corpus.test, WeightFormat::int8));
  } catch (const Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
