#pragma once
// The rule by which the paper counts FLOPs, beside those of others (conventions.hpp).
#include <algorithm>
#include <array>

#include "conventions.hpp"

namespace slm::studies {

inline Index layer_2pn(const flops::Layer& layer, Index B, Index T) {
  return count_product(2, layer.parameters, B, T);
}

/// 2PN, and the rules of others.
inline constexpr auto rules = [] {
  std::array<flops::Convention, flops::conventions.size() + 1> all{};
  all[0] = {"paper 2PN", "2 P per token, P all parameters", "Bhatti 2025, sec. 3 and experiment log",
            layer_2pn};
  std::copy(flops::conventions.begin(), flops::conventions.end(), all.begin() + 1);
  return all;
}();

}  // namespace slm::studies
