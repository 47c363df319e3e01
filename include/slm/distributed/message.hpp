#pragma once
// What ranks send each other, as bytes: numbers, texts, and the rows of a gradient that are not all zero.
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "slm/train/ranks.hpp"

namespace slm::detail {

static_assert(std::endian::native == std::endian::little, "ranks send numbers as they lie in memory");

/// A message that is being written. Its memory is kept from one message to the next.
class MessageWriter {
 public:
  void clear() { bytes_.clear(); }
  std::span<const std::byte> bytes() const { return bytes_; }

  void raw(const void* from, std::size_t count) {
    const auto* first = static_cast<const std::byte*>(from);
    bytes_.insert(bytes_.end(), first, first + count);
  }
  template <class Number>
  requires std::is_arithmetic_v<Number>
  void number(Number value) { raw(&value, sizeof value); }
  /// Over one that was written before, after which there were so many bytes.
  void set_number(std::size_t before, Index value) {
    std::memcpy(bytes_.data() + before, &value, sizeof value);
  }
  template <class Number>
  void numbers(std::span<const Number> values) {
    raw(values.data(), values.size_bytes());
  }
  void text(std::string_view text) {
    number(static_cast<Index>(text.size()));
    raw(text.data(), text.size());
  }

  /// The rows that have a bit set, behind a bit for each row that says whether it does; all of them, behind
  /// nothing, where that is not longer. A gradient of an embedding has few such rows; what is not sent of it is
  /// +0 in every element, so that nothing is lost.
  void rows(const std::byte* first, Index count, Index row_bytes) {
    const auto size = static_cast<std::size_t>(row_bytes);
    const std::size_t start = bytes_.size(), words = words_of(count);
    Index sent = 0;
    number(Index(0));
    bytes_.resize(bytes_.size() + words * sizeof(std::uint64_t));
    for (Index row = 0; row < count; ++row) {
      const std::byte* its = first + row * row_bytes;
      if (is_zero(its, size)) continue;
      std::uint64_t word = 0;
      std::byte* at = bytes_.data() + start + sizeof(Index) + static_cast<std::size_t>(row / 64) * sizeof word;
      std::memcpy(&word, at, sizeof word);
      word |= std::uint64_t(1) << row % 64;
      std::memcpy(at, &word, sizeof word);
      raw(its, size);
      ++sent;
    }
    if (sent < count) {
      std::memcpy(bytes_.data() + start, &sent, sizeof sent);
      return;
    }
    bytes_.resize(start);
    number(count);
    raw(first, static_cast<std::size_t>(count) * size);
  }

  static std::size_t words_of(Index rows) { return static_cast<std::size_t>((rows + 63) / 64); }

 private:
  /// In pieces, so that a row of numbers ends the search at once, and one of zeros is read as fast as memory.
  static bool is_zero(const std::byte* row, std::size_t size) {
    while (size > 0) {
      const std::size_t piece = size < 64 ? size : 64;
      unsigned char any = 0;
      for (std::size_t i = 0; i < piece; ++i) any |= static_cast<unsigned char>(row[i]);
      if (any != 0) return false;
      row += piece, size -= piece;
    }
    return true;
  }

  std::vector<std::byte> bytes_;
};

/// A message that is being read. Throws a `RankError` where it is shorter than what is asked of it.
class MessageReader {
 public:
  explicit MessageReader(std::span<const std::byte> bytes) : rest_(bytes) {}

  std::span<const std::byte> raw(std::size_t count) {
    if (count > rest_.size()) {
      throw_error<RankError>({"expected a message with ", count, " bytes more, got ", rest_.size()});
    }
    const auto taken = rest_.first(count);
    rest_ = rest_.subspan(count);
    return taken;
  }
  template <class Number>
  Number number() {
    Number value;
    std::memcpy(&value, raw(sizeof value).data(), sizeof value);
    return value;
  }
  template <class Number>
  void numbers(std::span<Number> values) {
    if (!values.empty()) std::memcpy(values.data(), raw(values.size_bytes()).data(), values.size_bytes());
  }
  std::string text() {
    const auto bytes = raw(static_cast<std::size_t>(number<std::uint64_t>()));
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }
  std::span<const std::byte> rest() { return raw(rest_.size()); }

  /// What `MessageWriter::rows` wrote, with zeros in the rows that were not sent.
  void rows(std::byte* first, Index count, Index row_bytes) {
    const auto size = static_cast<std::size_t>(row_bytes);
    const auto sent = number<Index>();
    if (sent == count) {
      const auto all = raw(static_cast<std::size_t>(count) * size);
      std::memcpy(first, all.data(), all.size());
      return;
    }
    const auto bits = raw(MessageWriter::words_of(count) * sizeof(std::uint64_t));
    for (Index row = 0; row < count; ++row) {
      std::uint64_t word = 0;
      std::memcpy(&word, bits.data() + static_cast<std::size_t>(row / 64) * sizeof word, sizeof word);
      std::byte* its = first + row * row_bytes;
      if ((word >> row % 64 & 1) != 0) {
        std::memcpy(its, raw(size).data(), size);
      } else {
        std::memset(its, 0, size);
      }
    }
  }

 private:
  std::span<const std::byte> rest_;
};

}  // namespace slm::detail
