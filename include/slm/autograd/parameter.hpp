#pragma once
// What training changes.
#include <utility>

#include "slm/core/scalar.hpp"
#include "slm/core/tensor.hpp"

namespace slm {

namespace detail {

/// What may still be made on this thread while the limit lives: of a model that is built from a file, not much
/// more than the file holds, whatever its config says.
class BuildLimit {
 public:
  BuildLimit(Index tensors, Index elements)
      : tensors_(tensors), elements_(elements), before_(std::exchange(current, this)) {}
  BuildLimit(const BuildLimit&) = delete;
  BuildLimit& operator=(const BuildLimit&) = delete;
  ~BuildLimit() { current = before_; }

  /// Takes a tensor of so many elements off the limit, if there is one. Throws a `DataError` where it is
  /// passed.
  static void take(Index elements) {
    if (!current) return;
    if (current->tensors_ < 1 || current->elements_ < elements) {
      throw_error<DataError>("the config asks for more than the file holds");
    }
    current->tensors_ -= 1, current->elements_ -= elements;
  }

 private:
  inline static thread_local BuildLimit* current = nullptr;
  Index tensors_, elements_;
  BuildLimit* before_;
};

}  // namespace detail

/// What a parameter says of itself beside its numbers. A copy says the same.
struct ParameterState {
  bool is_frozen = false;                 // it is not trained: see `freeze`
  mutable bool grad_is_outdated = false;  // the next gradient takes its place: see `outdate_others`
};

/// A trainable tensor and the gradient of the loss in it. The gradient is mutable: a model is used as a
/// constant, and only `Tape::backward` and an optimizer touch it.
template <Scalar Real, std::size_t Rank>
struct Parameter : ParameterState {
  Tensor<Real, Rank> value;
  mutable Tensor<Real, Rank> grad;

  Parameter() = default;
  explicit Parameter(const Shape<Rank>& shape)
      : value((detail::BuildLimit::take(element_count(shape)), shape)), grad(shape) {}

  // The usual ones, but out of line: a model has them by the dozen, and a user's compiler would see them all.
  [[gnu::noinline]] Parameter(const Parameter&) = default;
  [[gnu::noinline]] Parameter(Parameter&&) noexcept = default;
  [[gnu::noinline]] Parameter& operator=(const Parameter&) = default;
  [[gnu::noinline]] Parameter& operator=(Parameter&&) noexcept = default;
  [[gnu::noinline]] ~Parameter() = default;
};

}  // namespace slm
