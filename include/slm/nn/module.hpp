#pragma once
// Layers are plain structs. One walk over their fields gives names, counts, optimizers, saving and loading.
//
// A module names its parts in the order of its forward pass:
//   static void fields(auto& self, auto&& f) { f("weight", self.weight), f("bias", self.bias); }
// What it names twice is visited, counted, updated and saved once, under its first name.
#include <algorithm>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "slm/nn/contracts.hpp"

namespace slm {

namespace detail {

/// A parameter that a walk came by, and a number with it.
using Visited = std::pair<const void*, Index>;

[[gnu::noinline]] inline void sort_visits(std::vector<Visited>& visits) {
  std::sort(visits.begin(), visits.end());
}

/// For each visit, from 0 on, the number of the first one of the same parameter.
[[gnu::noinline]] inline std::vector<Index> first_visits(std::vector<Visited> visits) {
  sort_visits(visits);
  std::vector<Index> first(visits.size());
  for (std::size_t i = 0, leader = 0; i < visits.size(); ++i) {
    if (visits[i].first != visits[leader].first) leader = i;
    first[static_cast<std::size_t>(visits[i].second)] = visits[leader].second;
  }
  return first;
}
/// The same of a walk through a module.
[[gnu::noinline]] inline std::vector<Index> first_visits(const void* module, WalkAny walk) {
  std::vector<Visited> visits;
  walk(module, [&](const AnyPart& part) {
    if (part.is_parameter) visits.emplace_back(part.address, static_cast<Index>(visits.size()));
  });
  return first_visits(std::move(visits));
}
template <class Module>
std::vector<Index> first_visits(const Module& module) {
  return first_visits(&module, walk_any<Module>);
}

/// The sum of the numbers, each parameter's once.
[[gnu::noinline]] inline Index sum_once(std::vector<Visited>& numbers) {
  sort_visits(numbers);
  Index sum = 0;
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    if (i == 0 || numbers[i].first != numbers[i - 1].first) sum += numbers[i].second;
  }
  return sum;
}

}  // namespace detail

/// Calls visit(name, parameter) for every parameter of a module, in the order of its fields. Names are
/// dotted paths such as "blocks.0.attention.qkv.weight"; `parameter` is a Parameter<Real, Rank>&, const
/// where the module is.
template <class Module, class Visit>
void for_each_parameter(Module&& module, Visit&& visit) {
  const std::vector<Index> first = detail::first_visits(module);
  std::size_t i = 0;
  detail::walk_parameters(module, [&](const detail::FieldPath& path, auto& parameter) {
    if (first[i] == static_cast<Index>(i)) visit(path.text(), parameter);
    ++i;
  });
}

/// Sets the gradients of a module, or of one parameter, to zero.                    PyTorch: Module.zero_grad
template <class Part>
void zero_gradients(const Part& part) {
  detail::walk_parameters(part, [](const detail::FieldPath&, const auto& parameter) {
    std::fill(parameter.grad.begin(), parameter.grad.end(), 0);
    parameter.grad_is_outdated = false;
  });
}

namespace detail {
template <class Part>
void set_frozen(Part& part, bool frozen) {
  static_assert(!std::is_const_v<Part>, "freeze, unfreeze: the module must not be const");
  if constexpr (!std::is_const_v<Part>) {
    walk_parameters(part, [&](const FieldPath&, auto& parameter) { parameter.is_frozen = frozen; });
  }
}
}  // namespace detail

/// Takes a module, or one parameter, out of the training: freeze(model.embedding). From the next step on no
/// gradient is computed for it, which a tape's costs show; optimizers neither step nor decay it and keep its
/// state; clipping passes it over. It counts as a parameter as before. Its gradient is set to zero, so that
/// none waits for the day on which it is trained again. A copy of a model is frozen where the model is; a file
/// does not say so: freeze what was loaded.                            PyTorch: Module.requires_grad_(False)
template <class Part>
void freeze(Part& part) {
  detail::set_frozen(part, true);
  zero_gradients(part);
}
/// Takes it back in.
template <class Part>
void unfreeze(Part& part) {
  detail::set_frozen(part, false);
}

/// Number of scalars of a module, those of frozen parameters, too. Models ask it in every step: unlike
/// `for_each_parameter` it makes no names, and takes memory only when a thread first asks.
template <class Part>
Index parameter_count(const Part& part) {
  thread_local std::vector<detail::Visited> sizes;
  sizes.clear();
  detail::walk_any<Part>(&part, [&](const detail::AnyPart& inner) {
    if (inner.is_parameter) sizes.emplace_back(inner.address, inner.size);
  });
  return detail::sum_once(sizes);
}

}  // namespace slm
