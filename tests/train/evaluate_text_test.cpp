// Every token of a text but the first counts once, whatever the windows: against sums made token by token.
#include "slm/train/evaluate_text.hpp"

#include <cmath>
#include <numbers>

#include "error_message.hpp"
#include "slm/models/transformer_lm.hpp"
#include "train_test_support.hpp"

using namespace train_test;
using doctest::Approx;
using slm_test::has;
using slm_test::message_of;

namespace {

constexpr Index V = 40, context = 7;

/// Logits from a table, by the token before alone: a token's loss does not depend on the window it is in.
template <Scalar Real>
struct Bigrams {
  Embedding<Real> table;
  explicit Bigrams(const char* name = "table") : table(V, V, Random(seed, name)) {}
  Var<Real, 3> operator()(Tape<Real>& tape, const Tokens<2>& tokens) const { return table(tape, tokens); }
  static void fields(auto& self, auto&& f) { f("table", self.table); }
};

/// −log p of the last of these tokens by a model that is given those before it.
template <class Forward>
double nats_of_last(std::span<const Token> tokens, const Forward& next_token) {
  Tokens<2> read({1, static_cast<Index>(tokens.size()) - 1});
  std::copy_n(tokens.begin(), read.size(), read.begin());
  Tape<double> tape(Mode::evaluate);
  const auto logits = as_doubles(next_token(tape, read));
  double total = 0;
  for (const double x : logits) total += std::exp(x);
  return std::log(total) - logits[static_cast<std::size_t>(tokens.back())];
}

/// As many tokens, each another one, so that one counted twice would be seen.
std::vector<Token> distinct_tokens(Index size) {
  std::vector<Token> tokens;
  for (Index i = 0; i < size; ++i) tokens.push_back(static_cast<Token>(7 * i % V));
  return tokens;
}

TransformerLM<double> transformer() {
  TransformerLM<double> model({.vocabulary = V, .context = context, .width = 6, .layers = 1, .heads = 2},
                              Random(seed));
  randomise(model);
  return model;
}

}  // namespace

TEST_CASE("each token counts once, at any length, stride and number of windows at once") {
  const Bigrams<double> model;
  for (const Index size : {2, 3, 6, 7, 8, 9, 14, 15, 16, 22, 40}) {
    const std::vector<Token> text = distinct_tokens(size);
    double sum = 0;
    for (std::size_t i = 1; i < text.size(); ++i) {
      sum += nats_of_last({text.data() + i - 1, 2},
                          [&](auto& tape, const auto& read) { return last_position(model(tape, read)); });
    }
    for (Index stride = 0; stride <= context; ++stride) {
      for (const Index at_once : {0, 1, 3}) {
        CAPTURE(size);
        CAPTURE(stride);
        CAPTURE(at_once);
        const TextEvaluation found =
            evaluate(model, text, {.context = context, .stride = stride, .batch = at_once});
        CHECK(found.tokens == size - 1);
        CHECK(found.nats_per_token == Approx(sum / static_cast<double>(size - 1)).epsilon(1e-12));
        CHECK(found.perplexity == Approx(std::exp(found.nats_per_token)).epsilon(1e-12));
        CHECK(found.bytes == 0);
        CHECK(found.bits_per_byte == 0);
      }
    }
  }
}

TEST_CASE("of a model that predicts each position, a window shows what the stride says") {
  const auto model = transformer();
  for (const Index size : {5, 7, 8, 9, 20, 23}) {
    const std::vector<Token> text = distinct_tokens(size);
    for (Index stride = 1; stride <= context; ++stride) {
      double sum = 0;
      // The window of a token is the first that reaches it: they end at context, + stride, …, and with the
      // text.
      for (Index end = std::min(context, size - 1), token = 1; token < size; ++token) {
        if (token > end) end = std::min(end + stride, size - 1);
        const Index begin = end - std::min(context, size - 1);
        sum += nats_of_last(std::span(text).subspan(static_cast<std::size_t>(begin),
                                                    static_cast<std::size_t>(token - begin + 1)),
                            [&](auto& tape, const auto& read) { return model.next_token(tape, read); });
      }
      CAPTURE(size);
      CAPTURE(stride);
      const TextEvaluation found = evaluate(model, text, {.stride = stride});
      CHECK(found.tokens == size - 1);
      CHECK(found.nats_per_token == Approx(sum / static_cast<double>(size - 1)).epsilon(1e-12));
    }
    CHECK(evaluate(model, text).nats_per_token == evaluate(model, text, {.stride = context}).nats_per_token);
  }
}

