#pragma once
// Transformers of every kind, small, for the tests of generated text.
#include <vector>

#include "nn/module_test_support.hpp"
#include "transformer_kinds.hpp"

namespace generate_test {

using namespace module_test;
using slm_test::describe;

/// Every kind of transformer, of one block and of three.
inline std::vector<TransformerConfig> all_kinds() {
  std::vector<TransformerConfig> configs;
  for (const Index layers : {1, 3}) {
    for (const TransformerConfig& config : slm_test::transformer_kinds({.vocabulary = 11,
                                           .context = 9,
                                           .width = 12,
                                           .layers = layers,
                                           .heads = 2,
                                           .feed_forward = 19,
                                           .attention_dropout = 0.1,
                                           .feed_forward_dropout = 0.1,
                                           .residual_dropout = 0.1})) {
      configs.push_back(config);
    }
  }
  return configs;
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
