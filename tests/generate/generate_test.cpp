// Generated text: the same tokens whether keys and values are kept or computed again, or found by hand.
#include <algorithm>
#include <limits>

#include "flops/counted.hpp"
#include "generate/generate_test_support.hpp"
#include "slm/flops/model_cost.hpp"
#include "slm/generate/sample.hpp"
#include "slm/models/linear_lm.hpp"
#include "slm/models/mlp_lm.hpp"
#include "slm/nn/round_weights.hpp"

using namespace generate_test;

namespace {

template <class Model>
std::vector<Token> generated(const Model& model, const std::vector<Token>& prompt, Index count,
                             SampleConfig config, bool cache) {
  config.cache = cache;
  return generate(model, std::span<const Token>(prompt), count, config, Random(seed, "sampling"));
}

template <class Model>
void check_same_text(const Model& model, const std::vector<Token>& prompt, Index count,
                     const SampleConfig& config = {.temperature = 0.8}) {
  CAPTURE(prompt.size());
  CAPTURE(count);
  const auto cached = generated(model, prompt, count, config, true);
  CHECK(cached == generated(model, prompt, count, config, false));
  CHECK(cached.size() == static_cast<std::size_t>(count));
}

/// The likeliest token after this window.
template <class Model>
Token likeliest_after(const Model& model, const std::vector<Token>& window) {
  Tokens<2> tokens({1, static_cast<Index>(window.size())});
  std::copy(window.begin(), window.end(), tokens.begin());
  Tape<float> tape(Mode::evaluate);
  const auto logits = model.next_token(tape, tokens);
  return static_cast<Token>(std::max_element(logits.value(), logits.value() + logits.size()) - logits.value());
}

/// Compares greedy text with the likeliest tokens after windows that are cut out of the padded text.
template <class Model>
void check_greedy_text(const Model& model, const std::vector<Token>& prompt, Token padding) {
  CAPTURE(prompt.size());
  CAPTURE(padding);
  constexpr Index count = 9;
  const Index context = model.config.context;
  std::vector<Token> padded(static_cast<std::size_t>(context), padding);
  padded.insert(padded.end(), prompt.begin(), prompt.end());
  for (Index i = 0; i < count; ++i) {
    padded.push_back(likeliest_after(model, {padded.end() - context, padded.end()}));
  }
  CHECK(generate(model, std::span<const Token>(prompt), count, {.temperature = 0}, Random(seed), padding) ==
        std::vector<Token>(padded.end() - count, padded.end()));
}

/// Multiply-adds of the forward pass that computes one token from a window of T, by formula.
Index multiply_adds_of_window(const TransformerConfig& config, Index T) {
  return flops::model_cost(config, {.batch = 1, .window = T, .mode = Mode::evaluate})
      .total()
      .forward.multiply_adds;
}

}  // namespace

TEST_CASE_TEMPLATE("every kind of transformer generates the same text with and without the cache", Real, float,
                   double) {
  for (const TransformerConfig& config : all_kinds()) {
    CAPTURE(describe(config));
    const auto model = make<Real>(config);
    const auto text = random_text(2 * config.context, config.vocabulary);
    // Prompts of one token, shorter than the context, one short of it, as long and longer; texts that stay
    // within the context, fill it, and outgrow it.
    for (const Index prompt : {Index(1), Index(4), config.context - 1, config.context, 2 * config.context}) {
      const std::vector<Token> start(text.begin(), text.begin() + prompt);
      for (const Index count : {Index(3), config.context, 2 * config.context}) {
        check_same_text(model, start, count);
      }
    }
  }
}

TEST_CASE("the same text at any way to draw, and of any number of tokens") {
  const auto model = make<float>(all_kinds()[0]);
  const auto prompt = random_text(3, model.config.vocabulary);
  for (const SampleConfig& config :
       {SampleConfig{.temperature = 0}, {.temperature = 2}, {.temperature = 1, .top_k = 2}, {.top_p = 0.7}}) {
    check_same_text(model, prompt, 30, config);
  }
  for (const Index count : {0, 1, 2}) check_same_text(model, prompt, count);
}

