// What each operation keeps and moves, counted by hand.
#include "slm/flops/walk.hpp"

#include <doctest/doctest.h>

using namespace slm;
using flops::Part;
using flops::Walk;

namespace {

/// The part that `enter(walk)` enters, of a step on two sequences.
template <class Enter>
Part part(const Enter& enter, Mode mode = Mode::train) {
  Walk walk(mode, 2);
  enter(walk);
  const flops::ModelCost cost = std::move(walk).finish();
  REQUIRE(cost.parts.size() == 1);
  return cost.parts[0];
}

void check(const Part& part, Index activations, Index forward, Index backward) {
  INFO(std::string(part.operation));
  CHECK(part.activations == activations);
  CHECK(part.traffic.forward == forward);
  CHECK(part.traffic.backward == backward);
}

}  // namespace

// Two sequences of 3 positions with 5 features are 30 elements. A gradient counts twice: it is added to.

TEST_CASE("embedding: rows, y; dy, rows of dW") {
  check(part([](Walk& walk) { walk.embedding("", 3, 7, 5); }), 30, 30 + 30, 30 + 2 * 30);
}

TEST_CASE("add_positions: x, P of the window alone, y; dy, dx, dP") {
  check(part([](Walk& walk) { walk.add_positions("", 3, 4, 5); }), 30, 30 + 15 + 30, 30 + 2 * (30 + 15));
}

TEST_CASE("last_position: of each sequence one position") {
  check(part([](Walk& walk) { walk.last_position("", 3, 5); }), 10, 10 + 10, 10 + 2 * 10);
}

TEST_CASE("linear: x, W, b, y; dy, x, W, dx, dW, db") {
  check(part([](Walk& walk) { walk.linear("", 3, 5, 4); }), 24, 30 + 20 + 4 + 24,
        24 + 30 + 20 + 2 * (30 + 20 + 4));
}

// Of each of the 6 rows also its mean and its deviation, which are kept.
TEST_CASE("layer_norm: x, gain, shift, y; dy, x, gain, dx, dgain, dshift") {
  check(part([](Walk& walk) { walk.norm("", 3, 5); }), 30 + 12, 30 + 5 + 5 + 30 + 12,
        12 + 30 + 30 + 5 + 2 * (30 + 5 + 5));
}

TEST_CASE("an activation: x, y; dy, x or y, dx; over its input it keeps nothing") {
  const auto relu = [](InPlace in_place) {
    return part([=](Walk& walk) { walk.activation("", "relu", costs::relu, 15, in_place); });
  };
  check(relu(InPlace::no), 30, 30 + 30, 30 + 30 + 2 * 30);
  check(relu(InPlace::yes), 0, 30 + 30, 30 + 30 + 2 * 30);
}

TEST_CASE("dropout: x, y; dy, dx, the mask drawn again; over its input it keeps nothing") {
  const auto dropout = [](InPlace in_place) {
    return part([=](Walk& walk) { walk.dropout("", 0.5, 15, in_place); });
  };
  check(dropout(InPlace::no), 30, 30 + 30, 30 + 2 * 30);
  check(dropout(InPlace::yes), 0, 30 + 30, 30 + 2 * 30);
}

TEST_CASE("add: a, b, y; dy, da, db; over b it keeps nothing") {
  const auto add = [](InPlace in_place) {
    return part([=](Walk& walk) { walk.add_branch("", 15, in_place); });
  };
  check(add(InPlace::no), 30, 30 + 30 + 30, 30 + 2 * (30 + 30));
  check(add(InPlace::yes), 0, 30 + 30 + 30, 30 + 2 * (30 + 30));
}

TEST_CASE("multiply: a, b, y; dy, a, b, da, db") {
  check(part([](Walk& walk) { walk.multiply("", 15); }), 30, 30 + 30 + 30, 30 + 30 + 30 + 2 * (30 + 30));
}

TEST_CASE("rotary_embedding, 6 rows of 12 features, 8 of them turned: x, y; dy, dx") {
  check(part([](Walk& walk) { walk.rotary("", 3, 12, 8, 4, 0); }), 72, 72 + 72, 72 + 2 * 72);
}

TEST_CASE("causal_attention, 2 heads of width 4, 2 queries and 3 keys: q, k, v, y, a sum a query and head") {
  // q and y 2 · 2 · 8, keys and values 2 · 3 · 8 each, sums 2 · 2 · 2; then also dy, and dq, dk and dv.
  check(part([](Walk& walk) { walk.attention("", 2, 3, 2, 4, 0); }), 32 + 8, 32 + 2 * 48 + 32 + 8,
        32 + 2 * 48 + 32 + 8 + 32 + 2 * (32 + 2 * 48));
}

TEST_CASE("store_keys_values: copied, and nothing is kept for a backward pass") {
  check(part([](Walk& walk) { walk.store_keys_values("", 3, 5); }), 0, 2 * 30 + 2 * 30, 0);
}

// Of each of the 6 rows also its loss and the logarithm of a sum, which are kept.
TEST_CASE("cross_entropy: logits, the mean loss; dloss, logits, dlogits") {
  check(part([](Walk& walk) { walk.cross_entropy("", 3, 5); }), 6 + 6 + 1, 30 + 6 + 6 + 1, 30 + 6 + 1 + 2 * 30);
}

TEST_CASE("evaluation keeps nothing and has no backward pass") {
  check(part([](Walk& walk) { walk.multiply("", 15); }, Mode::evaluate), 0, 30 + 30 + 30, 0);
}

TEST_CASE("chunks of sequences read parameters each, groups of chunks hand their sums over") {
  // 41 sequences of 100 positions: 20 chunks of two and one of one, in 16 groups.
  Walk walk(Mode::train, 41);
  walk.enter_groups(41, 100);
  walk.linear("", 100, 5, 4);
  walk.leave_groups(41, 100, 400);
  const flops::ModelCost cost = std::move(walk).finish();
  REQUIRE(cost.parts.size() == 2);
  const Index x = 41 * 500, y = 41 * 400, W = 20, b = 4;
  check(cost.parts[0], y, x + 21 * (W + b) + y, y + x + 21 * W + 2 * (x + 21 * (W + b)));
  // Outputs are copied; 16 groups' sums are read and added to one gradient.
  check(cost.parts[1], y, y + y, 16 * (W + b) + 2 * (W + b));
  CHECK(cost.activations() == 2 * y);
  CHECK(cost.traffic().forward == cost.parts[0].traffic.forward + 2 * y);
  CHECK(cost.traffic().backward == cost.parts[0].traffic.backward + 18 * (W + b));
}
