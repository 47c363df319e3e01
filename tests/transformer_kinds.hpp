#pragma once
// Every kind of transformer, for tests that none of them may escape.
#include <string>
#include <vector>

#include "slm/models/transformer_lm.hpp"

namespace slm_test {

/// `base`, of at least two heads, with both norm placements, all positions and three activations; and the other
/// options in combinations that have each of them.
inline std::vector<slm::TransformerConfig> transformer_kinds(const slm::TransformerConfig& base) {
  using slm::Activation, slm::Normalization, slm::NormPlacement, slm::Position, slm::TransformerConfig;
  std::vector<TransformerConfig> kinds;
  for (const auto& norm : enum_names(NormPlacement())) {
    for (const auto& position : enum_names(Position())) {
      for (const Activation activation : {Activation::relu, Activation::gelu, Activation::swiglu}) {
        TransformerConfig& kind = kinds.emplace_back(base);
        kind.norm = norm.value;
        kind.position = position.value;
        kind.activation = activation;
      }
    }
  }
  TransformerConfig& plain = kinds.emplace_back(base);
  plain.position = Position::rotary, plain.activation = Activation::swiglu;
  plain.normalization = Normalization::rms, plain.norm_epsilon = 1e-3, plain.biases = false;
  plain.key_value_heads = 1, plain.head_width = 6, plain.rotary_base = 100;
  TransformerConfig& tied = kinds.emplace_back(base);
  tied.activation = Activation::gelu_tanh, tied.tied = true, tied.initial_deviation = 0.1;
  TransformerConfig& normed = kinds.emplace_back(base);
  normed.norm = NormPlacement::post, normed.position = Position::rotary;
  normed.activation = Activation::relu_squared, normed.query_key_norm = true;
  TransformerConfig& shared = kinds.emplace_back(base);
  shared.position = Position::none, shared.activation = Activation::swiglu, shared.biases = false;
  shared.tied = shared.query_key_norm = true, shared.key_value_heads = 1, shared.head_width = 6;
  return kinds;
}

/// "vocabulary 7, context 8, …", with the numbers of enumerators.
inline std::string describe(const slm::TransformerConfig& config) {
  std::string text;
  slm::TransformerConfig::fields(config, [&](const std::string& name, const auto& value) {
    text += (text.empty() ? "" : ", ") + name + " " + std::to_string(static_cast<double>(value));
  });
  return text;
}

}  // namespace slm_test
