// Texts that recurrent models read token by token, of any length, against the whole computation; and a model of
// one's own that does likewise.
#include <algorithm>
#include <limits>

#include "allocation_count.hpp"
#include "flops/flops_test_support.hpp"
#include "nn/module_test_support.hpp"
#include "slm/flops/model_cost.hpp"
#include "slm/generate/sample.hpp"
#include "slm/models/recurrent_lm.hpp"

using namespace module_test;

namespace {

/// Calls test(config) for each model. Wide enough that a product has several panels and blocks of its depth.
template <class Test>
void for_each_config(const Test& test) {
  test(GruConfig{.vocabulary = 11, .context = 6, .width = 37, .layers = 2, .dropout = 0.1});
  test(LstmConfig{.vocabulary = 11, .context = 6, .width = 300, .layering = Layering::residual});
  test(MinGruConfig{.vocabulary = 11, .context = 6, .width = 20, .layers = 3});
}

template <Scalar Real, class Config>
auto make(const Config& config) {
  typename Config::template Model<Real> model(config, Random(seed));
  randomise(model);
  return model;
}

std::vector<Token> random_text(Index length) {
  const Tokens<1> tokens = random_tokens<1>({length}, 11);
  return {tokens.begin(), tokens.end()};
}

/// Logits of the token after each position, computed for all of them at once.
template <class Model>
std::vector<std::vector<double>> logits_of_all(const Model& model, std::span<const Token> text) {
  Tokens<2> window({1, static_cast<Index>(text.size())});
  std::copy(text.begin(), text.end(), window.begin());
  Tape<float> tape(Mode::evaluate);
  const auto logits = as_doubles(model(tape, window));
  const auto V = static_cast<std::ptrdiff_t>(model.config.vocabulary);
  std::vector<std::vector<double>> rows;
  for (auto row = logits.begin(); row != logits.end(); row += V) rows.emplace_back(row, row + V);
  return rows;
}

/// The same bits, unless a library makes the products.
void check_same(std::span<const float> actual, const std::vector<double>& expected) {
  const std::vector<double> numbers(actual.begin(), actual.end());
  if (gemm_backend<float>() == GemmBackend::slm) {
    CHECK(same_bits(numbers, expected));
  } else {
    CHECK(relative_error(numbers, expected) <=
          1e3 * static_cast<double>(std::numeric_limits<float>::epsilon()));
  }
}

/// The sum of the embeddings of all tokens so far, kept by a program's own state.
struct SumState {
  Index read = 0;
  float sums[4] = {};

  Index length() const { return read; }
  Index capacity() const { return 1000; }
  void advance(Index tokens) { read += tokens; }
  void clear() { *this = {}; }
};
struct SumLM {
  using State = SumState;
  struct {
    Index vocabulary = 11, context = 3;
  } config;
  Embedding<float> embedding{11, 4, Random(seed)};
  Linear<float> head{4, 11, Random(seed)};

  State make_state() const { return {}; }
  Var<float, 2> next_token(Tape<float>& tape, const Tokens<2>& tokens, State* state = nullptr) const {
    const auto x = embedding(tape, tokens);
    State from_start;
    float* sums = (state ? *state : from_start).sums;
    for (Index i = 0; i < x.size(); ++i) sums[i % 4] += x.value()[i];
    const float* kept = tape.recorder().keep(sums, 4);
    return head(tape.variable(tape.recorder().given(kept, nullptr, 4, false), Shape<2>{1, 4}));
  }
  static void fields(auto& self, auto&& f) { f("embedding", self.embedding), f("head", self.head); }
};

}  // namespace

TEST_CASE("read in pieces of any length, a text of any length has the logits of the whole text") {
  for_each_config([](const auto& config) {
    const auto model = make<float>(config);
    INFO(std::string(model.name));
    const auto text = random_text(40);  // the context is 6
    const auto expected = logits_of_all(model, text);
    Decoder decoder(model);
    for (const auto& [first, step] : {std::pair<std::size_t, std::size_t>{1, 1}, {5, 1}, {1, 7}, {40, 1}}) {
      decoder.clear();
      for (std::size_t begin = 0, end = first; begin < text.size(); begin = end, end += step) {
        end = std::min(end, text.size());
        CAPTURE(begin);
        CAPTURE(end);
        check_same(decoder.read(std::span(text).subspan(begin, end - begin)), expected[end - 1]);
        CHECK(decoder.length() == static_cast<Index>(end));
      }
    }
  });
}

TEST_CASE("generated text is the same with and without the state, and remembers more than the context") {
  for_each_config([](const auto& config) {
    const auto model = make<float>(config);
    INFO(std::string(model.name));
    const auto text = [&](std::vector<Token> prompt, bool cache) {
      const SampleConfig setting{.temperature = 0.7, .cache = cache};
      return generate(model, std::span<const Token>(prompt), 20, setting, Random(seed, "sampling"));
    };
    for (const Index length : {1, 6, 15})
      CHECK(text(random_text(length), true) == text(random_text(length), false));
  });
  // A minimal GRU whose gates stay shut but for the first token, which it alone remembers.
  MinGruLM<float> model({.vocabulary = 3, .context = 2, .width = 3, .layers = 1, .layering = Layering::stacked},
                        Random(1));
  const auto set = [](auto& tensor, std::initializer_list<float> values) {
    std::copy(values.begin(), values.end(), tensor.begin());
  };
  set(model.embedding.weight.value, {1, 0, 0, 0, 1, 0, 0, 0, 1});
  // z opens at tokens 0 and 1 and is shut at 2; the candidate is the embedding.
  set(model.layers[0].gates.weight.value, {90, 90, -90, 90, 90, -90, 90, 90, -90, 9, 0, 0, 0, 9, 0, 0, 0, 9});
  std::fill(model.layers[0].gates.bias.value.begin(), model.layers[0].gates.bias.value.end(), 0.0F);
  set(model.head.weight.value, {1, 0, 0, 0, 1, 0, 0, 0, 1});
  std::fill(model.head.bias.value.begin(), model.head.bias.value.end(), 0.0F);
  for (const Token first : {0, 1}) {
    std::vector<Token> prompt(50, 2);
    prompt[0] = first;
    for (const bool cache : {true, false}) {
      const SampleConfig greedy{.temperature = 0, .cache = cache};
      CHECK(generate(model, std::span<const Token>(prompt), 2, greedy, Random(1)) ==
            std::vector<Token>{first, first});
    }
  }
}

