#pragma once
// What a tape's operations cost, added up by name.
#include <string_view>
#include <vector>

#include "slm/core/cost.hpp"

namespace slm {

/// What all calls of one operation cost.
struct OperationCosts {
  std::string_view operation;
  Index calls = 0;
  PassCosts costs;

  bool operator==(const OperationCosts&) const = default;
};

/// Costs by operation. Names are told apart by address and stay when the counts are cleared, so that from
/// the second step on nothing is allocated.
class CostLedger {
 public:
  /// Enters one call; returns the place for its backward cost.
  std::size_t add_forward(const char* operation, const Cost& cost) {
    std::size_t i = 0;
    while (i < entries_.size() && entries_[i].operation != operation) ++i;
    if (i == entries_.size()) entries_.push_back({operation, 0, {}});
    ++entries_[i].calls;
    entries_[i].costs.forward += cost;
    return i;
  }
  void add_backward(std::size_t entry, const Cost& cost) { entries_[entry].costs.backward += cost; }

  void clear() {
    for (auto& entry : entries_) entry = {entry.operation, 0, {}};
  }

  PassCosts total() const {
    PassCosts sum;
    for (const auto& entry : entries_) sum += entry.costs;
    return sum;
  }

  /// Adds the counts to those of equal names in `sums`.
  void add_to(std::vector<OperationCosts>& sums) const {
    for (const auto& entry : entries_) {
      if (entry.calls == 0) continue;
      std::size_t i = 0;
      while (i < sums.size() && sums[i].operation != entry.operation) ++i;
      if (i == sums.size()) sums.push_back({entry.operation, 0, {}});
      sums[i].calls += entry.calls;
      sums[i].costs += entry.costs;
    }
  }

 private:
  struct Entry {
    const char* operation;
    Index calls;
    PassCosts costs;
  };
  std::vector<Entry> entries_;
};

}  // namespace slm
