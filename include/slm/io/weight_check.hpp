#pragma once
// Whether a file has the tensors of a model: their names, their shapes and finite numbers.
#include <algorithm>
#include <initializer_list>
#include <span>
#include <string>
#include <vector>

#include "slm/io/safetensors.hpp"
#include "slm/io/weight_records.hpp"

namespace slm::detail {

/// " 2 missing: 'a', 'b'.", at most five of them by name; empty when there are none.
inline std::string list_text(const std::string& what, const std::vector<std::string>& items) {
  constexpr std::size_t shown = 5;
  if (items.empty()) return "";
  std::string text = make_text({" ", items.size(), " ", what, ": "});
  for (std::size_t i = 0; i < std::min(shown, items.size()); ++i)
    text += std::string(i > 0 ? ", " : "") + items[i];
  return text + (items.size() > shown ? ", …." : ".");
}

/// That of a parameter's names under which the file has it; the first of them where it has none.
inline const std::string& name_in_file(const SafeTensors& file, const std::vector<std::string>& names) {
  const auto found =
      std::find_if(names.begin(), names.end(), [&](const auto& name) { return file.contains(name); });
  return found == names.end() ? names.front() : *found;
}

/// Holds the names and shapes in a file against those of a model.
class TensorCheck {
 public:
  explicit TensorCheck(const SafeTensors& file) : file_(file) {}

  /// Of a parameter, by its names.
  void parameter(const std::vector<std::string>& names, std::span<const Index> shape) {
    known_.insert(known_.end(), names.begin(), names.end());
    const std::string& first = name_in_file(file_, names);
    if (!file_.contains(first)) return missing_.push_back(in_quotes(first));
    for (const std::string& name : names) {
      if (file_.contains(name)) parameter(name, first, shape);
    }
  }
  /// Of a stored part, whose shapes the file decides.
  void stored(const std::string& name) {
    known_.push_back(name);
    if (!file_.contains(name)) missing_.push_back(in_quotes(name));
  }
  /// Throws a `DataError` with all that differs.
  void finish() {
    std::sort(known_.begin(), known_.end());
    std::vector<std::string> unexpected;
    for (const std::string& name : file_.names()) {
      if (!std::binary_search(known_.begin(), known_.end(), name)) unexpected.push_back(in_quotes(name));
    }
    const std::string problems = list_text("missing", missing_) + list_text("unexpected", unexpected) +
                                 list_text("of another shape", misshapen_) +
                                 list_text("unlike another name of the same parameter", differing_);
    if (!problems.empty()) {
      throw_error<DataError>(
          {"load_weights '", file_.path(), "': the tensors are not those of the model:", problems});
    }
  }

 private:
  /// Of one of its names, which the file has, beside the first that it has.
  void parameter(const std::string& name, const std::string& first, std::span<const Index> shape) {
    const TensorRecord &record = file_.find(name), &other = file_.find(first);
    if (!has_shape(record, shape)) return;
    if (!same_numbers(record, other)) {
      differing_.push_back(make_text({in_quotes(name), " from ", in_quotes(first)}));
    }
    if (is_scaled(record)) scales(name, first, shape[0]);
  }
  /// Of a matrix of whole numbers.
  void scales(const std::string& name, const std::string& first, Index rows) {
    const std::string scale = scale_name(name), first_scale = scale_name(first);
    known_.push_back(scale);
    if (!file_.contains(scale)) {
      missing_.push_back(make_text({in_quotes(scale), " (F32 of shape (", rows,
                                    "), one for each row of the I8 in ", in_quotes(name), ")"}));
    } else if (has_shape(file_.find(scale), {&rows, 1}) && file_.contains(first_scale) &&
               !same_numbers(file_.find(scale), file_.find(first_scale))) {
      differing_.push_back(make_text({in_quotes(scale), " from ", in_quotes(first_scale)}));
    }
  }

  bool has_shape(const TensorRecord& record, std::span<const Index> shape) {
    if (std::equal(record.shape.begin(), record.shape.end(), shape.begin(), shape.end())) return true;
    misshapen_.push_back(
        make_text({in_quotes(record.name), " (expected ", shape, ", got ", record.shape, ")"}));
    return false;
  }
  static bool same_numbers(const TensorRecord& a, const TensorRecord& b) {
    return a.dtype == b.dtype && std::equal(a.bytes.begin(), a.bytes.end(), b.bytes.begin(), b.bytes.end());
  }

  const SafeTensors& file_;
  std::vector<std::string> known_, missing_, misshapen_, differing_;
};

/// Throws unless a scale is one: of F32, finite, not negative.
inline void check_scales(const SafeTensors& file, const std::string& name) {
  const auto fail = [&](std::initializer_list<MessagePart> why) {
    throw_error<DataError>(
        {"load_weights '", file.path(), "': tensor ", in_quotes(name), ": ", make_text(why)});
  };
  const TensorRecord& record = file.find(name);
  if (record.dtype != DType::F32) fail({"expected scales of F32, got ", dtype_name(record.dtype)});
  for_each_stored<float>(record.bytes, [&](std::size_t i, float scale) {
    if (!is_finite(scale) || scale < 0) {
      fail({"expected finite scales of 0 or more, got ", scale, " at element ", i});
    }
  });
}

/// Throws unless the stored numbers are finite and fit the parameter's type.
template <class Real>
void check_numbers(const SafeTensors& file, const std::string& name, std::span<const Index> shape) {
  const TensorRecord& record = file.find(name);
  if (is_scaled(record)) {
    check_scales(file, scale_name(name));
  } else {
    file.check<Real>(record, shape);
  }
  for_each_weight(file, record, [&](std::size_t i, auto number) {
    if (!is_finite(number)) {
      throw_error<DataError>({"load_weights '", file.path(), "': tensor ", in_quotes(name),
                              ": expected finite numbers, got ", number, " at element ", i});
    }
  });
}

}  // namespace slm::detail
