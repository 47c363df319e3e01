#pragma once
// safetensors files: 8 bytes of header length (little-endian), a JSON header, the tensors' bytes.
//
// Source: https://github.com/huggingface/safetensors. What is written here, any tool that knows the format can
// read. What is read here may come from anyone: nothing is believed before it is checked. The data take as much
// memory as they have bytes; a header, of 100 MB at most, takes up to a dozen times its bytes where its entries
// are many and tiny.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "slm/core/function_ref.hpp"
#include "slm/core/tensor.hpp"
#include "slm/io/file.hpp"
#include "slm/io/safetensors_header.hpp"
#include "slm/io/tensor_record.hpp"

namespace slm {

namespace detail {

/// The longest header that the format's reference implementation reads.
inline constexpr std::uint64_t max_header_bytes = 100'000'000;

/// Bytes of the header's length.
inline constexpr std::uint64_t length_bytes = 8;

}  // namespace detail

/// The tensors of a file, in memory.
class SafeTensors {
 public:
  /// Files above this size are not read unless `read` is told so.
  static constexpr std::uint64_t default_max_bytes = std::uint64_t(16) << 30;

  /// Reads and checks a file. Throws `DataError`, with the path and the tensor, where the file cannot be read,
  /// is larger than `max_bytes` or is not exactly what the format describes.
  static SafeTensors read(const std::string& path, std::uint64_t max_bytes = default_max_bytes) {
    InputFile file(path);
    if (file.size() > max_bytes) {
      detail::throw_file_error("read", path,
                               make_text({"expected at most ", max_bytes, " bytes, got ", file.size()}));
    }
    return read_from(path, file.size(), [&](std::span<std::byte> bytes) { file.read(bytes); });
  }

  /// The same of a file's bytes, as another program may have sent them; errors name the path.
  static SafeTensors from_bytes(std::span<const std::byte> bytes, const std::string& path) {
    return read_from(path, bytes.size(), [&](std::span<std::byte> next) {
      std::memcpy(next.data(), bytes.data(), next.size());
      bytes = bytes.subspan(next.size());
    });
  }

  const std::string& path() const { return path_; }
  const Metadata& metadata() const { return metadata_; }

  /// All tensors, in the order of the header. Their bytes live as long as this object.
  const std::vector<TensorRecord>& records() const { return records_; }

  std::vector<std::string> names() const {
    std::vector<std::string> names;
    for (const TensorRecord& record : records_) names.push_back(record.name);
    return names;
  }

  bool contains(std::string_view name) const { return position(name) != records_.end(); }

  /// Throws `DataError` if there is no tensor of this name.
  const TensorRecord& find(std::string_view name) const {
    const auto found = position(name);
    if (found == records_.end()) fail(name, "the file has no such tensor");
    return *found;
  }

  /// Copies a tensor of the shape of `out`. Real numbers convert from F64, F32, F16 and BF16; integers have to
  /// be of the type they are stored as. Throws `DataError` before anything is written if there is no such
  /// tensor, if shape or type differ, or if a finite number is too large for T.
  template <class T, std::size_t Rank>
  void copy_into(std::string_view name, Tensor<T, Rank>& out) const {
    const TensorRecord& record = find(name);
    check<T>(record, out.shape());
    if constexpr (std::is_floating_point_v<T>) {
      detail::for_each_real(record, [&](std::size_t i, auto value) { out.data()[i] = static_cast<T>(value); });
    } else if (!record.bytes.empty()) {
      std::memcpy(out.data(), record.bytes.data(), record.bytes.size());
    }
  }

  /// Throws what `copy_into` would throw.
  template <class T>
  void check(const TensorRecord& record, std::span<const Index> shape) const {
    const std::string expected(dtype_name(dtype_of<T>()));
    const std::string actual(dtype_name(record.dtype));
    if (!std::equal(record.shape.begin(), record.shape.end(), shape.begin(), shape.end())) {
      fail(record.name, make_text({"expected shape ", shape, ", got ", record.shape}));
    }
    if constexpr (std::is_floating_point_v<T>) {
      const bool is_real = detail::for_each_real(record, [&](std::size_t i, auto value) {
        if (!detail::fits<T>(value)) {
          fail(record.name, make_text({"expected numbers of ", expected, ", got ", value, " at element ", i}));
        }
      });
      if (!is_real) fail(record.name, make_text({"expected F64, F32, F16 or BF16, got ", actual}));
    } else if (record.dtype != dtype_of<T>()) {
      fail(record.name, make_text({"expected ", expected, ", got ", actual}));
    }
  }

 private:
  SafeTensors(const std::string& path, detail::Header header, std::unique_ptr<std::byte[]> data)
      : path_(path), metadata_(std::move(header.metadata)), data_(std::move(data)) {
    records_.reserve(header.entries.size());
    for (detail::HeaderEntry& entry : header.entries) {
      entry.tensor.bytes = {data_.get() + entry.begin, data_.get() + entry.end};
      records_.push_back(std::move(entry.tensor));
    }
    by_name_ = detail::order_of(
        records_.size(), [&](std::size_t a, std::size_t b) { return records_[a].name < records_[b].name; });
  }

