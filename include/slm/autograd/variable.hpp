#pragma once
// What operations take and give: a handle to a value that a tape knows, and what the tape knows of it.
#include <cstddef>

#include "slm/core/matrix.hpp"
#include "slm/core/scalar.hpp"
#include "slm/core/shape.hpp"

namespace slm {

template <Scalar Real>
class Tape;

/// Memory behind a variable. Variables of other shapes may share it.
template <Scalar Real>
struct Node {
  Real* value = nullptr;
  Real* grad = nullptr;  // given when first asked for
  Index size = 0;
  bool wants_grad = false;
  bool grad_is_lent = false;      // by the tape, which takes it back after the backward function
  bool is_computed = false;       // by an operation; else it was given, and stays as it is
  bool is_overwritten = false;    // a later operation left its result in the same memory
  bool* grad_is_empty = nullptr;  // whether nothing was ever written to `grad`; null: it holds something
};

/// A handle to a value on a tape, and to the gradient of the loss in it. Cheap to copy, valid until the
/// tape is reset.
template <Scalar Real, std::size_t Rank>
class Var {
 public:
  Var(Tape<Real>& tape, Node<Real>* node, const Shape<Rank>& shape)
      : tape_(&tape), node_(node), shape_(shape) {}

  Tape<Real>& tape() const { return *tape_; }
  Node<Real>* node() const { return node_; }
  const Shape<Rank>& shape() const { return shape_; }
  Index extent(std::size_t axis) const { return shape_[axis]; }
  Index size() const { return node_->size; }

  const Real* value() const { return node_->value; }
  Real* output() const { return node_->value; }  // for the operation that makes this variable
  bool wants_grad() const { return node_->wants_grad; }
  /// The gradient, zeros when nothing was added yet. Kept for inputs; that of an operation's output is
  /// given back once its backward function ran.
  Real* grad() const { return tape_->gradient(*node_); }
  /// The same for a backward function that writes every element: what nothing was added to yet is set, which
  /// saves the zeros.
  Destination<Real> grad_into() const { return tape_->destination(*node_); }
  /// The only element of a scalar.
  Real item() const requires(Rank == 0) { return node_->value[0]; }

 private:
  Tape<Real>* tape_;
  Node<Real>* node_;
  Shape<Rank> shape_;
};

/// Where an operation leaves its result: in memory of its own, or over its input, whose value is lost. Only
/// what nothing else needs may be overwritten, the backward function of the operation that made it included. An
/// operation that is given what was overwritten throws an `Error`, and so does one that would overwrite what
/// was given to the tape.
enum class InPlace { no, yes };

}  // namespace slm
