// Texts that are generated or read together, against each alone.
#include "slm/generate/generate_texts.hpp"

#include <limits>

#include "generate/generate_test_support.hpp"
#include "slm/models/linear_lm.hpp"
#include "slm/models/recurrent_lm.hpp"

using namespace generate_test;

namespace {

constexpr Index texts = 3;

/// Holds that texts generated together are those that `generate` gives for each.
template <class Model>
void check_texts(const Model& model, Index prompt, Index count, const SampleConfig& config) {
  CAPTURE(prompt);
  CAPTURE(count);
  const auto prompts = random_tokens<2>({texts, prompt}, model.config.vocabulary);
  const Random random(seed, "sampling");
  const auto together = generate_texts(model, prompts, count, config, Random(random));
  REQUIRE(together.size() == static_cast<std::size_t>(texts));
  for (Index b = 0; b < texts; ++b) {
    const std::span<const Token> alone(prompts.data() + b * prompt, static_cast<std::size_t>(prompt));
    CHECK(together[static_cast<std::size_t>(b)] ==
          generate(model, alone, count, config, random.child(static_cast<std::uint64_t>(b))));
  }
  CHECK(together[0] != together[1]);
}

}  // namespace

TEST_CASE("texts generated together are those that are generated alone") {
  for (const TransformerConfig& config : all_kinds()) {
    CAPTURE(describe(config));
    const auto model = make<float>(config);
    for (const bool cache : {true, false}) {
      for (const auto& [prompt, count] : {std::pair<Index, Index>{1, 8}, {4, 20}, {9, 5}, {12, 4}}) {
        check_texts(model, prompt, count, {.temperature = 0.8, .cache = cache});
        check_texts(model, prompt, count, {.cache = cache, .weights = WeightFormat::int8});
      }
    }
  }
  GruLM<float> recurrent({.vocabulary = 11, .context = 5, .width = 12, .layers = 2}, Random(seed));
  randomise(recurrent);
  check_texts(recurrent, 4, 20, {});
  const LinearLM<float> linear({.vocabulary = 11, .context = 5, .width = 12}, Random(seed));
  check_texts(linear, 4, 20, {});
}

TEST_CASE("texts read together, piece by piece, have the logits of each alone") {
  for (const WeightFormat format : {WeightFormat::full, WeightFormat::int8}) {
    const auto model = make<float>({.vocabulary = 37,
                                    .context = 150,
                                    .width = 96,
                                    .layers = 2,
                                    .heads = 3,
                                    .feed_forward = 290,
                                    .position = Position::rotary});
    Decoder together(model, {.weights = format, .texts = texts});
    std::vector<std::unique_ptr<Decoder<TransformerLM<float>, float>>> alone;
    for (Index b = 0; b < texts; ++b) {
      alone.push_back(std::make_unique<Decoder<TransformerLM<float>, float>>(model, DecoderConfig{format}));
    }
    for (const Index T : {40, 1, 1, 7, 101}) {
      const auto tokens = random_tokens<2>({texts, T}, 37);
      const auto logits = together.read_texts(tokens);
      REQUIRE(logits.size() == static_cast<std::size_t>(texts * 37));
      for (std::size_t b = 0; b < alone.size(); ++b) {
        const auto one =
            alone[b]->read({tokens.data() + static_cast<Index>(b) * T, static_cast<std::size_t>(T)});
        const std::vector<double> expected(one.begin(), one.end());
        const auto actual = logits.subspan(b * 37, 37);
        if (gemm_backend<float>() == GemmBackend::slm) {
          CHECK(same_bits(std::vector<double>(actual.begin(), actual.end()), expected));
        } else {
          CHECK(relative_error(std::vector<double>(actual.begin(), actual.end()), expected) <=
                1e3 * std::numeric_limits<float>::epsilon());
        }
      }
    }
    CHECK(together.length() == 150);
  }
}

TEST_CASE("texts that cannot be read or continued together are refused") {
  const auto model = make<float>(all_kinds()[0]);
  Decoder decoder(model, {.texts = 2});
  const Token tokens[] = {1, 2};
  CHECK_THROWS_WITH_AS(decoder.read(tokens), "Decoder: tokens have shape (2), but 2 texts need (2, T)",
                       ShapeError);
  CHECK_THROWS_WITH_AS(decoder.read_texts(random_tokens<2>({3, 1}, 11)),
                       "Decoder: tokens have shape (3, 1), but 2 texts need (2, T)", ShapeError);
  CHECK(decoder.length() == 0);
  CHECK_THROWS_WITH_AS(Decoder(model, {.texts = 0}), "Decoder: the number of texts must be positive, got 0",
                       ConfigError);
  SampleConfig config;
  const auto prompts = random_tokens<2>({2, 1}, 11);
  CHECK_THROWS_WITH_AS(generate_texts(model, prompts, -1, config, Random(1)),
                       "generate_texts: the number of tokens must not be negative, got -1", ConfigError);
  config.on_token = [](Token) { return true; };
  CHECK_THROWS_WITH_AS(generate_texts(model, prompts, 2, config, Random(1)),
                       "generate_texts: on_token is for one text, see generate", ConfigError);
  CHECK(generate_texts(model, Tokens<2>({0, 3}), 2, {}, Random(1)).empty());
}