TEST_CASE("a model of full windows predicts every token, with padding in front of the text") {
  MlpLM<double> model({.vocabulary = V, .context = context, .width = 3, .hidden = 5}, Random(seed));
  randomise(model);
  for (const Index size : {2, 7, 8, 9, 30}) {
    for (const Token padding : {0, 11}) {
      const std::vector<Token> text = distinct_tokens(size);
      std::vector<Token> padded(context, padding);
      padded.insert(padded.end(), text.begin(), text.end());
      double sum = 0;
      for (std::size_t i = 1; i < text.size(); ++i) {
        sum += nats_of_last(std::span(padded).subspan(i, context + 1),
                            [&](auto& tape, const auto& read) { return model.next_token(tape, read); });
      }
      CAPTURE(size);
      const TextEvaluation found = evaluate(model, text, {.batch = 4, .padding = padding});
      CHECK(found.tokens == size - 1);
      CHECK(found.nats_per_token == Approx(sum / static_cast<double>(size - 1)).epsilon(1e-12));
      CHECK(found.nats_per_token == evaluate(model, text, {.padding = padding}).nats_per_token);
    }
  }
}

TEST_CASE("the tokens behind full windows cost what they cost as windows") {
  MlpLM<double> model({.vocabulary = V, .context = context, .width = 3, .hidden = 5}, Random(seed));
  randomise(model);
  const std::vector<Token> text = distinct_tokens(30);
  const Index count = window_count(text.size(), context);
  const double behind = evaluate(model, SequentialWindows<>(text, context, 8, count));
  const TextEvaluation all = evaluate(model, text), first = evaluate(model, std::span(text).first(context));
  CHECK(all.nats_per_token * 29 ==
        Approx(first.nats_per_token * 6 + behind * static_cast<double>(count)).epsilon(1e-12));
}

TEST_CASE("bits per byte are those of the text behind its first token") {
  const Bigrams<float> model;
  const std::string text = "ab\xc3\xa9 a\xe4\xb8\xad\n b\xc3\xa9";  // 10 characters, 14 bytes
  const Tokenizer characters = CharTokenizer::from_text(text), bytes = ByteTokenizer::from_text(text);
  const auto bits = [](const TextEvaluation& of) {
    return of.nats_per_token * static_cast<double>(of.tokens) / std::numbers::ln2 /
           static_cast<double>(of.bytes);
  };
  for (const Tokenizer& tokenizer : {characters, bytes}) {
    const TextEvaluation found = evaluate(model, text, tokenizer, {.context = 4});
    CHECK(found.tokens == (tokenizer.unit() == TokenUnit::byte ? 13 : 9));
    CHECK(found.bytes == 13);
    CHECK(found.bits_per_byte == Approx(bits(found)).epsilon(1e-12));
    const TextEvaluation tokens = evaluate(model, tokenizer.encode(text), tokenizer, {.context = 4});
    CHECK(tokens.bytes == found.bytes);
    CHECK(tokens.bits_per_byte == found.bits_per_byte);
  }
  const TextEvaluation of_bytes = evaluate(model, text, bytes, {.context = 4});
  CHECK(of_bytes.bits_per_byte == Approx(of_bytes.nats_per_token / std::numbers::ln2).epsilon(1e-12));

  // Words: the text's own bytes, or those of the words joined by spaces.
  const Tokenizer words = WordTokenizer::from_text("to be or not");
  const TextEvaluation found = evaluate(model, " to  be\n\nor not ", words, {.context = 4});
  CHECK(found.tokens == 3);
  CHECK(found.bytes == 13);
  CHECK(found.bits_per_byte == Approx(bits(found)).epsilon(1e-12));
  CHECK(evaluate(model, words.encode("to be or not"), words, {.context = 4}).bytes == 10);

  // Of words that are unknown the bytes are not known: a smaller vocabulary would look better.
  const Tokenizer few = WordTokenizer::from_text("to be to be or not", 2, "<unk>");
  CHECK(evaluate(model, "to be to", few, {.context = 4}).bytes == 6);
  for (const TextEvaluation& of_unknown : {evaluate(model, "to be or", few, {.context = 4}),
                                           evaluate(model, few.encode("to be or"), few, {.context = 4})}) {
    CHECK(of_unknown.bytes == 0);
    CHECK(of_unknown.bits_per_byte == 0);
    CHECK(of_unknown.nats_per_token > 0);
  }
}