TEST_CASE("with weights in fewer bits the text is that of a decoder of them") {
  // So long that rounding changes a draw.
  constexpr Index count = 3000;
  TransformerConfig config = all_kinds()[0];
  config.context = count + 3;
  const auto model = make<float>(config);
  const auto prompt = random_text(3, config.vocabulary);
  const auto text = [&](WeightFormat format) {
    return generated(model, prompt, count, {.temperature = 0.7, .weights = format}, true);
  };
  const auto plain = text(WeightFormat::full);
  for (const WeightFormat format : {WeightFormat::bfloat16, WeightFormat::int8}) {
    CAPTURE(name_of(format));
    Decoder decoder(model, {.weights = format});
    std::vector<Token> expected;
    std::span<const Token> unread(prompt);
    Random random(seed, "sampling");
    while (std::ssize(expected) < count) {
      expected.push_back(sample(decoder.read(unread), {.temperature = 0.7}, random));
      unread = std::span(expected).last(1);
    }
    const auto drawn = text(format);
    CHECK(drawn == expected);
    CHECK(drawn != plain);
  }
}

TEST_CASE("of a model whose matrices were rounded, a text that outgrows the context is of one model") {
  for (const TransformerConfig& config : all_kinds()) {
    CAPTURE(describe(config));
    auto model = make<float>(config);
    round_weights(model, WeightFormat::bfloat16);
    check_same_text(model, random_text(3, config.vocabulary), 2 * config.context,
                    {.temperature = 2, .weights = WeightFormat::bfloat16});
  }
}

TEST_CASE("a model that reads a whole window sees the last tokens, with padding in front of a short text") {
  LinearLM<float> linear({.vocabulary = 7, .context = 5, .width = 6}, Random(seed));
  MlpLM<float> mlp({.vocabulary = 7, .context = 5, .width = 6, .hidden = 9}, Random(seed));
  randomise(linear);
  randomise(mlp);
  for (const Index prompt : {1, 3, 5, 8}) {
    for (const Token padding : {0, 4}) {
      check_greedy_text(linear, random_text(prompt, 7), padding);
      check_greedy_text(mlp, random_text(prompt, 7), padding);
    }
  }
}

TEST_CASE("the cache computes each token once while the text fits, and is what can be turned off") {
  using Number = flops::Counted<double>;
  const slm_test::Threads one(1);
  const TransformerConfig config{.vocabulary = 5, .context = 8, .width = 4, .layers = 2, .heads = 2};
  const TransformerLM<Number> model(config, Random(seed));
  const auto prompt = random_text(3, 5);
  constexpr Index count = 9;
  const auto counted = [&](bool cache) {
    flops::reset_tally();
    generated(model, prompt, count, {}, cache);
    return flops::tally().multiply_adds;
  };
  Index cached = flops::decoder_cost(config, 3).total().forward.multiply_adds, uncached = 0;
  for (Index read = 3; read < 8; ++read) {
    cached += flops::decoder_cost(config, 1, read).total().forward.multiply_adds;
  }
  for (Index T = 3; T < 3 + count; ++T) {
    uncached += multiply_adds_of_window(config, std::min<Index>(T, 8));
    if (T > 8) cached += multiply_adds_of_window(config, 8);
  }
  CHECK(counted(true) == cached);
  CHECK(counted(false) == uncached);
}

TEST_CASE("each new token is shown as it comes, and the text ends where it is told to") {
  const auto model = make<float>(all_kinds()[0]);
  const auto prompt = random_text(3, model.config.vocabulary);
  constexpr Index count = 20;  // beyond the context of 9
  const auto whole = generated(model, prompt, count, {}, true);
  for (const bool cache : {true, false}) {
    for (const std::size_t end : {std::size_t(1), std::size_t(4), std::size_t(15), std::size_t(count)}) {
      CAPTURE(cache);
      CAPTURE(end);
      std::vector<Token> shown;
      SampleConfig config;
      config.on_token = [&](Token token) {
        shown.push_back(token);
        return shown.size() < end;
      };
      const auto text = generated(model, prompt, count, config, cache);
      CHECK(text == std::vector<Token>(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(end)));
      CHECK(shown == text);
    }
  }
}

