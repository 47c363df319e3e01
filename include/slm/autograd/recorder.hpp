#pragma once
// What a tape remembers of a step, for who writes an operation: values, gradients, and the backward functions
// in the order in which the operations ran.
#include <algorithm>
#include <initializer_list>
#include <memory>
#include <new>
#include <optional>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include "slm/autograd/ledger.hpp"
#include "slm/autograd/parts.hpp"
#include "slm/autograd/variable.hpp"
#include "slm/core/arena.hpp"
#include "slm/core/parallel.hpp"
#include "slm/core/random.hpp"

namespace slm {

/// `train` records for the backward pass and drops out; `evaluate` does neither.
enum class Mode : bool { train, evaluate };

/// An input of an operation, and what its backward function needs of it. A variable alone stands for one whose
/// value is not read again.
template <Scalar Real>
struct Operand {
  template <std::size_t Rank>
  [[gnu::noinline]] Operand(const Var<Real, Rank>& x)
      : tape(&x.tape()), node(&x.node()), shape(x.shape()), touched(node->size) {}
  /// An input that may be left out.
  template <std::size_t Rank>
  Operand(const std::optional<Var<Real, Rank>>& x) {
    if (x) *this = Operand(*x);
  }

  /// Only so many elements of the value are read, and only of those the gradient is written.
  Operand touching(Index count) const {
    Operand copy = *this;
    copy.touched = count;
    return copy;
  }

  const Tape<Real>* tape = nullptr;
  Node<Real>* node = nullptr;
  std::span<const Index> shape = {};
  Index touched = 0;
  bool needed = false;  // the backward function reads the value
};
/// An input whose value the backward function reads, if the condition holds.
template <Scalar Real, std::size_t Rank>
Operand<Real> needed(const Var<Real, Rank>& x, bool condition = true) {
  Operand<Real> operand(x);
  operand.needed = condition;
  return operand;
}

/// The inputs of an operation, written down as {x, needed(W)} or a list of any length. Refers to them for as
/// long as a call takes.
template <Scalar Real>
struct Operands : std::span<const Operand<Real>> {
  Operands(std::initializer_list<Operand<Real>> written)
      : std::span<const Operand<Real>>(written.begin(), written.size()) {}
  Operands(std::span<const Operand<Real>> list) : std::span<const Operand<Real>>(list) {}
};

/// Of an operation that does not say what it costs.
inline constexpr PassCosts no_costs;

/// What an operation says of itself beside its inputs.
struct OperationTraits {
  FunctionRef<PassCosts()> costs = no_costs;  // called when somebody counts; or costs themselves
  bool needs_output = false;                  // the backward function reads the result
  Index keeps = 0;                 // elements that the forward pass leaves for it beside the result: `y.kept()`
  InPlace in_place = InPlace::no;  // the result may take the memory of the first input
  Traffic state = {};              // elements of what outlives the step, as the keys of a text read so far
};

/// What a tape keeps of a step: who writes an operation sees it, who trains need not.
template <Scalar Real>
class Recorder {
 public:
  explicit Recorder(const Tape<Real>& tape, Mode mode) : tape_(&tape), mode_(mode) {}

  bool training() const { return mode_ == Mode::train; }
  Mode mode() const { return mode_; }

  void reset(const std::optional<Random>& dropout) {
    ++generation_;
    last_ = nullptr;
    lender_ = nullptr;
    free_.clear();
    arena_.rewind();
    if (parts_.is_outdated()) {
      parts_ = Parts();
      ledger_ = Ledger();
    }
    ledger_.clear();
    part_ = Parts::none;
    dropout_ = dropout;
    dropout_calls_ = 0;
    backward_ = Pass::ahead;
  }
  /// Counts the resets: a handle from before one is refused.
  std::uint64_t generation() const { return generation_; }

  /// Memory until the next reset.
  Arena& arena() { return arena_; }
  const Arena& arena() const { return arena_; }
  /// A copy that lives until then.
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

