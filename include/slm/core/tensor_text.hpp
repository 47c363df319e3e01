#pragma once
// A tensor as text, to look at.
#include <iosfwd>

#include "slm/core/function_ref.hpp"
#include "slm/core/tensor.hpp"

namespace slm {

namespace detail {

/// Elements of an axis that are shown: all of a short one, of a long one those at its ends.
struct ShownElements {
  static constexpr Index at_each_end = 3, most = 8;
  Index extent;
  bool is_cut = extent > most;

  Index count() const { return is_cut ? 2 * at_each_end : extent; }
  Index operator[](Index i) const { return is_cut && i >= at_each_end ? extent - 2 * at_each_end + i : i; }
};

/// The axes of `shape` from `axis` on, of the block of elements number `first`.
inline void append_axes(std::string& text, std::span<const Index> shape, std::size_t axis, Index first,
                        FunctionRef<std::string(Index)> element) {
  if (axis == shape.size()) {
    text += element(first);
    return;
  }
  const bool is_row = axis + 1 == shape.size();
  const std::string gap = is_row ? ", " : ",\n" + std::string(axis + 1, ' ');
  const ShownElements shown{shape[axis]};
  text += '[';
  for (Index i = 0; i < shown.count(); ++i) {
    if (i > 0) text += gap;
    if (shown.is_cut && i == ShownElements::at_each_end) text += "…" + gap;
    append_axes(text, shape, axis + 1, first * shape[axis] + shown[i], element);
  }
  text += ']';
}

}  // namespace detail

/// The shape and, below, the elements, each in the shortest form that reads back as the same number:
///   (2, 3)
///   [[1, 2, 3],
///    [0.5, -2, 1e-08]]
/// Of an axis of more than 8 elements the first and the last 3 are shown.
template <class T, std::size_t Rank>
std::string to_text(const Tensor<T, Rank>& x) {
  std::string text = shape_text(x.shape());
  if (!x.has_memory()) return text + " without memory";
  text += '\n';
  detail::append_axes(text, x.shape(), 0, 0, [&](Index i) { return make_text({x.data()[i]}); });
  return text;
}

template <class T, std::size_t Rank>
std::ostream& operator<<(std::ostream& out, const Tensor<T, Rank>& x) {
  return out << to_text(x);
}

}  // namespace slm
