#pragma once
// The parts of a model by name: paths such as "blocks.2.attention.qkv", as its fields give them.
#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "slm/autograd/parameter.hpp"

namespace slm {

namespace detail {

/// One address for each type: a struct and its first field may lie at the same place.
template <class T>
inline constexpr char type_mark = 0;

template <class T>
concept HasFields = requires(const T& module) {
  T::fields(module, [](const char*, const auto&) {});
};

/// Calls visit(number, module) for the modules that a field is or holds; number is -1 but in a list.
template <class T, class Visit>
void visit_modules(const T& field, const Visit& visit, Index number = -1) {
  if constexpr (HasFields<T>) visit(number, field);
}
template <class T, class Visit>
void visit_modules(const std::vector<T>& list, const Visit& visit, Index = -1) {
  for (std::size_t i = 0; i < list.size(); ++i) visit_modules(list[i], visit, static_cast<Index>(i));
}
template <class T, class Visit>
void visit_modules(const std::optional<T>& part, const Visit& visit, Index number = -1) {
  if (part) visit_modules(*part, visit, number);
}

/// "blocks.2" below "model" is "model.blocks.2".
inline std::string joined_path(const std::string& parent, std::string_view name, Index number = -1) {
  std::string path = parent;
  if (!path.empty() && !name.empty()) path += '.';
  path += name;
  if (number >= 0) path += '.' + std::to_string(number);
  return path;
}

}  // namespace detail

/// Calls visit(path, module) for a module and all below it, each before its parts.
template <class Module, class Visit>
void for_each_module(const Module& module, const std::string& path, const Visit& visit) {
  visit(path, module);
  Module::fields(module, [&](std::string_view field, const auto& inner) {
    detail::visit_modules(inner, [&](Index number, const auto& part) {
      for_each_module(part, detail::joined_path(path, field, number), visit);
    });
  });
}

/// A table of the modules of some models, by address and type. Nothing is allocated while the models stay where
/// they are.
class Parts {
 public:
  /// The place of no module: what is computed outside all.
  static constexpr std::size_t none = 0;

  Parts() { entries_.push_back({}); }

  /// Learns the modules below a model, or sees that they are known.
  template <class Module>
  std::size_t learn(const Module& root) {
    const std::size_t known = find(&root, &detail::type_mark<Module>, none);
    if (std::size_t at = known; known != none && is_same(root, at)) return known;
    if (known != none) {  // another model at the same place: what was there is forgotten at the next reset
      for (Entry& entry : entries_) entry.address = nullptr;
      is_outdated_ = true;
    }
    const std::size_t first = entries_.size();
    add(root, "");
    return first;
  }

  /// The place of a module, or `none`. It is looked for behind `hint` first, since modules are used in order.
  std::size_t find(const void* address, const void* type, std::size_t hint) const {
    const std::size_t count = entries_.size();
    for (std::size_t i = 0, at = hint; i < count; ++i) {
      if (++at >= count) at = 0;
      if (entries_[at].address == address && entries_[at].type == type) return address ? at : none;
    }
    return none;
  }

  /// The place of a part that is no module, named by a literal, below another.
  std::size_t named(std::size_t parent, const char* name) {
    for (std::size_t i = 1; i < entries_.size(); ++i) {
      if (entries_[i].type == name && entries_[i].parent == parent) return i;
    }
    entries_.push_back({nullptr, name, parent, detail::joined_path(entries_[parent].path, name)});
    return entries_.size() - 1;
  }

  /// Whether there are entries of models that are gone.
  bool is_outdated() const { return is_outdated_; }

  const std::string& path(std::size_t at) const { return entries_[at].path; }
  std::size_t size() const { return entries_.size(); }

  /// Takes over what another table knows, where this one does not know that part yet; the places are the same.
  void follow(const Parts& other, std::size_t part) {
    bool same = part < size();
    for (std::size_t i = 0; same && i < std::min(size(), other.size()); ++i) {
      same = entries_[i].address == other.entries_[i].address && entries_[i].type == other.entries_[i].type;
    }
    if (!same) entries_ = other.entries_;
  }

 private:
  struct Entry {
    const void *address = nullptr, *type = nullptr;
    std::size_t parent = none;
    std::string path = {};
  };

  template <class Module>
  void add(const Module& module, const std::string& path) {
    for_each_module(module, path, [&](const std::string& at, const auto& part) {
      entries_.push_back({&part, &detail::type_mark<std::remove_cvref_t<decltype(part)>>, none, at});
    });
  }

  /// Whether the entries from `at` on are the modules of this one; moves `at` behind them.
  template <class Module>
  bool is_same(const Module& module, std::size_t& at) const {
    if (at >= entries_.size() || entries_[at].address != &module ||
        entries_[at].type != &detail::type_mark<Module>) {
      return false;
    }
    ++at;
    bool same = true;
    Module::fields(module, [&](std::string_view, const auto& inner) {
      detail::visit_modules(inner, [&](Index, const auto& part) { same = same && is_same(part, at); });
    });
    return same;
  }

  bool is_outdated_ = false;
  std::vector<Entry> entries_;  // a module before its parts; the first is that of nothing
};

}  // namespace slm
