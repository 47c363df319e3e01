#pragma once
// Memory as bytes, as files hold it.
#include <cstddef>
#include <span>

#include "slm/core/language.hpp"

namespace slm::detail {

/// As `std::as_bytes`, whose spans of each type would cost the compiler more than all else that files need.
inline std::span<const std::byte> bytes_at(const void* from, std::size_t count) {
  return {static_cast<const std::byte*>(from), count};
}

}  // namespace slm::detail
