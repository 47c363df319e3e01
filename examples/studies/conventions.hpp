#pragma once
// The rules by which FLOPs of language models are counted, side by side.
//
// Each rule gives what a layer contributes to a training step on B windows of T tokens. Rules that multiply
// parameters by tokens are applied as they are used: to the parameters of every layer and to all B·T tokens,
// also where a layer reads a window at once. Rules that add up products count those.
#include <array>
#include <string_view>

#include "slm/flops/model_cost.hpp"
#include "slm/nn/attention.hpp"
#include "slm/nn/embedding.hpp"
#include "slm/nn/normalization.hpp"

namespace slm::flops {

enum class LayerKind { token_embedding, position_embedding, linear, norm, attention, head, other };

/// A layer as the rules see it: sizes, and of how it is executed only whether it reads a window at once.
/// Attention is what has no parameters: scores and weighted sums.
struct Layer {
  std::string path;
  LayerKind kind = LayerKind::other;
  Index inputs = 0,
        outputs = 0;  // of a table its entries and their width; of attention and norm the width, twice
  Index parameters = 0;
  Index heads = 0;             // of attention
  bool once_a_window = false;  // reads a whole window, where a transformer's layers read a token

  /// Elements of its matrix or table.
  Index weights() const {
    switch (kind) {
      case LayerKind::token_embedding:
      case LayerKind::position_embedding:
      case LayerKind::linear:
      case LayerKind::head:
        return count_product(inputs, outputs);
      case LayerKind::norm:
      case LayerKind::attention:
      case LayerKind::other:
        break;
    }
    return 0;
  }
};

namespace detail {

inline void describe(const Linear<Shapes>& module, Layer& layer) {
  layer.kind = layer.path == "head" ? LayerKind::head : LayerKind::linear;
  layer.outputs = module.weight.value.extent(0), layer.inputs = module.weight.value.extent(1);
}
inline void describe(const Embedding<Shapes>& module, Layer& layer) {
  layer.kind = layer.path == "positions" ? LayerKind::position_embedding : LayerKind::token_embedding;
  layer.inputs = module.weight.value.extent(0), layer.outputs = module.weight.value.extent(1);
}
inline void describe(const CausalSelfAttention<Shapes>& module, Layer& layer) {
  layer.kind = LayerKind::attention, layer.heads = module.heads;
  layer.inputs = layer.outputs = module.heads * module.head_width;
}
inline void describe(const Norm<Shapes>& module, Layer& layer) {
  layer.kind = LayerKind::norm, layer.inputs = layer.outputs = module.weight.value.extent(0);
}
inline void describe(const LayerNorm<Shapes>& module, Layer& layer) {
  layer.kind = LayerKind::norm, layer.inputs = layer.outputs = module.weight.value.extent(0);
}
inline void describe(const RMSNorm<Shapes>& module, Layer& layer) {
  layer.kind = LayerKind::norm, layer.inputs = layer.outputs = module.weight.value.extent(0);
}
inline void describe(const auto&, Layer&) {}

template <class Module>
void add_layer(const Module& module, const std::string& path, const ModelCost& cost, std::vector<Layer>& list) {
  Layer layer{path};
  Index multiply_adds = 0;
  for (const PartCost& part : cost.parts) {
    if (part.path != path) continue;
    layer.parameters = count_sum(layer.parameters, part.parameters);
    multiply_adds = count_sum(multiply_adds, part.cost.passes.forward.multiply_adds);
  }
  describe(module, layer);
  // Of a batch of one window, what runs on one row reads the window at once.
  layer.once_a_window = multiply_adds > 0 && multiply_adds == layer.weights();
  if (layer.kind != LayerKind::other || layer.parameters > 0) list.push_back(layer);
}

}  // namespace detail

/// The layers of a model in the order of its fields, from its config: known ones, and what else has parameters.
template <template <Scalar> class Model, class Config, Scalar Real = Shapes>
std::vector<Layer> layers(const Config& config) {
  const Model<Real> model(config, Random());
  constexpr bool everywhere = requires(Tape<Shapes> & tape, const Tokens<2>& tokens) { model(tape, tokens); };
  const ModelCost cost =
      model_cost<Model>(config, {.readout = everywhere ? Readout::every_position : Readout::next_token});
  std::vector<Layer> list;
  slm::detail::walk(model, {}, [&](const slm::detail::FieldPath& path, const auto& part) {
    if constexpr (!slm::detail::is_parameter<std::remove_cvref_t<decltype(part)>>) {
      detail::add_layer(part, path.text(), cost, list);
    }
  });
  return list;
}
template <class Config>
std::vector<Layer> layers(const Config& config) {
  return layers<Config::template Model>(config);
}

struct Convention {
  std::string_view name, formula, source;
  Index (*layer_flops)(const Layer& layer, Index B, Index T);