  /// A node on memory that is there. Without `grad`, memory for the gradient is found when it is needed.
  Node<Real>* given(const Real* value, Real* grad, Index size, bool wants_grad) {
    return arena_.make(
        Node<Real>{.value = value, .grad = grad, .size = size, .wants_grad = wants_grad && training()});
  }
  /// One on new memory, uninitialised.
  Node<Real>* made(Index size, bool wants_grad) {
    Real* memory = has_values<Real> ? arena_.take<Real>(size) : nullptr;
    Node<Real>* node = given(memory, nullptr, size, wants_grad);
    node->output = memory;
    node->is_computed = true;
    return node;
  }

  /// The first half of every operation, the same for all: looks at the inputs and makes the output.
  [[gnu::noinline]] Node<Real>* begin(const char* name, Index size, const Operands<Real>& inputs,
                                      const OperationTraits& traits) {
    if (is_timed_) clock_ = WorkClock();
    bool wants_grad = false;
    for (const auto& input : inputs) {
      if (!input.node) continue;
      require_usable(name, input);
      wants_grad = wants_grad || input.node->wants_grad;
    }
    const bool over = traits.in_place == InPlace::yes;
    Node<Real>* y = over ? overwrite(name, inputs, size, wants_grad) : made(size, wants_grad);
    if (traits.keeps > 0) y->kept = has_values<Real> ? arena_.take<Real>(traits.keeps) : nullptr;
    if (!y->wants_grad) return y;
    for (const auto& input : inputs) {
      if (input.needed) input.node->claimed_by = name;
    }
    if (traits.needs_output) y->claimed_by = name;
    return y;
  }

  /// An entry of the list: what makes one knows how to run it.
  struct Record {
    Record* previous = nullptr;
    Node<Real>* output;
    void (*run)(const Record& self);
    std::size_t entry = 0;  // in the ledger
    Cost cost = {};         // of the backward function
    Index traffic = 0;
  };

  /// Memory for a record of an operation, which is made there: a copy of all that a backward function holds
  /// would be a good part of what a compiler sees of an operation. Null where nothing is recorded.
  void* room_for_record(std::size_t bytes) { return training() ? arena_.take_object(bytes) : nullptr; }

  /// The second half of an operation: enters costs, and the record, which lives as long as the step; null where
  /// nothing is recorded.
  [[gnu::noinline]] void end(const char* name, Node<Real>* y, const Operands<Real>& inputs,
                             const OperationTraits& traits, Record* record) {
    if (!counts_) return;
    const PassCosts costs = traits.costs();
    const bool over = traits.in_place == InPlace::yes;
    Traffic traffic = traits.state;
    const Index made = count_sum(y->size, traits.keeps);
    traffic.forward = count_sum(traffic.forward, made);
    traffic.backward = count_sum(made, traits.needs_output ? y->size : 0);
    for (const auto& input : inputs) {
      if (!input.node) continue;
      traffic.forward = count_sum(traffic.forward, input.touched);
      if (input.needed) traffic.backward = count_sum(traffic.backward, input.touched);
      if (input.node->wants_grad) traffic.backward = count_sum(traffic.backward, input.touched);
    }
    const std::size_t entry = ledger_.find(part_, name);
    if (is_timed_) ledger_.entries()[entry].seconds.forward += clock_.seconds();
    ledger_.add_forward(entry, costs.forward, traffic.forward, !training() ? 0 : over ? traits.keeps : made);
    if (record) add(*record, entry, costs.backward, traffic.backward);
  }
  /// The same on shapes alone: the backward function is that every input that wants a gradient has one.
  void end_on_shapes(const char* name, Node<Real>* y, const Operands<Real>& inputs,
                     const OperationTraits& traits) {
    struct OnShapes : Record {
      Recorder* recorder;
      Node<Real>** nodes;
      std::size_t count;
    };
    Node<Real>** nodes = arena_.template take<Node<Real>*>(static_cast<Index>(inputs.size()));
    std::transform(inputs.begin(), inputs.end(), nodes, [](const auto& input) { return input.node; });
    const auto run = [](const Record& self) {
      const auto& all = static_cast<const OnShapes&>(self);
      for (std::size_t i = 0; i < all.count; ++i) {
        if (all.nodes[i] && all.nodes[i]->wants_grad) all.recorder->destination(*all.nodes[i]);
      }
    };
    end(name, y, inputs, traits,
        training() ? arena_.make(OnShapes{{nullptr, y, run}, this, nodes, inputs.size()}) : nullptr);
  }
  void add(Record& record, std::size_t entry, const Cost& cost, Index traffic) {
    record.previous = std::exchange(last_, &record);
    record.entry = entry, record.cost = cost, record.traffic = traffic;
  }

