#pragma once
// What a model is made of as a safetensors file, under the names that its fields give: the weights, and the
// tensors of parts that are `HasStoredTensors`.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "slm/core/scalar.hpp"
#include "slm/io/safetensors.hpp"
#include "slm/io/weight_check.hpp"
#include "slm/io/weight_records.hpp"
#include "slm/nn/module.hpp"

namespace slm {

namespace detail {

/// A part that is `HasStoredTensors`, whatever its type.
struct StoredPart {
  std::string name;
  const void* part;
  void* target;  // the same, where the model is no constant
  /// The records of its tensors.
  void (*records)(const StoredPart& self, std::vector<TensorRecord>& list);
  /// A part like it with the numbers of a file. Throws a `DataError`.
  std::shared_ptr<void> (*read)(const StoredPart& self, const SafeTensors& file);
  /// Puts what was read in its place.
  void (*assign)(const StoredPart& self, void* read);
};

inline std::string tensor_name(const StoredPart& part, const char* tensor) {
  return part.name.empty() ? tensor : part.name + "." + tensor;
}

/// A tensor of any shape of its rank.
template <class T, std::size_t Rank>
void read_any_shape(const SafeTensors& file, const std::string& name, Tensor<T, Rank>& out) {
  const TensorRecord& record = file.find(name);
  if (record.shape.size() != Rank) {
    throw_error<DataError>({"tensor ", in_quotes(name), ": expected ", Rank, " axes, got ", record.shape});
  }
  file.check<T>(record, record.shape);  // before there is memory for it
  Shape<Rank> shape;
  std::copy(record.shape.begin(), record.shape.end(), shape.begin());
  out = Tensor<T, Rank>(shape);
  file.copy_into(name, out);
}

template <class Part>
struct StoredCalls {
  static const Part& part_of(const StoredPart& self) { return *static_cast<const Part*>(self.part); }

