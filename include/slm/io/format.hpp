#pragma once
// What a file of slm says about itself: which format it has, and who wrote it.
#include <charconv>
#include <string>
#include <string_view>
#include <system_error>

#include "slm/core/scalar.hpp"
#include "slm/io/tensor_record.hpp"
#include "slm/version.hpp"

namespace slm {

namespace detail {

/// Of model files and checkpoints, under "format"; the version of slm that wrote one is under "slm". Version
/// 0.1.0 wrote neither, and what it wrote is of the first format. Of the second are model files with matrices
/// of whole numbers and their scales.
inline constexpr int first_format = 1, scaled_format = 2;

/// A number from its text under a key. Throws a `DataError` where it is none, or not finite.
template <class Number>
Number number_from_text(std::string_view key, std::string_view text) {
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  bool good = error == std::errc() && end == text.data() + text.size();
  if constexpr (std::is_floating_point_v<Number>) good = good && is_finite(number);
  if (!good) throw_error<DataError>({key, ": expected a number, got ", in_quotes(text)});
  return number;
}

}  // namespace detail

/// The metadata with the format, the first unless it is another, and slm's version, as files are written.
inline Metadata with_format(Metadata metadata, int format = detail::first_format) {
  metadata["format"] = std::to_string(format);
  metadata["slm"] = version;
  return metadata;
}

/// The metadata without them: what the writer of the file gave.
inline Metadata without_format(Metadata metadata) {
  metadata.erase("format");
  metadata.erase("slm");
  return metadata;
}

/// Throws a `DataError` where the file was written by a later version, in a format behind the last that this
/// one knows of its kind.
inline void require_known_format(const Metadata& metadata, int last) {
  const auto format = metadata.find("format"), writer = metadata.find("slm");
  if (format == metadata.end() || detail::number_from_text<int>("format", format->second) <= last) return;
  throw_error<DataError>(
      {"it was written by slm ", writer == metadata.end() ? "of an unknown version" : in_quotes(writer->second),
       " in format ", format->second, "; this is slm ", version, ", which reads formats up to ", last});
}

}  // namespace slm
