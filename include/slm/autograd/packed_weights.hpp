#pragma once
// Packed copies of a model's matrices, for products that are made in many parts.
#include <functional>

#include "slm/autograd/fields.hpp"
#include "slm/core/arena.hpp"
#include "slm/core/packed_gemm.hpp"
#include "slm/core/parallel.hpp"

namespace slm {

/// Weights W (outputs, inputs) in the order in which products of a linear map read them: without `data` where
/// they were not packed.
template <Scalar Real>
struct PackedWeight {
  PackedMatrix<Real> forward{};   // Wᵀ, of x Wᵀ
  PackedMatrix<Real> backward{};  // W, of dy W
};

/// Matrices of a model as they are in one step, or, where weights are fixed, from then on.
template <Scalar Real>
class PackedWeights {
 public:
  void reset() {
    last_ = nullptr;
    memory_.rewind();
  }

  /// Packs every matrix of the module that is not there yet; threads share them.
  [[gnu::noinline]] void add(const void* module, detail::WalkAny walk, bool backward_follows) {
    const Entry* before = last_;
    walk(module, [&](const detail::AnyPart& part) {
      if (part.scalar != &detail::type_mark<Real> || part.shape.size() != 2 || part.size == 0) return;
      add_entry(static_cast<const Real*>(part.value), part.shape[0], part.shape[1], backward_follows);
    });
    pack_behind(before);
  }
  /// Packs one for the forward pass.
  void add(const Real* weights, Index outputs, Index inputs) {
    const Entry* before = last_;
    add_entry(weights, outputs, inputs, false);
    pack_behind(before);
  }

  /// The packed copy of weights, by their address. Of some outputs of a matrix there is a forward one, if they
  /// begin a panel.
  PackedWeight<Real> find(const Real* weights, Index outputs, Index inputs) const {
    constexpr std::less<const Real*> lies_before;
    for (const Entry* entry = last_; entry; entry = entry->previous) {
      const Matrix<const Real>& W = entry->of;
      if (W.columns != inputs || lies_before(weights, W.data) || !lies_before(weights, W.row(W.rows))) continue;
      const Index first = (weights - W.data) / inputs;
      const PackedMatrix<Real> whole{entry->forward, inputs, W.rows, 0, W.rows, packing_};
      if (first + outputs > W.rows || first % whole.together() != 0) continue;
      if (outputs < W.rows) return {whole.part(first, outputs), {}};
      return {whole, {entry->backward, outputs, inputs, 0, inputs, packing_}};
    }
    return {};
  }

  /// How every matrix is packed; those that were, are forgotten. Null: in panels, as they are.
  void pack_by(const Packing<Real>* packing) {
    packing_ = packing;
    reset();
  }

  std::size_t high_water() const { return memory_.high_water(); }

 private:
  struct Entry {
    const Entry* previous;
    Matrix<const Real> of;
    Real *forward, *backward;  // the second null where no backward pass follows
  };

  void add_entry(const Real* weights, Index outputs, Index inputs, bool backward_follows) {
    if (find(weights, outputs, inputs).forward.data) return;
    Real* forward = memory_.take<Real>(packed_size<Real>(inputs, outputs, packing_));
    Real* backward =
        backward_follows ? memory_.take<Real>(packed_size<Real>(outputs, inputs, packing_)) : nullptr;
    last_ = memory_.make(Entry{last_, {weights, outputs, inputs}, forward, backward});
  }
  [[gnu::noinline]] void pack_behind(const Entry* before) {
    Index count = 0;
    for (const Entry* entry = last_; entry != before; entry = entry->previous) ++count;
    const Entry** added = memory_.take<const Entry*>(count);
    for (const Entry* entry = last_; entry != before; entry = entry->previous) *added++ = entry;
    added -= count;
    parallel_for(count, [&](Index i) {
      const Entry& entry = *added[i];
      pack_matrix<Transposed::b, Real>(entry.of, entry.forward, packing_);
      if (entry.backward) pack_matrix<Transposed::none, Real>(entry.of, entry.backward, packing_);
    });
  }

  Arena memory_;
  const Entry* last_ = nullptr;
  const Packing<Real>* packing_ = nullptr;
};

}  // namespace slm
