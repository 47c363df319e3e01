#pragma once
// All parameters of a model in one list, for what treats them alike.
#include <algorithm>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "slm/core/libm.hpp"
#include "slm/core/parallel.hpp"
#include "slm/core/reduce.hpp"
#include "slm/nn/module.hpp"

namespace slm {

template <Scalar Real>
class ParameterSource;

/// One parameter's memory. `refresh` finds it again where the model was assigned another, so that a list is
/// good for as long as the model stands where it stood.
template <Scalar Real>
struct ParameterView {
  std::string name;
  mutable Real* value;
  mutable Real* grad;
  Index size;
  std::vector<Index> shape = {};
  std::shared_ptr<ParameterSource<Real>> source = {};  // the model's; empty: memory that stays
  std::size_t visit = 0;                               // of a walk through the model
  mutable const ParameterState* state = nullptr;       // null: never frozen

  bool is_frozen() const { return state && state->is_frozen; }
  /// Elements that an optimizer changes.
  Index trained_size() const { return is_frozen() ? 0 : size; }
};

/// The parameters of a model, or some of them, in the order of its fields.
template <Scalar Real>
using ParameterList = std::vector<ParameterView<Real>>;

/// Whether a type is one.
template <class T>
inline constexpr bool is_parameter_list = false;
template <Scalar Real>
inline constexpr bool is_parameter_list<ParameterList<Real>> = true;
template <Scalar Real>
inline constexpr bool is_parameter_list<const ParameterList<Real>> = true;

/// The scalar of what an optimizer updates.
template <class Optimizer>
using ScalarOf = std::remove_pointer_t<decltype(std::declval<Optimizer&>().list().front().value)>;

/// Where a model stands, and where the memory of its parameters was when it was last looked at.
template <Scalar Real>
class ParameterSource {
 public:
  template <class Model>
  explicit ParameterSource(Model& model) : ParameterSource(&model, detail::walk_any<Model>) {}

  /// The parameter of every visit of a walk through the model, at its present place. Allocates nothing where
  /// they are where they were. Throws a `ShapeError` where the model has other ones now.
  const ParameterList<Real>& visits() {
    find();
    return visits_;
  }
  /// Whether a visit is the first one of its parameter.
  bool is_first(std::size_t visit) const { return first_[visit] == static_cast<Index>(visit); }

  /// Of `outdate_others`: first every parameter that is in a list, then what is to be done to the others.
  void note_listed(std::size_t visit) { listed_[visit] = true, ++listed_count_; }
  void outdate_unlisted() {
    if (listed_count_ > 0 && listed_count_ < parameters_) {
      for (std::size_t visit = 0; visit < first_.size(); ++visit) {
        if (is_first(visit) && !listed_[visit]) visits_[visit].state->grad_is_outdated = true;
      }
    }
    if (listed_count_ > 0) std::fill(listed_.begin(), listed_.end(), false);
    listed_count_ = 0;
  }

 private:
  [[gnu::noinline]] ParameterSource(const void* model, detail::WalkAny walk)
      : model_(model),
        walk_(walk),
        first_(detail::first_visits(model, walk)),
        listed_(first_.size()),
        parameters_(count_firsts()) {
    find();
  }

  Index count_firsts() const {
    Index count = 0;
    for (std::size_t visit = 0; visit < first_.size(); ++visit) count += is_first(visit) ? 1 : 0;
    return count;
  }

  /// The first walk makes the list.
  [[gnu::noinline]] void find() {
    next_ = 0, moved_ = false;
    walk_(model_, [&](const detail::AnyPart& part) {
      if (part.is_parameter) visit(part);
    });
    if (next_ < visits_.size()) throw_other(text_of(visits_[next_].name, visits_[next_].shape), "none");
    if (moved_ && detail::first_visits(model_, walk_) != first_) throw_other("the same ties", "others");
  }
  void visit(const detail::AnyPart& part) {
    if (part.scalar != &detail::type_mark<Real>) {
      throw_error<ConfigError>({"parameters: expected parameters of ",
                                std::is_same_v<Real, float> ? "float" : "double", ", but ",
                                in_quotes(part.path.text()), " is of another scalar"});
    }
    const auto shape = part.shape;
    if (visits_.size() < first_.size()) {
      visits_.push_back({part.path.text(), nullptr, nullptr, part.size, {shape.begin(), shape.end()}});
    }
    if (next_ == visits_.size()) throw_other("none", text_of(part.path.text(), shape));
    const ParameterView<Real>& view = visits_[next_++];
    view.state = part.state;
    const bool same_shape = std::equal(shape.begin(), shape.end(), view.shape.begin(), view.shape.end());
    if (same_shape && view.value == part.value && view.grad == part.grad) return;
    if (!same_shape || view.name != part.path.text()) {
      throw_other(text_of(view.name, view.shape), text_of(part.path.text(), shape));
    }
    view.value = static_cast<Real*>(const_cast<void*>(part.value));  // the model that was given is not constant
    view.grad = static_cast<Real*>(part.grad);
    moved_ = true;
  }

