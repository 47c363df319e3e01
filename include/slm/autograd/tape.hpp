#pragma once
// The reverse-mode tape. Operations are recorded in the order they run; the backward pass runs their
// backward functions in the reverse of that order. There is no graph to sort and no recursion.
#include <algorithm>
#include <memory>
#include <new>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "slm/autograd/cost_ledger.hpp"
#include "slm/autograd/parameter.hpp"
#include "slm/autograd/variable.hpp"
#include "slm/core/arena.hpp"
#include "slm/core/matrix.hpp"
#include "slm/core/parallel.hpp"
#include "slm/core/random.hpp"

namespace slm {

/// `train` records for the backward pass and drops out; `evaluate` does neither.
enum class Mode { train, evaluate };

/// One tape serves one thread. Reuse it: `reset` keeps the memory, so that a training step allocates
/// nothing after the first.
template <Scalar Real>
class Tape {
 public:
  explicit Tape(Mode mode = Mode::train) : mode_(mode) {}
  Tape(const Tape&) = delete;
  Tape& operator=(const Tape&) = delete;

  Mode mode() const { return mode_; }
  bool training() const { return mode_ == Mode::train; }

  /// Forgets everything recorded. `dropout` is the stream that the dropout of the next step draws from: give
  /// each step its own, `stream.child(step)`. A step that was given none cannot drop out.
  void reset(const std::optional<Random>& dropout = {}) {
    last_ = nullptr;
    lender_ = nullptr;
    free_.clear();
    sink_.clear();
    arena_.rewind();
    ledger_.clear();
    children_used_ = 0;
    dropout_ = dropout;
    dropout_calls_ = 0;
    backward_done_ = false;
  }

  /// A variable that is given, not computed. The memory behind it must outlive the tape's use of it.
  template <std::size_t Rank>
  Var<Real, Rank> input(const Tensor<Real, Rank>& x, bool wants_grad = false) {
    require_made("Tape::input", x);
    return view(const_cast<Real*>(x.data()), nullptr, x.shape(), wants_grad);
  }
  template <std::size_t Rank>
  Var<Real, Rank> input(const Tensor<Real, Rank>&& x,
                        bool wants_grad = false) = delete;  // gone after this line

  /// A parameter as a variable. Its gradient goes to the parameter, or to the group's own sum where the
  /// tape belongs to a group of sequences.
  template <std::size_t Rank>
  Var<Real, Rank> use(const Parameter<Real, Rank>& parameter) {
    require_made("Tape::use", parameter.value);
    if (parameter.grad.shape() != parameter.value.shape()) {
      throw ShapeError(concatenate({"Tape::use: the parameter has shape ", parameter.value.shape(),
                                    ", but its gradient ", parameter.grad.shape()}));
    }
    Real* value = const_cast<Real*>(parameter.value.data());
    Real* grad = const_cast<Real*>(parameter.grad.data());
    if (!training() || !collects_)
      return view(value, training() ? grad : nullptr, parameter.value.shape(), true);
    const Collected& sum = collect(grad, parameter.grad.size());
    const auto variable = view(value, sum.sum, parameter.value.shape(), true);
    variable.node()->grad_is_empty = sum.is_empty;
    return variable;
  }
  template <std::size_t Rank>
  Var<Real, Rank> use(const Parameter<Real, Rank>&& parameter) = delete;

  /// Uninitialised output of an operation on `inputs`; it wants a gradient when one of them does.
  template <std::size_t Rank, class... Inputs>
  Var<Real, Rank> output(const Shape<Rank>& shape, const Inputs&... inputs) {
    (require_own(inputs), ...);
    Real* value = arena_.take<Real>(element_count(shape));
    return computed(view(value, nullptr, shape, (inputs.wants_grad() || ... || false)));
  }

  /// The same on the memory of `x`, one of the inputs, if its value may be lost.
  template <std::size_t Rank, class... Inputs>
  Var<Real, Rank> output(InPlace in_place, Var<Real, Rank> x, const Inputs&... others) {
    if (in_place == InPlace::no) return output(x.shape(), x, others...);
    (require_own(x), ..., require_own(others));
    if (!x.node()->is_computed) throw_given(x.shape());
    x.node()->is_overwritten = true;
    return computed(view(x.output(), nullptr, x.shape(), (x.wants_grad() || ... || others.wants_grad())));
  }

  /// Marks a variable as an operation's: its memory is the tape's own.
  template <std::size_t Rank>
  static Var<Real, Rank> computed(Var<Real, Rank> x) {
    x.node()->is_computed = true;
    return x;
  }

  /// A variable on existing memory; without `grad`, the tape finds memory for the gradient when needed.
  template <std::size_t Rank>
  Var<Real, Rank> view(Real* value, Real* grad, const Shape<Rank>& shape, bool wants_grad) {
    auto* node = new (arena_.take<Node<Real>>(1)) Node<Real>{
        .value = value, .grad = grad, .size = element_count(shape), .wants_grad = wants_grad && training()};
    return {*this, node, shape};
  }

