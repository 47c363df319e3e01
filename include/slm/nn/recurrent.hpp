#pragma once
// Recurrent layers: GRU, LSTM and the minimal GRU.
#include "slm/nn/linear.hpp"
#include "slm/nn/recurrent_state.hpp"

namespace slm {

namespace detail {

/// Where the layer's states stand, if the text is read piece by piece.
template <Scalar Real>
std::optional<RecurrentMemory<Real>> memory_of(const void* layer, Index size, RecurrentState<Real>* state) {
  return state ? std::optional(state->of(layer, size)) : std::nullopt;
}

/// The parameters of PyTorch's GRUCell and LSTMCell, by its names and in its layout: blocks of H rows, one for
/// each gate. Those of a layer of nn.GRU and nn.LSTM end in "_l0".
template <Scalar Real>
struct GatedCell {
  Parameter<Real, 2> weight_ih;  // (gates H, inputs)
  Parameter<Real, 2> weight_hh;  // (gates H, H)
  Parameter<Real, 1> bias_ih;    // (gates H)
  Parameter<Real, 1> bias_hh;    // (gates H)

  /// All U(±1/√H).
  GatedCell(Index inputs, Index H, Index gates, RandomArgument random)
      : weight_ih({count_product(gates, H), inputs}),
        weight_hh({count_product(gates, H), H}),
        bias_ih({count_product(gates, H)}),
        bias_hh({count_product(gates, H)}) {
    init::linear_default(weight_ih, H, random);
    init::linear_default(weight_hh, H, random);
    init::linear_default(bias_ih, H, random);
    init::linear_default(bias_hh, H, random);
  }

  Index width() const { return weight_hh.value.extent(1); }
  /// What the inputs give to the gates, at all positions in one product.
  Var<Real, 3> from_inputs(Var<Real, 3> x) const {
    return linear(x, x.tape().use(weight_ih), x.tape().use(bias_ih));
  }

  static void fields(auto& self, auto&& f) {
    f("weight_ih", self.weight_ih), f("weight_hh", self.weight_hh);
    f("bias_ih", self.bias_ih), f("bias_hh", self.bias_hh);
  }
};

}  // namespace detail

/// A gated recurrent unit: see `gru`. Gates in the order r, z, n.            PyTorch: nn.GRU of one layer
/// x (B, T, inputs) → (B, T, H). With a state, x follows what was read before.
template <Scalar Real>
struct Gru : detail::GatedCell<Real> {
  Gru(Index inputs, Index H, RandomArgument random) : detail::GatedCell<Real>(inputs, H, 3, random) {}

  Var<Real, 3> operator()(Var<Real, 3> x, RecurrentState<Real>* state = nullptr) const {
    const auto part = x.tape().enter(*this);
    const auto gates = this->from_inputs(x);
    return gru(gates, x.tape().use(this->weight_hh), x.tape().use(this->bias_hh),
               detail::memory_of(this, x.extent(0) * this->width(), state));
  }
};

/// A long short-term memory: see `lstm`. Gates in the order i, f, g, o.     PyTorch: nn.LSTM of one layer
/// x (B, T, inputs) → (B, T, H). With a state, x follows what was read before.
template <Scalar Real>
struct Lstm : detail::GatedCell<Real> {
  Lstm(Index inputs, Index H, RandomArgument random) : detail::GatedCell<Real>(inputs, H, 4, random) {}

  Var<Real, 3> operator()(Var<Real, 3> x, RecurrentState<Real>* state = nullptr) const {
    const auto part = x.tape().enter(*this);
    const auto gates = this->from_inputs(x);
    return lstm(gates, x.tape().use(this->weight_hh), x.tape().use(this->bias_hh),
                detail::memory_of(this, 2 * x.extent(0) * this->width(), state));
  }
};

/// A minimal GRU: see `min_gru`.                                    Feng et al. 2024, arXiv 2410.01201
/// x (B, T, inputs) → (B, T, H). With a state, x follows what was read before.
template <Scalar Real>
struct MinGru {
  Linear<Real> gates;  // z and the candidate: (inputs) → (2H)

  MinGru(Index inputs, Index H, RandomArgument random) : gates(inputs, count_product(2, H), random) {}

  Var<Real, 3> operator()(Var<Real, 3> x, RecurrentState<Real>* state = nullptr) const {
    const auto part = x.tape().enter(*this);
    const auto from_inputs = gates(x);
    return min_gru(from_inputs, detail::memory_of(this, x.extent(0) * from_inputs.extent(2) / 2, state));
  }

  static void fields(auto& self, auto&& f) { f("gates", self.gates); }
};

}  // namespace slm
