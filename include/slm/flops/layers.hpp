#pragma once
// The layers of a model as the usual counting rules see them: sizes, and nothing of how they are executed.
#include <string>
#include <vector>

#include "slm/flops/model_cost.hpp"

namespace slm::flops {

enum class LayerKind { token_embedding, position_embedding, linear, norm, attention, head };

/// A layer by the name that its `Part` has. Attention is what has no parameters: scores and weighted sums.
struct Layer {
  std::string name;
  LayerKind kind;
  Index inputs, outputs;       // of a table its entries and their width; of attention and norm the width, twice
  Index heads = 0;             // of attention
  bool once_a_window = false;  // reads a whole window, where a transformer's layers read a token

  bool is_matrix() const { return kind == LayerKind::linear || kind == LayerKind::head; }

  /// Elements of its matrix or table.
  Index weights() const {
    return is_matrix() || kind == LayerKind::token_embedding || kind == LayerKind::position_embedding
               ? count_product(inputs, outputs)
               : 0;
  }
  Index parameters() const {
    if (kind == LayerKind::norm) return count_product(2, outputs);
    return count_sum(weights(), is_matrix() ? outputs : 0);
  }
};

inline std::vector<Layer> layers(const LinearConfig& given) {
  const auto [V, T, C] = LinearLM<float>::checked(given);
  return {{"embedding", LayerKind::token_embedding, V, C},
          {"head", LayerKind::head, count_product(T, C), V, 0, true}};
}

inline std::vector<Layer> layers(const MlpConfig& given) {
  const MlpConfig config = MlpLM<float>::checked(given);
  const Index window = count_product(config.context, config.width), H = config.hidden;
  return {{"embedding", LayerKind::token_embedding, config.vocabulary, config.width},
          {"hidden.0", LayerKind::linear, window, H, 0, true},
          {"hidden.1", LayerKind::linear, H, H, 0, true},
          {"head", LayerKind::head, H, config.vocabulary, 0, true}};
}

inline std::vector<Layer> layers(const TransformerConfig& given) {
  const TransformerConfig config = detail::listable("layers", given);
  const Index C = config.width, F = config.feed_forward;
  std::vector<Layer> list{{"embedding", LayerKind::token_embedding, config.vocabulary, C}};
  if (config.position == Position::learned) {
    list.push_back({"positions", LayerKind::position_embedding, config.context, C});
  }
  for (Index i = 0; i < config.layers; ++i) {
    const std::string block = concatenate({"blocks.", i, "."});
    list.push_back({block + "norm1", LayerKind::norm, C, C});
    list.push_back({block + "attention.qkv", LayerKind::linear, C, 3 * C});
    list.push_back({block + "attention", LayerKind::attention, C, C, config.heads});
    list.push_back({block + "attention.proj", LayerKind::linear, C, C});
    list.push_back({block + "norm2", LayerKind::norm, C, C});
    list.push_back({block + "feed_forward.up", LayerKind::linear, C, F});
    if (config.activation == Activation::swiglu) {
      list.push_back({block + "feed_forward.gate", LayerKind::linear, C, F});
    }
    list.push_back({block + "feed_forward.down", LayerKind::linear, F, C});
  }
  list.push_back({"norm", LayerKind::norm, C, C});
  list.push_back({"head", LayerKind::head, C, config.vocabulary});
  return list;
}

}  // namespace slm::flops
