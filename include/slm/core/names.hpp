#pragma once
// The values of an enumeration by name, as files, options and messages have them.
#include <span>
#include <string>
#include <string_view>

#include "slm/core/check.hpp"

namespace slm {

/// An enumeration has names when a function beside it gives them:
///   constexpr std::span<const EnumName<Color>> enum_names(Color) { return color_names; }
template <class Enum>
struct EnumName {
  Enum value;
  std::string_view name;
};

/// The name of a value; empty for a number that is none.
template <class Enum>
constexpr std::string_view name_of(Enum value) {
  for (const EnumName<Enum>& entry : enum_names(value)) {
    if (entry.value == value) return entry.name;
  }
  return {};
}

/// The value of this name. Throws a `DataError` that begins with `what` and lists the names there are.
template <class Enum>
Enum from_name(std::string_view what, std::string_view name) {
  std::string known;
  for (const EnumName<Enum>& entry : enum_names(Enum{})) {
    if (entry.name == name) return entry.value;
    known += (known.empty() ? "" : ", ") + std::string(entry.name);
  }
  throw_error<DataError>({what, " must be one of ", known, ", got ", in_quotes(name)});
}

}  // namespace slm
