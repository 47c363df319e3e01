// What each operation keeps and moves, counted by hand: a pass reads each operand that it needs once and writes
// each result once.
#include <doctest/doctest.h>

#include "slm/autograd/map_sequences.hpp"
#include "slm/autograd/ops.hpp"

using namespace slm;

namespace {

/// The cost of the one operation that `apply(tape, input)` runs forward and backward; input(extents…) makes
/// inputs that want gradients, of shapes alone.
template <class Apply>
OperationCost cost_of(const char* operation, const Apply& apply, Mode mode = Mode::train) {
  Tape<Shapes> tape(mode);
  tape.reset(Random());
  const auto input = [&](auto... extents) {
    constexpr std::size_t Rank = sizeof...(extents);
    const Tensor<Shapes, Rank> shape({Index(extents)...});
    return tape.variable(tape.recorder().given(nullptr, nullptr, shape.size(), true), shape.shape());
  };
  const auto y = apply(tape, input);
  if (mode == Mode::train) {
    y.grad();
    tape.backward();
  }
  for (const PartCost& part : tape.costs_by_part()) {
    if (part.operation == operation) return part.cost;
  }
  FAIL("no " << operation);
  return {};
}

void check(const OperationCost& cost, Index kept, Index forward, Index backward) {
  CHECK(cost.kept == kept);
  CHECK(cost.traffic.forward == forward);
  CHECK(cost.traffic.backward == backward);
}

const auto tokens = Tokens<2>::without_memory({2, 3});

}  // namespace

// Two sequences of 3 positions with 5 features are 30 elements.

TEST_CASE("embedding: rows, y; dy, rows of dW") {
  check(cost_of("embedding", [](auto&, auto input) { return embedding(tokens, input(7, 5)); }), 30, 30 + 30,
        30 + 30);
}

TEST_CASE("add_positions: x, P of the window alone, y; dy, dx, dP") {
  const auto f = [](auto&, auto input) { return add_positions(input(2, 3, 5), input(4, 5)); };
  check(cost_of("add_positions", f), 30, 30 + 15 + 30, 30 + 30 + 15);
}

TEST_CASE("last_position: of each sequence one position") {
  check(cost_of("last_position", [](auto&, auto input) { return last_position(input(2, 3, 5)); }), 10, 10 + 10,
        10 + 10);
}

TEST_CASE("linear: x, W, b, y; dy, x, W, dx, dW, db; of a frozen one less") {
  const auto f = [](auto&, auto input) { return linear(input(2, 3, 5), input(4, 5), input(4)); };
  check(cost_of("linear", f), 24, 30 + 20 + 4 + 24, 24 + 30 + 20 + 30 + 20 + 4);
  const auto plain = [](auto&, auto input) { return linear(input(2, 3, 5), input(4, 5)); };
  check(cost_of("linear", plain), 24, 30 + 20 + 24, 24 + 30 + 20 + 30 + 20);
  const Tensor<Shapes, 2> W({4, 5});
  const auto frozen = [&](auto& tape, auto input) { return linear(input(2, 3, 5), tape.input(W)); };
  check(cost_of("linear", frozen), 24, 30 + 20 + 24, 24 + 20 + 30);
}

// Beside the loss two numbers for each of the 6 rows, and their logits.
TEST_CASE(
    "linear_cross_entropy: x, W, b, y; dy, x, W, dx, dW, db; and b, too, where logits are computed again") {
  const auto f = [](auto&, auto input) {
    return linear_cross_entropy(input(2, 3, 5), input(4, 5), input(4), tokens);
  };
  check(cost_of("linear_cross_entropy", f), 25 + 12, 30 + 20 + 4 + 37, 37 + 30 + 20 + 30 + 20 + 4);
  const auto many = [](auto&, auto input) {
    return linear_cross_entropy(input(300, 5), input(4, 5), input(4), Tokens<1>::without_memory({300}));
  };
  const Index kept = 1 + 2 * 300 + 256 * 4;
  check(cost_of("linear_cross_entropy", many), kept, 1500 + 20 + 4 + kept, kept + 2 * (1500 + 20 + 4));
}