  /// Remembers how to propagate the gradient of `y`: `backward` adds to the gradients of the inputs.
  /// `costs` are those of the operation itself and of `backward`. `operation` must be a string that lives as
  /// long as the program.
  template <std::size_t Rank, class Backward>
  Var<Real, Rank> record(const char* operation, Var<Real, Rank> y, const PassCosts& costs,
                         const Backward& backward) {
    static_assert(std::is_trivially_destructible_v<Backward>,
                  "capture handles, not owners: nothing is destroyed");
    void* closure = nullptr;
    if (training()) closure = new (arena_.take<Backward>(1)) Backward(backward);
    record(operation, y.node(), costs, closure, [](void* self) { (*static_cast<Backward*>(self))(); });
    return y;
  }

  /// Runs every recorded backward function, last first, after setting the gradient of `loss` to one.
  /// Parameter gradients are added to; an optimizer clears them.
  void backward(Var<Real, 0> loss) {
    require_own(loss);
    if (!loss.wants_grad()) throw Error("Tape::backward: the loss depends on nothing that wants a gradient");
    loss.grad()[0] = Real(1);
    backward();
  }

  /// The same for gradients that were set before.
  void backward() {
    if (backward_done_) throw Error("Tape::backward: already done for this step; call reset first");
    backward_done_ = true;
    for (Record* record = last_; record; record = record->previous) {
      Node<Real>& y = *record->output;
      if (!y.wants_grad || !y.grad) continue;  // nothing depends on it
      running_ = record->entry;
      record->run(record->closure);
      ledger_.add_backward(record->entry, record->backward_cost);
      if (y.grad_is_lent) free_.push_back({y.size, std::exchange(y.grad, nullptr)});
    }
  }

  /// The same with gradients in memory that is free again afterwards, but for those that `grad` gave before.
  void backward(Arena& lender) {
    lender.rewind();
    lender_ = &lender;
    backward();
    lender_ = nullptr;
    free_.clear();
  }

  /// For a backward function that learns only while it runs what it costs: adds to what was recorded.
  void add_backward_cost(const Cost& cost) { ledger_.add_backward(running_, cost); }

  /// The gradient memory of a node, with zeros where it holds nothing yet.
  Real* gradient(Node<Real>& node) {
    const Destination<Real> grad = destination(node);
    if (grad.store == StoreMode::assign) std::fill_n(grad.data, node.size, Real(0));
    return grad.data;
  }
  /// The same for who writes all of it.
  Destination<Real> destination(Node<Real>& node) {
    if (!node.grad) {
      node.grad = take_gradient(node.size);
      node.grad_is_lent = true;
      return {node.grad, StoreMode::assign};
    }
    const bool empty = node.grad_is_empty && std::exchange(*node.grad_is_empty, false);
    return {node.grad, empty ? StoreMode::assign : StoreMode::add};
  }

  /// Throws an `Error` where an operation on this tape must not be given `x`.
  template <std::size_t Rank>
  void require_own(const Var<Real, Rank>& x) const {
    if (&x.tape() != this || x.node()->is_overwritten) throw_unusable(x.shape(), &x.tape() == this);
  }

  /// Memory until the next reset.
  Arena& arena() { return arena_; }
  template <class T>
  T* keep(const T* from, Index count) {
    T* copy = arena_.take<T>(count);
    std::copy_n(from, count, copy);
    return copy;
  }

  /// A stream of its own for each call of dropout in a step; none where the step was given none.
  std::optional<Random> next_dropout_stream() {
    if (!dropout_) return std::nullopt;
    return dropout_->child(dropout_calls_++);
  }

  /// `count` tapes that live as long as this one, to record parts of the step on. They collect parameter
  /// gradients in sums of their own.
  std::vector<std::unique_ptr<Tape>>& children() { return children_; }
  std::size_t add_children(std::size_t count) {
    const std::size_t first = children_used_;
    children_used_ += count;
    while (children_.size() < children_used_) {
      children_.push_back(std::make_unique<Tape>(mode_));
      children_.back()->collects_ = true;
    }
    return first;
  }

  /// Memory for the gradients of child tapes, for each thread that runs their backward functions.
  std::vector<Arena>& lenders() {
    const auto count = static_cast<std::size_t>(threads());
    if (lenders_.size() < count) lenders_.resize(count);
    return lenders_;
  }

  /// A parameter's gradient (the key) and the sum that this tape collects for it.
  struct Collected {
    Real* target;
    Real* sum;
    Index size;
    bool* is_empty;  // nothing was added yet, and `sum` holds no zeros either
  };
  const std::vector<Collected>& collected() const { return sink_; }

