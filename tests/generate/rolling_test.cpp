// Decoders that go on without the oldest tokens where a text outgrows the context.
#include <doctest/doctest.h>

#include <algorithm>
#include <numeric>
#include <vector>

#include "allocation_count.hpp"
#include "nn/module_test_support.hpp"
#include "slm/generate/generate_texts.hpp"
#include "slm/models/mlp_lm.hpp"
#include "slm/models/recurrent_lm.hpp"
#include "slm/models/transformer_lm.hpp"
#include "threads.hpp"

using namespace slm;

namespace {

constexpr Index V = 11, context = 16;

TransformerConfig config_of(Position position, Index layers = 1) {
  return {.vocabulary = V,
          .context = context,
          .width = 24,
          .layers = layers,
          .heads = 4,
          .position = position,
          .key_value_heads = 2,
          .query_key_norm = position == Position::rotary};
}

std::vector<Token> random_text(Index count) {
  std::vector<Token> text(static_cast<std::size_t>(count));
  Random random(3, "text");
  for (Token& token : text) token = static_cast<Token>(random.below(V));
  return text;
}

std::vector<double> as_doubles(std::span<const float> x) { return {x.begin(), x.end()}; }

/// With the same bits, or, where a library multiplies, nearly so: it may sum otherwise in products of other
/// sizes.
bool are_same(const std::vector<double>& a, const std::vector<double>& b) {
  return gemm_backend<float>() == GemmBackend::slm ? a == b : relative_error(a, b) <= 1e-5;
}

/// The logits of a decoder that has read only these tokens.
std::vector<double> logits_of(const TransformerLM<float>& model, std::span<const Token> text) {
  Decoder decoder(model);
  return as_doubles(decoder.read(text));
}

}  // namespace

TEST_CASE("in one block, whose keys have seen nothing, the logits are those of the tokens that are kept") {
  for (const Position position : {Position::rotary, Position::none}) {
    CAPTURE(static_cast<int>(position));
    const TransformerLM<float> model(config_of(position), Random(1));
    const auto text = random_text(100);
    Decoder decoder(model, {.rolls = true});
    Index kept = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
      const auto logits = as_doubles(decoder.read({&text[i], 1}));
      kept = kept == context ? context - context / 8 + 1 : kept + 1;
      CHECK(decoder.length() == kept);
      const auto expected = logits_of(model, std::span(text).subspan(i + 1 - static_cast<std::size_t>(kept),
                                                                     static_cast<std::size_t>(kept)));
      CHECK(relative_error(logits, expected) <= 2e-6);
      if (position == Position::none || static_cast<Index>(i) < context) CHECK(are_same(logits, expected));
    }
  }
}

TEST_CASE(
    "several blocks have seen what is forgotten, and say something else than a window of the last tokens") {
  const TransformerLM<float> model(config_of(Position::rotary, 3), Random(1));
  const auto text = random_text(40);
  Decoder decoder(model, {.rolls = true});
  decoder.read(std::span(text).first(16));
  const auto logits = as_doubles(decoder.read(std::span(text).subspan(16, 1)));
  const auto window = logits_of(model, std::span(text).subspan(2, 15));
  CHECK(logits != window);
  CHECK(relative_error(logits, window) <= 0.5);
}

TEST_CASE("several tokens at once make as much room as they need") {
  const TransformerLM<float> model(config_of(Position::rotary), Random(1));
  const auto text = random_text(40);
  Decoder decoder(model, {.rolls = true});
  decoder.read(std::span(text).first(14));
  const auto logits = as_doubles(decoder.read(std::span(text).subspan(14, 9)));
  CHECK(decoder.length() == context);
  CHECK(relative_error(logits, logits_of(model, std::span(text).subspan(7, 16))) <= 2e-6);
  decoder.read(std::span(text).first(context));
  CHECK(decoder.length() == context);
  CHECK(relative_error(as_doubles(decoder.read(std::span(text).first(context))),
                       logits_of(model, std::span(text).first(context))) <= 2e-6);
  CHECK_THROWS_WITH_AS(decoder.read(std::span(text).first(17)),
                       "Decoder: with a context of 16 tokens at most so many are read at once, got 17",
                       ShapeError);
  CHECK(decoder.length() == context);
}