// Of each of the 6 rows also its mean and its deviation, which are kept.
TEST_CASE("layer_norm: x, gain, shift, y; dy, x, gain, dx, dgain, dshift") {
  const auto f = [](auto&, auto input) { return layer_norm(input(2, 3, 5), input(5), input(5)); };
  check(cost_of("layer_norm", f), 30 + 12, 30 + 5 + 5 + 30 + 12, 12 + 30 + 30 + 5 + 30 + 5 + 5);
}

TEST_CASE("rms_norm: x, gain, y; dy, x, gain, dx, dgain") {
  const auto f = [](auto&, auto input) { return rms_norm(input(2, 3, 5), input(5)); };
  check(cost_of("rms_norm", f), 30 + 6, 30 + 5 + 30 + 6, 6 + 30 + 30 + 5 + 30 + 5);
}

TEST_CASE("an activation: x, y; dy, x or y, dx; over its input it keeps nothing") {
  check(cost_of("gelu", [](auto&, auto input) { return gelu(input(30)); }), 30, 30 + 30, 30 + 30 + 30);
  check(cost_of("relu", [](auto&, auto input) { return relu(input(30)); }), 30, 30 + 30, 30 + 30 + 30);
  const auto over = [](auto&, auto input) { return relu(scale(input(30), Shapes()), InPlace::yes); };
  check(cost_of("relu", over), 0, 30 + 30, 30 + 30 + 30);
}

TEST_CASE("dropout: x, y; dy, dx, the mask drawn again; over its input it keeps nothing") {
  check(cost_of("dropout", [](auto&, auto input) { return dropout(input(30), 0.5); }), 30, 30 + 30, 30 + 30);
  const auto over = [](auto&, auto input) { return dropout(scale(input(30), Shapes()), 0.5, InPlace::yes); };
  check(cost_of("dropout", over), 0, 30 + 30, 30 + 30);
}

TEST_CASE("add: a, b, y; dy, da, db; over b it keeps nothing") {
  check(cost_of("add", [](auto&, auto input) { return add(input(30), input(30)); }), 30, 30 + 30 + 30,
        30 + 30 + 30);
  const auto over = [](auto&, auto input) { return add(input(30), scale(input(30), Shapes()), InPlace::yes); };
  check(cost_of("add", over), 0, 30 + 30 + 30, 30 + 30 + 30);
}

TEST_CASE("multiply: a, b, y; dy, a, b, da, db") {
  check(cost_of("multiply", [](auto&, auto input) { return multiply(input(30), input(30)); }), 30, 30 + 30 + 30,
        30 + 30 + 30 + 30 + 30);
}

TEST_CASE("divide: a, b, y; dy, b, y for db, da, db") {
  check(cost_of("divide", [](auto&, auto input) { return divide(input(30), input(30)); }), 30, 30 + 30 + 30,
        30 + 30 + 30 + 30 + 30);
  const Tensor<Shapes, 1> b({30});
  const auto frozen = [&](auto& tape, auto input) { return divide(input(30), tape.input(b)); };
  check(cost_of("divide", frozen), 30, 30 + 30 + 30, 30 + 30 + 30);
}

TEST_CASE("functions of one number: x, y; dy, what is read of x and y, dx; over its input one keeps nothing") {
  check(cost_of("log", [](auto&, auto input) { return log(input(30)); }), 30, 30 + 30, 30 + 30 + 30);
  check(cost_of("negate", [](auto&, auto input) { return negate(input(30)); }), 30, 30 + 30, 30 + 30);
  check(cost_of("divide", [](auto&, auto input) { return divide(2, input(30)); }), 30, 30 + 30,
        30 + 30 + 30 + 30);
  const auto over = [](auto&, auto input) { return tanh(shift(input(30), 1), InPlace::yes); };
  check(cost_of("tanh", over), 0, 30 + 30, 30 + 30 + 30);
}

