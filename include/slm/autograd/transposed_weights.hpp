#pragma once
// Transposed copies of a model's matrices, for products of one row.
#include <vector>

#include "slm/core/arena.hpp"
#include "slm/core/matrix.hpp"

namespace slm {

/// A copy is made when it is first asked for; the weights must not change afterwards.
template <Scalar Real>
class TransposedWeights {
 public:
  /// The transposed copy of weights (rows, columns), by their address.
  const Real* find(const Real* weights, Index rows, Index columns) {
    if constexpr (!has_values<Real>) return nullptr;
    for (std::size_t i = 0; i < copies_.size(); ++i) {
      if (++last_ >= copies_.size()) last_ = 0;  // they are asked for in the same order every time
      if (copies_[last_].of == weights && copies_[last_].rows == rows) return copies_[last_].values;
    }
    Real* values = memory_.take<Real>(rows * columns);
    transpose<Real>({weights, rows, columns}, {values, columns, rows});
    last_ = copies_.size();
    copies_.push_back({weights, rows, values});
    return values;
  }

 private:
  struct Copy {
    const Real* of;
    Index rows;
    const Real* values;
  };

  Arena memory_;
  std::vector<Copy> copies_;
  std::size_t last_ = 0;
};

}  // namespace slm
