#pragma once
// An owning, contiguous, row-major array of numbers, aligned to 64 bytes.
#include <algorithm>
#include <concepts>
#include <cstddef>
#include <initializer_list>
#include <new>
#include <span>
#include <utility>
#include <vector>

#include "slm/core/scalar.hpp"
#include "slm/core/shape.hpp"

namespace slm {

/// Alignment of all storage: one cache line, one AVX-512 register.
inline constexpr std::size_t alignment = 64;

namespace detail {

/// Memory for a tensor. Throws an `Error` that names its shape where there is none.
[[gnu::noinline]] inline void* allocate_tensor(std::span<const Index> shape, Index count,
                                               std::size_t bytes_each) {
  const auto most = static_cast<Index>(std::size_t(-1) / 2 / bytes_each);
  try {
    if (count > most) throw std::bad_alloc();
    return ::operator new(static_cast<std::size_t>(count) * bytes_each, std::align_val_t(alignment));
  } catch (const std::bad_alloc&) {
    throw_error<Error>(
        {"Tensor: there is no memory for shape ", shape, ", ", count, " elements of ", bytes_each, " bytes"});
  }
}

}  // namespace detail

/// T is a number type (a `Scalar`, or an integer for tokens). A tensor that was never made, or was moved from,
/// has extents of 0 and is refused wherever one is read.
///
///   Tensor<float, 2> x({2, 3}, {1, 2, 3, 4, 5, 6});      // or Tensor({2, 3}, values) of a std::vector
///   x(1, 2) = 7;                                         // x.at(1, 2) is checked
///   const std::vector<float> all(x.begin(), x.end());    // std::span(x) refers to them
///   std::cout << x.reshape({3, 2});                      // core/tensor_text.hpp
template <class T, std::size_t Rank>
class Tensor {
 public:
  Tensor() = default;

  /// All elements zero. Throws an `Error` where there is no memory for them.
  explicit Tensor(const Shape<Rank>& shape)
      : shape_(shape), size_(element_count(shape)), data_(allocate(shape_, size_)) {
    std::fill_n(data_, stored(), T(0));
  }

  /// These elements, row by row. Throws a `ShapeError` where their number is another than the shape's.
  ///                                                                      PyTorch: torch.tensor(…).reshape(…)
  Tensor(const Shape<Rank>& shape, std::span<const T> values) : Tensor(allocated(shape)) {
    if (static_cast<Index>(values.size()) != size_) throw_other_count("Tensor", shape, values.size());
    std::copy_n(values.begin(), stored(), data_);
  }
  Tensor(const Shape<Rank>& shape, std::initializer_list<T> values)
      : Tensor(shape, std::span<const T>(values.begin(), values.size())) {}
  Tensor(const Shape<Rank>& shape, const std::vector<T>& values) : Tensor(shape, std::span<const T>(values)) {}

  /// A shape alone, without memory for elements: tokens that a model is priced with (see `Shapes`).
  static Tensor without_memory(const Shape<Rank>& shape) {
    Tensor made;
    made.shape_ = shape;
    made.size_ = element_count(shape);
    return made;
  }