/// A model that is no template.
struct PlainModel : LinearLM<float> {
  using LinearLM<float>::LinearLM;
};

TEST_CASE("a struct that is no template generates like the model it is") {
  const LinearConfig config{.vocabulary = 7, .context = 5, .width = 6};
  const LinearLM<float> linear(config, Random(seed));
  const PlainModel plain(config, Random(seed));
  const auto prompt = random_text(3, 7);
  CHECK(generate<float>(plain, prompt, 8, {}, Random(1)) == generate(linear, prompt, 8, {}, Random(1)));
}

TEST_CASE("a text that cannot be continued is an error, with the cache and without") {
  auto model = make<float>(all_kinds()[0]);  // a vocabulary of 11
  for (const bool cache : {true, false}) {
    CAPTURE(cache);
    CHECK_THROWS_WITH_AS(generated(model, {}, 3, {}, cache), "generate: the prompt is empty", ConfigError);
    CHECK_THROWS_WITH_AS(generated(model, {1}, -1, {}, cache),
                         "generate: the number of tokens must not be negative, got -1", ConfigError);
    CHECK_THROWS_WITH_AS(generated(model, {3, 11, 2}, 3, {}, cache),
                         doctest::Contains("token 11 at index 1 is outside the vocabulary 0 … 10"), RangeError);
    CHECK_THROWS_WITH_AS(generated(model, {-1}, 3, {}, cache),
                         doctest::Contains("token -1 at index 0 is outside the vocabulary 0 … 10"), RangeError);
  }
  model.head.bias.value(2) = std::numeric_limits<float>::quiet_NaN();
  for (const bool cache : {true, false}) {
    CHECK_THROWS_WITH_AS(generated(model, {1}, 3, {}, cache), "sample: a logit is not finite", NumericError);
  }
}

namespace {

/// Always sure of the same token, whatever the transformer that it is derived from says.
struct Stubborn : TransformerLM<float> {
  using TransformerLM<float>::TransformerLM;

  Var<float, 2> next_token(Tape<float>& tape, const Tokens<2>& tokens) const {
    Tensor<float, 2>& logits = scores();
    logits = Tensor<float, 2>({tokens.extent(0), config.vocabulary});
    for (Index b = 0; b < tokens.extent(0); ++b) logits(b, 7) = 100;
    return tape.input(logits);
  }
  static Tensor<float, 2>& scores() {
    static Tensor<float, 2> kept;
    return kept;
  }
};

}  // namespace

TEST_CASE("a model derived from a transformer, with a next_token of its own, generates its own text") {
  const Stubborn model({.vocabulary = 11, .context = 9, .width = 8, .layers = 1, .heads = 2}, Random(1));
  static_assert(!Decodable<Stubborn, float> && Decodable<TransformerLM<float>, float>);
  const std::vector<Token> prompt{1, 2};
  for (const bool cache : {true, false}) {
    CHECK(generate<float>(model, prompt, 4, {.cache = cache}, Random(1)) == std::vector<Token>(4, 7));
  }
}

TEST_CASE("a token outside the vocabulary is found where no window will show it") {
  const auto model = make<float>(all_kinds()[0]);  // a context of 9 and a vocabulary of 11
  std::vector<Token> prompt = random_text(30, 11);
  prompt[2] = 11;
  for (const bool cache : {true, false}) {
    CHECK_THROWS_WITH_AS(generated(model, prompt, 3, {}, cache),
                         "generate: token 11 at index 2 is outside the vocabulary 0 … 10", RangeError);
  }
}

namespace {

/// Gives the logits of a larger vocabulary than its config says.
struct Boastful : LinearLM<float> {
  Boastful() : LinearLM<float>({.vocabulary = 7, .context = 5, .width = 6}, Random(seed)) {
    config.vocabulary = 5;
  }
};

}  // namespace

TEST_CASE("logits for more tokens than there are, are an error rather than tokens that there are not") {
  CHECK_THROWS_WITH_AS(
      generate<float>(Boastful(), std::vector<Token>{1, 2}, 4, {}, Random(1)),
      "generate: expected next_token to give logits of shape (1, 5), one for each token of the "
      "vocabulary, got 7 numbers",
      ShapeError);
}
