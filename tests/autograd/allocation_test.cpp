#include "allocation_count.hpp"

#include <doctest/doctest.h>

#include <array>
#include <cstdint>
#include <vector>

#include "slm/autograd/map_sequences.hpp"
#include "slm/autograd/ops.hpp"
#include "threads.hpp"

using namespace slm;

TEST_CASE("operator new is counted") {
  const long before = test::allocation_count();
  { const Tensor<float, 1> x({10}); }
  CHECK(test::allocation_count() == before + 1);
}

TEST_CASE("a training step allocates nothing after the first") {
  constexpr Index B = 9, T = 40, C = 8, V = 5;
  Parameter<float, 2> table({V, C}), positions({T, C}), qkv({3 * C, C}), head({V, C});
  Parameter<float, 1> gain({C}), shift({C}), bias({V});
  Random random(1);
  for (auto* weights : {&table, &positions, &qkv, &head}) {
    for (float& w : weights->value) w = static_cast<float>(random.normal());
  }
  Tokens<2> tokens({B, T});
  Tokens<1> targets({B});
  for (Index i = 0; i < tokens.size(); ++i) tokens.data()[i] = static_cast<Token>(i * i % V);

  const slm_test::Threads restored;
  set_threads(2);
  Tape<float> tape;
  for (std::uint64_t step = 1; step <= 6; ++step) {
    const long before = test::allocation_count();
    tape.reset(random.child(step));
    const auto x = add_positions(embedding(tokens, tape.use(table)), tape.use(positions));
    const auto h = map_sequences<1>(x, {Shape<2>{T, C}}, [&](Var<float, 3> part) {
      auto& inner = part.tape();
      const auto attended = causal_attention(linear(part, inner.use(qkv)), 2, 0.1);
      return std::array{layer_norm(add(part, dropout(attended, 0.1)), inner.use(gain), inner.use(shift))};
    })[0];
    tape.backward(cross_entropy(linear(last_position(h), tape.use(head), tape.use(bias)), targets));
    INFO("step ", step);
    if (step > 1) CHECK(test::allocation_count() == before);
  }
}

TEST_CASE("a training step of a recurrent network, position by position, allocates nothing after the first") {
  constexpr Index B = 9, T = 40, C = 8, V = 5;
  Parameter<float, 2> table({V, C}), recurrent({C, C}), head({V, 2 * C});
  Random random(1);
  for (auto* weights : {&table, &recurrent, &head}) {
    for (float& w : weights->value) w = static_cast<float>(0.3 * random.normal());
  }
  Tokens<2> tokens({B, T}), targets({B, T});
  for (Index i = 0; i < tokens.size(); ++i) {
    tokens.data()[i] = static_cast<Token>(i * i % V), targets.data()[i] = static_cast<Token>(i % V);
  }

  const slm_test::Threads restored;
  set_threads(2);
  Tape<float> tape;
  std::vector<Var<float, 2>> states;  // the user's own: keeps its memory
  for (std::uint64_t step = 1; step <= 6; ++step) {
    const long before = test::allocation_count();
    tape.reset();
    const auto x = embedding(tokens, tape.use(table));
    const auto W = tape.use(recurrent);
    states.clear();
    for (Index t = 0; t < T; ++t) {
      const auto x_t = select(x, t);
      states.push_back(gelu(states.empty() ? x_t : add(x_t, linear(states.back(), W))));
    }
    const auto h = stack(states);
    const auto logits = linear(concatenate({h, x}, 2), tape.use(head));
    tape.backward(scale(mean(gather(log_softmax(logits), targets)), -1.0F));
    INFO("step ", step);
    if (step > 1) CHECK(test::allocation_count() == before);
  }
}
