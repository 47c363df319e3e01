#pragma once
// Errors. Bad input is answered with an exception that says what was expected and what came; it is
// never left to an assertion.
#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>

namespace slm {

/// Base of everything slm throws.
struct Error : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Shapes that do not fit an operation.
struct ShapeError : Error {
  using Error::Error;
};

/// A token, position or element outside its range.
struct RangeError : Error {
  using Error::Error;
};

/// A file or a corpus that cannot be read, written or used.
struct DataError : Error {
  using Error::Error;
};

/// A number that is not finite where one was needed.
struct NumericError : Error {
  using Error::Error;
};

/// A configuration that makes no model, optimizer or schedule.
struct ConfigError : Error {
  using Error::Error;
};

/// "(2, 3, 4)".
inline std::string shape_text(std::span<const std::int64_t> extents) {
  std::string text = "(";
  for (std::size_t i = 0; i < extents.size(); ++i) {
    if (i > 0) text += ", ";
    text += std::to_string(extents[i]);
  }
  return text + ")";
}

/// Throws a `ConfigError` with `message` unless `condition` holds.
inline void require(bool condition, const std::string& message) {
  if (!condition) throw ConfigError(message);
}
/// The same for a literal, without making a string of it first.
inline void require(bool condition, const char* message) {
  if (!condition) throw ConfigError(message);
}

/// "linear: weight has shape (4, 3), but input of shape (2, 5) needs (D, 5)".
[[noreturn]] inline void throw_shape_mismatch(std::string_view operation, std::string_view parameter,
                                              std::span<const std::int64_t> actual, std::string_view other,
                                              std::span<const std::int64_t> other_shape,
                                              std::string_view needed) {
  throw ShapeError(std::string(operation) + ": " + std::string(parameter) + " has shape " + shape_text(actual) +
                   ", but " + std::string(other) + " of shape " + shape_text(other_shape) + " needs " +
                   std::string(needed));
}

}  // namespace slm
