#pragma once
// Recurrent cells over all positions of a sequence: GRU and LSTM. What the inputs give to the gates comes in
// for all positions, the product of one large matrix; here is what only one position after the other can do.
//
// Threads own sequences: a few at a time go through all positions, so that the weights, packed once, and the
// states stay in the caches of one core. The weights' gradient is one product at the end, over all positions.
#include "slm/core/math.hpp"
#include "slm/core/packed_gemm.hpp"
#include "slm/kernels/linear.hpp"

namespace slm::kernels {
inline namespace SLM_INSTRUCTION_SET {

/// B sequences of T positions, each with H features.
struct RecurrentSize {
  Index B, T, H;
  bool continues = false;  // from states that are given; else from zeros

  /// Positions of a sequence whose state before them is not known to be zero.
  Index later() const { return T - (continues ? 0 : 1); }

  /// How many tasks share the sequences where a product has `weights` weights: of about so many rows that the
  /// multipliers are busy, of more where the weights do not stay in cache or where there is little to do.
  Index tasks(Index weights) const {
    constexpr Index in_cache = Index(1) << 18, least_work = Index(1) << 19;  // multiply-adds
    const Index rows = weights <= in_cache ? 8 : 32;
    const Index sequences = std::max(rows, least_work / std::max<Index>(1, T * weights));
    return (B + sequences - 1) / sequences;
  }
};

// Calls f(j) for every feature; f touches no other feature than its own. It is inlined, however long: a call
// for each number would keep the loop from being vectorised. The loop is not, so that clang warns only here.
#ifdef __clang__
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wpass-failed"
#endif
template <class Function>
[[gnu::flatten, gnu::noinline]] void for_each_feature(Index H, const Function& f) {
  SLM_INDEPENDENT_ITERATIONS
  for (Index j = 0; j < H; ++j) f(j);
}
#ifdef __clang__
#pragma clang diagnostic pop
#endif

// A cell is one position of one sequence, for each of its H features:
//   gates    blocks of H: what the inputs give to them, x, and what the state gives, u = h W_hhᵀ + b_hh
//   states   blocks of H that go from position to position, h first
//   beside   one number more that is kept for the backward pass
// `forward` leaves its gates in `gates`, which may be the memory of u, and y = h. `backward` turns `gates` into
// the gradients of x, leaves those of u in `du`, and in `ds`, which holds the gradients of the states behind
// the cell but for dy, those of the states before it but for what goes through du; these are added to it
// (`carry`) or are all there is.

/// GRU: r = σ(x_r + u_r)   z = σ(x_z + u_z)   n = tanh(x_n + r u_n)   h′ = n + z (h − n)
struct GruCell {
  static constexpr Index gates = 3, states = 1;
  static constexpr StoreMode carry = StoreMode::add;

  template <Scalar Real>
  static void forward(const Real* x, const Real* u, Real* state, Real* gate, Real* beside, Real* y, Index H) {
    for_each_feature(H, [=](Index j) {
      const Real from_state = u[2 * H + j], h = state[j];
      const Real r = math::sigmoid(x[j] + u[j]), z = math::sigmoid(x[H + j] + u[H + j]);
      const Real n = math::tanh(x[2 * H + j] + r * from_state);
      gate[j] = r, gate[H + j] = z, gate[2 * H + j] = n;
      beside[j] = from_state;
      y[j] = state[j] = n + z * (h - n);
    });
  }

  /// dz = dh′ (h − n) z (1 − z)   dn = dh′ (1 − z) (1 − n²)   dr = dn u_n r (1 − r)   du_n = dn r   dh = dh′ z
  template <Scalar Real>
  static void backward(const Real* h, const Real*, Real* gate, const Real* beside, const Real* dy, Real* ds,
                       Real* du, Index H) {
    for_each_feature(H, [=](Index j) {
      const Real r = gate[j], z = gate[H + j], n = gate[2 * H + j], from_state = beside[j];
      const Real dh = dy[j] + ds[j], rest = Real(1) - z;
      const Real dz = dh * (h[j] - n) * (z * rest), dn = dh * rest * (Real(1) - n * n);
      const Real dr = dn * from_state * (r * (Real(1) - r));
      gate[j] = du[j] = dr, gate[H + j] = du[H + j] = dz;
      gate[2 * H + j] = dn, du[2 * H + j] = dn * r;
      ds[j] = dh * z;
    });
  }

  static constexpr Cost forward_cost{.elementwise = 7, .transcendental = 3};
  static constexpr Cost backward_cost{.elementwise = 16};
};

/// LSTM: i, f, o = σ(x + u)   g = tanh(x + u)   c′ = f c + i g   h′ = o tanh(c′)
struct LstmCell {
  static constexpr Index gates = 4, states = 2;
  static constexpr StoreMode carry = StoreMode::assign;

  template <Scalar Real>
  static void forward(const Real* x, const Real* u, Real* state, Real* gate, Real* beside, Real* y, Index H) {
    for_each_feature(H, [=](Index j) {
      const Real i = math::sigmoid(x[j] + u[j]), f = math::sigmoid(x[H + j] + u[H + j]);
      const Real g = math::tanh(x[2 * H + j] + u[2 * H + j]), o = math::sigmoid(x[3 * H + j] + u[3 * H + j]);
      const Real c = f * state[H + j] + i * g;
      gate[j] = i, gate[H + j] = f, gate[2 * H + j] = g, gate[3 * H + j] = o;
      beside[j] = state[H + j] = c;
      y[j] = state[j] = o * math::tanh(c);
    });
  }

  /// With a = tanh(c′), dc′ taking what comes through h′:   do = dh′ a o (1 − o)   dc′ += dh′ o (1 − a²)
  /// di = dc′ g i (1 − i)   df = dc′ c f (1 − f)   dg = dc′ i (1 − g²)   dc = dc′ f
  template <Scalar Real>
  static void backward(const Real*, const Real* beside_before, Real* gate, const Real* beside, const Real* dy,
                       Real* ds, Real* du, Index H) {
    for_each_feature(H, [=](Index j) {
      const Real i = gate[j], f = gate[H + j], g = gate[2 * H + j], o = gate[3 * H + j];
      const Real a = math::tanh(beside[j]), dh = dy[j] + ds[j];
      const Real dc = ds[H + j] + dh * o * (Real(1) - a * a);
      gate[j] = du[j] = dc * g * (i * (Real(1) - i));
      gate[H + j] = du[H + j] = dc * beside_before[j] * (f * (Real(1) - f));
      gate[2 * H + j] = du[2 * H + j] = dc * i * (Real(1) - g * g);
      gate[3 * H + j] = du[3 * H + j] = dh * a * (o * (Real(1) - o));
      ds[H + j] = dc * f;
    });
  }

  static constexpr Cost forward_cost{.elementwise = 8, .transcendental = 5};
  static constexpr Cost backward_cost{.elementwise = 23, .transcendental = 1};
};

/// The weights as the states' products read them, and memory for each sequence.
template <class Cell, Scalar Real>
Index recurrent_forward_scratch(const RecurrentSize& size) {
  return packed_size<Real>(size.H, Cell::gates * size.H) + size.B * (Cell::gates + Cell::states + 1) * size.H;
}

/// x (B, T, gates H)   W (gates H, H)   b (gates H)   →   y (B, T, H).   `states` (B, states H) are where the
/// sequences go on from, and what they leave behind; null for zeros. What is kept for the backward pass,
/// `gates` (B, T, gates H) and `beside` (B, T, H), may be null. Where Wᵀ is
/// there packed, it is not packed again.
template <class Cell, Scalar Real>
void recurrent_forward(const Real* x, const Real* W, PackedMatrix<Real> W_packed, const Real* b, Real* states,
                       Real* y, Real* gates, Real* beside, const RecurrentSize& size, Real* scratch,
                       Products products = Products::full) {
  const Index B = size.B, T = size.T, H = size.H, G = Cell::gates * H, S = Cell::states * H;
  PackedMatrix<Real> weights = W_packed;
  if (size.later() > 0 && !W_packed.data) {
    weights = pack_matrix<Transposed::b, Real>({W, G, H}, scratch, packing_for<Real>(products));
  }
  Real* of_sequences = scratch + packed_size<Real>(H, G);
  const Index tasks = size.tasks(G * H);
  parallel_for(tasks, [=](Index task) {
    const Index first = task * B / tasks, count = (task + 1) * B / tasks - first;
    Real *u = of_sequences + first * (G + S + H), *state = u + count * G, *unkept = state + count * S;
    if (size.continues) {
      std::copy_n(states + first * S, count * S, state);
    } else {
      std::fill_n(state, count * S, Real(0));
    }
    for (Index t = 0; t < T; ++t) {
      const Matrix<const Real> h(state, count, H, S);
      if (t == 0 && !size.continues) {
        for (Index i = 0; i < count; ++i) std::copy_n(b, G, u + i * G);
      } else {
        packed_gemm<Real>(h, weights, {u, count, G}, StoreMode::assign, b);
      }
      for (Index i = 0; i < count; ++i) {
        const Index n = (first + i) * T + t;
        Cell::template forward<Real>(x + n * G, u + i * G, state + i * S, gates ? gates + n * G : u + i * G,
                                     beside ? beside + n * H : unkept + i * H, y + n * H, H);
      }
    }
    if (states) std::copy_n(state, count * S, states + first * S);
  });
}

template <class Cell, Scalar Real>
Index recurrent_backward_scratch(const RecurrentSize& size) {
  return packed_size<Real>(Cell::gates * size.H, size.H) + (size.B * (Cell::gates + Cell::states) + 1) * size.H;
}

/// Back through all positions of sequences that began at zeros: dx += the gradients of the gates' inputs, if it
/// is not null, and `gates` become the gradients of u = h W_hhᵀ + b_hh, for those of W and b.
template <class Cell, Scalar Real>
void recurrent_backward(const Real* W, const Real* y, Real* gates, const Real* beside, const Real* dy,
                        Into<Real> dx, const RecurrentSize& size, Real* scratch,
                        Products products = Products::full) {
  const Index B = size.B, T = size.T, H = size.H, G = Cell::gates * H, S = Cell::states * H;
  PackedMatrix<Real> weights{nullptr, G, H};
  if (T > 1) weights = pack_matrix<Transposed::none, Real>({W, G, H}, scratch, packing_for<Real>(products));
  Real *zeros = scratch + packed_size<Real>(G, H), *of_sequences = zeros + H;
  std::fill_n(zeros, H, Real(0));
  const Index tasks = size.tasks(G * H);
  parallel_for(tasks, [=](Index task) {
    const Index first = task * B / tasks, count = (task + 1) * B / tasks - first;
    Real *du = of_sequences + first * (G + S), *ds = du + count * G;
    std::fill_n(ds, count * S, Real(0));
    for (Index t = T - 1; t >= 0; --t) {
      for (Index i = 0; i < count; ++i) {
        const Index n = (first + i) * T + t;
        Real* gate = gates + n * G;
        Cell::template backward<Real>(t > 0 ? y + (n - 1) * H : zeros, t > 0 ? beside + (n - 1) * H : zeros,
                                      gate, beside + n * H, dy + n * H, ds + i * S, du + i * G, H);
        if (dx.data) {
          const Destination<Real> row(dx.data + n * G, dx.store);
          for_each_feature(G, [=](Index j) { row.data[j] = row.before(j) + gate[j]; });
        }
        std::copy_n(du + i * G, G, gate);
      }
      if (t > 0) packed_gemm<Real>({du, count, G}, weights, {ds, count, H, S}, Cell::carry);
    }
  });
}

/// dW += Σ duᵀ h over all positions but the first ones, whose states are zeros; it clears their du.
template <class Cell, Scalar Real>
void recurrent_backward_weight(Real* du, const Real* y, Into<Real> dW, const RecurrentSize& size,
                               Products products = Products::full) {
  const Index T = size.T, H = size.H, G = Cell::gates * H;
  for (Index b = 0; b < size.B; ++b) std::fill_n(du + b * T * G, G, Real(0));
  // Row n of y is the state before row n + 1.
  const Index rows = T > 1 && size.B > 0 ? size.B * T - 1 : 0;
  linear_backward_weight<Real>(y, du + G, dW, {rows, H, G}, products);
}

template <class Cell>
PassCosts recurrent_costs(const RecurrentSize& size, bool x = true, bool W = true, bool b = true) {
  const Index H = size.H, G = Cell::gates * H, positions = count_product(size.B, size.T);
  const Index cells = count_product(positions, H), later = count_product(size.B, size.later());
  const Cost products = gemm_cost(later, H, G), row{.elementwise = count_product(positions, G)};
  const Cost weight = gemm_cost(size.T > 1 && size.B > 0 ? positions - 1 : 0, H, G);
  return {
      Cell::forward_cost * cells + products + Cost{.elementwise = count_product(later, G)},
      (Cell::backward_cost * cells + products).when(x || W || b) + row.when(x) + weight.when(W) + row.when(b)};
}

}  // namespace SLM_INSTRUCTION_SET
}  // namespace slm::kernels
