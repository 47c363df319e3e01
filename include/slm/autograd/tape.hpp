#pragma once
// The reverse-mode tape, as who trains sees it. Operations are recorded in the order they run; the backward
// pass runs their backward functions in the reverse of that order. There is no graph to sort and no recursion.
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "slm/autograd/groups.hpp"
#include "slm/autograd/parameter.hpp"
#include "slm/autograd/recorder.hpp"

namespace slm {

/// While it lives, what a tape computes belongs to a part of the model.
template <Scalar Real>
class PartScope {
 public:
  PartScope(Recorder<Real>& recorder, std::size_t part)
      : recorder_(recorder), before_(recorder.set_part(part)) {}
  ~PartScope() { recorder_.set_part(before_); }
  PartScope(const PartScope&) = delete;
  PartScope& operator=(const PartScope&) = delete;

 private:
  Recorder<Real>& recorder_;
  std::size_t before_;
};

/// One tape serves one thread. Reuse it: `reset` keeps the memory, so that a training step allocates
/// nothing after the first.
template <Scalar Real>
class Tape {
 public:
  explicit Tape(Mode mode = Mode::train) : recorder_(*this, mode) {}
  Tape(const Tape&) = delete;
  Tape& operator=(const Tape&) = delete;

  Mode mode() const { return recorder_.mode(); }
  bool training() const { return recorder_.training(); }

  /// Forgets everything recorded; variables from before are refused. `dropout` is the stream that the dropout
  /// of the next step draws from: give each step its own, `stream.child(step)`. A step that was given none
  /// cannot drop out.
  void reset(const std::optional<Random>& dropout = {}) {
    recorder_.reset(dropout);
    groups_.reset();
    recorder_.set_part(groups_.part());
    begin_with_products();
  }

  /// A variable that is given, not computed. The memory behind it must outlive the tape's use of it.
  template <std::size_t Rank>
  Var<Real, Rank> input(const Tensor<Real, Rank>& x, bool wants_grad = false) {
    require_made("Tape::input", x);
    return variable(recorder_.given(x.data(), nullptr, x.size(), wants_grad), x.shape());
  }
  template <std::size_t Rank>
  Var<Real, Rank> input(const Tensor<Real, Rank>&& x,
                        bool wants_grad = false) = delete;  // gone after this line

  /// Numbers that stay as they are: a mask, targets, the state that a recurrent model begins with. They are
  /// copied and live as long as the step.
  template <std::size_t Rank>
  Var<Real, Rank> constant(const Tensor<Real, Rank>& x) {
    require_made("Tape::constant", x);
    return variable(recorder_.given(has_values<Real> ? recorder_.keep(x.data(), x.size()) : nullptr, nullptr,
                                    x.size(), false),
                    x.shape());
  }
  /// The same number everywhere.                                                        PyTorch: torch.full
  template <std::size_t Rank>
  Var<Real, Rank> constant(const Shape<Rank>& shape, Real value) {
    const Index size = element_count(shape);
    Node<Real>* node = recorder_.made(size, false);
    node->is_computed = false;
    if constexpr (has_values<Real>) std::fill_n(node->output, size, value);
    return variable(node, shape);
  }

  /// Throws an `Error` that names the model where it was moved from, by one of its tensors.
  template <std::size_t Rank>
  static void require_model(const char* name, const Tensor<Real, Rank>& part) {
    if (has_values<Real> && !part.has_memory()) throw_error<Error>({name, ": the model was moved from"});
  }

  /// A parameter as a variable. Its gradient goes to the parameter, or to the group's own sum where the
  /// tape belongs to a group of sequences. A frozen one wants none, so that none is computed.
  template <std::size_t Rank>
  [[gnu::noinline]] Var<Real, Rank> use(const Parameter<Real, Rank>& parameter) {
    require_made("Tape::use", parameter.value);
    if (parameter.grad.size() != parameter.value.size()) {
      throw_error<ShapeError>({"Tape::use: the parameter has shape ", parameter.value.shape(),
                               ", but its gradient ", parameter.grad.shape()});
    }
    if (recorder_.names_required()) require_named(&parameter, parameter.value.shape());
    const Index size = parameter.value.size();
    Real* grad = parameter.is_frozen ? nullptr : parameter.grad.data();
    Node<Real>* node = recorder_.given(parameter.value.data(), grad, size, !parameter.is_frozen);
    node->is_parameter = true;
    if (parameter.is_frozen) return variable(node, parameter.value.shape());
    if (training() && groups_.collects()) {
      const auto& sum = groups_.collect(&parameter, parameter.grad.data(), size, recorder_.arena(),
                                        &parameter.grad_is_outdated);
      node->grad = sum.memory;
      node->grad_is_empty = sum.is_empty;
    } else if (training() && parameter.grad_is_outdated) {
      node->grad_is_empty = &parameter.grad_is_outdated;
    }
    return variable(node, parameter.value.shape());
  }
  template <std::size_t Rank>
  Var<Real, Rank> use(const Parameter<Real, Rank>&& parameter) = delete;