  /// Where a gradient that is meant for `target` is added to on this tape.
  Real* gradient_target(Real* target, Index size) {
    if (!collects_) return target;
    const Collected& sum = collect(target, size);
    if (std::exchange(*sum.is_empty, false)) std::fill_n(sum.sum, size, Real(0));
    return sum.sum;
  }

  /// What an operation that ran on child tapes is recorded as.
  static constexpr const char* nested_operation = "map_sequences";

  /// Name of the first recorded operation whose value is not finite; empty when all are finite. Of operations
  /// whose results overwrite one another only the last one's value is there to be looked at.
  std::string_view first_not_finite() const {
    const Record* found = nullptr;
    for (const Record* record = last_; record; record = record->previous) {
      const Node<Real>& y = *record->output;
      for (Index i = 0; i < y.size && !y.is_overwritten; ++i) {
        if (!is_finite(y.value[i])) {
          found = record;
          break;
        }
      }
    }
    if (found && std::string_view(found->operation) == nested_operation) {
      for (std::size_t i = 0; i < children_used_; ++i) {
        const std::string_view inner = children_[i]->first_not_finite();
        if (!inner.empty()) return inner;
      }
    }
    return found ? std::string_view(found->operation) : std::string_view();
  }

  /// What was computed since the last reset, on this tape and its children: backward only what has run.
  PassCosts costs() const {
    PassCosts sum = ledger_.total();
    for (std::size_t i = 0; i < children_used_; ++i) sum += children_[i]->costs();
    return sum;
  }
  /// The same for each operation by name.
  std::vector<OperationCosts> costs_by_operation() const {
    std::vector<OperationCosts> sums;
    add_costs(sums);
    return sums;
  }

  /// Bytes this tape and its children hold at most in a step.
  std::size_t high_water() const {
    std::size_t bytes = arena_.high_water();
    for (const auto& child : children_) bytes += child->high_water();
    for (const Arena& lender : lenders_) bytes += lender.high_water();
    return bytes;
  }

 private:
  struct Record {
    Record* previous;
    const char* operation;
    Node<Real>* output;
    void (*run)(void*);
    void* closure;
    std::size_t entry;  // in the ledger
    Cost backward_cost;
  };
  struct FreeGradient {
    Index size;
    Real* memory;
  };

  /// The part of `record` that is the same for all operations.
  void record(const char* operation, Node<Real>* y, const PassCosts& costs, void* closure, void (*run)(void*)) {
    const std::size_t entry = ledger_.add_forward(operation, costs.forward);
    if (closure) {
      last_ = new (arena_.take<Record>(1)) Record{last_, operation, y, run, closure, entry, costs.backward};
    }
  }

  void add_costs(std::vector<OperationCosts>& sums) const {
    ledger_.add_to(sums);
    for (std::size_t i = 0; i < children_used_; ++i) children_[i]->add_costs(sums);
  }

  template <std::size_t Rank>
  static void require_made(const char* where, const Tensor<Real, Rank>& x) {
    if (x.size() != element_count(x.shape()))
      throw Error(concatenate({where, ": the tensor was moved from or never made"}));
  }

  [[noreturn]] static void throw_given(std::span<const Index> shape) {
    throw Error(concatenate({"Tape: a variable of shape ", shape,
                             " was given to the tape; only what an operation computed may be overwritten"}));
  }

  [[noreturn]] static void throw_unusable(std::span<const Index> shape, bool own) {
    throw Error(concatenate(
        {"Tape: a variable of shape ", shape,
         own ? " was used after an operation had left its result in the same memory"
             : " was used on another tape than its own; a function that runs on tapes of its own, as in "
               "map_sequences, takes variables from its argument alone"}));
  }

  Real* take_gradient(Index size) {
    for (auto& free : free_) {
      if (free.size == size) {
        Real* memory = free.memory;
        free = free_.back();
        free_.pop_back();
        return memory;
      }
    }
    return (lender_ ? *lender_ : arena_).template take<Real>(size);
  }

  const Collected& collect(Real* target, Index size) {
    for (const Collected& entry : sink_) {
      if (entry.target == target) return entry;
    }
    sink_.push_back({target, arena_.template take<Real>(size), size, new (arena_.take<bool>(1)) bool(true)});
    return sink_.back();
  }

  Mode mode_;
  Arena arena_;
  Record* last_ = nullptr;
  CostLedger ledger_;
  std::vector<FreeGradient> free_;
  std::vector<Collected> sink_;
  Arena* lender_ = nullptr;  // gradients are lent from the arena or, if set, from here
  std::vector<Arena> lenders_;
  std::vector<std::unique_ptr<Tape>> children_;
  std::size_t children_used_ = 0;
  std::size_t running_ = 0;  // in the ledger: whose backward function runs
  std::optional<Random> dropout_;
  std::uint64_t dropout_calls_ = 0;
  bool collects_ = false;
  bool backward_done_ = false;
};

}  // namespace slm
