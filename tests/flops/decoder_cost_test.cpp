// The cost of reading a text token by token: by formula, and as counted by the numbers it is computed with.
#include "slm/flops/model_cost.hpp"

#include "flops/flops_test_support.hpp"
#include "generate/generate_test_support.hpp"
#include "slm/generate/decoder.hpp"

using namespace slm;
using Number = flops::Counted<double>;

namespace {

Cost counted_reading(Decoder<TransformerLM<Number>, Number>& decoder, std::span<const Token> tokens) {
  flops::reset_tally();
  decoder.read(tokens);
  return flops::tally().cost();
}

/// A text read in pieces of these lengths, each against its formula.
void check_reading(const TransformerConfig& config, std::initializer_list<Index> lengths) {
  const slm_test::Threads one_thread(1);
  const auto model = generate_test::make<Number>(config);
  const auto text = generate_test::random_text(config.context, config.vocabulary);
  Decoder decoder(model);
  std::span<const Token> unread(text);
  for (const Index length : lengths) {
    const auto tokens = static_cast<std::size_t>(length);
    const auto analytic = flops::decoder_cost(config, length, decoder.length());
    INFO(length << " tokens after " << decoder.length());
    test::check_equal(counted_reading(decoder, unread.first(tokens)),
                      test::without_copies(analytic.total().forward), "forward");
    CHECK(analytic.parameters() == parameter_count(model));
    unread = unread.subspan(tokens);
  }
}

}  // namespace

TEST_CASE("reading costs what the formula says, in every kind of transformer") {
  for (const TransformerConfig& config : generate_test::all_kinds()) {
    INFO(generate_test::describe(config));
    check_reading(config, {1, 1, 1, 1, 1, 1, 1, 1, 1});
    check_reading(config, {4, 1, 1, 2});
    check_reading(config, {9});
  }
}

TEST_CASE("reading costs what the formula says where attention has several tiles") {
  const TransformerConfig config{
      .vocabulary = 9, .context = 140, .width = 8, .layers = 2, .heads = 2, .position = Position::rotary};
  check_reading(config, {126, 1, 1, 1, 1, 1, 9});
  check_reading(config, {1, 139});
}

TEST_CASE("a text read at once costs the FLOPs of next_token") {
  for (const TransformerConfig& config : generate_test::all_kinds()) {
    INFO(generate_test::describe(config));
    const auto whole = flops::model_cost(config, {.batch = 1, .window = 7, .mode = Mode::evaluate});
    Cost without_loss;
    for (const auto& part : whole.parts) {
      if (part.operation != "cross_entropy") without_loss += part.cost.passes.forward;
    }
    CHECK(flops::decoder_cost(config, 7).total().forward.flops() == without_loss.flops());
  }
}

TEST_CASE("keys and values are copied, embeddings looked up") {
  const TransformerConfig config{.vocabulary = 9, .context = 20, .width = 8, .layers = 3, .heads = 2};
  const Cost cost = flops::decoder_cost(config, 1, 10).total().forward;
  CHECK(cost.moved == 3 * 2 * 8);
  CHECK(cost.lookups == 8);
  CHECK(flops::decoder_cost(config, 1, 10).total().backward == Cost());
}

TEST_CASE("a decoder that could not read has no cost") {
  const TransformerConfig config{.vocabulary = 9, .context = 20, .width = 8, .layers = 1, .heads = 2};
  for (const auto& [tokens, before] : {std::pair<Index, Index>{0, 0}, {1, 20}, {21, 0}, {1, -1}, {-1, 3}}) {
    const std::string message = "decoder_cost: " + std::to_string(tokens) + " tokens after " +
                                std::to_string(before) + " must be at least 1 and fit a context of 20";
    CHECK_THROWS_WITH_AS(flops::decoder_cost(config, tokens, before), message.c_str(), ConfigError);
  }
}
