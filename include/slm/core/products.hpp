#pragma once
// How precise the operands of products are.
#include <span>

#include "slm/core/names.hpp"

namespace slm {

/// What products of a step make of their operands: `full` takes them as they are, `bfloat16` rounds both to 8
/// bits of exponent and 7 of fraction. Sums are floats in either, and so is all else: weights, activations,
/// gradients and what an optimizer keeps.
///                                                   PyTorch, about: torch.autocast("cpu", torch.bfloat16)
enum class Products { full, bfloat16 };

inline constexpr EnumName<Products> product_names[] = {{Products::full, "full"},
                                                       {Products::bfloat16, "bfloat16"}};
constexpr std::span<const EnumName<Products>> enum_names(Products) { return product_names; }

}  // namespace slm