TEST_CASE("broadcast, 5 elements to 30: x, y; dy, dx") {
  check(cost_of("broadcast",
                [](auto&, auto input) {
                  return broadcast(input(5), Shape<3>{2, 3, 5});
                }),
        30, 5 + 30, 30 + 5);
}

TEST_CASE("sum: x, y; dy, dx") {
  check(cost_of("sum", [](auto&, auto input) { return sum(input(30)); }), 1, 30 + 1, 1 + 30);
}

TEST_CASE("reductions of 6 rows: x, y; dy, dx, of logsumexp also x and y; log_softmax: x, y; dy, y, dx") {
  check(cost_of("sum", [](auto&, auto input) { return sum(input(2, 3, 5), last_axis); }), 6, 30 + 6, 6 + 30);
  check(cost_of("mean", [](auto&, auto input) { return mean(input(2, 3, 5), last_axis); }), 6, 30 + 6, 6 + 30);
  check(cost_of("max", [](auto&, auto input) { return max(input(2, 3, 5), last_axis); }), 6, 30 + 6, 6 + 30);
  check(cost_of("logsumexp", [](auto&, auto input) { return logsumexp(input(2, 3, 5), last_axis); }), 6, 30 + 6,
        6 + 30 + 6 + 30);
  check(cost_of("log_softmax", [](auto&, auto input) { return log_softmax(input(2, 3, 5)); }), 30, 30 + 30,
        30 + 30 + 30);
}

TEST_CASE("what rearranges: x, y; dy, dx, both of the elements alone that come to y") {
  check(cost_of("transpose", [](auto&, auto input) { return transpose(input(2, 3, 5), 0, 1); }), 30, 30 + 30,
        30 + 30);
  check(cost_of("slice", [](auto&, auto input) { return slice(input(2, 3, 5), 1, 1, 3); }), 20, 20 + 20,
        20 + 20);
  check(cost_of("select", [](auto&, auto input) { return select(input(2, 3, 5), 1); }), 10, 10 + 10, 10 + 10);
  check(cost_of("concatenate",
                [](auto&, auto input) {
                  return concatenate({input(2, 3), input(2, 5)}, 1);
                }),
        16, 6 + 10 + 16, 16 + 6 + 10);
  check(cost_of("stack",
                [](auto&, auto input) {
                  return stack({input(2, 3), input(2, 3)});
                }),
        12, 12 + 12, 12 + 12);
  check(cost_of("masked_fill",
                [](auto&, auto input) { return masked_fill(input(2, 3, 5), Tensor<bool, 1>({5}), 0); }),
        30, 30 + 30, 30 + 30);
}

TEST_CASE("gather_rows and gather: the elements that are looked up, y; dy, as many of dx") {
  const auto rows = Tokens<1>::without_memory({4});
  check(cost_of("gather_rows", [&](auto&, auto input) { return gather_rows(input(2, 3, 5), rows); }), 60,
        60 + 60, 60 + 60);
  check(cost_of("gather", [](auto&, auto input) { return gather(input(2, 3, 5), tokens); }), 6, 6 + 6, 6 + 6);
}

TEST_CASE("rotary_embedding, 6 rows of 12 features, 8 of them turned: x, y; dy, dx") {
  const RotaryTable<Shapes> table(3, 4);
  const auto f = [&](auto&, auto input) { return rotary_embedding(input(2, 3, 12), table, 8); };
  check(cost_of("rotary_embedding", f), 72, 72 + 72, 72 + 72);
}

