#pragma once
// Windows of a text, in batches.
#include <algorithm>
#include <concepts>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "slm/core/random.hpp"
#include "slm/core/tensor.hpp"
#include "slm/data/checksum.hpp"

namespace slm {

/// Windows of T tokens, each with the one token that follows it.
struct Batch {
  Tokens<2> inputs;   // (B, T)
  Tokens<1> targets;  // (B)
};

/// Windows of T tokens with the token that follows every position, for models that predict at each.
struct SequenceBatch {
  Tokens<2> inputs;   // (B, T)
  Tokens<2> targets;  // (B, T)
};

/// How large a batch is, without its tokens.
struct BatchSize {
  Index inputs = 0, targets = 0;
};

/// Windows of T tokens, each with the token that follows it, that start at 0, stride, 2 stride, … in a text: 0
/// where it is too short for one.
inline Index window_count(std::size_t tokens, Index T, Index stride = 1) {
  require_config(T >= 1 && stride >= 1,
                 {"window_count: windows and stride must be at least 1, got ", T, " and ", stride});
  const Index starts = static_cast<Index>(tokens) - T;
  return starts > 0 ? (starts - 1) / stride + 1 : 0;
}

/// A list of windows of one text, cut into batches of B; the last batch may be smaller. Every batch can be
/// made at any time and from any thread. The text must live as long as the list.
template <class AnyBatch = Batch>
class Windows {
 public:
  /// The windows that start at 0, stride, … (count-1) stride, in this order. Throws `DataError` if the text has
  /// fewer.
  Windows(std::span<const Token> text, Index T, Index B, Index count, Index stride = 1)
      : Windows(text, T, B, count, stride, {}) {
    require_config(stride >= 1, {"Windows: the stride must be at least 1, got ", stride});
    const Index size = static_cast<Index>(text.size()), available = window_count(text.size(), T, stride);
    if (count > available) {
      throw_error<DataError>({"Windows: asked for ", count, " windows of ", T, " tokens in order, stride ",
                              stride, ", but a text of ", size, " tokens has ", available});
    }
  }

  /// `count` windows with starts drawn uniformly from all n-T that a text of n tokens has, each a function of
  /// the stream's key and its place in the list. Throws `DataError` if the text has none.
  Windows(std::span<const Token> text, Index T, Index B, Index count, const Random& random)
      : Windows(text, T, B, count, 1, random) {}

  /// `count` windows whose starts are spread evenly over the whole text, from its first token on, or all that
  /// it has where those are fewer: an evaluation that leaves out no passage. Throws `DataError` if it has none.
  ///   evaluate(model, Windows<>::evenly_spaced(corpus.test, T, B, 10'000));
  static Windows evenly_spaced(std::span<const Token> text, Index T, Index B, Index count) {
    const Index all = std::max<Index>(1, window_count(text.size(), T)), spread = std::min(count, all);
    Windows windows(text, T, B, spread, all / std::max<Index>(1, spread), {});
    windows.rest_ = all % spread;
    return windows;
  }

  /// A text that is gone after this line: keep the corpus or vector that holds it.
  template <std::same_as<std::vector<Token>> Text>
  Windows(const Text&&, Index, Index, Index, Index = 1) = delete;
  template <std::same_as<std::vector<Token>> Text>
  Windows(const Text&&, Index, Index, Index, const Random&) = delete;
  template <std::same_as<std::vector<Token>> Text>
  static Windows evenly_spaced(const Text&&, Index, Index, Index) = delete;

  /// Windows in the list, and batches they make.
  Index windows() const { return count_; }
  Index batches() const { return (count_ - 1) / B_ + 1; }

  /// Where window i of the list starts in the text.
  Index start(Index i) const {
    return random_ ? random_->child(static_cast<std::uint64_t>(i)).below(static_cast<Index>(text_.size()) - T_)
                   : i * stride_ + i * rest_ / count_;
  }

  /// Writes batch i over `batch`, whose memory is kept where its shape is right.
  void fill(Index i, AnyBatch& batch) const {
    if (i < 0 || i >= batches()) {
      throw_error<RangeError>({"Windows: batch ", i, " is outside the list of ", batches()});
    }
    const Index first = i * B_, size = std::min(B_, count_ - first);
    shape_as({size, T_}, batch.inputs);
    shape_as({size, T_}, batch.targets);
    const Index predicted = batch.targets.size() / size;  // the last ones of the tokens that follow a position
    for (Index row = 0; row < size; ++row) {
      const Token* window = text_.data() + start(first + row);
      std::copy_n(window, T_, batch.inputs.data() + row * T_);
      std::copy_n(window + 1 + T_ - predicted, predicted, batch.targets.data() + row * predicted);
    }
  }