  static std::string text_of(const std::string& name, std::span<const Index> shape) {
    return make_text({in_quotes(name), " of shape ", shape});
  }
  [[noreturn, gnu::noinline, gnu::cold]] static void throw_other(const std::string& expected,
                                                                 const std::string& got) {
    throw_error<ShapeError>(
        {"parameters: the model was assigned one of other parameters: expected ", expected, ", got ", got});
  }

  const void* model_;
  detail::WalkAny walk_;
  std::vector<Index> first_;  // for each visit the first one of the same parameter
  ParameterList<Real> visits_;
  std::size_t next_ = 0;  // of the walk that is going on
  bool moved_ = false;
  std::vector<char> listed_;
  Index parameters_, listed_count_ = 0;
};

namespace detail {

/// Throws where two parameters have one name: neither a file nor a message could tell them apart.
[[gnu::noinline, gnu::cold]] inline void throw_namesakes(std::string_view name) {
  throw_error<ConfigError>({"parameters: `fields` gives two parameters the name ", in_quotes(name)});
}
template <Scalar Real>
void require_own_names(const ParameterList<Real>& list) {
  std::vector<Visited> hashes;  // in the place of addresses: one sort serves all
  for (const auto& its : list) {
    const auto hash = static_cast<std::uintptr_t>(std::hash<std::string_view>()(its.name));
    hashes.emplace_back(reinterpret_cast<const void*>(hash), static_cast<Index>(hashes.size()));
  }
  const std::vector<Index> first = first_visits(std::move(hashes));
  for (std::size_t k = 0; k < list.size(); ++k) {
    const auto& its = list[static_cast<std::size_t>(first[k])];
    if (first[k] != static_cast<Index>(k) && its.name == list[k].name) throw_namesakes(its.name);
  }
}

/// Whether a model's scalar, where it is a template of one, is Real.
template <class Model, Scalar Real>
inline constexpr bool has_scalar = true;
template <template <Scalar> class Model, Scalar Its, Scalar Real>
inline constexpr bool has_scalar<Model<Its>, Real> = std::is_same_v<Its, Real>;

}  // namespace detail

/// The parameters of a model, or of any struct with fields, in the order of its fields:
/// `parameters<float>(net)`. Throws a `ConfigError` where one of them is of another scalar.
template <Scalar Real, class Model>
ParameterList<Real> parameters(Model& model) {
  static_assert(!std::is_const_v<Model>, "parameters: the model must not be const");
  static_assert(Module<Model>,
                "parameters: what an optimizer updates must be a Module, a struct that names its parts in "
                "`fields`, see slm/nn/contracts.hpp");
  static_assert(detail::has_scalar<Model, Real>,
                "parameters: the scalar of the model's parameters must be Real");
  ParameterList<Real> list;
  if constexpr (Module<Model> && !std::is_const_v<Model>) {
    const auto source = std::make_shared<ParameterSource<Real>>(model);
    const ParameterList<Real>& visits = source->visits();
    for (std::size_t visit = 0; visit < visits.size(); ++visit) {
      if (!source->is_first(visit)) continue;
      ParameterView<Real> its = visits[visit];
      if (!its.value) {
        throw_error<Error>({"parameters: ", in_quotes(its.name), " was moved from or never made"});
      }
      its.source = source, its.visit = visit;
      list.push_back(std::move(its));
    }
  }
  detail::require_own_names(list);
  return list;
}

/// Finds the parameters again: a model that was assigned another (`model = load_model<…>(path).model`) may have
/// other memory than before. Throws a `ShapeError` that names the first parameter with another name or shape.
template <Scalar Real>
const ParameterList<Real>& refresh(const ParameterList<Real>& list) {
  const ParameterSource<Real>* source = nullptr;
  const ParameterList<Real>* found = nullptr;
  for (const ParameterView<Real>& view : list) {
    if (!view.source) continue;
    if (view.source.get() != source) source = view.source.get(), found = &view.source->visits();
    const ParameterView<Real>& its = (*found)[view.visit];
    view.value = its.value, view.grad = its.grad, view.state = its.state;
  }
  return list;
}

/// What a step of an optimizer of some of a model's parameters ends with. The gradients of the others are from
/// before the step: they stay to be read, or for an optimizer of theirs, but the next ones that a tape computes
/// take their place instead of being added. Else an optimizer that later has all parameters would begin with
/// the sum of all gradients since. Two optimizers of one model therefore step equally often.
template <Scalar Real>
[[gnu::noinline]] void outdate_others(const ParameterList<Real>& list) {
  for (const auto& view : list) {
    if (view.state) view.state->grad_is_outdated = false;
    if (view.source) view.source->note_listed(view.visit);
  }
  for (const auto& view : list) {
    if (view.source) view.source->outdate_unlisted();
  }
}

/// Sets the gradients of all parameters to zero.                                PyTorch: Optimizer.zero_grad
template <Scalar Real>
void zero_gradients(const ParameterList<Real>& list) {
  for (const auto& parameter : refresh(list)) {
    std::fill_n(parameter.grad, parameter.size, Real(0));
    if (parameter.state) parameter.state->grad_is_outdated = false;
  }
}

/// Throws a `ConfigError` that begins with `what` unless the number is finite and at least 0.
inline void require_not_negative(std::string_view what, double number) {
  require_config(is_finite(number) && number >= 0, {what, " must be finite and at least 0, got ", number});
}

/// Elements of all parameters.
template <Scalar Real>
Index element_count(const ParameterList<Real>& list) {
  Index count = 0;
  for (const auto& parameter : list) count += parameter.size;
  return count;
}
/// The same without those that are frozen.
template <Scalar Real>
Index trained_element_count(const ParameterList<Real>& list) {
  Index count = 0;
  for (const auto& parameter : list) count += parameter.trained_size();
  return count;
}

/// Elements a thread updates at a time.
inline constexpr Index update_block = 16384;

/// How many of a parameter's elements a loop goes through, and in blocks of how many.
struct BlockCut {
  Index size, block = update_block;
};

/// Calls f(parameter, begin, end) for blocks of elements of all parameters, shared among threads;
/// cut(parameter) gives a `BlockCut`.
template <Scalar Real, class Cut, class Function>
void for_each_block(const ParameterList<Real>& list, const Cut& cut, const Function& f) {
  const auto blocks_of = [&](std::size_t k) {
    const BlockCut of_k = cut(k);
    return (of_k.size + of_k.block - 1) / of_k.block;
  };
  Index blocks = 0;
  for (std::size_t k = 0; k < list.size(); ++k) blocks += blocks_of(k);
  parallel_for(blocks, [&](Index block) {
    std::size_t k = 0;
    for (; block >= blocks_of(k); ++k) block -= blocks_of(k);
    const BlockCut of_k = cut(k);
    const Index begin = block * of_k.block;
    f(k, begin, std::min(begin + of_k.block, of_k.size));
  });
}
/// The same of all elements but those of frozen parameters.
template <Scalar Real, class Function>
void for_each_block(const ParameterList<Real>& list, const Function& f) {
  for_each_block(
      list, [&](std::size_t k) { return BlockCut{list[k].trained_size()}; }, f);
}

/// Scales all gradients together so that their Euclidean norm is at most `limit`; returns the norm before.
/// Frozen parameters are passed over.
template <Scalar Real>
double clip_gradients(const ParameterList<Real>& list, double limit) {
  require_config(is_finite(limit) && limit > 0, {"clip_gradients: the limit must be positive, got ", limit});
  refresh(list);
  double square = 0;
  for (const auto& parameter : list) {
    if (parameter.is_frozen()) continue;
    const Real* g = parameter.grad;
    square += static_cast<double>(sum_over<Real>(parameter.size, [=](Index i) { return g[i] * g[i]; }));
  }
  const double norm = libm::sqrt(square);
  if (norm > limit) {
    const Real factor = static_cast<Real>(limit / norm);
    for_each_block(list, [&](std::size_t k, Index begin, Index end) {
      for (Index i = begin; i < end; ++i) list[k].grad[i] *= factor;
    });
  }
  return norm;
}
/// `scaled`: whether the norm was above the limit.
template <Scalar Real>
Cost clip_gradients_cost(const ParameterList<Real>& list, bool scaled) {
  Cost sum;
  for (const auto& parameter : list) {
    if (parameter.is_frozen()) continue;
    const Cost elements{.elementwise = parameter.size};
    sum += elements + sum_over_cost(parameter.size) + elements.when(scaled);
  }
  return sum;
}

}  // namespace slm
