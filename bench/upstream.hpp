#pragma once
#include <vector>

#include "slm/autograd/tape.hpp"

namespace slm::bench {

/// The gradient of what a benchmark computes: ones that were there before, as in training those are that the
/// next operation leaves behind.
class Upstream {
 public:
  template <std::size_t Rank>
  void backward(Var<float, Rank> y) {
    if (static_cast<Index>(ones_.size()) != y.size()) ones_.assign(static_cast<std::size_t>(y.size()), 1.0F);
    y.node().grad = ones_.data();
    y.tape().backward();
  }

 private:
  std::vector<float> ones_;
};

}  // namespace slm::bench
