// A model of one's own, a GRU (Cho et al. 2014) of slm's operations: priced, trained and sampled like slm's
// own.
#include <cstdio>
#include <slm/slm.hpp>

using namespace slm;

struct MyConfig {
  Index vocabulary, context, width;
};
template <Scalar Real>
struct MyGru {
  MyConfig config;
  Embedding<Real> embedding;
  Linear<Real> from_h, head;  // embedding and from_h give both gates and the candidate side by side
  MyGru(const MyConfig& c, RandomArgument random)
      : config(c),
        embedding(c.vocabulary, 3 * c.width, random),
        from_h(c.width, 3 * c.width, random),
        head(c.width, c.vocabulary, random) {}
  static void fields(auto& self, auto&& f) {
    f("embedding", self.embedding), f("from_h", self.from_h), f("head", self.head);
  }
  Var<Real, 3> operator()(Tape<Real>& tape, const Tokens<2>& tokens) const {  // (B, T) → (B, T, V)
    const auto part = tape.enter(*this);  // costs and messages speak of its fields
    const Index C = config.width;
    const auto x = embedding(tape, tokens);
    auto h = tape.constant(Shape<2>{tokens.extent(0), C}, Real(0));
    std::vector<Var<Real, 2>> states;
    for (Index t = 0; t < tokens.extent(1); ++t) {
      const auto a = select(x, t), b = from_h(h);
      const auto r = sigmoid(slice(a, 1, 0, C) + slice(b, 1, 0, C));
      const auto z = sigmoid(slice(a, 1, C, 2 * C) + slice(b, 1, C, 2 * C));
      const auto n = tanh(slice(a, 1, 2 * C, 3 * C) + r * slice(b, 1, 2 * C, 3 * C));
      h = (1 - z) * n + z * h;
      states.push_back(h);
    }
    return head(stack(states));
  }
  Var<Real, 2> next_token(Tape<Real>& tape, const Tokens<2>& tokens) const {
    return last_position((*this)(tape, tokens));
  }
};

int main(int count, char** arguments) {
  const Corpus corpus = corpus_from_text("own", read_text(count > 1 ? arguments[1] : "book.txt"));
  const MyConfig config{corpus.vocabulary_size(), 32, 64};
  const auto cost =
      flops::model_cost<MyGru>(config, {.batch = 16, .readout = flops::Readout::every_position}).total();
  std::printf("%.1f MFLOP a step\n", static_cast<double>(cost.total().flops()) / 1e6);
  MyGru<float> model(config, Random(1, "init"));
  Adam optimizer(model, {.learning_rate = 3e-3});
  const RandomWindows<SequenceBatch> windows(corpus.train, 32, 16, Random(1, "data"));
  const SequentialWindows<SequenceBatch> valid(corpus.valid, 32, 16, 20, 32);
  fit(model, optimizer, windows, valid, Random(1, "dropout"), {.epochs = 3, .windows_per_epoch = 1000});
  std::printf("validation: %.3f nats per character\n", evaluate(model, valid));
  const auto text = generate(model, corpus.valid, 100, {.temperature = 0.8}, Random(1, "sampling"));
  std::printf("%s\n", corpus.tokenizer.decode(text).c_str());
}
