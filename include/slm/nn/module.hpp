#pragma once
// Layers are plain structs. One walk over their fields gives names, counts, optimizers, saving and loading.
//
// A module names its parts in the order of its forward pass:
//   static void fields(auto& self, auto&& f) { f("weight", self.weight), f("bias", self.bias); }
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "slm/autograd/parameter.hpp"

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

template <class Part, class Visit>
void visit_part(const std::string& name, Part& part, Visit&& visit) {
  using Plain = std::remove_const_t<Part>;
  if constexpr (is_parameter<Plain>) {
    visit(name, part);
  } else if constexpr (is_vector<Plain>) {
    for (std::size_t i = 0; i < part.size(); ++i) visit_part(name + "." + std::to_string(i), part[i], visit);
  } else if constexpr (is_optional<Plain>) {
    if (part) visit_part(name, *part, visit);
  } else {
    Plain::fields(part, [&](const char* field, auto& inner) {
      visit_part(name.empty() ? std::string(field) : name + "." + field, inner, visit);
    });
  }
}

}  // namespace detail

/// Calls visit(name, parameter) for every parameter of a module, in the order of its fields. Names are
/// dotted paths such as "blocks.0.attention.qkv.weight"; `parameter` is a Parameter<Real, Rank>&, const
/// where the module is.
template <class Module, class Visit>
void for_each_parameter(Module&& module, Visit&& visit) {
  detail::visit_part("", module, visit);
}

/// Number of trainable scalars of a module. Unlike `for_each_parameter` it makes no names: models ask it in
/// every step.
template <class Part>
Index parameter_count(const Part& part) {
  Index count = 0;
  if constexpr (detail::is_parameter<Part>) {
    count = part.value.size();
  } else if constexpr (detail::is_vector<Part>) {
    for (const auto& element : part) count += parameter_count(element);
  } else if constexpr (detail::is_optional<Part>) {
    if (part) count = parameter_count(*part);
  } else {
    Part::fields(part, [&](const char*, const auto& inner) { count += parameter_count(inner); });
  }
  return count;
}

}  // namespace slm
