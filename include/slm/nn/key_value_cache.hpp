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
  /// `rolls`: whether the oldest positions may be dropped, see `drop_oldest`.
  explicit KeyValueCache(Index capacity, Index texts = 1, bool rolls = false)
      : capacity_(capacity), texts_(texts), rolls_(rolls) {}

  /// Positions read so far; the model's next call begins behind them.
  Index length() const { return length_; }
  Index capacity() const { return capacity_; }
  void advance(Index count) { length_ += count; }
  /// Forgets the texts and keeps the memory.
  void clear() { length_ = 0; }

  /// Whether positions are known only by how far apart they are: turned into keys, or not at all.
  bool rolls() const { return rolls_; }
  /// Forgets the first positions of each text; those that stay are then the first, with keys and values that
  /// have seen what is forgotten. Keys that are turned are turned back, which rounds them once more. A
  /// `ConfigError` where they cannot be moved: positions that were added to embeddings stay what they were.
  void drop_oldest(Index count) {
    require_config(rolls_, {"KeyValueCache: positions that are learned cannot be dropped"});
    require_config(count >= 0 && count <= length_,
                   {"KeyValueCache: cannot drop ", count, " of ", length_, " positions"});
    length_ -= count;
    for (const Layer& layer : layers_) {
      const RotaryTable<Real>* table = layer.rotary;
      const Index half = table ? table->cosine.extent(1) : 0, C = layer.width;
      const Real* angles[] = {table ? table->cosine.data() + count * half : nullptr,
                              table ? table->sine.data() + count * half : nullptr};
      for (Index b = 0; has_values<Real> && count > 0 && length_ > 0 && b < texts_; ++b) {
        const Index of_text = b * capacity_ * C;
        kernels::drop_keys_values(layer.keys + of_text, layer.values + of_text,
                                  {length_, C, count, capacity_, C}, 2 * half, angles[0], angles[1]);
      }
    }
  }

  /// The memory of a layer whose keys have width C, told apart by its address, and with what it turns them,
  /// which must outlive the cache.
  KeyValues<Real> of(const void* layer, Index C, const RotaryTable<Real>* rotary = nullptr) {
    for (std::size_t i = 0; i < layers_.size(); ++i) {
      if (++last_ >= layers_.size()) last_ = 0;  // layers ask in the same order every time
      if (layers_[last_].layer == layer)
        return {layers_[last_].keys, layers_[last_].values, length_, capacity_, texts_};
    }
    const auto memory = [&] {
      return has_values<Real> ? memory_.take<Real>(count_product(texts_, capacity_, C)) : nullptr;
    };
    last_ = layers_.size();
    layers_.push_back({layer, C, memory(), memory(), rotary});
    return {layers_[last_].keys, layers_[last_].values, length_, capacity_, texts_};
  }

 private:
  struct Layer {
    const void* layer;
    Index width;
    Real *keys, *values;
    const RotaryTable<Real>* rotary;
  };

  Arena memory_;
  std::vector<Layer> layers_;
  std::size_t last_ = 0;
  Index capacity_, texts_, length_ = 0;
  bool rolls_;
};

}  // namespace slm
