#pragma once
// The cost of generating text from a config alone.
#include "slm/flops/model_cost.hpp"

namespace slm::flops {

/// A call of `Decoder::read` with `tokens` tokens, when `before` were read earlier. One token at a time it is
/// the cost of a generated token; it grows with `before` only in attention. Not counted: making a decoder,
/// which copies the weights.
inline ModelCost decoder_cost(const TransformerConfig& given, Index tokens, Index before = 0) {
  const TransformerConfig config = detail::listable("decoder_cost", given);
  require_config(tokens > 0 && before >= 0 && before <= config.context && tokens <= config.context - before,
                 {"decoder_cost: ", tokens, " tokens after ", before,
                  " must be at least 1 and fit a context of ", config.context});
  const Index C = config.width;
  Walk walk(Mode::evaluate, 1);
  walk.embedding("embedding", tokens, config.vocabulary, C);
  if (config.position == Position::learned) walk.add_positions("positions", tokens, config.context, C);
  for (Index i = 0; i < config.layers; ++i) {
    detail::BlockWalk(walk, config, i).read(before, tokens, i + 1 < config.layers ? tokens : 1);
  }
  walk.norm("norm", 1, C);
  walk.linear("head", 1, C, config.vocabulary);
  return std::move(walk).finish();
}

}  // namespace slm::flops
