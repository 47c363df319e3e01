#pragma once
// What a tape's operations cost, added up by part of the model and operation.
#include <string>
#include <string_view>
#include <vector>

#include "slm/core/cost.hpp"

namespace slm {

/// Thread-seconds of the calls of one operation in one part.
struct PartSeconds {
  double forward = 0, backward = 0;
};
inline PartSeconds& operator+=(PartSeconds& a, const PartSeconds& b) {
  a.forward += b.forward;
  a.backward += b.backward;
  return a;
}

/// What all calls of one operation in one part of a model cost.
struct PartCost {
  std::string path;            // of the part, "blocks.0.attention.qkv"; empty outside all parts
  std::string_view operation;  // "linear"
  Index calls = 0;
  OperationCost cost = {};
  PartSeconds seconds = {};  // where operations are timed
  Index parameters = 0;  // elements of the part's own parameters, in its first entry; only of a priced model

  /// FLOPs per byte of traffic, both passes, for elements of `element_bytes` bytes.
  double intensity(Index element_bytes = 4) const {
    const Index elements = count_sum(cost.traffic.forward, cost.traffic.backward);
    if (elements == 0) return 0;
    return static_cast<double>(cost.passes.total().flops()) /
           static_cast<double>(count_product(elements, element_bytes));
  }
};

/// Costs by place. Entries stay when the counts are cleared, so that from the second step on nothing is
/// allocated.
class Ledger {
 public:
  struct Entry {
    std::size_t part;
    const char* operation;
    Index calls = 0;
    OperationCost cost = {};
    PartSeconds seconds = {};
  };

  /// The entry of an operation in a part. Steps are alike, so that it is most often the one behind the last.
  std::size_t find(std::size_t part, const char* operation) {
    const std::size_t count = entries_.size();
    for (std::size_t i = 0; i < count; ++i) {
      if (++last_ >= count) last_ = 0;
      if (entries_[last_].part == part && entries_[last_].operation == operation) return last_;
    }
    entries_.push_back({part, operation});
    return last_ = count;
  }
  void add_forward(std::size_t entry, const Cost& cost, Index traffic, Index kept) {
    Entry& sum = entries_[entry];
    ++sum.calls;
    sum.cost.passes.forward += cost;
    sum.cost.traffic.forward = count_sum(sum.cost.traffic.forward, traffic);
    sum.cost.kept = count_sum(sum.cost.kept, kept);
  }
  void add_backward(std::size_t entry, const Cost& cost, Index traffic) {
    Entry& sum = entries_[entry];
    sum.cost.passes.backward += cost;
    sum.cost.traffic.backward = count_sum(sum.cost.traffic.backward, traffic);
  }

  /// Thread-seconds of all entries.
  PartSeconds seconds() const {
    PartSeconds sum;
    for (const Entry& entry : entries_) sum += entry.seconds;
    return sum;
  }

  void clear() {
    for (Entry& entry : entries_) entry = {entry.part, entry.operation};
  }

  std::vector<Entry>& entries() { return entries_; }
  const std::vector<Entry>& entries() const { return entries_; }

 private:
  std::vector<Entry> entries_;
  std::size_t last_ = 0;
};

}  // namespace slm
