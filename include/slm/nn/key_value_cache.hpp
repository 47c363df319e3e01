#pragma once
// What the attention layers of a model keep of a text that is read piece by piece.
#include <vector>

#include "slm/autograd/ops/attention.hpp"
#include "slm/core/arena.hpp"

namespace slm {

/// Keys and values of up to `capacity` positions of each of some texts, which are read together: 2 C numbers a
/// text, position and layer, C the width of keys. A layer's memory is made when it first asks for it.
template <Scalar Real>
class KeyValueCache {
 public:
  explicit KeyValueCache(Index capacity, Index texts = 1) : capacity_(capacity), texts_(texts) {}

  /// Positions read so far; the model's next call begins behind them.
  Index length() const { return length_; }
  Index capacity() const { return capacity_; }
  void advance(Index count) { length_ += count; }
  /// Forgets the texts and keeps the memory.
  void clear() { length_ = 0; }

  /// The memory of a layer whose keys have width C, told apart by its address.
  KeyValues<Real> of(const void* layer, Index C) {
    for (std::size_t i = 0; i < layers_.size(); ++i) {
      if (++last_ >= layers_.size()) last_ = 0;  // layers ask in the same order every time
      if (layers_[last_].layer == layer)
        return {layers_[last_].keys, layers_[last_].values, length_, capacity_, texts_};
    }
    const auto memory = [&] {
      return has_values<Real> ? memory_.take<Real>(count_product(texts_, capacity_, C)) : nullptr;
    };
    last_ = layers_.size();
    layers_.push_back({layer, memory(), memory()});
    return {layers_[last_].keys, layers_[last_].values, length_, capacity_, texts_};
  }

 private:
  struct Layer {
    const void* layer;
    Real *keys, *values;
  };

  Arena memory_;
  std::vector<Layer> layers_;
  std::size_t last_ = 0;
  Index capacity_, texts_, length_ = 0;
};

}  // namespace slm
