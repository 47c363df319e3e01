// Whole training steps and runs: by formula, and as counted by the numbers they compute with.
#include <doctest/doctest.h>

#include "flops/flops_test_support.hpp"
#include "slm/flops/run_cost.hpp"
#include "slm/models/linear_lm.hpp"
#include "slm/models/mlp_lm.hpp"
#include "slm/models/transformer_lm.hpp"
#include "slm/optim/sgd.hpp"
#include "slm/train/fit.hpp"

using namespace slm;
using Number = flops::Counted<double>;

namespace {

Cost counted_since_reset() {
  const Cost cost = flops::tally().cost();
  flops::reset_tally();
  return cost;
}

/// Forward, backward, clipping and the update of one step against their formulas.
template <class Model, class Optimizer>
void check_training_step(Model model, Index B, Cost (*optimizer_step_cost)(Index)) {
  const slm_test::Threads one_thread(1);
  const Index T = model.config.context;
  Tokens<2> tokens({B, T});
  for (Index i = 0; i < tokens.size(); ++i)
    tokens.data()[i] = static_cast<Token>(i * i % model.config.vocabulary);
  Optimizer optimizer(model);
  Tape<Number> tape;
  for (int step = 0; step < 2; ++step) {
    tape.reset(Random(3).child(static_cast<std::uint64_t>(step)));
    flops::reset_tally();
    const auto loss = cross_entropy(model.next_token(tape, tokens), Tokens<1>({B}));
    const Cost forward = counted_since_reset();
    tape.backward(loss);
    const Cost backward = counted_since_reset();
    const auto analytic = flops::model_cost(model.config, {.batch = B});
    test::check_equal({forward, backward}, test::without_copies(analytic.total()));
    CHECK(tape.costs() == analytic.total());

    clip_gradients(optimizer.list(), 1e6);
    CHECK(counted_since_reset() == clip_gradients_cost(optimizer.list(), false));
    clip_gradients(optimizer.list(), 1e-6);
    CHECK(counted_since_reset() == clip_gradients_cost(optimizer.list(), true));

    optimizer.step();
    const Cost update = counted_since_reset();
    CHECK(update == optimizer.step_cost());
    CHECK(update == optimizer_step_cost(analytic.parameters()));
  }
}

}  // namespace

TEST_CASE("a training step of every model costs what the analytic count says") {
  Random random(1);
  const LinearConfig linear{.vocabulary = 7, .context = 5, .width = 6};
  check_training_step<LinearLM<Number>, Adam<Number>>({linear, random}, 3, adam_step_cost);
  const MlpConfig mlp{.vocabulary = 7, .context = 5, .width = 6, .hidden = 9, .dropout = 0.1};
  check_training_step<MlpLM<Number>, SGD<Number>>({mlp, random}, 3, sgd_step_cost);
  TransformerConfig transformer{.vocabulary = 11,
                                .context = 21,
                                .width = 8,
                                .layers = 1,
                                .heads = 2,
                                .norm = NormPlacement::post,
                                .activation = Activation::relu,
                                .attention_dropout = 0.1,
                                .feed_forward_dropout = 0.1};
  check_training_step<TransformerLM<Number>, Adam<Number>>({transformer, random}, 9, adam_step_cost);
  transformer.layers = 3;
  transformer.feed_forward = 5;
  check_training_step<TransformerLM<Number>, Adam<Number>>({transformer, random}, 1, adam_step_cost);
  check_training_step<TransformerLM<Number>, Adam<Number>>({transformer, random}, 9, adam_step_cost);
  for (const auto& [activation, activation_name] : enum_names(Activation())) {
    INFO(std::string(activation_name));
    TransformerConfig rotary = transformer;
    rotary.position = Position::rotary;
    rotary.norm = NormPlacement::pre;
    rotary.activation = activation;
    rotary.residual_dropout = 0.2;
    check_training_step<TransformerLM<Number>, Adam<Number>>({rotary, random}, 9, adam_step_cost);
  }
}

TEST_CASE("a training step of a model that is frozen in part costs what its tape says") {
  const slm_test::Threads one_thread(1);
  const TransformerConfig config{
      .vocabulary = 11, .context = 5, .width = 8, .layers = 3, .heads = 2, .feed_forward = 5};
  const auto check = [&](const auto& change) {
    TransformerLM<Number> model(config, Random(1));
    change(model);
    const Index B = 9;
    Tape<Number> tape;
    tape.reset(Random(3));
    flops::reset_tally();
    tape.backward(cross_entropy(model.next_token(tape, Tokens<2>({B, config.context})), Tokens<1>({B})));
    CHECK(counted_since_reset() == test::without_copies(tape.costs().total()));
    Adam<Number> optimizer(model);
    optimizer.step();
    CHECK(counted_since_reset() == optimizer.step_cost());
  };
  check([](auto& model) { freeze(model.embedding), freeze(model.positions), freeze(model.blocks[0]); });
  check([](auto& model) { freeze(model.blocks[1].attention), freeze(model.blocks[2].norm1.weight); });
  check([](auto& model) { freeze(model.blocks), freeze(model.head.bias); });
}

TEST_CASE("a whole training run: what fit reports as spent is the analytic count") {
  std::vector<Token> text(200);
  for (std::size_t i = 0; i < text.size(); ++i) text[i] = static_cast<Token>(i * i % 11);
  const TransformerConfig config{.vocabulary = 11,
                                 .context = 13,
                                 .width = 8,
                                 .layers = 2,
                                 .heads = 2,
                                 .feed_forward = 6,
                                 .attention_dropout = 0.1};
  const flops::RunSetting setting{
      .batch = 16, .windows_per_epoch = 50, .epochs = 3, .validation_windows = 20, .test_windows = 33};
  const auto analytic = flops::run_cost(config, setting);
  CHECK(analytic.steps == 3 * 4);
  CHECK(analytic.tokens == 3 * 50 * 13);

  TransformerLM<float> model(config, Random(1));
  Adam<float> optimizer(model);
  std::vector<Cost> totals;
  FitConfig fit_config{.epochs = 3, .windows_per_epoch = 50};
  fit_config.on_epoch = [&](const EpochReport& report) { totals.push_back(report.spent.total()); };
  Index steps = 0;
  fit_config.on_step = [&](const StepReport& report) {
    ++steps;
    const Cost update = adam_step_cost(parameter_count(model)) * steps;
    CHECK(report.spent.optimizer == update);
  };
  const auto result = fit(model, optimizer, RandomWindows<>(text, 13, 16, Random(2)),
                          SequentialWindows<>(text, 13, 16, 20), Random(3), fit_config);
  CHECK(result.spent == analytic.spent);
  REQUIRE(totals.size() == 3);
  CHECK(totals[0] * 3 == totals[2]);
  CHECK(totals[2] == analytic.spent.total());
  Cost test;
  evaluate(model, SequentialWindows<>(text, 13, 16, 33), &test);
  CHECK(test == analytic.test);
}

TEST_CASE("a run that is none, or too long to count, is an error") {
  const LinearConfig config{.vocabulary = 3, .context = 2};
  CHECK_THROWS_AS(flops::run_cost(config, {.batch = 0}), ConfigError);
  CHECK_THROWS_AS(flops::run_cost(config, {.windows_per_epoch = 0}), ConfigError);
  CHECK_THROWS_AS(flops::run_cost(config, {.epochs = 0}), ConfigError);
  CHECK_THROWS_AS(flops::run_cost(config, {.validation_windows = -1}), ConfigError);
  CHECK_THROWS_AS(flops::run_cost(config, {.epochs = std::numeric_limits<Index>::max()}), ConfigError);
}
