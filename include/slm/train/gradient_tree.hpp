#pragma once
// Gradients of the parts of a step, added in an order that does not depend on who computed which part.
#include <algorithm>
#include <span>
#include <vector>

#include "slm/optim/parameter_list.hpp"

namespace slm {

/// A node of the tree over parts 0 … G − 1: it stands for the parts from index · 2^level on, 2^level of them or
/// as many as there are.
struct Subtree {
  Index level = 0, index = 0;

  Index first() const { return index << level; }
  Index end(Index parts) const { return std::min(parts, (index + 1) << level); }
  bool operator==(const Subtree&) const = default;
};

/// Adds up the gradients of G parts of a step along one fixed binary tree: a node is the sum of its left and
/// its right child, and the left child alone where no part stands below the right one. So the bits of the sum
/// depend on G and on the parts alone, whatever thread or machine computed them.
///   GradientTree<float> tree(4);                                  // before the loop
///   for (int part = 0; part < 4; ++part) {
///     tape.reset(dropout.child(step).child(part));
///     tape.backward(batch_loss(model, tape, batches.next()), 1.0F / 4);  // a mean over parts of one size
///     tree.fold(optimizer.list());
///   }
///   optimizer.step();                           // PyTorch: (loss / 4).backward() four times, optimizer.step()
/// A part's gradients are taken out of the list as soon as they are there; a sum waits until its sibling is
/// there, so that of G parts at most log2(G), rounded up, are kept. From the second sum on nothing is
/// allocated.
///
/// Several processes share the parts by ranges: each begins at its first part and folds the subtrees that lie
/// wholly in its range; `subtrees` and `sum` are what it sends to the one whose range ends where its own
/// begins, which folds them in that order.
template <Scalar Real>
class GradientTree {
 public:
  explicit GradientTree(Index parts = 1) { begin(parts); }

  /// Begins a sum of so many parts, of which those before `first` are folded elsewhere. A sum that is complete
  /// begins the next one of the same kind by itself.
  void begin(Index parts, Index first = 0) {
    require_config(parts >= 1 && first >= 0 && first < parts,
                   {"GradientTree: needs at least 1 part and a first one of them, got ", parts, " parts from ",
                    first, " on"});
    parts_ = parts, first_ = next_ = first;
    subtrees_.clear();
    cost_ = {};
  }

  /// Takes the gradients in the list for those of the next part. Afterwards they are zeros; with the last part,
  /// where all are folded here, they are the sum. Returns whether that is so.
  bool fold(const ParameterList<Real>& list) { return fold(list, {0, next_ == parts_ ? first_ : next_}, {}); }

  /// The same of a subtree that was folded elsewhere, whose first part is the next one: `sum` are its gradients
  /// in the order of the list, whose own have to be zeros.
  bool fold(const ParameterList<Real>& list, const Subtree& subtree, std::span<const Real> sum);

  /// What is folded and waits for a sibling, from left to right.
  std::span<const Subtree> subtrees() const { return subtrees_; }
  /// The gradients of one of them, in the order of the list.
  std::span<const Real> sum(std::size_t i) const {
    const Tensor<Real, 1>& waiting = waiting_[i];
    return {waiting.data(), static_cast<std::size_t>(waiting.size())};
  }

  /// What folding has cost in this sum, or in the last one where that is complete: where all parts are folded
  /// here, G − 1 additions for each element, and as many elements moved.
  const Cost& cost() const { return cost_; }

 private:
  void check_next(const ParameterList<Real>& list, const Subtree& subtree, std::span<const Real> sum);
  bool is_root(const Subtree& node) const { return node.first() == 0 && node.end(parts_) == parts_; }

  Index parts_ = 1, first_ = 0, next_ = 0;
  std::vector<Subtree> subtrees_;
  std::vector<Tensor<Real, 1>> waiting_;  // their sums; memory of earlier ones behind them
  std::vector<Index> offsets_;            // of each parameter in a sum
  Cost cost_;
};

template <Scalar Real>
void GradientTree<Real>::check_next(const ParameterList<Real>& list, const Subtree& subtree,
                                    std::span<const Real> sum) {
  if (next_ == parts_) begin(parts_, first_);
  require_config(subtree.level >= 0 && subtree.level < 62 && subtree.index >= 0 &&
                     subtree.index <= parts_ >> subtree.level && subtree.first() == next_,
                 {"GradientTree: expected a subtree from part ", next_, " on, got node ", subtree.index,
                  " of level ", subtree.level});
  offsets_.resize(list.size());
  Index size = 0;
  for (std::size_t k = 0; k < list.size(); ++k) offsets_[k] = size, size += list[k].size;
  const bool given = subtree.level == 0 && sum.empty();
  const bool fits = (given || static_cast<Index>(sum.size()) == size) &&
                    (subtrees_.empty() || waiting_.front().size() == size);
  if (!fits) {
    throw_error<ShapeError>({"GradientTree: the list has ", size, " elements, expected those of the sum: ",
                             subtrees_.empty() ? static_cast<Index>(sum.size()) : waiting_.front().size()});
  }
}

template <Scalar Real>
bool GradientTree<Real>::fold(const ParameterList<Real>& list, const Subtree& subtree,
                              std::span<const Real> sum) {
  check_next(list, subtree, sum);
  // Up the tree as far as all is there: past a left sibling that waits, and where there is no right one.
  Subtree node = subtree;
  const std::size_t before = subtrees_.size();
  while (!is_root(node)) {
    const bool is_right = node.index % 2 == 1;
    if (is_right) {
      if (subtrees_.empty() || subtrees_.back() != Subtree{node.level, node.index - 1}) break;
      subtrees_.pop_back();
    } else if (node.end(parts_) < parts_) {
      break;
    }
    node = {node.level + 1, node.index / 2};
  }
  next_ = node.end(parts_);
  const std::size_t after = subtrees_.size();
  const bool complete = is_root(node);
  const Index size = element_count(list);
  if (!complete) {
    subtrees_.push_back(node);
    if (waiting_.size() == after) waiting_.emplace_back();
    if (waiting_[after].size() != size) waiting_[after] = Tensor<Real, 1>({size});
  }
  for_each_block(list, [&](std::size_t k, Index begin, Index end) {
    Real* g = list[k].grad;
    const Index offset = offsets_[k];
    if (!sum.empty()) std::copy(sum.data() + offset + begin, sum.data() + offset + end, g + begin);
    for (std::size_t i = before; i-- > after;) {
      const Real* left = waiting_[i].data() + offset;
      for (Index j = begin; j < end; ++j) g[j] = left[j] + g[j];
    }
    if (complete) return;
    std::copy(g + begin, g + end, waiting_[after].data() + offset + begin);
    std::fill(g + begin, g + end, Real(0));
  });
  cost_ += Cost{.elementwise = static_cast<Index>(before - after), .moved = complete ? 0 : 1} * size;
  return complete;
}

}  // namespace slm
