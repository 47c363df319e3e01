#pragma once
// Matrices of weights in files, in any `WeightFormat`: as they are, as BF16, or as I8 (rows, columns) with
// their scales (rows) beside them in F32, those of "head.weight" as "head.weight.scale". No parameter is called
// so: what has a parameter's name has no parts.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "slm/io/safetensors.hpp"
#include "slm/nn/round_weights.hpp"

namespace slm::detail {

inline std::string scale_name(const std::string& matrix) { return matrix + ".scale"; }

/// Records of tensors, with the memory of those that nobody else owns.
struct OwnedRecords {
  std::vector<TensorRecord> list;
  std::vector<std::unique_ptr<std::byte[]>> memory;

  /// A new record's bytes, to be written.
  std::byte* add(std::string name, DType dtype, std::vector<Index> shape) {
    const auto bytes = static_cast<std::size_t>(byte_count(shape, dtype).value());
    std::byte* to = memory.emplace_back(std::make_unique_for_overwrite<std::byte[]>(bytes)).get();
    list.push_back({std::move(name), dtype, std::move(shape), {to, bytes}});
    return to;
  }
};

template <class Real>
void add_bfloat16(const TensorRecord& matrix, OwnedRecords& records) {
  const auto* weights = reinterpret_cast<const Real*>(matrix.bytes.data());
  const Index count = matrix.shape[0] * matrix.shape[1];
  require_finite_floats("save_weights", matrix.name, weights, count);
  auto* to = reinterpret_cast<std::uint16_t*>(records.add(matrix.name, DType::BF16, matrix.shape));
  for (Index i = 0; i < count; ++i) to[i] = bf16_from_float(static_cast<float>(weights[i]));
}

template <class Real>
void add_int8(const TensorRecord& matrix, OwnedRecords& records) {
  const auto* weights = reinterpret_cast<const Real*>(matrix.bytes.data());
  const Index rows = matrix.shape[0], columns = matrix.shape[1];
  require_finite_floats("save_weights", matrix.name, weights, rows * columns);
  auto* scales = reinterpret_cast<float*>(records.add(scale_name(matrix.name), DType::F32, {rows}));
  auto* to = reinterpret_cast<std::int8_t*>(records.add(matrix.name, DType::I8, matrix.shape));
  for (Index i = 0; i < rows; ++i, weights += columns) {
    scales[i] = int8_scale(weights, columns);
    for (Index j = 0; j < columns; ++j) *to++ = int8_from(weights[j], scales[i]);
  }
}

/// Adds a matrix of floats or doubles in a format of fewer bits. Throws a `NumericError` where a weight is not
/// finite.
template <class Real>
void add_matrix(const TensorRecord& matrix, WeightFormat format, OwnedRecords& records) {
  switch (format) {
    case WeightFormat::full:
      records.list.push_back(matrix);
      return;
    case WeightFormat::bfloat16:
      return add_bfloat16<Real>(matrix, records);
    case WeightFormat::int8:
      return add_int8<Real>(matrix, records);
  }
  throw_error<ConfigError>("save_weights: the weight format is none that there is");
}

/// The records of a model, of which the first are those of its parameters, with the matrices among these in a
/// format. In one of fewer bits larger numbers stand first, so that each is at a multiple of its size: tools
/// that map a file to memory ask for that.
inline OwnedRecords in_format(const std::vector<TensorRecord>& records, std::size_t parameters,
                              WeightFormat format) {
  OwnedRecords formatted;
  for (std::size_t i = 0; i < records.size(); ++i) {
    const TensorRecord& record = records[i];
    if (i >= parameters || record.shape.size() != 2) {
      formatted.list.push_back(record);
    } else if (record.dtype == DType::F64) {
      add_matrix<double>(record, format, formatted);
    } else {
      add_matrix<float>(record, format, formatted);
    }
  }
  if (format == WeightFormat::full) return formatted;
  std::vector<TensorRecord> sorted;
  for (std::size_t size = sizeof(double); size > 0; size /= 2) {
    for (TensorRecord& record : formatted.list) {
      if (byte_size(record.dtype) == size) sorted.push_back(std::move(record));
    }
  }
  formatted.list = std::move(sorted);
  return formatted;
}

/// Whether a tensor is a matrix of whole numbers, which needs scales to be one of weights.
inline bool is_scaled(const TensorRecord& tensor) {
  return tensor.dtype == DType::I8 && tensor.shape.size() == 2;
}

/// Calls each(index, number) with the numbers that a tensor of the file stands for, whose scales, where it
/// needs any, are there and one for each row.
template <class Each>
void for_each_weight(const SafeTensors& file, const TensorRecord& tensor, const Each& each) {
  if (!is_scaled(tensor)) {
    for_each_real(tensor, each);
    return;
  }
  const auto columns = static_cast<std::size_t>(tensor.shape[1]);
  for_each_stored<float>(file.find(scale_name(tensor.name)).bytes, [&](std::size_t i, float scale) {
    const std::size_t row = i * columns;
    for_each_stored<std::int8_t>(tensor.bytes.subspan(row, columns), [&](std::size_t j, std::int8_t number) {
      each(row + j, static_cast<float>(number) * scale);
    });
  });
}

}  // namespace slm::detail
