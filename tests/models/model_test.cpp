// The models in double: names, gradients, and different ways to compute the same.
#include <array>

#include "nn/module_test_support.hpp"
#include "slm/autograd/ops/softmax.hpp"
#include "slm/models/linear_lm.hpp"
#include "slm/models/mlp_lm.hpp"
#include "transformer_kinds.hpp"

using namespace module_test;
using Names = std::vector<std::string>;

namespace {

constexpr Index V = 7, T = 8, C = 8;
constexpr double bound = 1e-12;

TransformerConfig small(Index layers, NormPlacement norm = {}, Position position = {},
                        Activation activation = {}) {
  return {.vocabulary = V,
          .context = T,
          .width = C,
          .layers = layers,
          .heads = 2,
          .feed_forward = 12,
          .position = position,
          .norm = norm,
          .activation = activation};
}

template <class Model>
Model make(const decltype(Model::config)& config) {
  Model model(config, Random(seed));
  randomise(model);
  return model;
}

/// What a training step sees: logits (B, V) after the window, every gradient, and whether the model ran by
/// groups of sequences.
struct Step {
  std::vector<double> logits;
  Named gradients;
  bool by_sequences;
};

enum class Way { shortcut, all_positions };

Step step_of(const TransformerLM<double>& model, const Tokens<2>& tokens, Way way) {
  const Tokens<1> targets = random_tokens<1>({tokens.extent(0)}, V, "targets");
  Tape<double> tape;
  const auto logits =
      way == Way::shortcut ? model.next_token(tape, tokens) : last_position(model(tape, tokens));
  clear_gradients(model);
  tape.backward(cross_entropy(logits, targets));
  return {as_doubles(logits), gradients_of(model), tape.groups().size() > 0};
}

void check_same(const Step& actual, const Step& expected) {
  CHECK(relative_error(actual.logits, expected.logits) <= bound);
  REQUIRE(actual.gradients.size() == expected.gradients.size());
  for (std::size_t i = 0; i < actual.gradients.size(); ++i) {
    CAPTURE(actual.gradients[i].first);
    CHECK(relative_error(actual.gradients[i].second, expected.gradients[i].second) <= bound);
  }
}

}  // namespace

TEST_CASE("transformer: the last-position shortcut is the last position of the full computation") {
  const slm_test::Threads one(1);
  // Batch 1 runs operation by operation, batch 19 by sequences: seven chunks, the last of one sequence.
  for (const Index layers : {1, 2}) {
    for (const TransformerConfig& config : slm_test::transformer_kinds(small(layers))) {
      CAPTURE(slm_test::describe(config));
      const auto model = make<TransformerLM<double>>(config);
      for (const Shape<2>& window : {Shape<2>{1, 4}, Shape<2>{19, T}}) {
        CAPTURE(window[0]);
        const Tokens<2> tokens = random_tokens<2>(window, V);
        const Step shortcut = step_of(model, tokens, Way::shortcut);
        const Step full = step_of(model, tokens, Way::all_positions);
        CHECK(shortcut.by_sequences == (window[0] > 1));
        CHECK(full.by_sequences == (window[0] > 1));
        check_same(shortcut, full);
      }
    }
  }
}

TEST_CASE("transformer: windows of one token and of every length up to the context") {
  const slm_test::Threads one(1);
  for (const auto position : {Position::learned, Position::rotary}) {
    const auto model = make<TransformerLM<double>>(small(2, NormPlacement::pre, position, Activation::gelu));
    for (Index length = 1; length <= T; ++length) {
      CAPTURE(length);
      const Tokens<2> tokens = random_tokens<2>({3, length}, V);
      check_same(step_of(model, tokens, Way::shortcut), step_of(model, tokens, Way::all_positions));
    }
  }
}

TEST_CASE("transformer: a batch is its sequences one by one, whichever way it runs") {
  const slm_test::Threads one(1);
  const Index B = 549;
  const SequenceGroups cut(B, T);
  REQUIRE(cut.chunks > cut.groups);                           // a group of two chunks adds up both
  REQUIRE(cut.chunk_length(cut.chunks - 1) < cut.per_chunk);  // the last one is not full
  const Tokens<2> tokens = random_tokens<2>({B, T}, V);
  const Tokens<1> targets = random_tokens<1>({B}, V, "targets");
  for (const auto norm : {NormPlacement::post, NormPlacement::pre}) {
    const auto model = make<TransformerLM<double>>(small(2, norm, Position::learned, Activation::relu));
    for (const Way way : {Way::shortcut, Way::all_positions}) {
      const Step batch = step_of(model, tokens, way);
      CHECK(batch.by_sequences);
      Step alone{{}, {}, false};
      clear_gradients(model);
      Tape<double> tape;
      for (Index b = 0; b < B; ++b) {
        Tokens<2> window({1, T});
        Tokens<1> target({1});
        std::copy_n(tokens.data() + b * T, T, window.data());
        target(0) = targets(b);
        tape.reset();
        const auto logits =
            way == Way::shortcut ? model.next_token(tape, window) : last_position(model(tape, window));
        alone.logits.insert(alone.logits.end(), logits.value(), logits.value() + V);
        tape.backward(scale(cross_entropy(logits, target), 1.0 / static_cast<double>(B)));
      }
      CHECK(tape.groups().size() == 0);
      alone.gradients = gradients_of(model);
      check_same(batch, alone);
    }
  }
}

