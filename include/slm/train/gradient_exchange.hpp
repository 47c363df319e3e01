#pragma once
// The gradients of the parts of a step, summed over all ranks.
#include <cstddef>
#include <span>
#include <vector>

#include "slm/train/gradient_tree.hpp"
#include "slm/train/ranks.hpp"

namespace slm {

namespace detail {

/// The gradients of a step as memory, whatever their scalar: what ranks exchange.
class GradientMemory {
 public:
  /// The gradient of one parameter that is trained, as rows along its first axis.
  struct Rows {
    Index count, bytes;   // of each
    std::size_t offset;   // of the first in a sum, in bytes
    std::byte* gradient;  // the first
  };

  virtual std::span<const Rows> rows() const = 0;
  virtual std::size_t bytes_of_sum() const = 0;
  /// As of `GradientTree`.
  virtual std::span<const Subtree> subtrees() const = 0;
  virtual const std::byte* sum(std::size_t i) const = 0;
  virtual void fold(const Subtree& subtree, const std::byte* sum) = 0;

 protected:
  ~GradientMemory() = default;
};

}  // namespace detail

/// A `GradientTree` over ranks: each computes the parts from `first` up to `end`, and `sum` leaves the sum of
/// all G parts on every rank, with the bits that one process has. The loop of `GradientTree` with ranks:
///   MpiRanks ranks;                                               // before the loop: slm/distributed/mpi.hpp
///   GradientExchange<float> exchange(ranks, 4);
///   for (Index part = exchange.first(); part < exchange.end(); ++part) {
///     tape.reset(dropout.child(step).child(part));
///     tape.backward(batch_loss(model, tape, windows.batch(step * 4 + part)), 1.0F / 4);
///     exchange.fold(optimizer.list());
///   }
///   exchange.sum(optimizer.list());
///   optimizer.step();        // on every rank          PyTorch: DistributedDataParallel, whose bits are its
///   own
/// Sums go from rank to rank along a binary tree: one whose number is odd in units of 2^k gives those of the
/// parts of 2^k ranks to the rank 2^k before it, and gets the whole sum from there. Each rank clips and steps
/// for itself. Memory is kept from one sum to the next.
template <Scalar Real>
class GradientExchange final : detail::GradientMemory {
 public:
  /// Throws a `ConfigError` where there are more ranks than parts.
  GradientExchange(Ranks& ranks, Index parts) : GradientExchange(&ranks, parts) {
    require_config(ranks.count() <= parts, {"GradientExchange: expected at least 1 part for each rank, got ",
                                            parts, " for ", ranks.count(), " ranks"});
  }
  /// Of one process where `ranks` is null.
  explicit GradientExchange(Ranks* ranks, Index parts = 1) : ranks_(ranks) { begin(parts); }

  /// Begins a sum of so many parts; a rank may have none of them. What is complete begins the next one of the
  /// same number by itself.
  void begin(Index parts) {
    own_ = ranks_ ? ranks_->share(parts) : Share{0, parts};
    tree_.begin(parts, std::min(own_.first, parts - 1));
    parts_ = parts, next_ = own_.first;
    losses_.assign(static_cast<std::size_t>(parts), 0);
  }

  Index first() const { return own_.first; }
  Index end() const { return own_.end; }

  /// Takes the gradients in the list for those of this rank's next part; its loss is told to all ranks.
  void fold(const ParameterList<Real>& list, double loss = 0) {
    require_config(next_ < own_.end, {"GradientExchange: expected parts ", own_.first, " to ", own_.end,
                                      " of this rank, got one more"});
    if (next_ == own_.first) losses_.assign(losses_.size(), 0);
    losses_[static_cast<std::size_t>(next_++)] = loss;
    if (parts_ > 1) tree_.fold(list);
    if (ranks_) ranks_->progress();
  }

  /// Leaves the sum of all parts in the list of every rank, and adds up a struct of counts.
  template <class Counts>
  void sum(const ParameterList<Real>& list, Counts& counts) {
    require_config(next_ == own_.end, {"GradientExchange: expected parts ", own_.first, " to ", own_.end,
                                       " of this rank, got those before ", next_});
    next_ = own_.first;
    if (!ranks_ || ranks_->count() == 1) return;
    list_ = &list;
    find_rows(list);
    ranks_->exchange(losses_, counts, this);
    tree_.begin(parts_, std::min(own_.first, parts_ - 1));
  }
  void sum(const ParameterList<Real>& list) {
    Index none = 0;
    sum(list, none);
  }

  /// The losses of all parts in the last sum, as they were given.
  std::span<const double> losses() const { return losses_; }

  /// What adding up costs, on all ranks together: G − 1 additions for each element, and as many moved.
  Cost cost(const ParameterList<Real>& list) const {
    return Cost{.elementwise = parts_ - 1, .moved = parts_ - 1} * element_count(list);
  }

 private:
  void find_rows(const ParameterList<Real>& list) {
    rows_.clear();
    bytes_of_sum_ = 0;
    for (const ParameterView<Real>& its : list) {
      const Index bytes = its.size * static_cast<Index>(sizeof(Real));
      if (its.trained_size() > 0) {
        const Index count = its.shape.size() > 1 ? its.shape.front() : 1;
        rows_.push_back({count, bytes / count, bytes_of_sum_, reinterpret_cast<std::byte*>(its.grad)});
      }
      bytes_of_sum_ += static_cast<std::size_t>(bytes);
    }
  }

  std::span<const Rows> rows() const override { return rows_; }
  std::size_t bytes_of_sum() const override { return bytes_of_sum_; }
  std::span<const Subtree> subtrees() const override { return tree_.subtrees(); }
  const std::byte* sum(std::size_t i) const override {
    return reinterpret_cast<const std::byte*>(tree_.sum(i).data());
  }
  void fold(const Subtree& subtree, const std::byte* sum) override {
    tree_.fold(*list_, subtree, {reinterpret_cast<const Real*>(sum), bytes_of_sum_ / sizeof(Real)});
  }

  Ranks* ranks_;
  Share own_;
  Index parts_ = 1, next_ = 0;
  GradientTree<Real> tree_;
  std::vector<detail::DependentOn<Real, double>> losses_;
  const ParameterList<Real>* list_ = nullptr;  // of the sum that is going on
  std::vector<detail::DependentOn<Real, Rows>> rows_;
  std::size_t bytes_of_sum_ = 0;
};

}  // namespace slm
