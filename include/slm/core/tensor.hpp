#pragma once
// An owning, contiguous, row-major array of numbers, aligned to 64 bytes.
#include <algorithm>
#include <cstddef>
#include <new>
#include <span>
#include <utility>

#include "slm/core/shape.hpp"

namespace slm {

/// Alignment of all storage: one cache line, one AVX-512 register.
inline constexpr std::size_t alignment = 64;

/// T is a number type (a `Scalar`, or an integer for tokens). A moved-from tensor is empty.
template <class T, std::size_t Rank>
class Tensor {
 public:
  Tensor() = default;

  /// All elements zero.
  explicit Tensor(const Shape<Rank>& shape)
      : shape_(shape), size_(element_count(shape)), data_(allocate(size_)) {
    std::fill_n(data_, size_, T(0));
  }

  Tensor(const Tensor& other) : shape_(other.shape_), size_(other.size_), data_(allocate(size_)) {
    std::copy_n(other.data_, size_, data_);
  }
  Tensor(Tensor&& other) noexcept
      : shape_(std::exchange(other.shape_, {})),
        size_(std::exchange(other.size_, 0)),
        data_(std::exchange(other.data_, nullptr)) {}
  /// Copies into the memory there is where the sizes are the same, so that pointers to it stay valid: an
  /// optimizer has some to a model's parameters.
  Tensor& operator=(const Tensor& other) {
    if (size_ != other.size_) return *this = Tensor(other);
    shape_ = other.shape_;
    if (data_ != other.data_) std::copy_n(other.data_, size_, data_);
    return *this;
  }
  Tensor& operator=(Tensor&& other) noexcept {
    Tensor taken(std::move(other));
    std::swap(shape_, taken.shape_);
    std::swap(size_, taken.size_);
    std::swap(data_, taken.data_);
    return *this;
  }
  ~Tensor() { ::operator delete(data_, std::align_val_t(alignment)); }

  const Shape<Rank>& shape() const { return shape_; }
  Index extent(std::size_t axis) const { return shape_[axis]; }
  Index size() const { return size_; }

  T* data() { return data_; }
  const T* data() const { return data_; }
  T& operator[](Index i) { return data_[i]; }
  const T& operator[](Index i) const { return data_[i]; }
  T* begin() { return data_; }
  T* end() { return data_ + size_; }
  const T* begin() const { return data_; }
  const T* end() const { return data_ + size_; }

 private:
  static T* allocate(Index count) {
    if (count == 0) return nullptr;
    if (count > static_cast<Index>(std::size_t(-1) / 2 / sizeof(T))) throw std::bad_alloc();
    return static_cast<T*>(
        ::operator new(static_cast<std::size_t>(count) * sizeof(T), std::align_val_t(alignment)));
  }

  Shape<Rank> shape_{};
  Index size_ = 0;
  T* data_ = nullptr;
};

/// A token is an index into a vocabulary.
using Token = std::int32_t;

/// A batch of windows of tokens, (B, T), or of single tokens, (B).
template <std::size_t Rank>
using Tokens = Tensor<Token, Rank>;

}  // namespace slm