TEST_CASE("models: gradients are those of central differences, with dropout") {
  const Tokens<1> targets = random_tokens<1>({2}, V, "targets");
  const auto check = [&](auto model, Index length, bool by_sequences) {
    const Tokens<2> tokens = random_tokens<2>({2, length}, V);
    bool nested = false;
    check_gradients(model, [&](Tape<double>& tape) {
      const auto loss = cross_entropy(model.next_token(tape, tokens), targets);
      nested = tape.groups().size() > 0;
      return loss;
    });
    CHECK(nested == by_sequences);
  };
  check(make<LinearLM<double>>({.vocabulary = V, .context = 3, .width = 4}), 3, false);
  check(make<MlpLM<double>>({.vocabulary = V, .context = 3, .width = 4, .hidden = 5, .dropout = 0.3}), 3,
        false);
  for (const Index layers : {1, 3}) {  // three layers are too many parameters for two short sequences
    for (const auto norm : {NormPlacement::post, NormPlacement::pre}) {
      TransformerConfig config = small(layers, norm, Position::rotary, Activation::swiglu);
      if (norm == NormPlacement::post)
        config.position = Position::learned, config.activation = Activation::relu;
      config.width = 4;
      config.feed_forward = 5;
      config.attention_dropout = config.feed_forward_dropout = config.residual_dropout = 0.3;
      CAPTURE(slm_test::describe(config));
      check(make<TransformerLM<double>>(config), 3, layers == 1);
    }
  }
}

TEST_CASE("transformer: gradients of the loss of every position") {
  const Tokens<2> tokens = random_tokens<2>({2, 4}, V), targets = random_tokens<2>({2, 4}, V, "targets");
  TransformerConfig config = small(2, NormPlacement::pre, Position::learned, Activation::gelu);
  config.width = 4;
  config.attention_dropout = config.feed_forward_dropout = config.residual_dropout = 0.3;
  auto model = make<TransformerLM<double>>(config);
  check_gradients(model, [&](Tape<double>& tape) { return cross_entropy(model(tape, tokens), targets); });
}

TEST_CASE("models: parameter names") {
  CHECK(names_of(make<LinearLM<double>>({.vocabulary = V, .context = T, .width = C})) ==
        Names{"embedding.weight", "head.weight", "head.bias"});
  CHECK(names_of(make<MlpLM<double>>({.vocabulary = V, .context = T, .width = C})) ==
        Names{"embedding.weight", "hidden.0.weight", "hidden.0.bias", "hidden.1.weight", "hidden.1.bias",
              "head.weight", "head.bias"});

  const std::array in_block = {"norm1.weight",
                               "norm1.bias",
                               "attention.qkv.weight",
                               "attention.qkv.bias",
                               "attention.query_norm.weight",
                               "attention.key_norm.weight",
                               "attention.proj.weight",
                               "attention.proj.bias",
                               "norm2.weight",
                               "norm2.bias",
                               "feed_forward.up.weight",
                               "feed_forward.up.bias",
                               "feed_forward.gate.weight",
                               "feed_forward.gate.bias",
                               "feed_forward.down.weight",
                               "feed_forward.down.bias"};
  for (const TransformerConfig& config : slm_test::transformer_kinds(small(2))) {
    const auto exists = [&](const std::string& name) {
      const auto has = [&](const char* part) { return name.find(part) != std::string::npos; };
      if (has("gate") && config.activation != Activation::swiglu) return false;
      if ((has("query_norm") || has("key_norm")) && !config.query_key_norm) return false;
      if (name == "head.weight" && config.tied) return false;
      if (has("norm") && has("bias") && config.normalization == Normalization::rms) return false;
      return !has("bias") || config.biases;
    };
    Names names{"embedding.weight"};
    if (config.position == Position::learned) names.push_back("positions.weight");
    for (const std::string block : {"blocks.0.", "blocks.1."}) {
      for (const std::string name : in_block) {
        if (exists(name)) names.push_back(block + name);
      }
    }
    for (const std::string name : {"norm.weight", "norm.bias", "head.weight", "head.bias"}) {
      if (exists(name)) names.push_back(name);
    }
    CAPTURE(slm_test::describe(config));
    CHECK(names_of(make<TransformerLM<double>>(config)) == names);
  }
}

namespace {

/// What using a model says after it was moved from.
template <class Model, class Config>
std::string message_of_moved(const Config& config) {
  Model model(config, Random(1));
  const Model taken = std::move(model);
  Tape<double> tape;
  const Tokens<2> tokens({1, config.context});
  CHECK_NOTHROW(taken.next_token(tape, tokens));
  tape.reset();
  try {
    model.next_token(tape, tokens);
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

}  // namespace

TEST_CASE("models: one that was moved from names itself") {
  CHECK(message_of_moved<LinearLM<double>>(LinearConfig{.vocabulary = 5, .context = 3}) ==
        "LinearLM: the model was moved from");
  CHECK(message_of_moved<MlpLM<double>>(MlpConfig{.vocabulary = 5, .context = 3}) ==
        "MlpLM: the model was moved from");
  CHECK(message_of_moved<TransformerLM<double>>(
            TransformerConfig{.vocabulary = 5, .context = 3, .width = 8, .layers = 2, .heads = 2}) ==
        "TransformerLM: the model was moved from");
}