  /// Runs every recorded backward function, last first, after setting the gradient of `loss` to `weight`:
  /// gradients are those of weight · loss. Those of parameters are added to; an optimizer clears them.
  ///                                                                     PyTorch: (weight * loss).backward()
  void backward(Var<Real, 0> loss, Real weight = Real(1)) {
    recorder_.require_usable("Tape::backward", loss);
    recorder_.require_ahead("Tape::backward");
    if (!training())
      throw_error<Error>("Tape::backward: the tape evaluates (Mode::evaluate) and records nothing");
    if (!loss.wants_grad())
      throw_error<Error>("Tape::backward: the loss depends on nothing that wants a gradient");
    Real* grad = loss.grad();
    if constexpr (has_values<Real>) grad[0] = weight;
    backward();
  }
  /// The same for gradients that were set before.
  void backward() { recorder_.backward(); }

  /// Keeps the gradient of a computed variable for after the backward pass, which else takes it back. An
  /// `Error` once that has run.
  template <std::size_t Rank>
  void keep_grad(const Var<Real, Rank>& y) {
    recorder_.require_usable("Tape::keep_grad", y);
    recorder_.require_ahead("Tape::keep_grad");
    y.node().keeps_grad = true;
  }
  /// See `Var::grad`.
  [[gnu::noinline]] Real* gradient_of(Node<Real>& node, std::span<const Index> shape) {
    if (!node.wants_grad || (recorder_.backward_done() && node.is_computed && !node.keeps_grad)) {
      throw_no_gradient(shape, node.wants_grad);
    }
    return recorder_.gradient(node);
  }

  /// While what it returns lives, operations belong to this part of a model: costs and messages speak of them
  /// by its path. Every module enters itself; the outermost one gives the names of all below it by its fields.
  template <class Module>
  requires HasFields<Module>
  [[nodiscard]] PartScope<Real> enter(const Module& module) {
    return {recorder_, recorder_.place_of(&module, &detail::type_mark<Module>, &detail::walk_any<Module>)};
  }

  /// The same of a part that is no module, named by a literal: enter("loss").
  [[nodiscard]] PartScope<Real> enter(const char* name) {
    return {recorder_, recorder_.parts().named(recorder_.part(), name)};
  }

  /// The part and the first recorded operation whose value is not finite, "linear in blocks.2.attention.qkv";
  /// empty when all are finite. Of operations whose results overwrite one another only the last one's value is
  /// there to be looked at.
  std::string first_not_finite() const {
    const auto found = recorder_.first_not_finite();
    if (!found) return "";
    const auto& entry = recorder_.ledger().entries()[*found];
    if (entry.operation == std::string_view(nested_operation)) {
      for (std::size_t i = 0; i < groups_.size(); ++i) {
        if (std::string inner = groups_.tape(i).first_not_finite(); !inner.empty()) return inner;
      }
    }
    const std::string& path = recorder_.parts().path(entry.part);
    return path.empty() ? entry.operation : entry.operation + (" in " + path);
  }
  /// What an operation that ran on tapes below this one is recorded as.
  static constexpr const char* nested_operation = "map_sequences";

  /// What was computed since the last reset, on this tape and those below: backward only what has run.
  PassCosts costs() const {
    PassCosts sum;
    for (const auto& entry : recorder_.ledger().entries()) sum += entry.cost.passes;
    for (std::size_t i = 0; i < groups_.size(); ++i) sum += groups_.tape(i).costs();
    return sum * groups_.times();
  }
  /// The same for each operation of each part, in the order in which they first ran.
  std::vector<PartCost> costs_by_part() const {
    std::vector<PartCost> sums;
    add_costs(sums, 1);
    return sums;
  }

  /// Bytes that this tape and those below hold at most in a step.
  std::size_t high_water() const { return recorder_.arena().high_water() + groups_.high_water(); }

