// The same seed gives the same bits at any number of threads, and only training drops out.
#include <array>

#include "slm/autograd/ops/softmax.hpp"
#include "slm/optim/adam.hpp"
#include "study_test_support.hpp"
#include "transformer_kinds.hpp"

using namespace study_test;

namespace {

/// Sequences of a realistic step; fewer where the compiler does not optimise.
#ifdef NDEBUG
constexpr Index realistic_batch = 64;
#else
constexpr Index realistic_batch = 3;
#endif

/// The weights after `steps` steps of training on random tokens, with dropout.
template <class Config>
std::vector<double> train(const Config& config, Index batch, int steps, int thread_count,
                          std::uint64_t model_seed = seed, std::uint64_t dropout_seed = seed) {
  const slm_test::Threads scope(thread_count);
  auto model = build(config, model_seed);
  Adam optimizer(model);
  const Tokens<2> tokens = random_tokens<2>({batch, config.context}, config.vocabulary);
  const Tokens<1> targets = random_tokens<1>({batch}, config.vocabulary, "targets");
  Tape<float> tape;
  for (int step = 0; step < steps; ++step) {
    tape.reset(Random(dropout_seed, "dropout").child(static_cast<std::uint64_t>(step)));
    tape.backward(cross_entropy(model.next_token(tape, tokens), targets));
    optimizer.step();
  }
  return weights_of(model);
}

template <class Config>
void check_threads(const Config& config, Index batch, int steps) {
  const std::vector<double> one = train(config, batch, steps, 1);
  CHECK(std::all_of(one.begin(), one.end(), [](double x) { return is_finite(x); }));
  CHECK_FALSE(same_bits(one, weights_of(build(config))));
  CHECK(same_bits(train(config, batch, steps, 2), one));
  CHECK(same_bits(train(config, batch, steps, 3), one));
}

/// With dropout in every place.
constexpr TransformerConfig small_transformer{.vocabulary = 11,
                                              .context = 24,
                                              .width = 8,
                                              .layers = 4,
                                              .heads = 2,
                                              .attention_dropout = 0.2,
                                              .feed_forward_dropout = 0.2,
                                              .residual_dropout = 0.2};

bool runs_by_sequences(const TransformerConfig& config, Index batch) {
  const auto model = build(config);
  Tape<float> tape;
  tape.reset(Random(seed, "dropout"));
  model.next_token(tape, random_tokens<2>({batch, config.context}, config.vocabulary));
  return tape.groups().size() > 0;
}

/// Logits of one run of a small transformer.
std::vector<double> logits_of(const TransformerLM<float>& model, Mode mode, std::uint64_t dropout_seed) {
  Tape<float> tape(mode);
  tape.reset(Random(dropout_seed, "dropout"));
  const Tokens<2> tokens = random_tokens<2>({20, model.config.context}, model.config.vocabulary);
  return as_doubles(model.next_token(tape, tokens));
}

}  // namespace

TEST_CASE("determinism: the studied models train to the same bits at 1, 2 and 3 threads") {
  for (const studies::Run& run : kinds_of_run()) {
    CAPTURE(name_of(run));
    std::visit([](const auto& config) { check_threads(config, realistic_batch, 2); }, run.config);
  }
}

TEST_CASE("determinism: small transformers of every kind train to the same bits at 1, 2 and 3 threads") {
  for (const TransformerConfig& config : slm_test::transformer_kinds(small_transformer)) {
    for (const Index batch : {1, 20}) {  // operation by operation, and by sequences
      CAPTURE(batch);
      CHECK(runs_by_sequences(config, batch) == (batch > 1));
      check_threads(config, batch, 3);
    }
  }
}

TEST_CASE("determinism: another seed, of the model or of dropout, gives other bits") {
  TransformerConfig transformer = small_transformer;
  MlpConfig mlp{.vocabulary = 11, .context = 24, .width = 8, .hidden = 16, .dropout = 0.2};
  const auto check = [](const auto& config) {
    const std::vector<double> weights = train(config, 20, 3, 1);
    CHECK(same_bits(train(config, 20, 3, 1, seed, seed), weights));
    CHECK_FALSE(same_bits(train(config, 20, 3, 1, seed + 1, seed), weights));
    CHECK_FALSE(same_bits(train(config, 20, 3, 1, seed, seed + 1), weights));
  };
  check(transformer);
  check(mlp);
  // Without dropout its seed does not matter.
  transformer.attention_dropout = transformer.feed_forward_dropout = transformer.residual_dropout = 0;
  mlp.dropout = 0;
  CHECK(same_bits(train(transformer, 20, 3, 1), train(transformer, 20, 3, 1, seed, seed + 1)));
  CHECK(same_bits(train(mlp, 20, 3, 1), train(mlp, 20, 3, 1, seed, seed + 1)));
}

TEST_CASE("dropout: each place drops in training, with its stream's masks, and none in evaluation") {
  for (const auto norm : {NormPlacement::post, NormPlacement::pre}) {
    TransformerConfig config = small_transformer;
    config.norm = norm;
    config.attention_dropout = config.feed_forward_dropout = config.residual_dropout = 0;
    const std::vector<double> without = logits_of(build(config), Mode::train, seed);
    CHECK(same_bits(logits_of(build(config), Mode::train, seed + 1), without));
    for (double TransformerConfig::*place :
         {&TransformerConfig::attention_dropout, &TransformerConfig::feed_forward_dropout,
          &TransformerConfig::residual_dropout}) {
      TransformerConfig dropping = config;
      dropping.*place = 0.2;
      const auto model = build(dropping);
      CHECK(same_bits(logits_of(model, Mode::evaluate, seed), without));
      CHECK_FALSE(same_bits(logits_of(model, Mode::train, seed), without));
      CHECK(same_bits(logits_of(model, Mode::train, seed), logits_of(model, Mode::train, seed)));
      CHECK_FALSE(same_bits(logits_of(model, Mode::train, seed), logits_of(model, Mode::train, seed + 1)));
    }
  }
}
