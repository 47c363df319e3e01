// What makes no model, and what no model takes: one clear error each.
#include <limits>

#include "nn/module_test_support.hpp"
#include "slm/autograd/ops/softmax.hpp"
#include "slm/models/linear_lm.hpp"
#include "slm/models/mlp_lm.hpp"
#include "slm/models/transformer_lm.hpp"

using namespace module_test;

namespace {

constexpr TransformerConfig good = {.vocabulary = 11, .context = 6, .width = 8, .layers = 1, .heads = 2};

/// `good` with one field set to `value`.
template <class T>
TransformerConfig with(T TransformerConfig::*field, T value) {
  TransformerConfig config = good;
  config.*field = value;
  return config;
}

void make(const TransformerConfig& config) { TransformerLM<float>(config, Random(seed)); }

/// Runs a model on `tokens`, both ways where it has two.
template <class Model>
void run(const Model& model, const Tokens<2>& tokens, Mode mode = Mode::train) {
  Tape<float> tape(mode);
  model.next_token(tape, tokens);
  tape.reset();
  if constexpr (requires { model(tape, tokens); }) model(tape, tokens);
}

/// Two windows of `length` tokens, all zero but the one at `index`.
Tokens<2> windows(Index length, Index index = 0, Token token = 0) {
  Tokens<2> tokens({2, length});
  if (tokens.size() > 0) tokens.data()[index] = token;
  return tokens;
}

const LinearLM<float>& linear_lm() {
  static const LinearLM<float> model({.vocabulary = 11, .context = 6, .width = 8}, Random(seed));
  return model;
}
const MlpLM<float>& mlp_lm() {
  static const MlpLM<float> model({.vocabulary = 11, .context = 6, .width = 8, .hidden = 5}, Random(seed));
  return model;
}
const TransformerLM<float>& transformer_lm() {
  static const TransformerLM<float> model(good, Random(seed));
  return model;
}

}  // namespace

TEST_CASE("bad config: sizes that are not positive") {
  CHECK_THROWS_WITH_AS(LinearLM<float>({.vocabulary = 0, .context = 6, .width = 8}, Random(seed)),
                       "LinearLM: vocabulary 0, context 6 and width 8 must be positive", ConfigError);
  CHECK_THROWS_WITH_AS(LinearLM<float>({.vocabulary = 11, .context = 0, .width = 8}, Random(seed)),
                       "LinearLM: vocabulary 11, context 0 and width 8 must be positive", ConfigError);
  CHECK_THROWS_WITH_AS(LinearLM<float>({.vocabulary = 11, .context = 6, .width = -8}, Random(seed)),
                       "LinearLM: vocabulary 11, context 6 and width -8 must be positive", ConfigError);
  CHECK_THROWS_WITH_AS(MlpLM<float>({.vocabulary = 11, .context = 6, .width = 8, .hidden = 0}, Random(seed)),
                       "MlpLM: vocabulary 11, context 6, width 8 and hidden width 0 must be positive",
                       ConfigError);
  const char* message =
      "TransformerLM: vocabulary 11, context 6, width 8, layers 0, heads 2 and feed-forward width 32 must be "
      "positive";
  CHECK_THROWS_WITH_AS(make(with<Index>(&TransformerConfig::layers, 0)), message, ConfigError);
  for (Index TransformerConfig::*field :
       {&TransformerConfig::vocabulary, &TransformerConfig::context, &TransformerConfig::width,
        &TransformerConfig::layers, &TransformerConfig::heads}) {
    for (const Index size : {0, -2}) {
      CHECK_THROWS_WITH_AS(make(with<Index>(field, size)), doctest::Contains("must be positive"), ConfigError);
    }
  }
  CHECK_THROWS_WITH_AS(make(with<Index>(&TransformerConfig::feed_forward, -2)),
                       doctest::Contains("feed-forward width -2 must be positive"), ConfigError);
  CHECK_NOTHROW(make(with<Index>(&TransformerConfig::feed_forward, 0)));  // four times the width
}

TEST_CASE("bad config: heads that do not divide the width, and an odd rotary head") {
  CHECK_THROWS_WITH_AS(make(with<Index>(&TransformerConfig::heads, 3)),
                       "TransformerLM: 3 heads do not divide the width 8", ConfigError);
  TransformerConfig odd = with<Index>(&TransformerConfig::width, 6);
  CHECK_NOTHROW(make(odd));
  odd.position = Position::rotary;
  CHECK_THROWS_WITH_AS(make(odd), "TransformerLM: rotary positions need an even head width, got 3",
                       ConfigError);
}

TEST_CASE("bad config: heads of keys and values, and of another width") {
  CHECK_THROWS_WITH_AS(make(with<Index>(&TransformerConfig::key_value_heads, 3)),
                       "TransformerLM: 3 key/value heads do not divide 2 heads", ConfigError);
  for (const Index count : {1, 2, 0})
    CHECK_NOTHROW(make(with<Index>(&TransformerConfig::key_value_heads, count)));
  CHECK_THROWS_WITH_AS(make(with<Index>(&TransformerConfig::key_value_heads, -1)),
                       "TransformerLM: head width 0 and key/value heads -1 must not be negative", ConfigError);
  CHECK_THROWS_WITH_AS(make(with<Index>(&TransformerConfig::head_width, -4)),
                       "TransformerLM: head width -4 and key/value heads 0 must not be negative", ConfigError);
  TransformerConfig wide = with<Index>(&TransformerConfig::head_width, 5);
  wide.heads = 3;  // which do not divide the width
  CHECK_NOTHROW(make(wide));
  wide.position = Position::rotary;
  CHECK_THROWS_WITH_AS(make(wide), "TransformerLM: rotary positions need an even head width, got 5",
                       ConfigError);
}