  Tensor(const Tensor& other) : shape_(other.shape_), size_(other.size_) {
    if (!other.data_) return;
    data_ = allocate(shape_, size_);
    std::copy_n(other.data_, stored(), data_);
  }
  Tensor(Tensor&& other) noexcept
      : shape_(std::exchange(other.shape_, {})),
        size_(std::exchange(other.size_, 0)),
        data_(std::exchange(other.data_, nullptr)) {}
  /// Copies into the memory there is where the sizes are the same, so that pointers to it stay valid.
  Tensor& operator=(const Tensor& other) {
    if (size_ != other.size_ || !data_ || !other.data_) return *this = Tensor(other);
    shape_ = other.shape_;
    if (data_ != other.data_) std::copy_n(other.data_, stored(), data_);
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
  /// Whether there are elements to read: none in a tensor that was never made, was moved from, or is a shape
  /// alone. A tensor of no elements has them.
  bool has_memory() const { return data_ != nullptr; }

  T* data() { return data_; }
  const T* data() const { return data_; }
  T* begin() { return data_; }
  T* end() { return data_ + stored(); }
  const T* begin() const { return data_; }
  const T* end() const { return data_ + stored(); }

  /// Sets every element.                                                              PyTorch: Tensor.fill_
  void fill(T value) { std::fill_n(data_, stored(), value); }

  /// The same elements in another shape: a copy of them, or of what is given up (`std::move(x).reshape(…)`) the
  /// memory itself. Throws a `ShapeError` where their number is another.             PyTorch: Tensor.reshape
  template <std::size_t NewRank>
  Tensor<T, NewRank> reshape(const Shape<NewRank>& shape) const& {
    return Tensor(*this).reshape(shape);
  }
  template <std::size_t NewRank>
  Tensor<T, NewRank> reshape(const Shape<NewRank>& shape) && {
    if (element_count(shape) != size_)
      throw_other_count("Tensor::reshape", shape, static_cast<std::size_t>(size_));
    Tensor<T, NewRank> made;
    made.shape_ = shape;
    made.size_ = std::exchange(size_, 0);
    made.data_ = std::exchange(data_, nullptr);
    shape_ = {};
    return made;
  }
  template <std::size_t NewRank>
  Tensor<T, NewRank> reshape(const Index (&shape)[NewRank]) const& {
    return reshape(std::to_array(shape));
  }
  template <std::size_t NewRank>
  Tensor<T, NewRank> reshape(const Index (&shape)[NewRank]) && {
    return std::move(*this).reshape(std::to_array(shape));
  }

  /// Whether shapes and all elements are equal; one that holds a NaN equals none.       PyTorch: torch.equal
  friend bool operator==(const Tensor& a, const Tensor& b) requires std::equality_comparable<T> {
    return a.shape_ == b.shape_ && a.has_memory() == b.has_memory() &&
           std::equal(a.begin(), a.end(), b.begin());
  }

  /// The element at these indices, as many as axes: a(i, j). Not checked; `at` is.
  T& operator()(std::convertible_to<Index> auto... indices) requires(sizeof...(indices) == Rank) {
    return data_[offset({static_cast<Index>(indices)...})];
  }
  const T& operator()(std::convertible_to<Index> auto... indices) const requires(sizeof...(indices) == Rank) {
    return data_[offset({static_cast<Index>(indices)...})];
  }
  /// The same. Throws a `RangeError` outside the shape.
  T& at(std::convertible_to<Index> auto... indices) requires(sizeof...(indices) == Rank) {
    return data_[checked_offset({static_cast<Index>(indices)...})];
  }
  const T& at(std::convertible_to<Index> auto... indices) const requires(sizeof...(indices) == Rank) {
    return data_[checked_offset({static_cast<Index>(indices)...})];
  }

 private:
  template <class, std::size_t>
  friend class Tensor;

  /// Memory whose elements hold nothing yet.
  static Tensor allocated(const Shape<Rank>& shape) {
    Tensor made = without_memory(shape);
    made.data_ = allocate(shape, made.size_);
    return made;
  }
  static T* allocate(const Shape<Rank>& shape, Index count) {
    if constexpr (!has_values<T>) return nullptr;
    return static_cast<T*>(detail::allocate_tensor(shape, count, sizeof(T)));
  }

  /// Elements in memory.
  Index stored() const { return data_ ? size_ : 0; }

  Index offset(const Shape<Rank>& index) const {
    Index sum = 0;
    for (std::size_t axis = 0; axis < Rank; ++axis) sum = sum * shape_[axis] + index[axis];
    return sum;
  }
  Index checked_offset(const Shape<Rank>& index) const {
    for (std::size_t axis = 0; axis < Rank; ++axis) {
      if (index[axis] < 0 || index[axis] >= shape_[axis]) throw_outside(index);
    }
    if (!data_) throw_outside(index);
    return offset(index);
  }
  [[noreturn]] void throw_outside(const Shape<Rank>& index) const {
    throw_error<RangeError>(
        {"Tensor::at: ", index, " is outside a tensor of shape ", shape_, data_ ? "" : " without memory"});
  }

  [[noreturn, gnu::noinline, gnu::cold]] static void throw_other_count(const char* name,
                                                                       std::span<const Index> shape,
                                                                       std::size_t count) {
    Index needed = 1;
    for (const Index extent : shape) needed *= extent;
    throw_error<ShapeError>({name, ": a shape of ", shape, " has ", needed, " elements, but got ", count});
  }

  Shape<Rank> shape_{};
  Index size_ = 0;
  T* data_ = nullptr;
};
template <class T, std::size_t Rank>
Tensor(const Index (&)[Rank], const std::vector<T>&) -> Tensor<T, Rank>;
template <class T, std::size_t Extent, std::size_t Rank>
Tensor(const Index (&)[Rank], std::span<T, Extent>) -> Tensor<std::remove_const_t<T>, Rank>;
template <class T, std::size_t Rank>
Tensor(const Shape<Rank>&, const std::vector<T>&) -> Tensor<T, Rank>;
template <class T, std::size_t Extent, std::size_t Rank>
Tensor(const Shape<Rank>&, std::span<T, Extent>) -> Tensor<std::remove_const_t<T>, Rank>;

/// A token is an index into a vocabulary.
using Token = std::int32_t;

/// A batch of windows of tokens, (B, T), or of single tokens, (B).
template <std::size_t Rank>
using Tokens = Tensor<Token, Rank>;

}  // namespace slm
