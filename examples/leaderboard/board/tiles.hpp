#pragma once
// The windows of a training, without end.
#include <numeric>
#include <span>
#include <utility>
#include <vector>

#include "slm/data/batches.hpp"

namespace slm::leaderboard {

/// Windows that lie side by side and come in a random order, so that an epoch reads each token once; every
/// epoch begins at another of the text's first T tokens. Or windows that begin anywhere, each drawn by itself.
class Tiles {
 public:
  /// The text must live as long as this. Throws a `DataError` where it is too short for a window in each epoch.
  Tiles(std::span<const Token> text, Index T, bool each_once, const Random& random)
      : text_(text),
        T_(T),
        each_once_(each_once),
        random_(random),
        order_(static_cast<std::size_t>(std::max<Index>(0, (static_cast<Index>(text.size()) - T) / T))) {
    if (order_.empty()) {
      throw_error<DataError>({"Tiles: a text of ", text.size(), " tokens is too short for windows of ", T});
    }
  }

  /// Windows first … first + count − 1 of the training.
  SequenceBatch batch(Index first, Index count) {
    SequenceBatch batch{Tokens<2>({count, T_}), Tokens<2>({count, T_})};
    for (Index row = 0; row < count; ++row) {
      const Token* window = text_.data() + start(first + row);
      std::copy_n(window, T_, batch.inputs.data() + row * T_);
      std::copy_n(window + 1, T_, batch.targets.data() + row * T_);
    }
    return batch;
  }

 private:
  Index start(Index window) {
    if (!each_once_) {
      return random_.child(static_cast<std::uint64_t>(window)).below(static_cast<Index>(text_.size()) - T_);
    }
    const auto windows = static_cast<Index>(order_.size());
    if (window / windows != epoch_) shuffle(window / windows);
    return offset_ + T_ * order_[static_cast<std::size_t>(window % windows)];
  }

  void shuffle(Index epoch) {
    Random random = random_.child(static_cast<std::uint64_t>(epoch));
    std::iota(order_.begin(), order_.end(), Index(0));
    for (std::size_t left = order_.size(); left > 1; --left) {
      std::swap(order_[left - 1], order_[static_cast<std::size_t>(random.below(static_cast<Index>(left)))]);
    }
    offset_ = random.below(T_);
    epoch_ = epoch;
  }

  std::span<const Token> text_;
  Index T_;
  bool each_once_;
  Random random_;
  std::vector<Index> order_;
  Index offset_ = 0, epoch_ = -1;
};

}  // namespace slm::leaderboard
