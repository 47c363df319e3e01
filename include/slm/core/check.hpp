#pragma once
// Errors. Bad input is answered with an exception that says what was expected and what came; it is
// never left to an assertion.
#include <array>
#include <charconv>
#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "slm/core/language.hpp"

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

/// The shortest text that reads back as the same number: "0.1", "1e-08".
template <class Real>
requires std::is_same_v<Real, float> || std::is_same_v<Real, double> std::string number_text(Real number) {
  std::array<char, 32> text;
  return {text.data(), std::to_chars(text.data(), text.data() + text.size(), number).ptr};
}

/// What a text is put together from: text, a number or a shape. Refers to what it was made from.
class MessagePart {
 public:
  MessagePart(const char* text) : MessagePart(std::string_view(text)) {}
  MessagePart(const std::string& text) : MessagePart(std::string_view(text)) {}
  MessagePart(std::string_view text) : kind_(Kind::text), data_(text.data()), size_(text.size()) {}
  MessagePart(std::floating_point auto number)
      : kind_(Kind::real), real_(static_cast<double>(number)), size_(sizeof number) {}
  MessagePart(std::signed_integral auto number) : kind_(Kind::integer), integer_(number) {}
  MessagePart(std::unsigned_integral auto number) : kind_(Kind::natural), natural_(number) {}
  MessagePart(std::span<const std::int64_t> shape)
      : kind_(Kind::shape), data_(shape.data()), size_(shape.size()) {}
  template <std::size_t Rank>
  MessagePart(const std::array<std::int64_t, Rank>& shape)
      : MessagePart(std::span<const std::int64_t>(shape)) {}
  MessagePart(const std::vector<std::int64_t>& shape) : MessagePart(std::span<const std::int64_t>(shape)) {}

  std::string text() const {
    switch (kind_) {
      case Kind::text:
        return {static_cast<const char*>(data_), size_};
      case Kind::real:
        return size_ == sizeof(float) ? number_text(static_cast<float>(real_)) : number_text(real_);
      case Kind::integer:
        return std::to_string(integer_);
      case Kind::natural:
        return std::to_string(natural_);
      case Kind::shape:
        break;
    }
    return shape_text({static_cast<const std::int64_t*>(data_), size_});
  }

 private:
  enum class Kind { text, real, integer, natural, shape } kind_;
  union {
    const void* data_;
    double real_;
    std::int64_t integer_;
    std::uint64_t natural_;
  };
  std::size_t size_ = 0;  // of a text or a shape; of a real, its bytes
};

/// The pieces as one text. Messages are made by this alone: hundreds of sums of strings cost a user's
/// compiler seconds.
[[gnu::noinline, gnu::cold]] inline std::string make_text(std::initializer_list<MessagePart> pieces) {
  std::string all;
  for (const MessagePart& piece : pieces) all += piece.text();
  return all;
}

/// Text of unknown origin as a message may show it: in quotes, every byte outside printable ASCII written as
/// \xNN, cut after 100 bytes.
inline std::string in_quotes(std::string_view text) {
  constexpr std::size_t longest = 100;
  constexpr char digits[] = "0123456789abcdef";
  std::string shown = "'";
  for (const char letter : text.substr(0, longest)) {
    const auto byte = static_cast<unsigned char>(letter);
    if (byte >= 0x20 && byte < 0x7F) {
      shown += letter;
    } else {
      shown += {'\\', 'x', digits[byte >> 4], digits[byte & 15]};
    }
  }
  return shown + (text.size() > longest ? "…'" : "'");
}

/// Throws an error of a kind with the pieces as its message. Out of line: what makes an exception would be a
/// good part of what a user's compiler sees of every check.
template <std::derived_from<Error> Kind>
[[noreturn, gnu::noinline, gnu::cold]] void throw_error(std::initializer_list<MessagePart> pieces) {
  throw Kind(make_text(pieces));
}
template <std::derived_from<Error> Kind>
[[noreturn, gnu::noinline, gnu::cold]] void throw_error(std::string_view message) {
  throw Kind(std::string(message));
}

/// Throws a `ConfigError` with the pieces as its message unless `condition` holds.
[[gnu::always_inline]] inline void require_config(bool condition, std::initializer_list<MessagePart> pieces) {
  if (!condition) throw_error<ConfigError>(pieces);
}
[[gnu::always_inline]] inline void require_config(bool condition, std::string_view message) {
  if (!condition) throw_error<ConfigError>(message);
}

/// "linear: weight has shape (4, 3), but input of shape (2, 5) needs (D, 5)".
[[noreturn]] inline void throw_shape_mismatch(std::string_view operation, std::string_view parameter,
                                              std::span<const std::int64_t> actual, std::string_view other,
                                              std::span<const std::int64_t> other_shape,
                                              std::string_view needed) {
  throw_error<ShapeError>({operation, ": ", parameter, " has shape ", actual, ", but ", other, " of shape ",
                           other_shape, " needs ", needed});
}

}  // namespace slm
