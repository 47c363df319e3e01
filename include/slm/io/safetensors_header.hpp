#pragma once
// The header of a safetensors file: JSON that gives each tensor's name, type, shape and place in the data.
//
//   {"__metadata__": {"key": "text", …}, "name": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}, …}
//
// Source: the format's description at https://github.com/huggingface/safetensors
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "slm/core/function_ref.hpp"
#include "slm/core/shape.hpp"
#include "slm/io/dtype.hpp"
#include "slm/io/json.hpp"
#include "slm/io/tensor_record.hpp"

namespace slm {

namespace detail {

/// Axes of one tensor that are read; the format has no limit, so that a header could be all extents.
inline constexpr std::size_t max_rank = 64;

inline constexpr std::string_view metadata_key = "__metadata__";

/// A tensor without its bytes yet, and where in the data they are: [begin, end).
struct HeaderEntry {
  TensorRecord tensor;
  std::uint64_t begin = 0, end = 0;
};

struct Header {
  std::vector<HeaderEntry> entries;  // in the order of the file
  Metadata metadata;
};

inline std::string offsets_text(const HeaderEntry& entry) {
  return make_text({"data_offsets [", entry.begin, ", ", entry.end, "]"});
}

inline DType read_dtype(JsonReader& reader) {
  const std::string text = reader.string();
  const auto dtype = dtype_from_label(text);
  if (!dtype) reader.fail(make_text({"expected a dtype of ", dtype_labels(), ", got ", in_quotes(text)}));
  return *dtype;
}

inline std::vector<Index> read_counts(JsonReader& reader, const std::string& key, std::size_t most) {
  std::vector<Index> counts;
  reader.array([&] {
    if (counts.size() == most) reader.fail(make_text({"expected at most ", most, " numbers in ", key}));
    counts.push_back(reader.count());
  });
  return counts;
}

/// Holds that the tensor's place lies in the data and is as large as its shape and type say.
inline void check_extent(const JsonReader& reader, const HeaderEntry& entry, std::uint64_t data_bytes) {
  const TensorRecord& tensor = entry.tensor;
  if (entry.end < entry.begin || entry.end > data_bytes) {
    reader.fail(
        make_text({"expected a range within ", data_bytes, " bytes of data, got ", offsets_text(entry)}));
  }
  const std::string what = make_text({"shape ", tensor.shape, " of ", dtype_name(tensor.dtype)});
  const auto bytes = byte_count(tensor.shape, tensor.dtype);
  if (!bytes) reader.fail(make_text({what, " takes more bytes than 64 bits can count"}));
  if (entry.end - entry.begin != *bytes) {
    reader.fail(make_text({what, " takes ", *bytes, " bytes, got ", offsets_text(entry)}));
  }
}

/// Reads {"dtype": …, "shape": …, "data_offsets": …}, each once and in any order.
inline HeaderEntry read_entry(JsonReader& reader, const std::string& name, std::uint64_t data_bytes) {
  std::optional<DType> dtype;
  std::optional<std::vector<Index>> shape, offsets;
  const auto read_once = [&](auto& member, const std::string& key, const auto& read) {
    if (member) reader.fail(make_text({in_quotes(key), " is given twice"}));
    member = read();
  };
  reader.object([&](const std::string& key) {
    if (key == "dtype") {
      read_once(dtype, key, [&] { return read_dtype(reader); });
    } else if (key == "shape") {
      read_once(shape, key, [&] { return read_counts(reader, key, max_rank); });
    } else if (key == "data_offsets") {
      read_once(offsets, key, [&] { return read_counts(reader, key, 2); });
    } else {
      reader.fail(make_text({"expected 'dtype', 'shape' or 'data_offsets', got ", in_quotes(key)}));
    }
  });
  if (!dtype) reader.fail("'dtype' is missing");
  if (!shape) reader.fail("'shape' is missing");
  if (!offsets) reader.fail("'data_offsets' is missing");
  if (offsets->size() < 2) {
    reader.fail(make_text({"expected 2 numbers in data_offsets, got ", offsets->size()}));
  }
  HeaderEntry entry{{name, *dtype, *std::move(shape), {}},
                    static_cast<std::uint64_t>(offsets->front()),
                    static_cast<std::uint64_t>(offsets->back())};
  check_extent(reader, entry, data_bytes);
  return entry;
}

inline Metadata read_metadata(JsonReader& reader) {
  Metadata metadata;
  reader.object([&](const std::string& key) {
    const bool is_new = metadata.emplace(key, reader.string()).second;
    if (!is_new) reader.fail(make_text({"key ", in_quotes(key), " is given twice"}));
  });
  return metadata;
}

/// A name that is there more than once, if there is one.
inline std::optional<std::string> first_twin(std::vector<std::string> names) {
  std::sort(names.begin(), names.end());
  const auto twin = std::adjacent_find(names.begin(), names.end());
  if (twin == names.end()) return std::nullopt;
  return *twin;
}

inline void check_unique_names(const JsonReader& reader, const std::vector<HeaderEntry>& entries) {
  std::vector<std::string> names;
  for (const HeaderEntry& entry : entries) names.push_back(entry.tensor.name);
  const auto twin = first_twin(std::move(names));
  if (twin) reader.fail(make_text({"tensor ", in_quotes(*twin), " is given twice"}));
}

/// 0 … count − 1 in the order that `is_before` says, which has to tell any two apart. One sort for all orders:
/// each is a hundredth of a user's compile time.
[[gnu::noinline]] inline std::vector<std::size_t> order_of(
    std::size_t count, FunctionRef<bool(std::size_t, std::size_t)> is_before) {
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < count; ++i) order.push_back(i);
  std::sort(order.begin(), order.end(), is_before);
  return order;
}

/// Holds that the tensors cover the data from its first byte to its last, each byte once.
inline void check_coverage(JsonReader& reader, const std::vector<HeaderEntry>& entries,
                           std::uint64_t data_bytes) {
  const auto order = order_of(entries.size(), [&](std::size_t i, std::size_t j) {
    const HeaderEntry &a = entries[i], &b = entries[j];
    return a.begin != b.begin ? a.begin < b.begin : a.end != b.end ? a.end < b.end : i < j;
  });
  std::uint64_t covered = 0;
  for (const std::size_t i : order) {
    const HeaderEntry& entry = entries[i];
    reader.inside(make_text({"tensor ", in_quotes(entry.tensor.name)}));
    if (entry.begin != covered) {
      reader.fail(make_text({"expected it to begin at byte ", covered,
                             " of the data (no gap, no overlap), got ", offsets_text(entry)}));
    }
    covered = entry.end;
  }
  reader.inside("");
  if (covered != data_bytes) {
    reader.fail(make_text({"expected ", covered, " bytes of data, got ", data_bytes}));
  }
}

/// Reads and checks a header in front of `data_bytes` bytes of data. `source` begins every message.
inline Header read_header(std::string_view json, std::uint64_t data_bytes, const std::string& source) {
  JsonReader reader(json, source);
  if (!is_utf8(json)) reader.fail("the header is not UTF-8");
  const std::string_view first = json.substr(0, 1);
  if (first != "{")
    reader.fail(make_text(
        {"it is no safetensors file: expected a header that begins with '{', got ", in_quotes(first)}));
  Header header;
  bool has_metadata = false;
  reader.object([&](const std::string& name) {
    if (name == metadata_key) {
      reader.inside(name);
      if (std::exchange(has_metadata, true)) reader.fail("given twice");
      header.metadata = read_metadata(reader);
    } else {
      reader.inside(make_text({"tensor ", in_quotes(name)}));
      header.entries.push_back(read_entry(reader, name, data_bytes));
    }
    reader.inside("");
  });
  reader.end();
  check_unique_names(reader, header.entries);
  check_coverage(reader, header.entries, data_bytes);
  return header;
}

/// Writes the header of these tensors, their data in this order and without gaps.
inline std::string header_text(std::span<const TensorRecord> tensors, const Metadata& metadata) {
  std::string json = "{";
  const auto separate = [&] {
    if (json.back() != '{') json += ',';
  };
  if (!metadata.empty()) {
    json += json_string(metadata_key) + ":{";
    for (const auto& [key, text] : metadata) {
      separate();
      json += json_string(key) + ":" + json_string(text);
    }
    json += '}';
  }
  std::uint64_t begin = 0;
  for (const TensorRecord& tensor : tensors) {
    const std::uint64_t end = begin + tensor.bytes.size();
    separate();
    json += json_string(tensor.name) + ":{\"dtype\":" + json_string(dtype_name(tensor.dtype)) + ",\"shape\":[";
    for (std::size_t i = 0; i < tensor.shape.size(); ++i) {
      json += std::string(i > 0 ? "," : "") + std::to_string(tensor.shape[i]);
    }
    json += make_text({"],\"data_offsets\":[", begin, ",", end, "]}"});
    begin = end;
  }
  return json + "}";
}

}  // namespace detail

}  // namespace slm
