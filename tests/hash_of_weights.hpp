#pragma once
// The weights of a model as one number, for programs whose outputs are held against each other.
#include <bit>
#include <cstdint>
#include <string>

#include "slm/nn/module.hpp"

namespace slm_test {

/// FNV-1a, of whole numbers in place of bytes.
template <class Model>
std::uint64_t hash_of_weights(const Model& model) {
  std::uint64_t hash = 1469598103934665603u;
  slm::for_each_parameter(model, [&](const std::string&, const auto& parameter) {
    for (const float weight : parameter.value) {
      hash = (hash ^ std::bit_cast<std::uint32_t>(weight)) * 1099511628211u;
    }
  });
  return hash;
}

}  // namespace slm_test
