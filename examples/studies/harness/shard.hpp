#pragma once
// A study's runs dealt out to several programs that do not hear of each other.
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "slm/core/shape.hpp"

namespace slm::studies {

/// Part `number` of `count`, counted from 1; the only part is all of it.
struct Shard {
  Index number = 1, count = 1;

  bool is_part() const { return count > 1; }
};

/// From "2/3"; nothing where that is no part.
std::optional<Shard> shard_from_text(std::string_view text);

/// "2/3".
std::string shard_text(const Shard& shard);

/// Whether each run of a request belongs to the shard: every N-th, from the most expensive on, of runs that
/// cost the same in their order. All runs are dealt out, made or not: so the shards have each run once between
/// them whenever their programs start and whatever they find made, and no two differ in cost by more than the
/// most expensive run's.
std::vector<bool> dealt_to(const Shard& shard, const std::vector<double>& costs);

}  // namespace slm::studies