  /// Runs every recorded backward function, last first.
  void backward() {
    require_ahead("Tape::backward");
    // Also where a backward function throws: what it left is no gradient.
    struct Running {
      Pass& pass;
      ~Running() { pass = Pass::done; }
    };
    backward_ = Pass::running;
    const Running running{backward_};
    for (Record* record = last_; record; record = record->previous) {
      Node<Real>& y = *record->output;
      if (!y.wants_grad || !y.grad) continue;  // nothing depends on it
      running_ = record->entry;
      const WorkClock clock(is_timed_);
      record->run(*record);
      if (is_timed_) ledger_.entries()[running_].seconds.backward += clock.seconds();
      ledger_.add_backward(record->entry, record->cost, record->traffic);
      if (y.grad_is_lent && !y.keeps_grad) free_.push_back({y.size, std::exchange(y.grad, nullptr)});
    }
  }
  /// The same with gradients in memory that is free again afterwards.
  void backward(Arena& lender) {
    lender.rewind();
    lender_ = &lender;
    backward();
    lender_ = nullptr;
    free_.clear();
  }
  /// Whether operations are timed: see `profile`.
  bool is_timed() const { return is_timed_; }
  void set_timed(bool timed) { is_timed_ = timed; }
  /// Of a backward function: what is another entry's.
  void take_backward_seconds(double seconds) { ledger_.entries()[running_].seconds.backward -= seconds; }

  void require_ahead(const char* name) const {
    if (backward_ != Pass::ahead) {
      throw_error<Error>({name, ": the backward pass is already done for this step; call reset first"});
    }
  }
  bool backward_done() const { return backward_ == Pass::done; }
  /// For a backward function that learns only while it runs what it costs: adds to what was recorded.
  void add_backward_cost(const Cost& cost, Index traffic) { ledger_.add_backward(running_, cost, traffic); }

  /// The gradient memory of a node, with zeros where it holds nothing yet.
  Real* gradient(Node<Real>& node) {
    const Destination<Real> grad = destination(node);
    if (has_values<Real> && grad.store == StoreMode::assign) std::fill_n(grad.data, node.size, Real(0));
    return grad.data;
  }
  /// The same for who writes all of it.
  Destination<Real> destination(Node<Real>& node) {
    const bool empty = node.grad_is_empty && std::exchange(*node.grad_is_empty, false);
    if (!node.grad) {
      node.grad = take_gradient(node);
      node.grad_is_lent = true;
      return {node.grad, StoreMode::assign};
    }
    return {node.grad, empty ? StoreMode::assign : StoreMode::add};
  }

  /// Throws an `Error` where an operation on this tape must not be given the variable.
  void require_usable(const char* name, const Operand<Real>& x) const {
    if (x.tape != tape_ || x.node->is_overwritten) throw_unusable(name, x);
  }

  /// From now on no operation is counted: for a tape in evaluation that is run for every token.
  void count_nothing() { counts_ = training(); }

  /// Whether `use` refuses parameters that a model does not name: see `fit`.
  bool names_required() const { return names_required_; }
  void set_names_required(bool required) { names_required_ = required; }

  Parts& parts() { return parts_; }
  const Parts& parts() const { return parts_; }
  std::size_t part() const { return part_; }
  std::size_t set_part(std::size_t part) { return std::exchange(part_, part); }
  /// The part that a module is, where somebody counts: outside of all, the model and what is below it are
  /// learned.
  [[gnu::noinline]] std::size_t place_of(const void* module, const void* type, detail::WalkAny walk) {
    if (!counts_) return part_;
    if (part_ == Parts::none) return parts_.learn(module, type, walk);
    const std::size_t at = parts_.find(module, type, part_);
    return at == Parts::none ? part_ : at;
  }
  Ledger& ledger() { return ledger_; }
  const Ledger& ledger() const { return ledger_; }

