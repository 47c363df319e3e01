// The analytic count of a step against what a tape records while the step runs.
#include "slm/flops/model_cost.hpp"

#include <doctest/doctest.h>

#include <map>

#include "../examples/studies/conventions.hpp"
#include "../examples/studies/protocol.hpp"
#include "flops/flops_test_support.hpp"
#include "slm/train/loss.hpp"
#include "transformer_kinds.hpp"

using namespace slm;
using flops::Readout;
using flops::StepSetting;

namespace {

LinearLM<float> build(const LinearConfig& config) { return {config, Random(1)}; }
MlpLM<float> build(const MlpConfig& config) { return {config, Random(1)}; }
TransformerLM<float> build(const TransformerConfig& config) { return {config, Random(1)}; }

/// The tape of one step.
template <class Model>
void run_step(const Model& model, const StepSetting& setting, Tape<float>& tape) {
  const Index B = setting.batch, T = setting.window == 0 ? model.config.context : setting.window;
  Tokens<2> tokens({B, T});
  for (Index i = 0; i < tokens.size(); ++i)
    tokens.data()[i] = static_cast<Token>(i * i % model.config.vocabulary);
  tape.reset(Random(2));
  const auto part = tape.enter(model);
  const auto loss = [&] {
    if constexpr (requires { model(tape, tokens); }) {
      if (setting.readout == Readout::every_position) {
        return mean_cross_entropy(model, tape, tokens, Tokens<2>({B, T}));
      }
      if (setting.readout == Readout::last_of_all) {
        return mean_cross_entropy(flops::detail::last_of_all(model, tape, tokens), Tokens<1>({B}));
      }
    }
    return mean_cross_entropy(model, tape, tokens, Tokens<1>({B}));
  }();
  if (tape.training()) tape.backward(loss);
}

template <class Model>
void check_step(const Model& model, const StepSetting& setting) {
  INFO("batch " << setting.batch << ", window " << setting.window << ", training "
                << (setting.mode == Mode::train) << ", readout " << static_cast<int>(setting.readout));
  const auto analytic = flops::model_cost(model.config, setting);
  Tape<float> tape(setting.mode);
  run_step(model, setting, tape);
  test::check_equal(analytic.total(), tape.costs());
  CHECK(analytic.parameters() == parameter_count(model));

  const auto recorded = tape.costs_by_part();
  std::size_t priced = 0;
  for (const PartCost& part : analytic.parts) priced += part.calls > 0;
  CHECK(priced == recorded.size());
  for (std::size_t i = 0; i < std::min(priced, recorded.size()); ++i) {
    INFO(recorded[i].path << " " << std::string(recorded[i].operation));
    CHECK(analytic.parts[i].path == recorded[i].path);
    CHECK(analytic.parts[i].operation == recorded[i].operation);
    CHECK(analytic.parts[i].calls == recorded[i].calls);
    CHECK(analytic.parts[i].cost == recorded[i].cost);
  }
}

template <class Model>
void check_modes(const Model& model, Index batch) {
  constexpr bool transformer = std::is_same_v<Model, TransformerLM<float>>;
  for (const Mode mode : {Mode::train, Mode::evaluate}) {
    for (const Readout readout : {Readout::next_token, Readout::last_of_all, Readout::every_position}) {
      if (transformer || readout == Readout::next_token) check_step(model, {batch, 0, mode, readout});
    }
  }
}

/// All options of the transformer that change what is computed, at a size that divides nothing evenly.
std::vector<TransformerConfig> transformer_variants() {
  auto variants = slm_test::transformer_kinds(
      {.vocabulary = 11, .context = 37, .width = 12, .layers = 2, .heads = 3, .feed_forward = 17});
  for (TransformerConfig& config : variants) {
    config.attention_dropout = config.activation == Activation::relu ? 0.1 : 0;
    config.feed_forward_dropout = config.activation == Activation::gelu ? 0.1 : 0;
    config.residual_dropout = config.norm == NormPlacement::pre ? 0.1 : 0;
  }
  return variants;
}

}  // namespace

TEST_CASE(
    "every run of the protocol: analytic and recorded costs are equal, training and evaluation, with and "
    "without the shortcut") {
  for (const auto& run : studies::runs) {
    INFO("study " << run.study << ", " << std::string(run.model) << " " << std::string(run.variant));
    // Three windows are enough to run the blocks by groups of sequences; the large vocabularies need memory.
    std::visit([&](const auto& config) { check_modes(build(config), run.study == 3 ? 2 : 3); }, run.config);
  }
}