namespace {
/// Equal odds of 40,000 words; notes how many windows came at once.
struct ManyWords {
  struct {
    Index vocabulary = 40'000, context = 8;
  } config;
  mutable Index most_at_once = 0;
  Var<float, 3> operator()(Tape<float>& tape, const Tokens<2>& tokens) const {
    most_at_once = std::max(most_at_once, tokens.extent(0));
    return tape.constant(Shape<3>{tokens.extent(0), tokens.extent(1), config.vocabulary}, 0.0F);
  }
  static void fields(auto&, auto&&) {}
};
}  // namespace

TEST_CASE("of a large vocabulary fewer windows are evaluated at once, unless their number is given") {
  const ManyWords model;
  const std::vector<Token> text(8 * 60 + 1, 39'999);
  const double nats = std::log(40'000.0);
  CHECK(evaluate<float>(model, text).nats_per_token == doctest::Approx(nats).epsilon(1e-6));
  CHECK(model.most_at_once == (1 << 24) / 40'000 / 8);
  CHECK(evaluate<float>(model, text, {.batch = 60}).nats_per_token == doctest::Approx(nats).epsilon(1e-6));
  CHECK(model.most_at_once == 60);
}

TEST_CASE("a struct that is no template is evaluated by the scalar that is named") {
  struct Plain : Bigrams<double> {};
  const Plain plain;
  const std::vector<Token> text = distinct_tokens(20);
  CHECK(evaluate<double>(plain, text, {.context = 5}).nats_per_token ==
        evaluate(Bigrams<double>(), text, {.context = 5}).nats_per_token);
  const Tokenizer tokenizer = CharTokenizer::from_text("ab");
  CHECK(evaluate<double>(plain, "abab", tokenizer, {.context = 5}).tokens == 3);
}

TEST_CASE("a text or windows that do not fit are errors") {
  const auto model = transformer();
  const MlpLM<double> mlp({.vocabulary = V, .context = context, .width = 3, .hidden = 5}, Random(seed));
  const std::vector<Token> text = distinct_tokens(20);
  for (const Index size : {0, 1}) {
    CHECK(message_of<DataError>([&] { evaluate(model, distinct_tokens(size)); }) ==
          make_text({"evaluate: expected a text of 2 tokens or more, got ", size}));
  }
  CHECK(message_of<ConfigError>([&] { evaluate(model, text, {.stride = 8}); }) ==
        "evaluate: expected a stride of 1 to 7, the tokens that a window predicts, got 8");
  CHECK(message_of<ConfigError>([&] { evaluate(model, text, {.stride = -1}); }) != "no error");
  CHECK(has(message_of<ConfigError>([&] { evaluate(mlp, text, {.stride = 2}); }), "a stride of 1 to 1,"));
  CHECK(message_of<ConfigError>([&] { evaluate(Bigrams<double>(), text); }) ==
        "evaluate: the model has no config.context: name one, {.context = 64}");
  CHECK(message_of<ConfigError>([&] { evaluate(Bigrams<double>(), text, {.context = -1}); }) ==
        "evaluate: expected a context of at least 1 token, got -1");
  CHECK(has(message_of<ShapeError>([&] { evaluate(model, text, {.context = 8}); }),
            "a window holds 1 to 7 tokens"));
  CHECK(has(message_of<ShapeError>([&] { evaluate(mlp, text, {.context = 6}); }), "MlpLM: tokens have shape"));
  CHECK(has(message_of<RangeError>([&] {
              evaluate(model, std::vector<Token>{1, 2, V});
            }),
            "evaluate: token 40 at index 1 is outside the vocabulary 0 … 39"));
  CHECK(has(message_of<RangeError>([&] { evaluate(model, std::vector<Token>{-1, 2}); }), "token -1"));
}

TEST_CASE("a tokenizer of another model is an error") {
  const auto model = transformer();
  const Tokenizer tokenizer(CharTokenizer::from_text("abc"));
  const std::vector<Token> text{0, 1, 2, 1};
  CHECK(message_of<ConfigError>([&] { evaluate(model, text, tokenizer); }) ==
        "evaluate: the tokenizer has 3 tokens, but the model a vocabulary of 40");
}