TEST_CASE("causal_attention, 2 heads of width 4: q, k, v, y, a sum a query and head") {
  // 2 queries and 3 keys: q and y 2 · 2 · 8, keys and values 2 · 3 · 8 each, sums 2 · 2 · 2. Then dy, q, k, v,
  // y, the sums, dq, dk and dv.
  const auto split = [](auto&, auto input) { return causal_attention(input(2, 2, 8), input(2, 3, 16), 2); };
  check(cost_of("causal_attention", split), 32 + 8, 32 + 96 + 32 + 8, 32 + 32 + 96 + 32 + 8 + 32 + 96);
  // Packed, 3 queries: q, k, v and y 48 each, sums 12.
  const auto packed = [](auto&, auto input) { return causal_attention(input(2, 3, 24), 2); };
  check(cost_of("causal_attention", packed), 48 + 12, 144 + 48 + 12, 48 + 144 + 48 + 12 + 144);
}

TEST_CASE("keys and values that are kept: written, and all that are seen are read") {
  // 2 positions of width 8 behind 5: q, k, v and y, a sum a query and head; 2 stored and 7 read, of both.
  const auto f = [](auto& tape, auto) {
    const auto make = [&](const Shape<3>& shape) {
      return tape.variable(tape.recorder().given(nullptr, nullptr, element_count(shape), false), shape);
    };
    return causal_attention(make({1, 2, 8}), make({1, 2, 16}), 2, KeyValues<Shapes>{nullptr, nullptr, 5, 9});
  };
  check(cost_of("causal_attention", f, Mode::evaluate), 0, 16 + 32 + 16 + 4 + 2 * 8 * (2 + 7), 0);
}

// Of each of the 6 rows also its loss and the logarithm of a sum, which are kept.
TEST_CASE("cross_entropy: logits, the mean loss; dloss, logits, dlogits") {
  const auto f = [](auto&, auto input) { return cross_entropy(input(2, 3, 5), tokens); };
  check(cost_of("cross_entropy", f), 6 + 6 + 1, 30 + 6 + 6 + 1, 1 + 30 + 12 + 30);
}

// Of each of the 6 rows also the logarithm of a sum, which is kept.
TEST_CASE("token_losses: logits, losses; dlosses, logits, dlogits") {
  const auto f = [](auto&, auto input) { return token_losses(input(2, 3, 5), tokens, {.z_loss = 1}); };
  check(cost_of("token_losses", f), 6 + 6, 30 + 6 + 6, 6 + 6 + 30 + 30);
}

TEST_CASE("mean_squared_error: y, t, the mean; its gradient, y, t, dy, dt") {
  const auto f = [](auto&, auto input) { return mean_squared_error(input(30), input(30)); };
  check(cost_of("mean_squared_error", f), 1, 30 + 30 + 1, 1 + 30 + 30 + 30 + 30);
}

TEST_CASE("evaluation keeps nothing and has no backward pass") {
  const auto f = [](auto&, auto input) { return multiply(input(30), input(30)); };
  check(cost_of("multiply", f, Mode::evaluate), 0, 30 + 30 + 30, 0);
}

TEST_CASE("chunks of sequences read parameters each, groups of chunks hand their sums over") {
  // 41 sequences of 100 positions: 20 chunks of two and one of one, in 16 groups.
  const Parameter<Shapes, 2> W({4, 5});
  const Parameter<Shapes, 1> b({4});
  const auto f = [&](auto&, auto input) {
    return map_sequences<1>(input(41, 100, 5), {Shape<2>{100, 4}}, [&](auto part) {
      return std::array{linear(part, part.tape().use(W), part.tape().use(b))};
    })[0];
  };
  const Index x = 41 * 500, y = 41 * 400;
  check(cost_of("linear", f), y, x + 21 * (20 + 4) + y, y + x + 21 * 20 + x + 21 * (20 + 4));
  // Outputs are copied; 16 groups' sums are read and added to one gradient.
  check(cost_of("map_sequences", f), y, y + y, 16 * (20 + 4) + (20 + 4));
}