TEST_CASE("a whole batch of each architecture") {
  for (const auto& run : studies::runs) {
    if (run.study != 1) continue;
    INFO(std::string(run.model));
    std::visit([&](const auto& config) { check_step(build(config), {.batch = run.training.batch}); },
               run.config);
  }
}

TEST_CASE("every kind of transformer, in groups of sequences and whole, at full and shorter windows") {
  for (const auto& config : transformer_variants()) {
    const auto model = build(config);
    check_modes(model, 1);
    check_modes(model, 20);  // the last chunk smaller
    check_step(model, {.batch = 5, .window = 9});
    check_step(model, {.batch = 5, .window = 1});  // few activations: no groups of sequences
  }
  const TransformerConfig two_key_tiles{.vocabulary = 7, .context = 150, .width = 6, .layers = 1, .heads = 1};
  check_modes(build(two_key_tiles), 2);
}

TEST_CASE("the numbers of parameters are the paper's") {
  for (const auto& run : studies::runs) {
    const auto cost = std::visit([](const auto& config) { return flops::model_cost(config, {}); }, run.config);
    CHECK(cost.parameters() == run.paper.parameters);
  }
}

TEST_CASE(
    "the counted activations are what the tape holds, but for its book-keeping, gradients and packed weights") {
  const auto config = std::get<TransformerConfig>(studies::runs[3].config);
  const Index B = 8, V = config.vocabulary, T = config.context, C = config.width;
  const auto model = build(config);
  Tape<float> tape;
  tape.reset(Random(2));
  cross_entropy(flops::detail::last_of_all(model, tape, Tokens<2>({B, T})), Tokens<1>({B}));
  const auto analytic = flops::model_cost(config, {.batch = B, .readout = Readout::last_of_all});
  // Groups of sequences also have sums for the gradients of the blocks' parameters.
  const Index outside_blocks = V * C + T * C + (C + 1) * V + 2 * C;
  const Index sums = SequenceGroups(B, T).groups * (analytic.parameters() - outside_blocks);
  const auto expected = static_cast<double>(analytic.activations() + sums) * sizeof(float);
  const auto held = static_cast<double>(tape.high_water() - tape.groups().packed().high_water());
  CHECK(held >= expected);
  CHECK(held < 1.02 * expected);
}

TEST_CASE("counts by hand: the linear model") {
  // V = 3, T = 2, C = 4, B = 5: rows of 8 features, 3 logits.
  const auto cost = flops::model_cost(LinearConfig{.vocabulary = 3, .context = 2, .width = 4}, {.batch = 5});
  REQUIRE(cost.parts.size() == 3);
  CHECK(cost.parts[0].cost.passes == PassCosts{{.lookups = 40}, {.elementwise = 40}});
  CHECK(cost.parts[1].cost.passes == PassCosts{{.multiply_adds = 5 * 8 * 3, .elementwise = 5 * 3},
                                               {.multiply_adds = 2 * 5 * 8 * 3, .elementwise = 5 * 3}});
  // Per row: 2 comparisons; 3 subtractions, 3 + 15 additions, 2 more; 3 exp and a log. Then 5 + 15 + 1.
  CHECK(cost.parts[2].cost.passes.forward ==
        Cost{.elementwise = 5 * 23 + 21, .transcendental = 20, .comparisons = 10});
  CHECK(cost.parts[2].cost.passes.backward == Cost{.elementwise = 5 * 10 + 1, .transcendental = 15});
  CHECK(cost.parameters() == 12 + 24 + 3);
  CHECK(cost.total().forward.flops() == 2 * 120 + 15 + 136 + 20);
  // x 40, W and b 27, y 15 forward; backward reads dy, x and W and writes dx, dW and db.
  CHECK(cost.parts[1].cost.traffic.forward == 40 + 27 + 15);
  CHECK(cost.parts[1].cost.traffic.backward == 15 + 40 + 24 + 40 + 27);
  CHECK(cost.parts[1].intensity(4) == doctest::Approx((2.0 * 360 + 30) / (4 * (82 + 146))));
}

