// After the first, a training step of any model allocates nothing.
#include "allocation_count.hpp"

#include "slm/optim/adam.hpp"
#include "slm/train/loss.hpp"
#include "study_test_support.hpp"
#include "transformer_kinds.hpp"

using namespace study_test;

namespace {

template <class Config>
void check_steps(const Config& config, Index B) {
  const slm_test::Threads scope(2);
  auto model = build(config);
  Adam optimizer(model);
  const Batch batch{random_tokens<2>({B, config.context}, config.vocabulary),
                    random_tokens<1>({B}, config.vocabulary, "targets")};
  Tape<float> tape;
  for (int step = 1; step <= 4; ++step) {
    const long before = slm::test::allocation_count();
    tape.reset(Random(seed, "dropout").child(static_cast<std::uint64_t>(step)));
    tape.backward(batch_loss(model, tape, batch));
    optimizer.step();
    CAPTURE(step);
    if (step > 1) CHECK(slm::test::allocation_count() == before);
  }
}

}  // namespace

TEST_CASE("a training step of each studied model allocates nothing after the first") {
  for (const studies::Run& run : kinds_of_run()) {
    CAPTURE(name_of(run));
    std::visit([](const auto& config) { check_steps(config, 12); }, run.config);
  }
}

TEST_CASE("a training step of every kind of transformer allocates nothing after the first") {
  const TransformerConfig base{.vocabulary = 11,
                               .context = 24,
                               .width = 8,
                               .layers = 2,
                               .heads = 2,
                               .attention_dropout = 0.2,
                               .residual_dropout = 0.2};
  for (const TransformerConfig& config : slm_test::transformer_kinds(base)) {
    CAPTURE(slm_test::describe(config));
    for (const Index batch : {1, 20}) check_steps(config, batch);  // operation by operation, and by sequences
  }
}