  /// How products are made on this tape and those below, of linear maps, heads, recurrent layers and `matmul`,
  /// forward and backward: of this step if nothing is computed yet, else from the next reset on. Attention's
  /// own, of scores and of values, are always full. A `ConfigError` where there are no bfloat16 products: they
  /// are float's, by slm's own kernel.
  void set_products(Products products) {
    constexpr bool has_them = has_bfloat16_products<Real>() || !has_values<Real>;
    require_config(!name_of(products).empty(), "Products: they are none that there are");
    require_config(has_them || products != Products::bfloat16,
                   {"Products::bfloat16 needs the scalar float and slm's own products, but here ",
                    std::is_same_v<Real, float> ? "a library makes them" : "is another scalar"});
    wanted_products_ = products;
    if (recorder_.arena().used() == 0) begin_with_products();
  }
  /// Those of this step.
  Products products() const { return products_; }

  /// Promises that from now on the parameters keep their values: in an evaluation of many batches, what
  /// products make of them is made once.
  void fix_weights() {
    if (training()) throw_error<Error>("Tape::fix_weights: a tape that trains has weights that change");
    groups_.fix_weights();
  }

  /// For who writes an operation.
  Recorder<Real>& recorder() { return recorder_; }
  const Recorder<Real>& recorder() const { return recorder_; }
  /// The handle of a node of this tape, as many elements as the shape has.
  template <std::size_t Rank>
  Var<Real, Rank> variable(Node<Real>* node, const Shape<Rank>& shape) {
    return {*this, node, shape};
  }
  /// For who runs parts of a step on tapes below this one.
  Groups<Real>& groups() { return groups_; }
  const Groups<Real>& groups() const { return groups_; }

 private:
  void begin_with_products() {
    if (products_ == wanted_products_) return;
    products_ = wanted_products_;
    groups_.packed().pack_by(packing_for<Real>(products_));
  }

  void add_costs(std::vector<PartCost>& sums, Index times) const {
    times = count_product(times, groups_.times());
    bool nested = false;
    std::size_t at = sums.size();
    for (const auto& entry : recorder_.ledger().entries()) {
      if (entry.calls == 0) continue;
      if (entry.operation == std::string_view(nested_operation) && !std::exchange(nested, true))
        add_nested_costs(sums, times);
      const std::string& path = recorder_.parts().path(entry.part);
      std::size_t tried = 0;  // entries are in much the same order on every tape
      do {
        at = at + 1 < sums.size() ? at + 1 : 0;
      } while (tried++ < sums.size() && (sums[at].operation != entry.operation || sums[at].path != path));
      if (tried > sums.size()) {
        at = sums.size();
        sums.push_back({path, entry.operation});
      }
      sums[at].calls += entry.calls * times;
      sums[at].seconds += entry.seconds;
      sums[at].cost += times == 1 ? entry.cost : entry.cost * times;
    }
    if (!nested) add_nested_costs(sums, times);
  }
  void add_nested_costs(std::vector<PartCost>& sums, Index times) const {
    for (std::size_t i = 0; i < groups_.size(); ++i) groups_.tape(i).add_costs(sums, times);
  }

  template <std::size_t Rank>
  void require_made(const char* where, const Tensor<Real, Rank>& x) const {
    if (has_values<Real> && !x.has_memory()) throw_not_made(where);
  }
  [[noreturn, gnu::noinline, gnu::cold]] void throw_not_made(const char* where) const {
    const std::string& path = recorder_.parts().path(recorder_.part());
    throw_error<Error>({where, path.empty() ? "" : " in " + path, ": the tensor was moved from or never made"});
  }

  /// Throws an `Error` where a parameter is used within a module, but no model that was entered names it.
  [[gnu::noinline, gnu::cold]] void require_named(const void* parameter, std::span<const Index> shape) const {
    const Parts& parts = recorder_.parts();
    if (recorder_.part() == Parts::none || parts.has_parameter(parameter)) return;
    const std::string& path = parts.path(recorder_.part());
    throw_error<Error>({"Tape::use: a parameter of shape ", shape, " is used in ",
                        path.empty() ? "the model" : in_quotes(path),
                        " and not named by `fields`: it would be neither trained nor saved"});
  }

  [[noreturn, gnu::noinline, gnu::cold]] static void throw_no_gradient(std::span<const Index> shape,
                                                                       bool wanted) {
    throw_error<Error>({"Var::grad: a variable of shape ", shape,
                        wanted ? " was computed: its gradient, if the loss depends on it, was taken "
                                 "back in the backward pass; call tape.keep_grad(y) before that"
                               : " wants no gradient"});
  }

  Recorder<Real> recorder_;
  Groups<Real> groups_;
  Products products_ = Products::full, wanted_products_ = Products::full;
};

}  // namespace slm
