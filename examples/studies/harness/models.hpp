#pragma once
// A model for each of the protocol's configs.
#include "protocol.hpp"

namespace slm::studies {

inline LinearLM<float> make_model(const LinearConfig& config, RandomArgument random) {
  return {config, random};
}
inline MlpLM<float> make_model(const MlpConfig& config, RandomArgument random) { return {config, random}; }
inline TransformerLM<float> make_model(const TransformerConfig& config, RandomArgument random) {
  return {config, random};
}

}  // namespace slm::studies
