// Causal self-attention and the block around it.
#include <cmath>

#include "slm/nn/attention.hpp"

#include "module_test_support.hpp"
#include "slm/nn/block.hpp"

using namespace module_test;
using Names = std::vector<std::string>;

namespace {

constexpr Index B = 2, T = 5, C = 8, heads = 2;

CausalSelfAttention<double> make_attention(bool rotary, double dropout) {
  Random random(seed);
  CausalSelfAttention<double> layer(C, heads, dropout, AttentionInit::linear, random);
  if (rotary) layer.rotary.emplace(T, C / heads);
  return layer;
}

TransformerBlock<double> make_block(NormPlacement placement, bool rotary, double dropout) {
  Random random(seed, "block");
  return {LayerNorm<double>(C),
          make_attention(rotary, dropout),
          LayerNorm<double>(C),
          FeedForward<double>(C, 12, Activation::gelu, dropout, random),
          placement,
          dropout};
}

/// The last position of y (B, T, C), as (B, C) numbers.
std::vector<double> last_of(Var<double, 3> y) { return as_doubles(last_position(y)); }

}  // namespace

TEST_CASE("attention: names, shapes and gradients, with rotary positions and with dropout") {
  for (const bool rotary : {false, true}) {
    for (const double dropout : {0.0, 0.3}) {
      CAPTURE(rotary);
      CAPTURE(dropout);
      const auto layer = make_attention(rotary, dropout);
      CHECK(names_of(layer) == Names{"qkv.weight", "qkv.bias", "proj.weight", "proj.bias"});
      CHECK(layer.qkv.weight.value.shape() == Shape<2>{3 * C, C});
      CHECK(layer.proj.weight.value.shape() == Shape<2>{C, C});

      WithInput<CausalSelfAttention<double>, 3> module(layer, {B, T, C});
      check_gradients(module,
                      [&](Tape<double>& tape) { return weighted_sum(module.layer(tape.use(module.input))); });
      // `attend` leaves out the output map.
      check_gradients(module, [&](Tape<double>& tape) {
        return weighted_sum(module.layer.proj(module.layer.attend(tape.use(module.input), Queries::last)));
      });
    }
  }
}

TEST_CASE("attention: a position does not depend on the positions after it") {
  for (const bool rotary : {false, true}) {
    WithInput<CausalSelfAttention<double>, 3> module(make_attention(rotary, 0), {1, T, C});
    Tape<double> tape;
    const std::vector<double> before = as_doubles(module.layer(tape.use(module.input)));
    for (Index t = 0; t < T; ++t) {
      CAPTURE(t);
      auto changed = module;
      for (Index c = 0; c < C; ++c) changed.input.value.data()[t * C + c] += 1;
      tape.reset();
      const std::vector<double> after = as_doubles(changed.layer(tape.use(changed.input)));
      for (Index other = 0; other < T; ++other) {
        const auto row = [&](const std::vector<double>& y) {
          return std::vector<double>(y.begin() + other * C, y.begin() + (other + 1) * C);
        };
        CHECK((relative_error(row(after), row(before)) > 1e-12) == (other >= t));
      }
    }
  }
}

TEST_CASE("attention: the last position alone is the last position of all") {
  for (const bool rotary : {false, true}) {
    WithInput<CausalSelfAttention<double>, 3> module(make_attention(rotary, 0), {B, T, C});
    Tape<double> tape;
    const auto x = tape.use(module.input);
    const auto alone = module.layer.proj(module.layer.attend(x, Queries::last));
    CHECK(alone.shape() == Shape<3>{B, 1, C});
    CHECK(relative_error(as_doubles(alone), last_of(module.layer(x))) <= 1e-14);
  }
}

TEST_CASE("attention: heads that do not divide the width are refused, and so is an odd rotary head") {
  Random random(seed);
  const auto make = [&](Index width, Index head_count) {
    CausalSelfAttention<double> layer(width, head_count, 0, AttentionInit::linear, random);
  };
  CHECK_THROWS_WITH_AS(make(8, 3), "CausalSelfAttention: 3 heads do not divide the width 8", ShapeError);
  CHECK_THROWS_WITH_AS(make(8, 0), "CausalSelfAttention: 0 heads do not divide the width 8", ShapeError);
  CHECK_THROWS_WITH_AS((RotaryTable<double>(4, 3)),
                       "RotaryTable: rotary embedding turns pairs and needs an even head width, got 3",
                       ConfigError);
}

