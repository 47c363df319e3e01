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

/// A module as a walk meets it, and how its owner calls it.
struct ModulePlace {
  const void *address, *type;
  std::string_view field;
  Index number;
  std::size_t depth;
};

using VisitPlace = void (*)(void* visitor, const ModulePlace& place);

/// Calls visit(visitor, place) for a module and all below it, each before its parts. Not a template of the
/// visitor: one walk serves all.
template <class Module>
[[gnu::cold]] void walk_modules(const ModulePlace& place, VisitPlace visit, void* visitor) {
  visit(visitor, place);
  Module::fields(*static_cast<const Module*>(place.address), [&](std::string_view field, const auto& inner) {
    visit_modules(inner, [&](Index number, const auto& part) {
      using Part = std::remove_cvref_t<decltype(part)>;
      walk_modules<Part>({&part, &type_mark<Part>, field, number, place.depth + 1}, visit, visitor);
    });
  });
}

}  // namespace detail

/// A table of the modules of some models, by address and type. Nothing is allocated while the models stay where
/// they are.
class Parts {
 public:
  /// The place of no module: what is computed outside all.
  static constexpr std::size_t none = 0;

  /// Learns the modules below a model, or sees that they are known; returns its place. `walk` is its
  /// walk_modules.
  [[gnu::noinline, gnu::cold]] std::size_t learn(const detail::ModulePlace& root,
                                                 void (*walk)(const detail::ModulePlace&, detail::VisitPlace,
                                                              void*)) {
    const std::size_t known = find(root.address, root.type, none);
    if (known != none) {
      Comparison comparison{*this, known};
      walk(root, &Comparison::visit, &comparison);
      if (comparison.same) return known;
      // Another model at the same place: what was there is forgotten at the next reset.
      for (Entry& entry : entries_) entry.address = nullptr;
      is_outdated_ = true;
    }
    const std::size_t first = entries_.size();
    Addition addition{*this, {}};
    walk(root, &Addition::visit, &addition);
    return first;
  }

  /// The place of a module, or `none`. It is looked for behind `hint` first, since modules are used in order.
  std::size_t find(const void* address, const void* type, std::size_t hint) const {
    for (std::size_t i = 0, at = hint; i < entries_.size(); ++i) {
      if (++at >= entries_.size()) at = 0;
      if (entries_[at].address == address && entries_[at].type == type) return address ? at : none;
    }
    return none;
  }

  /// The place of a part that is no module, named by a literal, below another.
  std::size_t named(std::size_t parent, const char* name) {
    for (std::size_t i = 1; i < entries_.size(); ++i) {
      if (entries_[i].type == name && entries_[i].parent == parent) return i;
    }
    entries_.push_back({nullptr, name, parent, joined(path(parent), name, -1)});
    return entries_.size() - 1;
  }

  /// Whether there are entries of models that are gone.
  bool is_outdated() const { return is_outdated_; }

  /// A place from before the table was made anew has no path.
  const std::string& path(std::size_t at) const { return entries_[at < entries_.size() ? at : none].path; }

  /// Takes over what another table knows, where this one does not know that part yet; the places are the same.
  void follow(const Parts& other, std::size_t part) {
    const auto same = [](const Entry& a, const Entry& b) { return a.address == b.address && a.type == b.type; };
    const auto count = static_cast<std::ptrdiff_t>(std::min(entries_.size(), other.entries_.size()));
    const bool is_same = std::equal(entries_.begin(), entries_.begin() + count, other.entries_.begin(), same);
    if (part >= entries_.size() || !is_same) entries_ = other.entries_;
  }

 private:
  struct Entry {
    const void *address = nullptr, *type = nullptr;
    std::size_t parent = none;
    std::string path = {};
  };
  struct Comparison {
    const Parts& parts;
    std::size_t at;
    bool same = true;

    [[gnu::cold]] static void visit(void* self, const detail::ModulePlace& place) {
      auto& [parts, at, same] = *static_cast<Comparison*>(self);
      same = same && at < parts.entries_.size() && parts.entries_[at].address == place.address &&
             parts.entries_[at].type == place.type;
      ++at;
    }
  };
  struct Addition {
    Parts& parts;
    std::vector<std::string> paths;  // of the module and those around it

    [[gnu::cold]] static void visit(void* self, const detail::ModulePlace& place) {
      auto& [parts, paths] = *static_cast<Addition*>(self);
      paths.resize(place.depth);
      paths.push_back(joined(paths.empty() ? "" : paths.back(), place.field, place.number));
      parts.entries_.push_back({place.address, place.type, none, paths.back()});
    }
  };

  /// "blocks.2" below "model" is "model.blocks.2".
  static std::string joined(const std::string& parent, std::string_view name, Index number) {
    std::string path = parent;
    if (!path.empty() && !name.empty()) path += '.';
    path += name;
    if (number >= 0) path += '.' + std::to_string(number);
    return path;
  }

  std::vector<Entry> entries_ = {Entry()};  // a module before its parts; the first is that of nothing
  bool is_outdated_ = false;
};

}  // namespace slm
