#pragma once
#include "slm/autograd/ops/embedding.hpp"
#include "slm/nn/init.hpp"

namespace slm {

/// A vector for each token or position.
template <Scalar Real>
struct Embedding {
  Parameter<Real, 2> weight;  // (entries, width)

  /// Entries N(0, 1).
  Embedding(Index entries, Index width, RandomArgument random) : weight({entries, width}) {
    init::normal(weight, random);
  }

  /// tokens (…) → (…, width)
  template <std::size_t Rank>
  Var<Real, Rank + 1> operator()(Tape<Real>& tape, const Tokens<Rank>& tokens) const {
    const auto part = tape.enter(*this);
    return embedding(tokens, tape.use(weight));
  }

  /// Of positions: its vectors added to features whose first position is `first`.   x (B, T, width), as large
  Var<Real, 3> add(Var<Real, 3> x, Index first = 0) const {
    const auto part = x.tape().enter(*this);
    return add_positions(x, x.tape().use(weight), first);
  }

  static void fields(auto& self, auto&& f) { f("weight", self.weight); }
};

}  // namespace slm
