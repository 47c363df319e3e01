#pragma once
// The models whose steps are timed, here and against PyTorch (peers/).
#include <map>
#include <string>

#include "bench/training.hpp"
#include "examples/studies/protocol.hpp"

namespace slm::bench {

/// The protocol's models with their batches, and some that predict at every position: a small GPT, one of the
/// shapes of GPT-2's smallest (Radford et al. 2019: 12 layers of width 768), its head with weights of its own,
/// and the recurrent models.
inline std::map<std::string, TrainingSetting> models() {
  using namespace studies;
  return {{"linear", {linear_model(128), 64}},
          {"mlp", {mlp_model(256), 64}},
          {"attention", {self_attention_model(4), 64}},
          {"transformer", {transformer_model(shakespeare, 128, 3), 64}},
          {"learned", {position_model(Position::learned), 64}},
          {"rope", {position_model(Position::rotary), 64}},
          {"ptb", {word_model(ptb), 32}},
          {"wikitext2", {word_model(wikitext), 32}},
          {"gpt", {TransformerConfig{.vocabulary = 65, .context = 64, .layers = 4}, 12, true}},
          {"gpt2",
           {TransformerConfig{.vocabulary = 50'257, .context = 64, .width = 768, .layers = 12, .heads = 12}, 4,
            true}},
          {"gru", {GruConfig{.vocabulary = 65, .context = 64}, 64, true}},
          {"lstm", {LstmConfig{.vocabulary = 65, .context = 64}, 64, true}},
          {"min_gru", {MinGruConfig{.vocabulary = 65, .context = 64}, 64, true}}};
}

}  // namespace slm::bench
