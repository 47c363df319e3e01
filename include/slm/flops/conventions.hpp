#pragma once
// The rules by which FLOPs of language models are counted, side by side.
//
// Each rule gives what a layer contributes to a training step on B windows of T tokens. Rules that multiply
// parameters by tokens are applied as they are used: to the parameters of every layer and to all B·T tokens,
// also where a layer reads a window at once. Rules that add up products count those.
#include <array>
#include <string_view>

#include "slm/flops/layers.hpp"

namespace slm::flops {

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
  if (layer.kind == LayerKind::attention) return count_product(2, B, T, T, layer.outputs);
  if (!layer.is_matrix()) return 0;
  const Index positions = layer.once_a_window ? 1 : layer.kind == LayerKind::head ? head_positions : T;
  return count_product(layer.weights(), B, positions);
}

inline Index paper(const Layer& layer, Index B, Index T) { return count_product(2, layer.parameters(), B, T); }

inline Index kaplan(const Layer& layer, Index B, Index T) {
  // A transformer's head is the embedding's matrix in that paper, hence no part of N.
  const bool embedding = layer.kind == LayerKind::head && !layer.once_a_window;
  return layer.is_matrix() && !embedding ? count_product(6, layer.weights(), B, T) : 0;
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
  return count_product(6, layer.parameters(), B, T);
}

inline Index llm_c(const Layer& layer, Index B, Index T) {
  if (layer.kind == LayerKind::attention) return count_product(6, layer.outputs, B, T, T);
  return count_product(6, layer.parameters(), B, T);
}

inline Index megatron(const Layer& layer, Index B, Index T) {
  return count_product(6, forward_multiply_adds(layer, B, T, T));
}

inline Index pytorch(const Layer& layer, Index B, Index T) {
  return count_product(6, forward_multiply_adds(layer, B, T, 1));
}

inline Index fvcore(const Layer& layer, Index B, Index T) {
  if (layer.kind != LayerKind::norm) return forward_multiply_adds(layer, B, T, 1);
  return count_product(5, layer.outputs, B, layer.name == "norm" ? 1 : T);
}

}  // namespace detail

inline constexpr std::array<Convention, 8> conventions{{
    {"paper 2PN", "2 P per token, P all parameters", "Bhatti 2025, sec. 3 and experiment log", detail::paper},
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