  /// The entry in the ledger of the first operation whose value is not finite; nothing when all are. Of
  /// operations whose results overwrite one another only the last one's value is there to be looked at.
  std::optional<std::size_t> first_not_finite() const {
    const Record* found = nullptr;
    for (const Record* record = last_; record; record = record->previous) {
      const Node<Real>& y = *record->output;
      const auto is_bad = [](Real x) { return !is_finite(x); };
      if (!y.is_overwritten && std::any_of(y.value, y.value + y.size, is_bad)) found = record;
    }
    return found ? std::optional(found->entry) : std::nullopt;
  }

 private:
  enum class Pass { ahead, running, done };
  struct FreeGradient {
    Index size;
    Real* memory;
  };

  Node<Real>* overwrite(const char* name, const Operands<Real>& inputs, Index size, bool wants_grad) {
    if (inputs.empty() || !inputs.front().node || inputs.front().node->size != size) {
      throw_error<ShapeError>({name, ": its result of ", size, " elements needs a first input of as many to ",
                               "leave it over; leave out InPlace::yes"});
    }
    const Operand<Real>& x = inputs.front();
    Node<Real>& node = *x.node;
    if (!node.is_computed || node.claimed_by || x.needed) throw_not_to_be_overwritten(name, x);
    Node<Real>* y = given(node.value, nullptr, node.size, wants_grad);
    y->output = node.output;
    y->is_computed = true;
    node.is_overwritten = true;
    node.claimed_by = name;
    return y;
  }

  [[noreturn, gnu::noinline, gnu::cold]] static void throw_not_to_be_overwritten(const char* name,
                                                                                 const Operand<Real>& x) {
    const char* reader = x.node->claimed_by ? x.node->claimed_by : name;
    throw_error<Error>({name, ": must not leave its result over its input of shape ", x.shape,
                        x.node->is_computed ? make_text({", which the backward function of ", reader, " reads"})
                                            : ", which was given to the tape and not computed",
                        "; leave out InPlace::yes"});
  }

  [[noreturn, gnu::noinline, gnu::cold]] void throw_unusable(const char* name, const Operand<Real>& x) const {
    const bool own = x.tape == tape_;
    throw_error<Error>(
        {name, ": a variable of shape ", x.shape,
         own ? make_text({" was used after ", x.node->claimed_by,
                          " had left its result in the same memory (InPlace::yes)"})
             : " was used on another tape than its own; a function that runs on tapes of its own, as in "
               "map_sequences, takes variables from its argument alone"});
  }

  Real* take_gradient(const Node<Real>& node) {
    if constexpr (!has_values<Real>) {
      static Real nothing;
      return &nothing;
    }
    if (node.keeps_grad) return arena_.template take<Real>(node.size);
    for (auto& free : free_) {
      if (free.size == node.size) {
        Real* memory = free.memory;
        free = free_.back();
        free_.pop_back();
        return memory;
      }
    }
    return (lender_ ? *lender_ : arena_).template take<Real>(node.size);
  }

  const Tape<Real>* tape_;
  Mode mode_;
  bool counts_ = true;
  Arena arena_;
  Record* last_ = nullptr;
  std::vector<FreeGradient> free_;
  Arena* lender_ = nullptr;  // gradients are lent from the arena or, if set, from here
  Parts parts_;
  Ledger ledger_;
  std::size_t part_ = Parts::none;  // whose operations run
  std::size_t running_ = 0;         // in the ledger: whose backward function runs
  bool names_required_ = false;
  bool is_timed_ = false;
  WorkClock clock_{false};  // since the last operation began, if they are timed
  std::optional<Random> dropout_;
  std::uint64_t dropout_calls_ = 0;
  std::uint64_t generation_ = 0;
  Pass backward_ = Pass::ahead;
};

}  // namespace slm