  static void records(const StoredPart& self, std::vector<TensorRecord>& list) {
    Part::tensors(part_of(self), [&](const char* tensor, const auto& value) {
      list.push_back(tensor_record(tensor_name(self, tensor), value));
    });
  }
  static std::shared_ptr<void> read(const StoredPart& self, const SafeTensors& file) {
    const auto read = std::make_shared<Part>(part_of(self));
    Part::tensors(*read, [&](const char* tensor, auto& value) {
      read_any_shape(file, tensor_name(self, tensor), value);
    });
    read->restore();
    return read;
  }
  static void assign(const StoredPart& self, void* read) {
    *static_cast<Part*>(self.target) = std::move(*static_cast<Part*>(read));
  }
};

/// The parts of a model that are `HasStoredTensors`.
template <class Model>
std::vector<StoredPart> stored_parts(Model& model) {
  std::vector<StoredPart> list;
  walk(model, {}, [&](const FieldPath& path, auto& part) {
    using Part = std::remove_cvref_t<decltype(part)>;
    if constexpr (HasStoredTensors<Part>) {
      using Calls = StoredCalls<Part>;
      void* target = nullptr;
      if constexpr (!std::is_const_v<std::remove_reference_t<decltype(part)>>) target = &part;
      list.push_back({path.text(), &part, target, &Calls::records, &Calls::read, &Calls::assign});
    }
  });
  return list;
}

/// What files hold of them.
inline std::vector<TensorRecord> records_of(const std::vector<StoredPart>& parts) {
  std::vector<TensorRecord> list;
  for (const StoredPart& part : parts) part.records(part, list);
  return list;
}

}  // namespace detail

/// Writes every parameter's value once, in the order of `for_each_parameter`, as F32 or F64, and then the
/// tensors of every part that is `HasStoredTensors`, as they are. In a `format` of fewer bits matrices are
/// written as BF16, or as I8 with a scale for each row, "head.weight.scale": what is read then are the weights
/// that `round_weights` makes. The file is replaced as a whole or not at all. Throws `DataError` where it
/// cannot be written. What is not finite is written as well, and refused by `load_weights`; in fewer bits it is
/// refused here, with a `NumericError`.
template <class Model>
void save_weights(const Model& model, const std::string& path, const Metadata& metadata = {},
                  WeightFormat format = WeightFormat::full) {
  static_assert(Module<Model>, "save_weights: the model must be a Module, see slm/nn/contracts.hpp");
  std::vector<TensorRecord> records;
  for_each_parameter(model, [&](const std::string& name, const auto& parameter) {
    records.push_back(tensor_record(name, parameter.value));
  });
  const std::size_t parameters = records.size();
  for (const detail::StoredPart& part : detail::stored_parts(model)) part.records(part, records);
  for (const TensorRecord& record : records) {
    if (record.bytes.data()) continue;
    throw_error<DataError>({"save_weights: ", in_quotes(record.name), " was moved from or never made"});
  }
  const detail::OwnedRecords formatted = detail::in_format(records, parameters, format);
  detail::named_in_errors("save_weights", [&] { write_safetensors(path, formatted.list, metadata); });
}

namespace detail {

/// Calls visit(names, parameter) for every parameter, with all names that the module gives it.
template <class Model, class Visit>
void for_each_named_parameter(Model& model, const Visit& visit) {
  const std::vector<Index> first = first_visits(model);
  std::vector<std::vector<std::string>> names(first.size());
  std::size_t i = 0;
  walk_parameters(model, [&](const FieldPath& path, const auto&) {
    names[static_cast<std::size_t>(first[i++])].push_back(path.text());
  });
  i = 0;
  walk_parameters(model, [&](const FieldPath&, auto& parameter) {
    if (!names[i].empty()) visit(names[i], parameter);
    ++i;
  });
}

/// Throws unless the file has exactly the model's parameters, by name and shape, with the scales of those that
/// are whole numbers, and stored tensors, by name. A parameter of several names may be there under any of them,
/// or under several with the same numbers.
template <class Model>
void check_names_and_shapes(const Model& model, const SafeTensors& file) {
  TensorCheck check(file);
  for_each_named_parameter(model, [&](const std::vector<std::string>& names, const auto& parameter) {
    check.parameter(names, parameter.value.shape());
  });
  for (const TensorRecord& record : records_of(stored_parts(model))) check.stored(record.name);
  check.finish();
}

/// Copies the numbers, which were checked.
template <class Real>
void copy_numbers(const SafeTensors& file, const std::string& name, Real* to) {
  for_each_weight(file, file.find(name),
                  [=](std::size_t i, auto number) { to[i] = static_cast<Real>(number); });
}

/// `StoredPart::read`, with the file in its errors.
inline std::shared_ptr<void> read_stored(const StoredPart& part, const SafeTensors& file) {
  try {
    return part.read(part, file);
  } catch (const DataError& error) {
    throw_error<DataError>({"load_weights '", file.path(), "': ", in_quotes(part.name), ": ", error.what()});
  }
}

}  // namespace detail

/// Reads every parameter's value; F64, F32, F16 and BF16 convert, and matrices of I8 with scales do. The file
/// must have exactly the model's names and shapes and finite numbers only: all of it is checked before the
/// first weight changes. A parameter that the model names twice may have either name. Parts that are
/// `HasStoredTensors` take whatever shapes the file has and check them themselves, before that, too. Throws
/// `DataError` with what is missing, unexpected or of another shape. A config that the file tells of is not
/// looked at, since a model may take weights that were trained with other options (`load_model` makes the model
/// that was saved).
template <class Model>
void load_weights(Model& model, const SafeTensors& file) {
  if (file.contains("fit.epochs")) {
    throw_error<DataError>(
        {"load_weights '", file.path(), "': it is a checkpoint of a training, which load_checkpoint reads"});
  }
  detail::check_names_and_shapes(model, file);
  detail::for_each_named_parameter(
      model, [&]<Scalar Real, std::size_t Rank>(const auto& names, const Parameter<Real, Rank>& parameter) {
        detail::check_numbers<Real>(file, detail::name_in_file(file, names), parameter.value.shape());
      });
  const std::vector<detail::StoredPart> stored = detail::stored_parts(model);
  std::vector<std::shared_ptr<void>> read;
  for (const detail::StoredPart& part : stored) read.push_back(detail::read_stored(part, file));
  detail::for_each_named_parameter(model, [&](const auto& names, auto& parameter) {
    detail::copy_numbers(file, detail::name_in_file(file, names), parameter.value.data());
  });
  for (std::size_t i = 0; i < stored.size(); ++i) stored[i].assign(stored[i], read[i].get());
}
/// The same from the file at `path`.
template <class Model>
void load_weights(Model& model, const std::string& path) {
  // A file of this model cannot be larger than this, whatever it claims, unless the file decides on a shape.
  bool has_stored = false;
  std::uint64_t max_bytes = detail::length_bytes + detail::max_header_bytes;
  detail::walk_any<Model>(&model, [&](const detail::AnyPart& part) {
    max_bytes += static_cast<std::uint64_t>(part.size) * sizeof(double);
    has_stored = has_stored || part.is_stored;
  });
  detail::named_in_errors("load_weights", [&] {
    load_weights(model, SafeTensors::read(path, has_stored ? SafeTensors::default_max_bytes : max_bytes));
  });
}

}  // namespace slm