TEST_CASE("GPT-3's shapes are priced without its memory") {
  // 96 layers of width 12,288 and a head of its own (Brown et al. 2020, table 2.1): 175 billion parameters,
  // more than any test machine holds.
  const TransformerConfig gpt3{
      .vocabulary = 50'257, .context = 2'048, .width = 12'288, .layers = 96, .heads = 96};
  const auto cost = flops::model_cost(gpt3, {.readout = Readout::every_position});
  const Index V = 50'257, T = 2'048, C = 12'288, L = 96;
  CHECK(cost.parameters() == V * C + T * C + L * (12 * C * C + 13 * C) + 2 * C + C * V + V);
  // Products but those of attention, three for each in training.
  const Index products = L * 12 * C * C + C * V;
  CHECK(cost.total().total().multiply_adds > 3 * T * products);
  CHECK(cost.total().total().multiply_adds < 3.1 * static_cast<double>(T * products));
}

TEST_CASE("the shortcut leaves out most of the last block") {
  const auto config = std::get<TransformerConfig>(studies::runs[2].config);  // self-attention, one block
  const auto flops_of = [&](Readout readout) {
    return static_cast<double>(
        flops::model_cost(config, {.batch = 64, .readout = readout}).total().total().flops());
  };
  CHECK(flops_of(Readout::next_token) < 0.25 * flops_of(Readout::last_of_all));
  CHECK(flops_of(Readout::last_of_all) < flops_of(Readout::every_position));
}

TEST_CASE("a config or setting that makes no step is an error that says why") {
  const auto message = [](const auto& config, const StepSetting& setting) {
    try {
      flops::model_cost(config, setting);
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string("no error");
  };
  const TransformerConfig good{.vocabulary = 9, .context = 8, .width = 8, .layers = 1, .heads = 2};
  const auto transformer = [&](auto change, StepSetting setting = {}) {
    TransformerConfig config = good;
    change(config);
    return message(config, setting);
  };
  const auto same = [](TransformerConfig&) {};
  const auto contains = [](const std::string& text, const char* part) { return text.find(part) != text.npos; };
  CHECK(transformer(same) == "no error");
  CHECK(contains(transformer([](auto& c) { c.heads = 3; }), "3 heads do not divide the width 8"));
  CHECK(contains(transformer([](auto& c) { c.width = 0; }), "width 0"));
  CHECK(contains(transformer([](auto& c) { c.layers = -1; }), "layers -1"));
  TransformerConfig deep = good;
  deep.layers = Index(1) << 50;
  CHECK(contains(message(deep, {}), "TransformerLM: at most 10000 layers, got 1125899906842624"));
  CHECK_THROWS_WITH_AS(flops::decoder_cost(deep, 1), doctest::Contains("at most 10000 layers"), ConfigError);
  CHECK_THROWS_WITH_AS(flops::layers(deep), doctest::Contains("at most 10000 layers"), ConfigError);
  CHECK(contains(transformer([](auto& c) { c.attention_dropout = 1; }), "[0, 1)"));
  CHECK(contains(transformer(same, {.batch = 0}), "batch must be positive, got 0"));
  CHECK(
      contains(transformer(same, {.batch = 1, .window = 9}), "window of 9 tokens does not fit a context of 8"));
  CHECK(contains(transformer(same, {.batch = 1, .window = -1}), "window of -1"));
  CHECK(contains(message(LinearConfig{.vocabulary = 0, .context = 3}, {}), "vocabulary 0"));
  CHECK(contains(message(MlpConfig{.vocabulary = 3, .context = 3, .hidden = 0}, {}), "hidden width 0"));
  CHECK(
      contains(message(LinearConfig{.vocabulary = 3, .context = 3}, {.batch = 1, .window = 2}), "window of 2"));
  CHECK(contains(
      message(MlpConfig{.vocabulary = 3, .context = 3}, {.batch = 1, .readout = Readout::every_position}),
      "one token a window"));

  for (const Index huge : {Index(1) << 40, Index(1) << 62, std::numeric_limits<Index>::max()}) {
    INFO(huge);
    CHECK(contains(message(LinearConfig{.vocabulary = huge, .context = huge}, {}), "64-bit"));
    CHECK(contains(message(MlpConfig{.vocabulary = 3, .context = huge, .hidden = huge}, {}), "64-bit"));
    CHECK(contains(transformer([&](auto& c) { c.width = huge - huge % 2; }), "64-bit"));
    CHECK(contains(transformer([&](auto& c) { c.context = huge, c.layers = 2; }), "64-bit"));
    CHECK(contains(transformer([&](auto& c) { c.vocabulary = huge; }, {.batch = huge}), "64-bit"));
    CHECK(contains(transformer([&](auto& c) { c.feed_forward = huge; }, {.batch = huge}), "64-bit"));
  }
}
