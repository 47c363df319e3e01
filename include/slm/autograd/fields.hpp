#pragma once
// Networks are plain structs that name their fields. One walk over them gives names, counts, costs by part, the
// optimizer's list, saving and loading.
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "slm/autograd/parameter.hpp"
#include "slm/core/function_ref.hpp"

namespace slm {

namespace detail {

template <class T>
inline constexpr bool is_parameter = false;
template <Scalar Real, std::size_t Rank>
inline constexpr bool is_parameter<Parameter<Real, Rank>> = true;
template <class T>
inline constexpr bool is_vector = false;
template <class T>
inline constexpr bool is_vector<std::vector<T>> = true;
template <class T>
inline constexpr bool is_optional = false;
template <class T>
inline constexpr bool is_optional<std::optional<T>> = true;

/// Takes whatever a walk or an optimizer shows.
struct AnyVisitor {
  void operator()(const auto&, const auto&) const {}
};

}  // namespace detail

/// Has the function in which a module or a config names its fields.
template <class T>
concept HasFields = requires(T& module) {
  std::remove_const_t<T>::fields(module, detail::AnyVisitor{});
};

/// A part whose numbers files hold and nothing trains, as counts, and whose shapes come with them:
///   struct Counts {
///     Tensor<Token, 2> ngrams;
///     Tensor<std::int32_t, 1> counts;
///     static void tensors(auto& self, auto&& f) { f("ngrams", self.ngrams), f("counts", self.counts); }
///     void restore();  // was read from a file: throws a `DataError` where its numbers make no sense
///   };
/// A module names it in its fields; it is restored before the module has it.        PyTorch: register_buffer
template <class T>
concept HasStoredTensors = requires(T& part) {
  T::tensors(part, detail::AnyVisitor{});
  part.restore();
};

namespace detail {

/// Where a walk is. Its text is made when asked for: a walk in a training step takes no memory.
struct FieldPath {
  const FieldPath* above = nullptr;
  const char* field = nullptr;  // null: an element of a vector
  std::size_t element = 0;

  [[gnu::noinline]] std::string text() const {
    if (!above) return "";
    const std::string prefix = above->text();
    const char* dot = prefix.empty() ? "" : ".";
    return field ? make_text({prefix, dot, field}) : make_text({prefix, dot, element});
  }
};

/// Calls visit(path, part) for every module, before its parts, and for every name of a parameter: several times
/// for one that has several.
template <class Part, class Visit>
void walk(Part& part, const FieldPath& path, const Visit& visit) {
  using Plain = std::remove_const_t<Part>;
  if constexpr (is_vector<Plain>) {
    for (std::size_t i = 0; i < part.size(); ++i) walk(part[i], {&path, nullptr, i}, visit);
  } else if constexpr (is_optional<Plain>) {
    if (part) walk(*part, path, visit);
  } else {
    visit(path, part);
    static_assert(is_parameter<Plain> || HasStoredTensors<Plain> || HasFields<Part>,
                  "a module names its parts in `fields`, see slm/nn/contracts.hpp");
    if constexpr (!is_parameter<Plain> && !HasStoredTensors<Plain>) {
      Plain::fields(part, [&](const char* field, auto& inner) { walk(inner, {&path, field}, visit); });
    }
  }
}
/// The same of parameters alone.
template <class Module, class Visit>
void walk_parameters(Module& module, const Visit& visit) {
  walk(module, {}, [&](const FieldPath& path, auto& part) {
    if constexpr (is_parameter<std::remove_cvref_t<decltype(part)>>) visit(path, part);
  });
}

/// A module or parameter whatever its type. Who needs no more of it shares one walk, which is compiled once.
struct AnyPart {
  const FieldPath& path;
  const void *address, *type;
  bool is_parameter = false, is_stored = false;
  // Of a parameter:
  const void* scalar = nullptr;  // its type
  std::span<const Index> shape = {};
  Index size = 0;
  const void* value = nullptr;
  void* grad = nullptr;
  const ParameterState* state = nullptr;
};
using VisitAny = FunctionRef<void(const AnyPart&)>;
/// A walk_any of a module of one type.
using WalkAny = void (*)(const void* module, VisitAny visit);

/// One address for each type: a struct and its first field may lie at the same place.
template <class T>
inline constexpr char type_mark = 0;

struct AnyPartVisitor {
  VisitAny visit;

  template <class Part>
  void operator()(const FieldPath& path, const Part& part) const {
    visit({.path = path, .address = &part, .type = &type_mark<Part>, .is_stored = HasStoredTensors<Part>});
  }
  template <Scalar Real, std::size_t Rank>
  [[gnu::noinline]] void operator()(const FieldPath& path, const Parameter<Real, Rank>& parameter) const {
    visit({.path = path,
           .address = &parameter,
           .type = &type_mark<Parameter<Real, Rank>>,
           .is_parameter = true,
           .scalar = &type_mark<Real>,
           .shape = parameter.value.shape(),
           .size = parameter.value.size(),
           .value = parameter.value.data(),
           .grad = parameter.grad.data(),
           .state = &parameter});
  }
};
/// `walk` through a module of type Part.
template <class Part>
void walk_any(const void* part, VisitAny visit) {
  walk(*static_cast<const Part*>(part), {}, AnyPartVisitor{visit});
}

}  // namespace detail

}  // namespace slm
