#pragma once
// A model as it is when its matrices are kept in fewer bits.
#include <string>
#include <string_view>
#include <type_traits>

#include "slm/core/weight_format.hpp"
#include "slm/nn/module.hpp"

namespace slm {

namespace detail {

/// Throws where a weight (count) is not finite as a float, which formats of fewer bits round.
template <class Real>
void require_finite_floats(std::string_view operation, const std::string& name, const Real* weights,
                           Index count) {
  for (Index i = 0; i < count; ++i) {
    if (is_finite(static_cast<float>(weights[i]))) continue;
    throw_error<NumericError>({operation, ": expected weights that are finite as floats, got ", weights[i],
                               " at element ", i, " of ", in_quotes(name)});
  }
}

/// Calls visit(name, matrix) for the tensor of every parameter of rank 2.
template <class Module, class Visit>
void for_each_matrix(Module& module, const Visit& visit) {
  for_each_parameter(module, [&](const std::string& name, auto& parameter) {
    if constexpr (std::is_same_v<std::remove_cvref_t<decltype(parameter.value.shape())>, Shape<2>>)
      visit(name, parameter.value);
  });
}

/// Throws where a matrix cannot be rounded, for the operation of this name.
template <class Module>
void require_finite_matrices(std::string_view operation, Module& module) {
  for_each_matrix(module, [&](const std::string& name, const auto& matrix) {
    require_finite_floats(operation, name, matrix.data(), matrix.size());
  });
}

}  // namespace detail

/// Rounds every matrix of a module row by row, as the format keeps it; vectors stay. What the format costs:
///   Model rounded = model;
///   round_weights(rounded, WeightFormat::int8);
///   evaluate(rounded, text).nats_per_token - evaluate(model, text).nats_per_token;
/// Throws a `NumericError` with the name of a parameter that is not finite, before the first weight changes.
template <class Part>
void round_weights(Part& part, WeightFormat format) {
  static_assert(Module<Part>, "round_weights: the part must be a Module, see slm/nn/contracts.hpp");
  if (format == WeightFormat::full) return;
  detail::require_finite_matrices("round_weights", part);
  detail::for_each_matrix(part, [=](const std::string&, auto& matrix) {
    const Index rows = matrix.extent(0), columns = matrix.extent(1);
    for (Index i = 0; i < rows; ++i) {
      auto* row = matrix.data() + i * columns;
      round_row(row, row, columns, format);
    }
  });
}

}  // namespace slm