TEST_CASE(
    "texts that are read together forget as each alone does, on any number of threads, and allocate nothing") {
  const TransformerLM<float> model(config_of(Position::rotary, 2), Random(1));
  const auto text = random_text(120);
  for (const int count : {1, 2}) {
    const slm_test::Threads scope(count);
    Decoder together(model, {.texts = 2, .rolls = true}), first(model, {.rolls = true}),
        second(model, {.rolls = true});
    Tokens<2> next({2, 1});
    long allocated = 0;
    for (std::size_t i = 0; i < 60; ++i) {
      next(0, 0) = text[i], next(1, 0) = text[60 + i];
      const long before = test::allocation_count();
      const auto logits_of_both = together.read_texts(next);
      if (i > 1) allocated += test::allocation_count() - before;
      const auto logits = as_doubles(logits_of_both);
      const auto of_first = as_doubles(first.read({&text[i], 1}));
      const auto of_second = as_doubles(second.read({&text[60 + i], 1}));
      CHECK(are_same(of_first, {logits.begin(), logits.begin() + V}));
      CHECK(are_same(of_second, {logits.begin() + V, logits.end()}));
    }
    CHECK(allocated == 0);
  }
}

TEST_CASE("a generated text goes on with the decoder's logits, from a prompt of any length") {
  const TransformerLM<float> model(config_of(Position::rotary, 2), Random(1));
  const SampleConfig config{.temperature = 0, .rolls = true};
  for (const Index length : {1, 5, 16, 17, 40}) {
    CAPTURE(length);
    const auto prompt = random_text(length);
    const auto added = generate(model, prompt, 50, config, Random(2));
    REQUIRE(added.size() == 50);
    Decoder decoder(model, {.rolls = true});
    const std::size_t seen = std::min<std::size_t>(prompt.size(), context);
    auto logits = decoder.read(std::span(prompt).last(seen));
    for (const Token token : added) {
      CHECK(token == static_cast<Token>(std::max_element(logits.begin(), logits.end()) - logits.begin()));
      logits = decoder.read({&token, 1});
    }
    Tokens<2> prompts({2, length});
    for (Index i = 0; i < length; ++i) prompts(0, i) = prompts(1, i) = prompt[static_cast<std::size_t>(i)];
    CHECK(generate_texts(model, prompts, 50, config, Random(2)) == std::vector{added, added});
  }
}

TEST_CASE("positions that were added to embeddings cannot be forgotten, and a model of any length need not") {
  const TransformerLM<float> learned(config_of(Position::learned), Random(1));
  const std::string needs =
      ": `rolls` needs a model that can forget its oldest tokens: a transformer whose position is rotary or "
      "none, or a recurrent model";
  CHECK_THROWS_WITH_AS(Decoder(learned, {.rolls = true}), ("Decoder" + needs).c_str(), ConfigError);
  const auto prompt = random_text(3);
  for (const Index count : {0, 1, 5}) {
    CHECK_THROWS_WITH_AS(generate(learned, prompt, count, {.rolls = true}, Random(1)),
                         ("generate" + needs).c_str(), ConfigError);
    CHECK_THROWS_WITH_AS(generate_texts(learned, Tokens<2>({2, 3}), count, {.rolls = true}, Random(1)),
                         ("generate_texts" + needs).c_str(), ConfigError);
  }
  const TransformerLM<float> turning(config_of(Position::rotary), Random(1));
  CHECK_THROWS_WITH_AS(generate(turning, prompt, 5, {.cache = false, .rolls = true}, Random(1)),
                       "generate: `rolls` goes on with what is kept, but `cache` is off", ConfigError);
  const MlpLM<float> mlp({.vocabulary = V, .context = 8, .width = 4, .hidden = 6}, Random(1));
  CHECK_THROWS_WITH_AS(generate(mlp, prompt, 5, {.rolls = true}, Random(1)),
                       "generate: `rolls` needs a model that is read token by token, see Decodable",
                       ConfigError);
  auto state = learned.make_state();
  CHECK_THROWS_WITH_AS(state.drop_oldest(0), "KeyValueCache: positions that are learned cannot be dropped",
                       ConfigError);
  auto rolling = TransformerLM<float>(config_of(Position::rotary), Random(1)).make_state();
  CHECK_THROWS_WITH_AS(rolling.drop_oldest(1), "KeyValueCache: cannot drop 1 of 0 positions", ConfigError);
  const GruLM<float> gru({.vocabulary = V, .context = 8, .width = 6}, Random(1));
  CHECK(generate(gru, prompt, 40, {.rolls = true}, Random(1)) == generate(gru, prompt, 40, {}, Random(1)));
}
