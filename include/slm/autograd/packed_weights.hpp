#pragma once
// Packed copies of a model's matrices, for products that are made in many parts.
#include <algorithm>
#include <vector>

#include "slm/autograd/fields.hpp"
#include "slm/core/arena.hpp"
#include "slm/core/packed_gemm.hpp"
#include "slm/core/parallel.hpp"

namespace slm {

/// Weights W (outputs, inputs) in the order in which products of a linear map read them: null where they were
/// not packed.
template <Scalar Real>
struct PackedWeight {
  const Real* for_forward = nullptr;   // Wᵀ, of x Wᵀ
  const Real* for_backward = nullptr;  // W, of dy W; null where no backward pass follows
};

/// The matrices of modules as they are in one step.
template <Scalar Real>
class PackedWeights {
 public:
  void reset() {
    entries_.clear();
    memory_.rewind();
  }

  /// Packs every matrix of the module that is not there yet; threads share them.
  [[gnu::noinline]] void add(const void* module, detail::WalkAny walk, bool backward_follows) {
    const std::size_t first = entries_.size();
    walk(module, [&](const detail::AnyPart& part) {
      if (part.scalar != &detail::type_mark<Real> || part.shape.size() != 2 || part.size == 0) return;
      const auto* weights = static_cast<const Real*>(part.value);
      const Index outputs = part.shape[0], inputs = part.shape[1];
      if (find(weights, outputs).for_forward) return;
      Real* forward = memory_.take<Real>(packed_size<Real>(inputs, outputs));
      Real* backward = backward_follows ? memory_.take<Real>(packed_size<Real>(outputs, inputs)) : nullptr;
      entries_.push_back({{weights, outputs, inputs}, forward, backward});
    });
    parallel_for(static_cast<Index>(entries_.size() - first), [&](Index i) {
      const Entry& entry = entries_[first + static_cast<std::size_t>(i)];
      pack_matrix<Transposed::b, Real>(entry.of, entry.forward);
      if (entry.backward) pack_matrix<Transposed::none, Real>(entry.of, entry.backward);
    });
  }

  /// The packed copies of weights with so many outputs, by their address.
  PackedWeight<Real> find(const Real* weights, Index outputs) const {
    for (const Entry& entry : entries_) {
      if (entry.of.data == weights && entry.of.rows == outputs) return {entry.forward, entry.backward};
    }
    return {};
  }

  std::size_t high_water() const { return memory_.high_water(); }

 private:
  struct Entry {
    Matrix<const Real> of;
    Real *forward, *backward;
  };

  Arena memory_;
  std::vector<Entry> entries_;
};

}  // namespace slm
