#pragma once
// A tensor as a file holds it: a name, a type and a shape of run time, and bytes.
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "slm/core/libm.hpp"
#include "slm/core/scalar.hpp"
#include "slm/core/tensor.hpp"
#include "slm/io/bytes.hpp"
#include "slm/io/dtype.hpp"

namespace slm {

/// Free text in a file, by key.
using Metadata = std::map<std::string, std::string>;

/// `bytes` are the elements, row-major and little-endian, in memory that someone else owns; no alignment is
/// promised.
struct TensorRecord {
  std::string name;
  DType dtype{};
  std::vector<Index> shape;
  std::span<const std::byte> bytes;
};

/// The record of `tensor`, whose memory it refers to.
template <class T, std::size_t Rank>
TensorRecord tensor_record(std::string name, const Tensor<T, Rank>& tensor) {
  return {std::move(name), dtype_of<T>(), std::vector<Index>(tensor.shape().begin(), tensor.shape().end()),
          detail::bytes_at(tensor.data(), static_cast<std::size_t>(tensor.size()) * sizeof(T))};
}

namespace detail {

/// Bytes that a tensor takes; nothing where an extent is negative or 64 bits cannot count them.
inline std::optional<std::uint64_t> byte_count(std::span<const Index> shape, DType dtype) {
  std::uint64_t count = byte_size(dtype);
  for (const Index extent : shape) {
    const auto factor = static_cast<std::uint64_t>(extent);
    if (extent < 0 || (factor > 0 && count > std::numeric_limits<std::uint64_t>::max() / factor)) return {};
    count *= factor;
  }
  return count;
}

/// Calls each(index, value) for the elements as they are stored.
template <class Stored, class Each>
void for_each_stored(std::span<const std::byte> bytes, const Each& each) {
  for (std::size_t i = 0; i < bytes.size() / sizeof(Stored); ++i) {
    Stored value;
    std::memcpy(&value, bytes.data() + i * sizeof(Stored), sizeof(Stored));
    each(i, value);
  }
}

/// Calls each(index, value) with values of float or double. False, and no call, for a type of no real numbers.
template <class Each>
bool for_each_real(const TensorRecord& record, const Each& each) {
  using Bits = std::uint16_t;
  switch (record.dtype) {
    case DType::F64:
      for_each_stored<double>(record.bytes, each);
      return true;
    case DType::F32:
      for_each_stored<float>(record.bytes, each);
      return true;
    case DType::F16:
      for_each_stored<Bits>(record.bytes, [&](std::size_t i, Bits bits) { each(i, float_from_f16(bits)); });
      return true;
    case DType::BF16:
      for_each_stored<Bits>(record.bytes, [&](std::size_t i, Bits bits) { each(i, float_from_bf16(bits)); });
      return true;
    case DType::I64:
    case DType::I32:
    case DType::I16:
    case DType::I8:
    case DType::U64:
    case DType::U32:
    case DType::U16:
    case DType::U8:
    case DType::Bool:
      break;
  }
  return false;
}

/// Whether a stored number is one of `Real`, but for rounding: not if it is finite and would become infinite.
template <class Real, class Stored>
bool fits(Stored value) {
  return !is_finite(value) || libm::abs(value) <= std::numeric_limits<Real>::max();
}

}  // namespace detail

}  // namespace slm
