#pragma once
// Tapes below a tape, for parts of a step that threads share: see map_sequences.
#include <memory>
#include <utility>
#include <vector>

#include "slm/autograd/ledger.hpp"
#include "slm/autograd/packed_weights.hpp"
#include "slm/core/arena.hpp"
#include "slm/core/parallel.hpp"
#include "slm/core/scalar.hpp"

namespace slm {

template <Scalar Real>
class Tape;

/// The tapes below one, and the sums of parameter gradients of a tape that is below another.
template <Scalar Real>
class Groups {
 public:
  void reset() {
    used_ = 0;
    collected_.clear();
    if (!weights_are_fixed_) packed_.reset();
  }

  /// `count` tapes that live as long as the one above, of its mode; returns the number of the first. They
  /// collect parameter gradients in sums of their own.
  [[gnu::noinline, gnu::cold]] std::size_t add(std::size_t count, const Tape<Real>& above) {
    const std::size_t first = used_;
    used_ += count;
    while (tapes_.size() < used_) {
      tapes_.push_back(std::make_unique<Tape<Real>>(above.mode()));
      tapes_.back()->groups().collects_ = true;
    }
    for (std::size_t i = first; i < used_; ++i) {
      auto& recorder = tapes_[i]->recorder();
      tapes_[i]->set_products(above.products());
      recorder.set_timed(above.recorder().is_timed());
      recorder.set_names_required(above.recorder().names_required());
      recorder.parts().follow(above.recorder().parts(), above.recorder().part());
      tapes_[i]->groups().part_ = above.recorder().part();
      tapes_[i]->groups().above_ = &above.groups();
    }
    return first;
  }
  Tape<Real>& tape(std::size_t number) { return *tapes_[number]; }
  const Tape<Real>& tape(std::size_t number) const { return *tapes_[number]; }
  /// Those in use since the last reset.
  std::size_t size() const { return used_; }

  /// Thread-seconds of operations on `count` of these tapes.
  [[gnu::cold]] PartSeconds seconds(std::size_t first, std::size_t count) const {
    PartSeconds sum;
    for (std::size_t i = first; i < first + count; ++i) {
      sum += tapes_[i]->recorder().ledger().seconds();
      sum += tapes_[i]->groups().seconds(0, tapes_[i]->groups().size());
    }
    return sum;
  }

  /// The part of the model in which this tape begins.
  std::size_t part() const { return part_; }

  /// How often the part of a step that this tape records is run: once, but on shapes alone.
  Index times() const { return times_; }
  void set_times(Index times) { times_ = times; }

  /// Memory for the gradients of these tapes, for each thread that runs their backward functions.
  std::vector<Arena>& lenders() {
    const auto count = static_cast<std::size_t>(threads());
    if (lenders_.size() < count) lenders_.resize(count);
    return lenders_;
  }

  /// Matrices that products of this tape and those below multiply by, packed once.
  PackedWeights<Real>& packed() { return packed_; }
  /// What this tape or one above has packed of the values of a parameter. Where weights are fixed, what few
  /// rows are multiplied by is packed now: with many rows it counts for nothing. Where a text is read, all is.
  PackedWeight<Real> packed(const Real* weights, Index outputs, Index inputs, Index rows) {
    PackedWeight<Real> found;
    if constexpr (!has_values<Real>) return found;
    if (gemm_backend<Real>() != GemmBackend::slm && !packs_all_) return found;
    for (const Groups* tape = this; tape && !found.forward.data; tape = tape->above_) {
      found = tape->packed_.find(weights, outputs, inputs);
    }
    constexpr Index few_rows = 128, wide = 256;
    if (found.forward.data || !weights_are_fixed_) return found;
    if (!packs_all_ && (rows > few_rows || outputs < wide)) return found;
    packed_.add(weights, outputs, inputs);
    return packed_.find(weights, outputs, inputs);
  }
  /// From now on, what was packed stays.
  void fix_weights() { weights_are_fixed_ = true; }
  /// The same, of every matrix, and how they are packed.
  void pack_all_weights(const Packing<Real>& packing) {
    weights_are_fixed_ = packs_all_ = true;
    packed_.pack_by(&packing);
  }

  /// What a tape collects for one parameter.
  struct Sum {
    const void* parameter;  // told apart by address
    Real* target;           // its gradient
    bool* target_is_empty;  // what it holds does not count: the first sum takes its place; null: it does
    Real* memory;
    Index size;
    bool* is_empty;  // nothing was added yet, and `memory` holds no zeros either
  };
  bool collects() const { return collects_; }
  const std::vector<Sum>& collected() const { return collected_; }
  const Sum& collect(const void* parameter, Real* target, Index size, Arena& arena,
                     bool* target_is_empty = nullptr) {
    for (const Sum& sum : collected_) {
      if (sum.parameter == parameter) return sum;
    }
    Real* memory = has_values<Real> ? arena.take<Real>(size) : nullptr;
    collected_.push_back({parameter, target, target_is_empty, memory, size, arena.make(true)});
    return collected_.back();
  }

  /// Bytes that all of it holds at most in a step.
  std::size_t high_water() const {
    std::size_t bytes = packed_.high_water();
    for (const auto& tape : tapes_) bytes += tape->high_water();
    for (const Arena& lender : lenders_) bytes += lender.high_water();
    return bytes;
  }

 private:
  std::vector<std::unique_ptr<Tape<Real>>> tapes_;
  std::size_t used_ = 0;
  std::vector<Arena> lenders_;
  std::vector<Sum> collected_;
  PackedWeights<Real> packed_;
  const Groups* above_ = nullptr;
  std::size_t part_ = 0;
  Index times_ = 1;
  bool collects_ = false, weights_are_fixed_ = false, packs_all_ = false;
};

}  // namespace slm
