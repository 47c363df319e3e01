#pragma once
// The parts of a model by name: paths such as "blocks.2.attention.qkv", as its fields give them.
#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "slm/autograd/fields.hpp"

namespace slm {

/// A table of the modules of some models, by address and type. Nothing is allocated while the models stay where
/// they are.
class Parts {
 public:
  /// The place of no module: what is computed outside all.
  static constexpr std::size_t none = 0;

  /// Learns the modules below a model, or sees that they are known; returns its place. `walk` is its
  /// walk_any.
  [[gnu::noinline, gnu::cold]] std::size_t learn(const void* model, const void* type, detail::WalkAny walk) {
    const std::size_t known = find(model, type, none);
    if (known != none) {
      std::size_t at = known;
      bool same = true;
      walk(model, [&](const detail::AnyPart& part) {
        if (part.is_parameter) return;
        same = same && at < entries_.size() && entries_[at].is(part.address, part.type);
        ++at;
      });
      if (same) return known;
      // Another model at the same place: what was there is forgotten at the next reset.
      for (Entry& entry : entries_) entry.address = nullptr;
      is_outdated_ = true;
    }
    const std::size_t first = entries_.size();
    walk(model, [&](const detail::AnyPart& part) {
      auto& list = part.is_parameter ? parameters_ : entries_;
      list.push_back({part.address, part.type, none, part.path.text()});
    });
    return first;
  }

  /// Whether one of the models that were learned names it.
  bool has_parameter(const void* address) const {
    for (const Entry& parameter : parameters_) {
      if (parameter.address == address) return true;
    }
    return false;
  }

  /// The place of a module, or `none`. It is looked for behind `hint` first, since modules are used in order.
  std::size_t find(const void* address, const void* type, std::size_t hint) const {
    for (std::size_t i = 0, at = hint; i < entries_.size(); ++i) {
      if (++at >= entries_.size()) at = 0;
      if (entries_[at].is(address, type)) return address ? at : none;
    }
    return none;
  }

  /// The place of a part that is no module, named by a literal, below another.
  std::size_t named(std::size_t parent, const char* name) {
    for (std::size_t i = 1; i < entries_.size(); ++i) {
      if (entries_[i].type == name && entries_[i].parent == parent) return i;
    }
    const std::string& above = path(parent);
    entries_.push_back({nullptr, name, parent, above.empty() ? name : above + "." + name});
    return entries_.size() - 1;
  }

  /// Whether there are entries of models that are gone.
  bool is_outdated() const { return is_outdated_; }

  /// A place from before the table was made anew has no path.
  const std::string& path(std::size_t at) const { return entries_[at < entries_.size() ? at : none].path; }

  /// Takes over what another table knows, where this one does not know that part yet; the places are the same.
  void follow(const Parts& other, std::size_t part) {
    const auto same = [](const Entry& a, const Entry& b) { return a.is(b.address, b.type); };
    const auto count = static_cast<std::ptrdiff_t>(std::min(entries_.size(), other.entries_.size()));
    const bool is_same = std::equal(entries_.begin(), entries_.begin() + count, other.entries_.begin(), same);
    if (part < entries_.size() && is_same) return;
    // Copies that are moved: assignment into old memory is three times the code for a user's compiler.
    entries_ = std::vector<Entry>(other.entries_);
    parameters_ = std::vector<Entry>(other.parameters_);
  }

 private:
  struct Entry {
    const void *address = nullptr, *type = nullptr;
    std::size_t parent = none;
    std::string path = {};

    bool is(const void* its_address, const void* its_type) const {
      return address == its_address && type == its_type;
    }
  };

  std::vector<Entry> entries_ = {Entry()};  // a module before its parts; the first is that of nothing
  std::vector<Entry> parameters_;           // that they name
  bool is_outdated_ = false;
};

}  // namespace slm
