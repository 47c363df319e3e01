#pragma once
// What the recurrent layers of a model keep of a text that is read piece by piece.
#include <limits>
#include <vector>

#include "slm/autograd/ops/recurrent.hpp"

namespace slm {

/// The states of a model's layers behind the last token: as much for a text of any length. A layer's memory is
/// made when it first asks for it.
template <Scalar Real>
class RecurrentState {
 public:
  /// Tokens read so far; the model's next call begins behind them.
  Index length() const { return length_; }
  /// The longest text: there is no limit.
  static constexpr Index capacity() { return std::numeric_limits<Index>::max(); }
  void advance(Index count) { length_ += count; }
  /// Forgets the text and keeps the memory.
  void clear() { length_ = 0; }

  /// The memory of a layer, `size` numbers, told apart by its address.
  RecurrentMemory<Real> of(const void* layer, Index size) {
    for (std::size_t i = 0; i < layers_.size(); ++i) {
      if (++last_ >= layers_.size()) last_ = 0;  // layers ask in the same order every time
      if (layers_[last_].layer != layer) continue;
      if (layers_[last_].size != size) throw_other_size(size, layers_[last_].size);
      return {layers_[last_].states, length_ == 0};
    }
    last_ = layers_.size();
    layers_.push_back({layer, size, has_values<Real> ? memory_.take<Real>(size) : nullptr});
    return {layers_[last_].states, length_ == 0};
  }

 private:
  struct Layer {
    const void* layer;
    Index size;
    Real* states;
  };

  [[noreturn, gnu::noinline, gnu::cold]] static void throw_other_size(Index size, Index before) {
    throw_error<ShapeError>({"RecurrentState: a layer asks for ", size, " numbers, but had ", before,
                             " before: a text is read in batches of one size"});
  }

  Arena memory_;
  std::vector<Layer> layers_;
  std::size_t last_ = 0;
  Index length_ = 0;
};

}  // namespace slm
