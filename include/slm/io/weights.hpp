#pragma once
// A model's weights as a safetensors file, under the names that `for_each_parameter` gives them.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "slm/core/scalar.hpp"
#include "slm/io/safetensors.hpp"
#include "slm/nn/module.hpp"

namespace slm {

/// Writes every parameter's value once, in the order of `for_each_parameter`, as F32 or F64. The file is
/// replaced as a whole or not at all. Throws `DataError` where it cannot be written. Weights that are not
/// finite are written as well; `load_weights` refuses them.
template <class Model>
void save_weights(const Model& model, const std::string& path, const Metadata& metadata = {}) {
  static_assert(Module<Model>, "save_weights: the model must be a Module, see slm/nn/contracts.hpp");
  std::vector<TensorRecord> records;
  for_each_parameter(model, [&](const std::string& name, const auto& parameter) {
    if (!parameter.value.has_memory()) {
      throw DataError(make_text({"save_weights: ", in_quotes(name), " was moved from or never made"}));
    }
    records.push_back(tensor_record(name, parameter.value));
  });
  detail::named_in_errors("save_weights", [&] { write_safetensors(path, records, metadata); });
}

namespace detail {

/// " 2 missing: 'a', 'b'.", at most five of them by name; empty when there are none.
inline std::string list_text(const std::string& what, const std::vector<std::string>& items) {
  constexpr std::size_t shown = 5;
  if (items.empty()) return "";
  std::string text = make_text({" ", items.size(), " ", what, ": "});
  for (std::size_t i = 0; i < std::min(shown, items.size()); ++i)
    text += std::string(i > 0 ? ", " : "") + items[i];
  return text + (items.size() > shown ? ", …." : ".");
}

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

/// That of a parameter's names under which the file has it; the first of them where it has none.
inline const std::string& name_in_file(const SafeTensors& file, const std::vector<std::string>& names) {
  const auto found =
      std::find_if(names.begin(), names.end(), [&](const auto& name) { return file.contains(name); });
  return found == names.end() ? names.front() : *found;
}

/// Throws unless the file has exactly the model's parameters, by name and shape. One of several names may be
/// there under any of them, or under several with the same numbers.
template <class Model>
void check_names_and_shapes(const Model& model, const SafeTensors& file) {
  std::vector<std::string> known, missing, unexpected, misshapen, differing;
  for_each_named_parameter(model, [&](const std::vector<std::string>& names, const auto& parameter) {
    known.insert(known.end(), names.begin(), names.end());
    const std::string& first = name_in_file(file, names);
    if (!file.contains(first)) return missing.push_back(in_quotes(first));
    for (const std::string& name : names) {
      if (!file.contains(name)) continue;
      const TensorRecord &record = file.find(name), &other = file.find(first);
      const std::string expected = shape_text(parameter.value.shape()), actual = shape_text(record.shape);
      if (expected != actual) {
        misshapen.push_back(make_text({in_quotes(name), " (expected ", expected, ", got ", actual, ")"}));
      } else if (record.dtype != other.dtype || !std::ranges::equal(record.bytes, other.bytes)) {
        differing.push_back(make_text({in_quotes(name), " from ", in_quotes(first)}));
      }
    }
  });
  std::sort(known.begin(), known.end());
  for (const std::string& name : file.names()) {
    if (!std::binary_search(known.begin(), known.end(), name)) unexpected.push_back(in_quotes(name));
  }
  const std::string problems = list_text("missing", missing) + list_text("unexpected", unexpected) +
                               list_text("of another shape", misshapen) +
                               list_text("unlike another name of the same parameter", differing);
  if (!problems.empty()) {
    throw DataError(
        make_text({"load_weights '", file.path(), "': the tensors are not those of the model:", problems}));
  }
}

/// Throws unless the stored numbers are finite and fit the parameter's type.
template <class Real, std::size_t Rank>
void check_numbers(const SafeTensors& file, const std::string& name, const Tensor<Real, Rank>& value) {
  const TensorRecord& record = file.find(name);
  file.check<Real>(record, value.shape());
  for_each_real(record, [&](std::size_t i, auto number) {
    if (!is_finite(number)) {
      throw DataError(make_text({"load_weights '", file.path(), "': tensor ", in_quotes(name),
                                 ": expected finite numbers, got ", number, " at element ", i}));
    }
  });
}

}  // namespace detail

/// Reads every parameter's value; F64, F32, F16 and BF16 convert. The file must have exactly the model's names
/// and shapes and finite numbers only: all of it is checked before the first weight changes. A parameter that
/// the model names twice may have either name. Throws `DataError` with what is missing, unexpected or of
/// another shape.
template <class Model>
void load_weights(Model& model, const SafeTensors& file) {
  detail::check_names_and_shapes(model, file);
  detail::for_each_named_parameter(model, [&](const auto& names, const auto& parameter) {
    detail::check_numbers(file, detail::name_in_file(file, names), parameter.value);
  });
  detail::for_each_named_parameter(model, [&](const auto& names, auto& parameter) {
    file.copy_into(detail::name_in_file(file, names), parameter.value);
  });
}
/// The same from the file at `path`.
template <class Model>
void load_weights(Model& model, const std::string& path) {
  // A file of this model cannot be larger than this, whatever it claims.
  std::uint64_t max_bytes = detail::length_bytes + detail::max_header_bytes;
  detail::walk_any<Model>(&model, [&](const detail::AnyPart& part) {
    max_bytes += static_cast<std::uint64_t>(part.size) * sizeof(double);
  });
  detail::named_in_errors("load_weights", [&] { load_weights(model, SafeTensors::read(path, max_bytes)); });
}

}  // namespace slm
