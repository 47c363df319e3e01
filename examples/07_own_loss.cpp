// A loss of one's own: any function of model, tape and batch that gives one number. This one trains an encoder
// to find, among all windows of a batch, the one whose even characters go with given odd ones (InfoNCE, van den
// Oord et al. 2018).
#include <slm/slm.hpp>

#include <cmath>
#include <cstdio>
#include <numeric>

using namespace slm;

/// Windows (B, T) → unit vectors (B, 2, C): of the even and of the odd positions, the mean of their features.
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
    const auto x = embedding(tape, tokens);
    const auto features = x + down(gelu(up(x)));
    const Index B = tokens.extent(0), T = tokens.extent(1), C = features.extent(2);
    const auto views = reshape(features, Shape<4>{B, T / 2, 2, C});
    const auto means = mean(transpose(views, 1, 3), last_axis);  // (B, C, 2)
    const auto gain = tape.constant(Shape<1>{C}, 1 / std::sqrt(static_cast<float>(C)));
    return rms_norm(transpose(means, 1, 2), gain);  // of length one
  }
};

int main(int count, char** arguments) {
  const Corpus corpus = corpus_from_text("own", read_text(count > 1 ? arguments[1] : "book.txt"));
  constexpr Index T = 64, B = 32;
  Encoder model(corpus.vocabulary_size(), 32, Random(1, "init"));
  const auto contrast = [](const Encoder& encoder, Tape<float>& tape, const SequenceBatch& batch) {
    const auto both = encoder(tape, batch.inputs);
    const auto scores = matmul(select(both, 0), transpose(select(both, 1), 0, 1)) * 10;  // (B, B)
    Tokens<1> own({scores.extent(0)});  // each window goes with itself
    std::iota(own.begin(), own.end(), 0);
    return cross_entropy(scores, own);
  };
  Adam<float> optimizer(model, {.learning_rate = 3e-3});
  const RandomWindows<SequenceBatch> windows(corpus.train, T, B, Random(1, "data"));
  const SequentialWindows<SequenceBatch> valid(corpus.valid, T, B,
                                               window_count(corpus.valid.size(), T, T / 4) / B * B, T / 4);
  const double before = evaluate<float>(model, valid, contrast);
  fit(model, optimizer, windows, valid, Random(1, "dropout"), {.epochs = 3, .windows_per_epoch = 1600},
      contrast);
  std::printf("%.2f nats before, %.2f after; by chance %.2f\n", before, evaluate<float>(model, valid, contrast),
              std::log(static_cast<double>(B)));
}