  /// Of so many bytes, of which next(bytes) gives the next ones.
  static SafeTensors read_from(const std::string& path, std::uint64_t size,
                               FunctionRef<void(std::span<std::byte>)> next) {
    const auto fail = [&](const std::string& why) { detail::throw_file_error("read", path, why); };
    const auto read_bytes = [&](std::uint64_t count) {
      auto bytes = allocate(count, path);
      next({bytes.get(), count});
      return bytes;
    };
    if (size < detail::length_bytes) {
      fail(make_text({"it is no safetensors file: expected 8 bytes of header length, the file has ", size}));
    }
    std::uint64_t header_bytes = 0;
    next({reinterpret_cast<std::byte*>(&header_bytes), sizeof header_bytes});
    const std::uint64_t most = std::min(detail::max_header_bytes, size - detail::length_bytes);
    if (header_bytes > most) {
      const bool begins = size > detail::length_bytes && *read_bytes(1).get() == std::byte{'{'};
      fail(make_text({begins ? "it is cut short: " : "it is no safetensors file: ",
                      "expected a header of at most ", most, " bytes, got a header length of ", header_bytes}));
    }
    const std::uint64_t data_bytes = size - detail::length_bytes - header_bytes;
    const auto json = read_bytes(header_bytes);
    detail::Header header = detail::read_header({reinterpret_cast<const char*>(json.get()), header_bytes},
                                                data_bytes, make_text({"cannot read '", path, "'"}));
    return SafeTensors(path, std::move(header), read_bytes(data_bytes));
  }

  static std::unique_ptr<std::byte[]> allocate(std::uint64_t count, const std::string& path) {
    try {
      return std::make_unique_for_overwrite<std::byte[]>(count);
    } catch (const std::bad_alloc&) {
      detail::throw_file_error("read", path, make_text({"there is no memory for ", count, " bytes"}));
    }
  }

  std::vector<TensorRecord>::const_iterator position(std::string_view name) const {
    const auto found =
        std::lower_bound(by_name_.begin(), by_name_.end(), name,
                         [&](std::size_t i, std::string_view of) { return records_[i].name < of; });
    if (found == by_name_.end() || records_[*found].name != name) return records_.end();
    return records_.begin() + static_cast<std::ptrdiff_t>(*found);
  }

  [[noreturn]] void fail(std::string_view name, const std::string& why) const {
    detail::throw_file_error("read", path_, make_text({"tensor ", in_quotes(name), ": ", why}));
  }

  std::string path_;
  Metadata metadata_;
  std::vector<TensorRecord> records_;
  std::vector<std::size_t> by_name_;  // places in `records_`
  std::unique_ptr<std::byte[]> data_;
};

namespace detail {

/// Holds that the tensors and texts can be written so that they can be read again.
inline void check_writable(const std::string& path, const std::vector<TensorRecord>& tensors,
                           const Metadata& metadata) {
  const auto check_text = [&](const std::string& text) {
    if (!is_utf8(text) || text.find('\0') != std::string::npos) {
      throw_file_error("write", path, make_text({"expected UTF-8 without NUL, got ", in_quotes(text)}));
    }
  };
  for (const auto& [key, text] : metadata) {
    check_text(key);
    check_text(text);
  }
  std::vector<std::string> names{std::string(metadata_key)};
  for (const TensorRecord& tensor : tensors) {
    check_text(tensor.name);
    names.push_back(tensor.name);
    if (tensor.shape.size() > max_rank) {
      throw_file_error("write", path,
                       make_text({"tensor ", in_quotes(tensor.name), ": expected at most ", max_rank,
                                  " axes, got ", tensor.shape.size()}));
    }
    if (byte_count(tensor.shape, tensor.dtype) != tensor.bytes.size()) {
      throw_file_error("write", path,
                       make_text({"tensor ", in_quotes(tensor.name), ": got ", tensor.bytes.size(),
                                  " bytes for shape ", tensor.shape, " of ", dtype_name(tensor.dtype)}));
    }
  }
  if (const auto twin = first_twin(std::move(names))) {
    throw_file_error("write", path, make_text({"the name ", in_quotes(*twin), " is taken twice"}));
  }
}

}  // namespace detail

/// Writes a safetensors file: the tensors in the order given, without gaps, the first at a multiple of 64
/// bytes. The file is replaced as a whole or not at all, see `AtomicFile`. Throws `DataError` on a name given
/// twice or not in UTF-8, on bytes that do not fit a shape, on a shape of over 64 axes, and where the file
/// cannot be written.
inline void write_safetensors(const std::string& path, const std::vector<TensorRecord>& tensors,
                              const Metadata& metadata = {}) {
  detail::check_writable(path, tensors, metadata);
  std::string header = detail::header_text(tensors, metadata);
  while ((detail::length_bytes + header.size()) % alignment != 0) header += ' ';
  const std::uint64_t header_bytes = header.size();
  if (header_bytes > detail::max_header_bytes) {
    detail::throw_file_error("write", path,
                             make_text({"names and metadata make a header of ", header_bytes,
                                        " bytes, readers take ", detail::max_header_bytes}));
  }
  AtomicFile file(path);
  file.write(detail::bytes_at(&header_bytes, sizeof header_bytes));
  file.write(header);
  for (const TensorRecord& tensor : tensors) file.write(tensor.bytes);
  file.commit();
}

}  // namespace slm
