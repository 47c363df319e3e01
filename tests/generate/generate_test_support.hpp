#pragma once
// Transformers of every kind, small, for the tests of generated text.
#include <string>
#include <vector>

#include "nn/module_test_support.hpp"
#include "slm/models/transformer_lm.hpp"

namespace generate_test {

using namespace module_test;

/// Both norm placements with all positions and all activations, of one block and of three.
inline std::vector<TransformerConfig> all_kinds() {
  std::vector<TransformerConfig> configs;
  for (const Index layers : {1, 3}) {
    for (const auto norm : {NormPlacement::post, NormPlacement::pre}) {
      for (const auto position : {Position::learned, Position::rotary, Position::none}) {
        for (const auto activation : {Activation::relu, Activation::gelu, Activation::swiglu}) {
          configs.push_back({.vocabulary = 11,
                             .context = 9,
                             .width = 12,
                             .layers = layers,
                             .heads = 2,
                             .feed_forward = 19,
                             .position = position,
                             .norm = norm,
                             .activation = activation,
                             .attention_dropout = 0.1,
                             .feed_forward_dropout = 0.1,
                             .residual_dropout = 0.1});
        }
      }
    }
  }
  return configs;
}

inline std::string describe(const TransformerConfig& config) {
  return "layers " + std::to_string(config.layers) + ", norm " + std::to_string(static_cast<int>(config.norm)) +
         ", position " + std::to_string(static_cast<int>(config.position)) + ", activation " +
         std::to_string(static_cast<int>(config.activation));
}

/// With no parameter left at zero or one.
template <Scalar Real>
TransformerLM<Real> make(const TransformerConfig& config) {
  TransformerLM<Real> model(config, Random(seed));
  randomise(model);
  return model;
}

inline std::vector<Token> random_text(Index length, Index vocabulary) {
  const Tokens<1> tokens = random_tokens<1>({length}, vocabulary);
  return {tokens.begin(), tokens.end()};
}

}  // namespace generate_test