TEST_CASE("reading costs what the formula says, the same at every place of a text") {
  using Number = flops::Counted<double>;
  const slm_test::Threads one(1);
  for_each_config([](const auto& config) {
    const auto model = make<Number>(config);
    INFO(std::string(model.name));
    Decoder decoder(model);
    const auto text = random_text(9);
    std::span<const Token> unread(text);
    for (const std::size_t count : std::initializer_list<std::size_t>{2, 1, 5, 1}) {
      INFO(count << " tokens after " << decoder.length());
      const auto priced = flops::decoder_cost(config, static_cast<Index>(count), decoder.length());
      flops::reset_tally();
      decoder.read(unread.first(count));
      test::check_equal(flops::tally().cost(), test::without_copies(priced.total().forward), "forward");
      unread = unread.subspan(count);
    }
    CHECK(flops::decoder_cost(config, 1, 3).total() == flops::decoder_cost(config, 1, 3'000'000).total());
    // A text read at once costs what next_token does.
    const auto whole = flops::model_cost(config, {.batch = 1, .window = 4, .mode = Mode::evaluate});
    Cost without_loss;
    for (const auto& part : whole.parts) {
      if (part.operation != "cross_entropy") without_loss += part.cost.passes.forward;
    }
    CHECK(flops::decoder_cost(config, 4).total().forward == without_loss);
  });
  // Of the state, 2 layers of 5 numbers, each read and written.
  const GruConfig config{.vocabulary = 7, .context = 3, .width = 5, .layers = 2};
  const auto traffic = [&](Index before) { return flops::decoder_cost(config, 1, before).traffic().forward; };
  CHECK(traffic(1) == traffic(0) + 2 * 5);
}

TEST_CASE("reading allocates nothing once a text as long was read") {
  const slm_test::Threads two(2);
  for_each_config([](const auto& config) {
    const auto model = make<float>(config);
    INFO(std::string(model.name));
    const auto text = random_text(30);
    Decoder decoder(model);
    decoder.read(std::span(text).first(4));
    const long before = test::allocation_count();
    for (std::size_t i = 4; i < text.size(); ++i) decoder.read(std::span(text).subspan(i, 1));
    decoder.clear();
    decoder.read(std::span(text).first(4));
    CHECK(test::allocation_count() == before);
  });
}

TEST_CASE("what a recurrent model cannot read is named, and leaves the text as it was") {
  const auto model = make<float>(GruConfig{.vocabulary = 11, .context = 6, .width = 8});
  const auto text = random_text(9);
  const auto expected = logits_of_all(model, text);
  Decoder decoder(model);
  CHECK_THROWS_WITH_AS(decoder.read({}), "Decoder: at least 1 must be read, but got 0", ShapeError);
  decoder.read(std::span(text).first(4));
  const Token outside[] = {3, 11};
  CHECK_THROWS_WITH_AS(decoder.read(outside), "Decoder: token 11 at index 1 is outside the vocabulary 0 … 10",
                       RangeError);
  check_same(decoder.read(std::span(text).subspan(4)), expected.back());

  // A state is of one batch size, and of evaluation.
  auto state = model.make_state();
  Tape<float> evaluating(Mode::evaluate), training;
  model.next_token(evaluating, Tokens<2>({1, 2}), &state);
  CHECK_THROWS_WITH_AS(model.next_token(evaluating, Tokens<2>({2, 2}), &state),
                       "RecurrentState: a layer asks for 16 numbers, but had 8 before: a text is read in "
                       "batches of one size",
                       ShapeError);
  CHECK_THROWS_WITH_AS(model.next_token(training, Tokens<2>({1, 2}), &state),
                       "gru: states are kept in evaluation only; use Tape tape(Mode::evaluate)", Error);
}

TEST_CASE("a model of one's own that keeps a state is read through it") {
  static_assert(Decodable<SumLM, float>);
  const SumLM model;
  const auto text = random_text(5);
  Decoder<SumLM, float> decoder(model);
  std::vector<float> last;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto logits = decoder.read(std::span(text).subspan(i, 1));
    last.assign(logits.begin(), logits.end());
  }
  Decoder<SumLM, float> at_once(model);
  const auto logits = at_once.read(text);
  CHECK(last == std::vector<float>(logits.begin(), logits.end()));
  const auto generated = [&](bool cache) {
    return generate<float>(model, text, 10, {.temperature = 0.5, .cache = cache}, Random(1));
  };
  CHECK(generated(true) == generated(false));
}