TEST_CASE("attention: a rotary table for heads of another width is refused") {
  auto layer = make_attention(true, 0);
  layer.rotary.emplace(T, C);
  const Tensor<double, 3> x({1, T, C});
  Tape<double> tape;
  const char* message =
      "CausalSelfAttention: the rotary table is for heads of width 8, those of the layer have 4";
  CHECK_THROWS_WITH_AS(layer(tape.input(x)), message, ConfigError);
  CHECK_THROWS_WITH_AS(layer.attend(tape.input(x), Queries::last), message, ConfigError);
}

TEST_CASE("attention: more positions than the rotary table has are refused") {
  auto layer = make_attention(true, 0);
  const Tensor<double, 3> x({1, T + 1, C});
  Tape<double> tape;
  const char* message =
      "rotary_embedding: positions 0 … 5 and 16 rotated features of input (1, 6, 24) do not fit a table of 5 "
      "positions and head width 4";
  CHECK_THROWS_WITH_AS(layer(tape.input(x)), message, ShapeError);
}

TEST_CASE("block: names, gradients and its last position, for both norm placements") {
  for (const NormPlacement placement : {NormPlacement::post, NormPlacement::pre}) {
    for (const bool rotary : {false, true}) {
      for (const double dropout : {0.0, 0.3}) {
        CAPTURE(static_cast<int>(placement));
        CAPTURE(rotary);
        CAPTURE(dropout);
        WithInput<TransformerBlock<double>, 3> module(make_block(placement, rotary, dropout), {B, T, C});
        const TransformerBlock<double>& block = module.layer;
        CHECK(names_of(block) == Names{"norm1.weight", "norm1.bias", "attention.qkv.weight",
                                       "attention.qkv.bias", "attention.proj.weight", "attention.proj.bias",
                                       "norm2.weight", "norm2.bias", "feed_forward.up.weight",
                                       "feed_forward.up.bias", "feed_forward.down.weight",
                                       "feed_forward.down.bias"});
        const auto alone = [&](Var<double, 3> x) {
          const auto [at_last, seen] = block.see_last(x);
          return block.finish(at_last, seen);
        };
        check_gradients(module,
                        [&](Tape<double>& tape) { return weighted_sum(block(tape.use(module.input))); });
        check_gradients(module,
                        [&](Tape<double>& tape) { return weighted_sum(alone(tape.use(module.input))); });
        Tape<double> tape(Mode::evaluate);
        const auto x = tape.use(module.input);
        CHECK(relative_error(as_doubles(alone(x)), last_of(block(x))) <= 1e-14);
      }
    }
  }
}

TEST_CASE("block: the norm stands where its placement says") {
  // Post-norm ends in a norm: with gain 1 and shift 0 every row has mean 0 and variance 1. Pre-norm adds to its
  // input: with zero output maps it passes it on.
  Random random(seed);
  Tensor<double, 3> x({1, T, C});
  for (double& value : x) value = 3 + random.normal();
  Tape<double> tape;

  const auto post = make_block(NormPlacement::post, false, 0)(tape.input(x));
  for (Index t = 0; t < T; ++t) {
    double mean = 0, square = 0;
    for (Index c = 0; c < C; ++c) {
      mean += post.value()[t * C + c] / C;
      square += post.value()[t * C + c] * post.value()[t * C + c] / C;
    }
    CHECK(std::abs(mean) <= 1e-14);
    CHECK(square == doctest::Approx(1).epsilon(1e-3));
  }

  auto pre = make_block(NormPlacement::pre, false, 0);
  for (Linear<double>* map : {&pre.attention.proj, &pre.feed_forward.down}) {
    init::constant(map->weight, 0);
    init::constant(map->bias, 0);
  }
  CHECK(as_doubles(pre(tape.input(x))) == as_doubles(x));
}