TEST_CASE("bad config: numbers that are not positive or not finite, and two ways to start") {
  const double nan = std::numeric_limits<double>::quiet_NaN(), inf = std::numeric_limits<double>::infinity();
  for (const double x : {0.0, -1.0, nan, inf}) {
    CAPTURE(x);
    CHECK_THROWS_WITH_AS(make(with(&TransformerConfig::rotary_base, x)),
                         doctest::Contains("TransformerLM: the rotary base must be positive, got "),
                         ConfigError);
    CHECK_THROWS_WITH_AS(make(with(&TransformerConfig::norm_epsilon, x)),
                         doctest::Contains("TransformerLM: the norm epsilon must be positive, got "),
                         ConfigError);
    if (x == 0) continue;
    CHECK_THROWS_WITH_AS(make(with(&TransformerConfig::initial_deviation, x)),
                         doctest::Contains("TransformerLM: the initial deviation must not be negative, got "),
                         ConfigError);
  }
  CHECK_THROWS_WITH_AS(make(with(&TransformerConfig::rotary_base, 500.0)),
                       "TransformerLM: a rotary base, got 500, needs a position that turns", ConfigError);
  TransformerConfig turned = with(&TransformerConfig::rotary_base, 500.0);
  turned.position = Position::rotary;
  CHECK_NOTHROW(make(turned));
  TransformerConfig both = with(&TransformerConfig::initial_deviation, 0.02);
  CHECK_NOTHROW(make(both));
  both.attention_init = AttentionInit::xavier;
  CHECK_THROWS_WITH_AS(make(both), doctest::Contains("an attention init other than linear"), ConfigError);
}

TEST_CASE("bad config: dropout probabilities outside [0, 1)") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  for (const double p : {-0.1, 1.0, 1.5, nan}) {
    CAPTURE(p);
    for (double TransformerConfig::*place :
         {&TransformerConfig::attention_dropout, &TransformerConfig::feed_forward_dropout,
          &TransformerConfig::residual_dropout}) {
      const auto attempt = [&] { run(TransformerLM<float>(with(place, p), Random(seed)), windows(6)); };
      CHECK_THROWS_AS(attempt(), ConfigError);
    }
    const auto attempt = [&] {
      run(MlpLM<float>({.vocabulary = 11, .context = 6, .width = 8, .dropout = p}, Random(seed)), windows(6));
    };
    CHECK_THROWS_AS(attempt(), ConfigError);
  }
}

TEST_CASE("bad input: a window that is not of the length a model takes") {
  CHECK_THROWS_WITH_AS(run(transformer_lm(), windows(7)),
                       "TransformerLM: tokens have shape (2, 7), but a window holds 1 to 6 tokens", ShapeError);
  CHECK_THROWS_WITH_AS(run(transformer_lm(), windows(0)),
                       "TransformerLM: tokens have shape (2, 0), but a window holds 1 to 6 tokens", ShapeError);
  Tape<float> tape;
  CHECK_THROWS_WITH_AS(transformer_lm()(tape, windows(7)),
                       "TransformerLM: tokens have shape (2, 7), but a window holds 1 to 6 tokens", ShapeError);
  // The other two take windows of exactly the context.
  for (const Index length : {0, 5, 7}) {
    CAPTURE(length);
    const std::string expected = ": tokens have shape (2, " + std::to_string(length) +
                                 "), but a window has 6 tokens, the model's context";
    CHECK_THROWS_WITH_AS(run(linear_lm(), windows(length)), ("LinearLM" + expected).c_str(), ShapeError);
    CHECK_THROWS_WITH_AS(run(mlp_lm(), windows(length)), ("MlpLM" + expected).c_str(), ShapeError);
  }
}

TEST_CASE("bad input: a token or a target outside the vocabulary") {
  const auto message = [](const char* operation, Token token, Index index) {
    return std::string(operation) + ": token " + std::to_string(token) + " at index " + std::to_string(index) +
           " is outside the vocabulary 0 … 10";
  };
  for (const Token token : {-1, 11, std::numeric_limits<Token>::max(), std::numeric_limits<Token>::min()}) {
    for (const Index index : {0, 9, 11}) {
      const std::string expected = message("embedding", token, index);
      const Tokens<2> tokens = windows(6, index, token);
      for (const Mode mode : {Mode::train, Mode::evaluate}) {
        CHECK_THROWS_WITH_AS(run(linear_lm(), tokens, mode), expected.c_str(), RangeError);
        CHECK_THROWS_WITH_AS(run(mlp_lm(), tokens, mode), expected.c_str(), RangeError);
        CHECK_THROWS_WITH_AS(run(transformer_lm(), tokens, mode), expected.c_str(), RangeError);
      }
      Tape<float> tape;
      CHECK_THROWS_WITH_AS(transformer_lm()(tape, tokens), expected.c_str(), RangeError);
    }
    Tokens<1> targets({2});
    targets(1) = token;
    Tape<float> tape;
    const auto logits = transformer_lm().next_token(tape, windows(6));
    CHECK_THROWS_WITH_AS(cross_entropy(logits, targets), message("cross_entropy", token, 1).c_str(),
                         RangeError);
  }
  CHECK_NOTHROW(run(transformer_lm(), windows(6, 3, 10)));
}

TEST_CASE("bad input: a model can be used after an error") {
  Tape<float> tape;
  CHECK_THROWS_AS(transformer_lm().next_token(tape, windows(6, 3, 11)), RangeError);
  tape.reset();
  const std::vector<double> after = as_doubles(transformer_lm().next_token(tape, windows(6)));
  Tape<float> fresh;
  CHECK(after == as_doubles(transformer_lm().next_token(fresh, windows(6))));
}
