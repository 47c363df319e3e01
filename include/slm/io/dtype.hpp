#pragma once
// Number types as files name them, and the 16-bit floating-point types that C++20 has no name for.
#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

#include "slm/core/check.hpp"
#include "slm/core/weight_format.hpp"

namespace slm {

static_assert(std::endian::native == std::endian::little,
              "slm/io: the files are little-endian, and so must the machine be");

/// The element types of the safetensors format.
enum class DType { F64, F32, F16, BF16, I64, I32, I16, I8, U64, U32, U16, U8, Bool };

namespace detail {

struct DTypeRow {
  std::string_view label;
  std::size_t bytes;
};

/// In the order of `DType`.
inline constexpr DTypeRow dtype_rows[] = {{"F64", 8}, {"F32", 4}, {"F16", 2}, {"BF16", 2}, {"I64", 8},
                                          {"I32", 4}, {"I16", 2}, {"I8", 1},  {"U64", 8},  {"U32", 4},
                                          {"U16", 2}, {"U8", 1},  {"BOOL", 1}};

}  // namespace detail

/// Bytes of one element.
constexpr std::size_t byte_size(DType dtype) {
  return detail::dtype_rows[static_cast<std::size_t>(dtype)].bytes;
}

/// "F32".
constexpr std::string_view dtype_name(DType dtype) {
  return detail::dtype_rows[static_cast<std::size_t>(dtype)].label;
}

/// The type of that label; nothing for a label the format does not have.
constexpr std::optional<DType> dtype_from_label(std::string_view text) {
  for (std::size_t i = 0; i < std::size(detail::dtype_rows); ++i) {
    if (detail::dtype_rows[i].label == text) return static_cast<DType>(i);
  }
  return std::nullopt;
}

/// "F64, F32, …": all labels, for messages.
inline std::string dtype_labels() {
  std::string text;
  for (const detail::DTypeRow& row : detail::dtype_rows) {
    if (!text.empty()) text += ", ";
    text += row.label;
  }
  return text;
}

/// The type a C++ number is stored as.
template <class T>
constexpr DType dtype_of() {
  if constexpr (std::is_same_v<T, double>)
    return DType::F64;
  else if constexpr (std::is_same_v<T, float>)
    return DType::F32;
  else if constexpr (std::is_same_v<T, std::int64_t>)
    return DType::I64;
  else if constexpr (std::is_same_v<T, std::int32_t>)
    return DType::I32;
  else if constexpr (std::is_same_v<T, std::int8_t>)
    return DType::I8;
  else if constexpr (std::is_same_v<T, std::uint64_t>)
    return DType::U64;
  else if constexpr (std::is_same_v<T, std::uint16_t>)
    return DType::U16;
  else {
    static_assert(std::is_same_v<T, std::uint8_t>, "slm/io: no file type for this number type");
    return DType::U8;
  }
}

/// The number whose IEEE 754 binary16 bits (1 sign, 5 exponent, 10 fraction) these are. Exact.
inline float float_from_f16(std::uint16_t bits) {
  const std::uint32_t sign = (bits & 0x8000u) << 16;
  const std::uint32_t exponent = (bits >> 10) & 0x1fu;
  const std::uint32_t fraction = bits & 0x3ffu;
  std::uint32_t magnitude = (exponent + 112) << 23 | fraction << 13;  // biases: 15 there, 127 here
  if (exponent == 0) magnitude = std::bit_cast<std::uint32_t>(static_cast<float>(fraction) * 0x1p-24f);
  if (exponent == 0x1f) magnitude = 0x7f80'0000u | fraction << 13;
  return std::bit_cast<float>(sign | magnitude);
}

}  // namespace slm
