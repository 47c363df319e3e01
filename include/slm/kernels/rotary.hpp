#pragma once
// Rotary position embedding: queries and keys turned by an angle that grows with the position.
#include "slm/core/parallel.hpp"
#include "slm/kernels/elementwise.hpp"

namespace slm::kernels {
inline namespace SLM_INSTRUCTION_SET {

/// Rows of `columns` features, of which the first `rotated` are heads of `head_width` features. Row n of a
/// sequence of T stands at position `first` + n mod T.
struct RotarySize {
  Index rows, columns, rotated, head_width, T, first;
};

/// Turns the pair (i, i + D/2) of each head of width D by the position's angle; the features behind
/// `rotated` are copied. `cosine` and `sine` are (positions, D/2).  Su et al. 2021, eq. 34, half-split pairs
template <Scalar Real>
void rotary_forward(const Real* x, const Real* cosine, const Real* sine, Real* y, RotarySize size) {
  const Index half = size.head_width / 2;
  for_each_row({size.rows, size.columns}, [=](Index n) {
    const Index position = size.first + n % size.T;
    const Real *c = cosine + position * half, *s = sine + position * half;
    for (Index head = 0; head < size.rotated; head += size.head_width) {
      const Real* in = x + n * size.columns + head;
      Real* out = y + n * size.columns + head;
      for (Index i = 0; i < half; ++i) {
        out[i] = in[i] * c[i] - in[i + half] * s[i];
        out[i + half] = in[i] * s[i] + in[i + half] * c[i];
      }
    }
    std::copy(x + n * size.columns + size.rotated, x + (n + 1) * size.columns,
              y + n * size.columns + size.rotated);
  });
}
/// dx += the turn back of dy.
template <Scalar Real>
void rotary_backward(const Real* cosine, const Real* sine, const Real* dy, Into<Real> dx, RotarySize size) {
  const Index half = size.head_width / 2;
  for_each_row({size.rows, size.columns}, [=](Index n) {
    const Index position = size.first + n % size.T;
    const Real *c = cosine + position * half, *s = sine + position * half;
    const Real* up = dy + n * size.columns;
    const Destination<Real> down(dx.data + n * size.columns, dx.store);
    for (Index head = 0; head < size.rotated; head += size.head_width) {
      for (Index i = head, j = head + half; i < head + half; ++i, ++j) {
        down.data[i] = down.before(i) + up[i] * c[i - head] + up[j] * s[i - head];
        down.data[j] = down.before(j) + up[j] * c[i - head] - up[i] * s[i - head];
      }
    }
    for (Index i = size.rotated; i < size.columns; ++i) down.data[i] = down.before(i) + up[i];
  });
}
inline PassCosts rotary_costs(RotarySize size) {
  const Index pairs = size.rotated / 2, others = size.columns - size.rotated;
  const Cost turn = Cost{.elementwise = 6} * pairs + Cost{.moved = others};
  const Cost turn_back = Cost{.elementwise = 8} * pairs + Cost{.elementwise = others};
  return PassCosts{turn, turn_back} * size.rows;
}

}  // namespace SLM_INSTRUCTION_SET
}  // namespace slm::kernels
