#pragma once
// Shapes: the rank is part of the type, the extents are run-time numbers.
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>

#include "slm/core/check.hpp"

namespace slm {

/// Counts and places of elements, on every platform of 64 bits.
using Index = std::int64_t;

/// The extents of a tensor, outermost first.
template <std::size_t Rank>
using Shape = std::array<Index, Rank>;

/// "(2, 3, 4)".
template <std::size_t Rank>
std::string shape_text(const Shape<Rank>& shape) {
  return shape_text(std::span<const Index>(shape));
}

/// Number of elements; 1 for rank 0. Throws `ShapeError` on a negative extent or a count over 2^63.
template <std::size_t Rank>
Index element_count(const Shape<Rank>& shape) {
  Index count = 1;
  for (const Index extent : shape) {
    if (extent < 0) throw_error<ShapeError>({"shape ", shape, " has a negative extent"});
    if (extent > 0 && count > std::numeric_limits<Index>::max() / extent) {
      throw_error<ShapeError>({"shape ", shape, " has more elements than a 64-bit index can count"});
    }
    count *= extent;
  }
  return count;
}

/// Extent of the last axis: the columns when a tensor is seen as a matrix.
template <std::size_t Rank>
requires(Rank > 0) constexpr Index last_extent(const Shape<Rank>& shape) { return shape[Rank - 1]; }

/// Product of all axes but the last: the rows when a tensor is seen as a matrix.
template <std::size_t Rank>
requires(Rank > 0) constexpr Index row_count(const Shape<Rank>& shape) {
  Index count = 1;
  for (std::size_t i = 0; i + 1 < Rank; ++i) count *= shape[i];
  return count;
}

/// The same shape with another last extent.
template <std::size_t Rank>
requires(Rank > 0) constexpr Shape<Rank> with_last(Shape<Rank> shape, Index extent) {
  shape[Rank - 1] = extent;
  return shape;
}

/// The shape without its last axis: that of one number for each row.
template <std::size_t Rank>
requires(Rank > 0) constexpr Shape<Rank - 1> without_last(const Shape<Rank>& shape) {
  Shape<Rank - 1> rest{};
  for (std::size_t i = 0; i + 1 < Rank; ++i) rest[i] = shape[i];
  return rest;
}

}  // namespace slm
