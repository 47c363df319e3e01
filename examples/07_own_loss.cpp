// A loss of one's own: any function of model, tape and batch that gives one number. This one trains an encoder
// to find, among the second halves of all windows of a batch, the one that goes on with a given first half
// (InfoNCE, van den Oord et al. 2018).
#include <slm/slm.hpp>

#include <cmath>
#include <cstdio>
#include <numeric>

using namespace slm;

/// Stretches of text (B, T) → unit vectors (B, 2, C), one of each half: the mean over its positions.
struct Encoder {
  Embedding<float> embedding;
  Linear<float> up, down;

  Encoder(Index vocabulary, Index C, Random random)
      : embedding(vocabulary, C, random), up(C, 4 * C, random), down(4 * C, C, random) {}
  static void fields(auto& self, auto&& f) {
    f("embedding", self.embedding), f("up", self.up), f("down", self.down);
  }

  Var<float, 3> operator()(Tape<float>& tape, const Tokens<2>& tokens) const {
    const auto part = tape.enter(*this);
    const Index B = tokens.extent(0), T = tokens.extent(1);
    const auto x = embedding(tape, tokens);
    const auto features = x + down(gelu(up(x)));
    const Index C = features.extent(2);
    const auto halves = reshape(features, Shape<4>{B, 2, T / 2, C});
    const auto means = mean(transpose(halves, 2, 3), last_axis);  // (B, 2, C)
    const auto gain = tape.constant(Shape<1>{C}, 1 / std::sqrt(static_cast<float>(C)));
    return rms_norm(means, gain);  // of length one
  }
};

int main(int count, char** arguments) {
  const Corpus corpus = corpus_from_text("own", read_text(count > 1 ? arguments[1] : "book.txt"));
  constexpr Index T = 64, B = 32;
  Encoder model(corpus.vocabulary_size(), 64, Random(1, "init"));
  const auto contrast = [](const Encoder& encoder, Tape<float>& tape, const SequenceBatch& batch) {
    const auto both = encoder(tape, batch.inputs);
    const auto scores = matmul(select(both, 0), transpose(select(both, 1), 0, 1)) * 10;  // (B, B)
    Tokens<1> own({scores.extent(0)});  // the right half of each window is its own
    std::iota(own.begin(), own.end(), 0);
    return cross_entropy(scores, own);
  };
  Adam<float> optimizer(model, {.learning_rate = 3e-3});
  const RandomWindows<SequenceBatch> windows(corpus.train, T, B, Random(1, "data"));
  const SequentialWindows<SequenceBatch> valid(corpus.valid, T, B,
                                               window_count(corpus.valid.size(), T, T / 4) / B * B, T / 4);
  const double before = evaluate<float>(model, valid, contrast);
  fit(model, optimizer, windows, valid, Random(1, "dropout"), {.epochs = 3, .windows_per_epoch = 6400},
      contrast);
  std::printf("%.2f nats before, %.2f after; by chance %.2f\n", before, evaluate<float>(model, valid, contrast),
              std::log(static_cast<double>(B)));
}
