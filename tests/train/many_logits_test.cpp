// Losses of models whose logits are too many to be kept: the same bits, in less memory.
#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "nn/module_test_support.hpp"
#include "slm/flops/model_cost.hpp"
#include "slm/models/recurrent_lm.hpp"
#include "slm/models/transformer_lm.hpp"
#include "slm/train/loss.hpp"

using namespace module_test;

namespace {

constexpr Index ptb = 9'999, wikitext = 33'277;  // words

/// The loss, all gradients, and the bytes of the tape.
struct Step {
  std::vector<double> numbers;
  std::size_t bytes;
};
template <class Model>
Step step_of(Model& model, const auto& loss_of) {
  zero_gradients(model);
  Tape<float> tape;
  tape.reset(Random(seed, "dropout"));
  const auto loss = loss_of(tape);
  std::vector<double> numbers = {double(loss.item())};
  tape.backward(loss);
  for_each_parameter(model, [&](const std::string&, auto& parameter) {
    numbers.insert(numbers.end(), parameter.grad.begin(), parameter.grad.end());
  });
  return {numbers, tape.high_water()};
}

/// Holds `batch_loss`, which has to go without logits, against the cross entropy of all of them.
template <class Model, std::size_t Rank>
void check(Model model, Index B, Index T, const Tokens<Rank>& targets) {
  using AnyBatch = std::conditional_t<Rank == 1, Batch, SequenceBatch>;
  const Index V = model.config.vocabulary;
  REQUIRE(targets.size() * V >= many_logits);
  const AnyBatch batch{random_tokens(Shape<2>{B, T}, V, "inputs"), targets};
  const Step without = step_of(model, [&](auto& tape) { return batch_loss(model, tape, batch); });
  const Step with = step_of(model, [&](auto& tape) {
    if constexpr (Rank == 1) {
      return mean_cross_entropy(model.next_token(tape, batch.inputs), targets);
    } else {
      return mean_cross_entropy(model(tape, batch.inputs), targets);
    }
  });
  if (gemm_backend<float>() == GemmBackend::slm) CHECK(without.numbers == with.numbers);
  CHECK(relative_error(without.numbers, with.numbers) <= 1e-5);
  // No gradient of the logits, and of logits themselves those of 256 rows.
  const Index saved = (2 * targets.size() - std::min<Index>(targets.size(), 256)) * V * Index(sizeof(float));
  CHECK(static_cast<double>(with.bytes - without.bytes) > 0.99 * static_cast<double>(saved));
}

TransformerConfig transformer(Index V) {
  return {.vocabulary = V, .context = 20, .width = 8, .layers = 1, .heads = 2, .residual_dropout = 0.1};
}

}  // namespace

TEST_CASE("a transformer's loss and gradients have the bits that those of its logits have") {
  check(TransformerLM<float>(transformer(wikitext), Random(seed)), 32, 5,
        random_tokens(Shape<1>{32}, wikitext, "targets"));
  TransformerConfig tied = transformer(ptb);
  tied.tied = true, tied.biases = false;
  check(TransformerLM<float>(tied, Random(seed)), 7, 16, random_tokens(Shape<2>{7, 16}, ptb, "targets"));
  check(TransformerLM<float>(transformer(ptb), Random(seed)), 20, 15,
        random_tokens(Shape<2>{20, 15}, ptb, "targets"));
}

TEST_CASE("so have those of a recurrent model") {
  check(MinGruLM<float>({.vocabulary = ptb, .context = 20, .width = 8, .layers = 1}, Random(seed)), 20, 15,
        random_tokens(Shape<2>{20, 15}, ptb, "targets"));
  check(GruLM<float>({.vocabulary = ptb, .context = 20, .width = 8}, Random(seed)), 120, 2,
        random_tokens(Shape<1>{120}, ptb, "targets"));
}

namespace {

/// Predicts all tokens alike.
struct Uniform : TransformerLM<float> {
  using TransformerLM<float>::TransformerLM;
  Var<float, 2> next_token(Tape<float>& tape, const Tokens<2>& tokens) const {
    return scale(TransformerLM<float>::next_token(tape, tokens), 0.0F);
  }
};

}  // namespace

TEST_CASE("a model that predicts otherwise than what it is derived from has the loss of its own logits") {
  static_assert(GivesLoss<TransformerLM<float>, float, Tokens<1>> &&
                GivesLoss<MinGruLM<float>, float, Tokens<2>> && !GivesLoss<Uniform, float, Tokens<1>>);
  const Uniform model(transformer(wikitext), Random(seed));
  const Batch batch{random_tokens(Shape<2>{32, 3}, wikitext, "inputs"),
                    random_tokens(Shape<1>{32}, wikitext, "targets")};
  Tape<float> tape(Mode::evaluate);
  CHECK(double(batch_loss(model, tape, batch).item()) ==
        doctest::Approx(std::log(double(wikitext))).epsilon(1e-5));
}

TEST_CASE("below many_logits a step records what it always has") {
  const auto operations = [](Index B) {
    std::string names;
    const auto cost = flops::model_cost(transformer(wikitext), {.batch = B});
    for (const PartCost& part : cost.parts) {
      if (part.path.ends_with("head") || part.path.ends_with("loss")) {
        names += part.path + " " + std::string(part.operation) + ", ";
      }
    }
    return names;
  };
  CHECK(operations(31) == "head linear, loss cross_entropy, ");
  CHECK(operations(32) == "head linear_cross_entropy, ");
}
