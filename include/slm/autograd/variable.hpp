#pragma once
// What operations take and give: a handle to a value that a tape knows, and what the tape knows of it.
#include <cstddef>
#include <cstdint>

#include "slm/core/matrix.hpp"
#include "slm/core/scalar.hpp"
#include "slm/core/shape.hpp"
#include "slm/core/tensor.hpp"

namespace slm {

template <Scalar Real>
class Tape;

/// A value on a tape and its gradient. Variables of other shapes may share it.
template <Scalar Real>
struct Node {
  const Real* value = nullptr;
  Real* output = nullptr;  // the same memory, where an operation computes the value
  Real* kept = nullptr;    // what else the operation left for its backward function
  Real* grad = nullptr;    // given when first asked for
  Index size = 0;
  bool wants_grad = false;
  bool is_computed = false;          // by an operation; else it was given, and stays as it is
  bool is_parameter = false;         // the value of a parameter as it is, or rows of it
  bool grad_is_lent = false;         // by the tape, which takes it back after the backward function
  bool keeps_grad = false;           // but not from this one
  bool is_overwritten = false;       // a later operation left its result in the same memory
  const char* claimed_by = nullptr;  // that operation, or one whose backward function reads the value
  bool* grad_is_empty = nullptr;     // whether nothing was ever written to `grad`; null: it holds something
};

/// The result of an operation as its backward function sees it.
template <Scalar Real>
class Computed {
 public:
  explicit Computed(const Node<Real>& node) : node_(node) {}
  const Real* value() const { return node_.value; }
  /// Its backward function alone reads it, and may leave something else there.
  Real* kept() const { return node_.kept; }
  Real* grad() const { return node_.grad; }
  Index size() const { return node_.size; }

 private:
  const Node<Real>& node_;
};

/// A handle to a value on a tape, and to the gradient of the loss in it. Cheap to copy; only tapes and
/// operations make one. Valid until the tape is reset: a handle from before is refused.
template <Scalar Real, std::size_t Rank>
class Var {
 public:
  Tape<Real>& tape() const { return *tape_; }
  const Shape<Rank>& shape() const { return shape_; }
  Index extent(std::size_t axis) const { return shape_[axis]; }
  Index size() const {
    Index count = 1;
    for (const Index extent : shape_) count *= extent;
    return count;
  }
  bool wants_grad() const { return node().wants_grad; }

  /// The numbers, row-major; those of a later operation where one left its result in the same memory.
  const Real* value() const { return node().value; }
  /// The only element of a scalar.
  Real item() const requires(Rank == 0) { return node().value[0]; }
  /// A copy of the numbers, to keep.
  Tensor<Real, Rank> tensor() const {
    if constexpr (!has_values<Real>) return Tensor<Real, Rank>(shape_);
    return {shape_, std::span<const Real>(value(), static_cast<std::size_t>(size()))};
  }
  /// The gradient, zeros when nothing was added yet. After `Tape::backward` only what was given to the tape has
  /// one, and what `keep_grad` was called for: an `Error` else, and where no gradient is wanted.
  Real* grad() const { return tape_->gradient_of(node(), shape_); }

  // For the operation that makes the variable, and for backward functions.

  Real* output() const { return node().output; }
  Real* kept() const { return node().kept; }
  /// The gradient for a backward function that writes every element: what nothing was added to yet is set,
  /// which saves the zeros.
  Destination<Real> grad_into() const { return tape_->recorder().destination(node()); }

  /// What the tape knows of it. Throws an `Error` where the tape was reset since.
  Node<Real>& node() const {
    if (generation_ != tape_->recorder().generation()) throw_stale(shape_);
    return *node_;
  }

 private:
  friend class Tape<Real>;

  Var(Tape<Real>& tape, Node<Real>* node, const Shape<Rank>& shape)
      : tape_(&tape), node_(node), shape_(shape), generation_(tape.recorder().generation()) {}

  [[noreturn, gnu::noinline, gnu::cold]] static void throw_stale(std::span<const Index> shape) {
    throw_error<Error>({"Tape: a variable of shape ", shape,
                        " is from before the tape was reset; compute it again in this step"});
  }

  Tape<Real>* tape_;
  Node<Real>* node_;
  Shape<Rank> shape_;
  std::uint64_t generation_;
};

/// Whether an operation leaves its result in memory of its own or over its first input, whose value is lost. An
/// operation that is given what was overwritten throws an `Error`, and so does one that would overwrite what
/// was given to the tape or what a backward function reads.
enum class InPlace : bool { no, yes };

}  // namespace slm