  /// How large batch i is; no token is read.
  BatchSize size(Index i) const {
    const Index rows = std::min(B_, count_ - i * B_);
    return {rows * T_, std::is_same_v<decltype(AnyBatch::targets), Tokens<1>> ? rows : rows * T_};
  }

  /// Batch i: `const auto [x, y] = windows.batch(i);`.
  AnyBatch batch(Index i) const {
    AnyBatch batch;
    fill(i, batch);
    return batch;
  }

  /// For `for (const auto& [x, y] : windows)`.
  struct Iterator {
    const Windows* windows;
    Index i;
    AnyBatch operator*() const { return windows->batch(i); }
    Iterator& operator++() {
      ++i;
      return *this;
    }
    bool operator==(const Iterator&) const = default;
  };
  Iterator begin() const { return {this, 0}; }
  Iterator end() const { return {this, batches()}; }

 private:
  Windows(std::span<const Token> text, Index T, Index B, Index count, Index stride,
          std::optional<Random> random)
      : text_(text), T_(T), B_(B), count_(count), stride_(stride), random_(random) {
    require_config(T >= 1, {"Windows: a window must have at least 1 token, got ", T});
    require_config(B >= 1, {"Windows: a batch must have at least 1 window, got ", B});
    const Index size = static_cast<Index>(text.size());
    if (T >= size) {
      throw_error<DataError>({"Windows: a window of ", T, " tokens and the one that follows it need ", T,
                              " + 1 tokens, but the text has ", size,
                              ": it takes a longer text or a shorter window"});
    }
    require_config(count >= 1, {"Windows: need at least 1 window, got ", count});
  }

  template <std::size_t Rank>
  static void shape_as(const Shape<2>& windows, Tokens<Rank>& tokens) {
    Shape<Rank> shape;
    std::copy_n(windows.begin(), Rank, shape.begin());
    if (tokens.shape() != shape) tokens = Tokens<Rank>(shape);
  }

  std::span<const Token> text_;
  Index T_, B_, count_, stride_;
  Index rest_ = 0;  // tokens by which all starts together are farther apart than by their strides
  std::optional<Random> random_;
};

/// The windows that start at 0, stride, … (count-1) stride, in order, for an evaluation. A text of n tokens has
/// n - T of them. A model that predicts at every position sees each token once with a stride of T:
///   SequentialWindows<SequenceBatch> valid(corpus.valid, T, B, window_count(corpus.valid.size(), T, T), T);
template <class AnyBatch = Batch>
using SequentialWindows = Windows<AnyBatch>;

/// Windows with uniformly random starts, for training. `RandomWindows<SequenceBatch>` predicts at every
/// position. The text must live as long as this and all epochs of it.
template <class AnyBatch = Batch>
class RandomWindows {
 public:
  /// Throws `DataError` if a window is longer than the text.
  RandomWindows(std::span<const Token> text, Index T, Index B, const Random& random)
      : text_(text), T_(T), B_(B), random_(random) {
    epoch(0, 1);  // checks the sizes
  }
  template <std::same_as<std::vector<Token>> Text>
  RandomWindows(const Text&&, Index, Index, const Random&) = delete;

  /// `count` windows drawn for this epoch: the same ones whenever, and after whatever else, they are asked
  /// for. 50,000 windows make 782 batches of 64, the last of 16.
  Windows<AnyBatch> epoch(Index number, Index count) const {
    return {text_, T_, B_, count, random_.child(static_cast<std::uint64_t>(number))};
  }

  /// SHA-256 of the text's tokens, by which `fit` knows it again.
  std::string text_checksum() const {
    return sha256({reinterpret_cast<const char*>(text_.data()), text_.size_bytes()});
  }

  /// The next batch of an epoch 0 that does not end: `const auto [x, y] = batches.next();`.
  AnyBatch next() { return epoch(0, std::numeric_limits<Index>::max()).batch(next_++); }

  /// Batches that `next` gave, and going on from there in another run.
  Index position() const { return next_; }
  void seek(Index position) {
    if (position < 0) throw_error<RangeError>({"RandomWindows::seek: there is no batch ", position});
    next_ = position;
  }

 private:
  std::span<const Token> text_;
  Index T_, B_;
  Random random_;
  Index next_ = 0;
};

}  // namespace slm
