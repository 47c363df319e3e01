// Where the time of a step goes.
#include "slm/train/profile.hpp"

#include <doctest/doctest.h>

#include "slm/models/mlp_lm.hpp"
#include "slm/optim/sgd.hpp"
#include "slm/train/loss.hpp"

using namespace slm;

TEST_CASE("profile: what a step did, by part, and nothing outside of it") {
  MlpLM<float> model({.vocabulary = 11, .context = 4, .width = 3, .hidden = 5}, Random(1));
  SGD optimizer(model);
  Tape<float> tape;
  const Batch batch{Tokens<2>({2, 4}), Tokens<1>({2})};
  const auto step = [&] {
    tape.reset(Random(2));
    tape.backward(batch_loss(model, tape, batch));
  };
  Profile sum;
  for (int i = 0; i < 2; ++i) sum += profile(tape, step, [&] { optimizer.step(); });
  CHECK(optimizer.steps() == 2);
  PassCosts costs;
  double seconds = 0;
  for (const PartCost& part : sum.parts) {
    costs += part.cost.passes;
    seconds += part.seconds.forward + part.seconds.backward;
  }
  CHECK(costs == tape.costs() * 2);
  CHECK(seconds > 0);
  CHECK(sum.accounted() == doctest::Approx(seconds + sum.optimizer + sum.waiting));
  step();
  for (const PartCost& part : tape.costs_by_part()) CHECK(part.seconds.forward == 0);
}

TEST_CASE("profile_text: what took most comes first, only operations with FLOPs have a rate") {
  Profile profile{.seconds = 4e-3, .threads = 2, .parts = {}, .optimizer = 1e-3, .waiting = 0.5e-3};
  PartCost small{.path = "head", .operation = "add", .seconds = {0.25e-3, 0.25e-3}};
  PartCost large{.path = "blocks.0.attention", .operation = "linear", .seconds = {2e-3, 4e-3}};
  large.cost.passes.forward.multiply_adds = 3'000'000;
  profile.parts = {small, large};
  CHECK(profile_text(profile) ==
        "part                operation        forward ms  backward ms  share %     MFLOP  GFLOP/s\n"
        "blocks.0.attention  linear                2.000        4.000     75.0       6.0      1.0\n"
        "(optimizer)                               0.000        1.000     12.5\n"
        "head                add                   0.250        0.250      6.2\n"
        "(waiting)                                 0.000        0.500      6.2\n"
        "4.000 ms on 2 threads; 100.0 % of their time is in the table\n");
}
