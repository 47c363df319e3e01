#pragma once
// Every kind of transformer, for tests that none of them may escape.
#include <string>
#include <vector>

#include "slm/models/transformer_lm.hpp"

namespace slm_test {

/// `base` with both norm placements, all positions and all activations.
inline std::vector<slm::TransformerConfig> transformer_kinds(slm::TransformerConfig base) {
  using slm::Activation, slm::NormPlacement, slm::Position;
  std::vector<slm::TransformerConfig> kinds;
  for (const auto& norm : enum_names(NormPlacement())) {
    for (const auto& position : enum_names(Position())) {
      for (const auto& activation : enum_names(Activation())) {
        base.norm = norm.value;
        base.position = position.value;
        base.activation = activation.value;
        kinds.push_back(base);
      }
    }
  }
  return kinds;
}

/// "layers 2, norm 0, position 1, activation 2".
inline std::string describe(const slm::TransformerConfig& config) {
  return "layers " + std::to_string(config.layers) + ", norm " + std::to_string(static_cast<int>(config.norm)) +
         ", position " + std::to_string(static_cast<int>(config.position)) + ", activation " +
         std::to_string(static_cast<int>(config.activation));
}

}  // namespace slm_test
