#pragma once
// gru, lstm, min_gru: one position after the other.
#include "slm/autograd/ops/check.hpp"
#include "slm/autograd/ops/linear.hpp"
#include "slm/kernels/min_gru.hpp"
#include "slm/kernels/recurrent.hpp"

namespace slm {

/// What a recurrent layer keeps of a text that is read piece by piece: its states behind the last position,
/// read before the next ones and left behind them. Before the first position they are zeros, whatever is there.
template <Scalar Real>
struct RecurrentMemory {
  Real* states;  // (B, states H)
  bool is_empty;
};

namespace detail {

/// Memory of a tape for as long as this lives.
template <Scalar Real>
class Scratch {
 public:
  Scratch(Tape<Real>& tape, Index size)
      : arena_(tape.recorder().arena()), before_(arena_.mark()), data_(arena_.template take<Real>(size)) {}
  ~Scratch() { arena_.rewind_to(before_); }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  Real* data() const { return data_; }

 private:
  Arena& arena_;
  Arena::Mark before_;
  Real* data_;
};

template <Scalar Real>
using MaybeMemory = std::type_identity_t<std::optional<RecurrentMemory<Real>>>;

/// Of x (B, T, gates H). Throws where `x` is not of whole gates, or where there is no position.
template <Scalar Real>
kernels::RecurrentSize recurrent_size(const char* operation, Var<Real, 3> x, Index gates,
                                      const MaybeMemory<Real>& past) {
  const auto [B, T, G] = x.shape();
  if (G % gates != 0 || G == 0 || T < 1) {
    throw_error<ShapeError>(
        {operation, ": x has shape ", x.shape(), ", but needs (B, at least 1, ", gates, "H)"});
  }
  return {B, T, G / gates, past && !past->is_empty};
}
/// The same with W (gates H, H) and b (gates H), which have to fit x.
template <Scalar Real>
kernels::RecurrentSize recurrent_size(const char* operation, Var<Real, 3> x, Var<Real, 2> W, Var<Real, 1> b,
                                      Index gates, const MaybeMemory<Real>& past) {
  const kernels::RecurrentSize size = recurrent_size(operation, x, gates, past);
  require_shape(operation, "weight", W.shape(), {gates * size.H, size.H}, "x", x.shape());
  require_shape(operation, "bias", b.shape(), {gates * size.H}, "x", x.shape());
  return size;
}

[[gnu::noinline]] inline void require_no_gradient(const char* operation, bool wanted) {
  if (wanted) {
    throw_error<Error>({operation, ": states are kept in evaluation only; use Tape tape(Mode::evaluate)"});
  }
}

/// Elements of the states that are read and written.
inline Traffic memory_traffic(const kernels::RecurrentSize& size, Index states, bool is_kept) {
  if (!is_kept) return {};
  return {.forward = count_product(size.continues ? 2 : 1, states, size.B, size.H)};
}

/// The forward pass of a cell. Gates, and what is kept beside them, stand in `y.kept()` in that order.
template <class Cell, Scalar Real>
void recurrent_forward(Var<Real, 3> x, Var<Real, 2> W, Var<Real, 1> b, Var<Real, 3> y,
                       PackedMatrix<Real> packed, const MaybeMemory<Real>& past,
                       const kernels::RecurrentSize& size) {
  const Scratch<Real> scratch(x.tape(), kernels::recurrent_forward_scratch<Cell, Real>(size));
  Real* gates = y.kept();
  kernels::recurrent_forward<Cell, Real>(x.value(), W.value(), packed, b.value(), past ? past->states : nullptr,
                                         y.output(), gates, gates ? gates + x.size() : nullptr, size,
                                         scratch.data(), x.tape().products());
}

template <class Cell, Scalar Real>
void recurrent_backward(Var<Real, 3> x, Var<Real, 2> W, Var<Real, 1> b, Computed<Real> y,
                        const kernels::RecurrentSize& size) {
  Real* gates = y.kept();  // then their gradients
  const Destination<Real> dx = x.wants_grad() ? x.grad_into() : Destination<Real>(nullptr);
  {
    const Scratch<Real> scratch(x.tape(), kernels::recurrent_backward_scratch<Cell, Real>(size));
    kernels::recurrent_backward<Cell, Real>(W.value(), y.value(), gates, gates + x.size(), y.grad(), dx, size,
                                            scratch.data(), x.tape().products());
  }
  if (b.wants_grad()) kernels::bias_backward(gates, b.grad(), {size.B * size.T, Cell::gates * size.H});
  if (W.wants_grad()) {
    kernels::recurrent_backward_weight<Cell, Real>(gates, y.value(), W.grad_into(), size, x.tape().products());
  }
}

/// `gru` and `lstm`: x (B, T, gates H), W (gates H, H), b (gates H) → y (B, T, H).
template <class Cell, Scalar Real>
Var<Real, 3> gated(const char* name, Var<Real, 3> x, Var<Real, 2> W, Var<Real, 1> b,
                   const MaybeMemory<Real>& past) {
  const auto size = recurrent_size(name, x, W, b, Cell::gates, past);
  const bool wanted = x.wants_grad() || W.wants_grad() || b.wants_grad(), several = size.T > 1;
  require_no_gradient(name, past && wanted);
  const PackedMatrix<Real> packed = packed_weights(W, size.B).forward;
  return operation(
      x.tape(), name, Shape<3>{size.B, size.T, size.H}, {x, needed(W, several), b},
      {.costs =
           [&] { return kernels::recurrent_costs<Cell>(size, x.wants_grad(), W.wants_grad(), b.wants_grad()); },
       .needs_output = several,
       .keeps = wanted ? count_product(size.B, size.T, size.H, Cell::gates + 1) : 0,
       .state = memory_traffic(size, Cell::states, past.has_value())},
      [=](auto y) { recurrent_forward<Cell>(x, W, b, y, packed, past, size); },
      [=](auto y) { recurrent_backward<Cell>(x, W, b, y, size); });
}

}  // namespace detail

/// A gated recurrent unit over T positions, from states of zeros. With u = W h + b of the state before:
///   r = σ(x_r + u_r)   z = σ(x_z + u_z)   n = tanh(x_n + r ∘ u_n)   y = h′ = n + z ∘ (h − n)
/// x (B, T, 3H): what the inputs give to r, z and n, W_ih input + b_ih   W (3H, H)   b (3H)   →   y (B, T, H)
///                            Cho et al. 2014, with the reset gate behind the product as in PyTorch: nn.GRU
/// The gradients stand at kernels::GruCell; dW += Σ du hᵀ and db += Σ du over all positions.
/// With a `past`, in evaluation, the sequences go on from its states (B, H), and leave theirs there.
template <Scalar Real>
Var<Real, 3> gru(Var<Real, 3> x, Var<Real, 2> W, Var<Real, 1> b, detail::MaybeMemory<Real> past = {}) {
  return detail::gated<kernels::GruCell>("gru", x, W, b, past);
}

/// A long short-term memory over T positions, from states of zeros. With u = W h + b of the state before:
///   i, f, o = σ(x + u)   g = tanh(x + u)   c′ = f ∘ c + i ∘ g   y = h′ = o ∘ tanh(c′)
/// x (B, T, 4H): what the inputs give to i, f, g and o, W_ih input + b_ih   W (4H, H)   b (4H)   →   y (B, T,
/// H)
///                             Hochreiter and Schmidhuber 1997, with Gers et al.'s forget gate. PyTorch:
///                             nn.LSTM
/// The gradients stand at kernels::LstmCell; dW += Σ du hᵀ and db += Σ du over all positions.
/// With a `past`, in evaluation, the sequences go on from its states (B, 2H), h and c of each, and leave theirs
/// there.
template <Scalar Real>
Var<Real, 3> lstm(Var<Real, 3> x, Var<Real, 2> W, Var<Real, 1> b, detail::MaybeMemory<Real> past = {}) {
  return detail::gated<kernels::LstmCell>("lstm", x, W, b, past);
}

/// A minimal GRU over T positions, from states of zeros, whose gate and candidate see the input alone:
///   z = σ(x_z)   y = h′ = (1 − z) ∘ h + z ∘ x_h
/// x (B, T, 2H): x_z and the candidate x_h, each a linear map of the input   →   y (B, T, H)
///                     Feng et al. 2024, arXiv 2410.01201, section 3.1: the plain version, without the function
///                     g that keeps candidates positive in its log-space version
///   dx_z += dh′ ∘ (x_h − h) ∘ z ∘ (1 − z)      dx_h += dh′ ∘ z      dh = dh′ ∘ (1 − z)
/// With a `past`, in evaluation, the sequences go on from its states (B, H), and leave theirs there.
template <Scalar Real>
Var<Real, 3> min_gru(Var<Real, 3> x, detail::MaybeMemory<Real> past = {}) {
  const auto size = detail::recurrent_size("min_gru", x, 2, past);
  detail::require_no_gradient("min_gru", past && x.wants_grad());
  return operation(
      x.tape(), "min_gru", Shape<3>{size.B, size.T, size.H}, {needed(x)},
      {.costs = [&] { return kernels::min_gru_costs(size); },
       .needs_output = size.T > 1,
       .state = detail::memory_traffic(size, 1, past.has_value())},
      [=](auto y) {
        const detail::Scratch<Real> scratch(x.tape(), size.H);
        kernels::min_gru_forward<Real>(x.value(), past ? past->states : nullptr, y.output(), size,
                                       scratch.data());
      },
      [=](auto y) {
        const Destination<Real> dx = x.grad_into();
        const detail::Scratch<Real> scratch(x.tape(), (size.B + 1) * size.H);
        kernels::min_gru_backward<Real>(x.value(), y.value(), y.grad(), dx, size, scratch.data());
      });
}

}  // namespace slm