  /// Of a training step.
  Index operator()(const std::vector<Layer>& model, Index B, Index T) const {
    Index sum = 0;
    for (const Layer& layer : model) sum = count_sum(sum, layer_flops(layer, B, T));
    return sum;
  }
};

namespace detail {

/// Multiply-adds of a layer's products in a forward pass without causal savings; `head_positions`: at how
/// many positions of a window a transformer's head computes logits.
inline Index forward_multiply_adds(const Layer& layer, Index B, Index T, Index head_positions) {
  switch (layer.kind) {
    case LayerKind::attention:
      return count_product(2, B, T, T, layer.outputs);
    case LayerKind::linear:
      return count_product(layer.weights(), B, layer.once_a_window ? 1 : T);
    case LayerKind::head:
      return count_product(layer.weights(), B, layer.once_a_window ? 1 : head_positions);
    case LayerKind::token_embedding:
    case LayerKind::position_embedding:
    case LayerKind::norm:
    case LayerKind::other:
      break;
  }
  return 0;
}

inline Index kaplan(const Layer& layer, Index B, Index T) {
  // A transformer's head is the embedding's matrix in that paper, hence no part of N.
  const bool embedding = layer.kind == LayerKind::head && !layer.once_a_window;
  const bool matrix = layer.kind == LayerKind::linear || layer.kind == LayerKind::head;
  return matrix && !embedding ? count_product(6, layer.weights(), B, T) : 0;
}

inline Index chinchilla(const Layer& layer, Index B, Index T) {
  Index forward = count_product(2, forward_multiply_adds(layer, B, T, T));
  if (layer.kind == LayerKind::token_embedding) forward = count_product(2, B, T, layer.weights());
  if (layer.kind == LayerKind::attention) forward = count_sum(forward, count_product(3, layer.heads, B, T, T));
  return count_product(3, forward);
}

inline Index palm(const Layer& layer, Index B, Index T) {
  if (layer.kind == LayerKind::position_embedding) return 0;
  if (layer.kind == LayerKind::attention) return count_product(12, layer.outputs, B, T, T);
  return count_product(6, layer.parameters, B, T);
}

inline Index llm_c(const Layer& layer, Index B, Index T) {
  if (layer.kind == LayerKind::attention) return count_product(6, layer.outputs, B, T, T);
  return count_product(6, layer.parameters, B, T);
}

inline Index megatron(const Layer& layer, Index B, Index T) {
  return count_product(6, forward_multiply_adds(layer, B, T, T));
}

inline Index pytorch(const Layer& layer, Index B, Index T) {
  return count_product(6, forward_multiply_adds(layer, B, T, 1));
}

inline Index fvcore(const Layer& layer, Index B, Index T) {
  if (layer.kind != LayerKind::norm) return forward_multiply_adds(layer, B, T, 1);
  return count_product(5, layer.outputs, B, layer.path == "norm" ? 1 : T);
}

}  // namespace detail

inline constexpr std::array<Convention, 7> conventions{{
    {"Kaplan 6N", "6 N per token, N = 2 L C (2 C + F): no embeddings, head, biases or norms",
     "Kaplan et al. 2020, arXiv 2001.08361, sec. 2.1 and table 1", detail::kaplan},
    {"Chinchilla", "3 x forward: products, 3 H T^2 of softmax, embedding as a product with one-hot rows",
     "Hoffmann et al. 2022, arXiv 2203.15556, app. F", detail::chinchilla},
    {"PaLM/nanoGPT", "6 N + 12 L H Q T per token, N without positions",
     "Chowdhery et al. 2022, arXiv 2204.02311, app. B; nanoGPT, estimate_mfu", detail::palm},
    {"llm.c", "6 N + 6 L C T per token, N all parameters", "llm.c, gpt2_estimate_mfu", detail::llm_c},
    {"Megatron", "72 B L T C^2 (1 + T / 6C + V / 12LC) for F = 4C: all products, logits everywhere",
     "Narayanan et al. 2021, arXiv 2104.04473, app., without recomputation; Korthikanti et al. 2022, "
     "arXiv 2205.05198, app. A",
     detail::megatron},
    {"PyTorch", "2 m k n of every product run: mm, addmm, bmm, not causal, logits at the last position",
     "torch.utils.flop_counter.FlopCounterMode", detail::pytorch},
    {"fvcore", "multiply-adds of the forward pass, and 5 per element of a layer norm",
     "fvcore.nn.FlopCountAnalysis, jit_handles.py", detail::fvcore},
}};

}  // namespace slm::flops
