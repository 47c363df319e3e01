#pragma once
// Muon for matrices between features, Adam for all else, as one optimizer.
#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "slm/core/gemm.hpp"
#include "slm/core/libm.hpp"
#include "slm/optim/adam.hpp"

namespace slm {

/// What `newton_schulz` works in.
template <Scalar Real>
struct NewtonSchulzMemory {
  Tensor<Real, 1> now, next, power, polynomial;

  /// For matrices of at most so many elements, of which the smaller side is at most `side`.
  NewtonSchulzMemory(Index elements, Index side)
      : now({elements}),
        next({elements}),
        power({count_product(side, side)}),
        polynomial({count_product(side, side)}) {}
};

/// Brings the singular values of a matrix (rows, columns) near to 1 and leaves its singular vectors: the
/// iteration of Newton and Schulz with the coefficients of Muon, a = 3.4445, b = −4.7750, c = 2.0315, which are
/// steep at 0.
///   X = matrix / (‖matrix‖ + 10⁻⁷),  then, so often as asked:  A = X Xᵀ,  B = b A + c A²,  X ← (a I + B) X
/// A matrix of more rows than columns is treated as its transpose: A = Xᵀ X, X ← X (a I + B). Five rounds bring
/// singular values above 0.003 of the norm to between 0.68 and 1.21. All is computed in Real; the program of
/// its authors uses bfloat16. The result lies in the memory.
template <Scalar Real>
const Real* newton_schulz(const Real* matrix, Index rows, Index columns, Index rounds,
                          NewtonSchulzMemory<Real>& memory) {
  const bool tall = rows > columns;
  const Index size = rows * columns, side = std::min(rows, columns);
  const double square =
      static_cast<double>(sum_over<Real>(size, [=](Index i) { return matrix[i] * matrix[i]; }));
  const Real shrink = Real(1 / (libm::sqrt(square) + 1e-7));
  Real* x = memory.now.data();
  parallel_blocks(size, update_block, [=](Index begin, Index end) {
    for (Index i = begin; i < end; ++i) x[i] = matrix[i] * shrink;
  });
  using Constant = Matrix<const Real>;
  Real *next = memory.next.data(), *power = memory.power.data(), *polynomial = memory.polynomial.data();
  for (Index round = 0; round < rounds; ++round) {
    const Constant X(x, rows, columns), A(polynomial, side, side);  // a I + B in the last product
    const Matrix<Real> product(polynomial, side, side), squared(power, side, side), result(next, rows, columns);
    if (tall) {
      parallel_gemm<Transposed::a, Real>(X, X, product, StoreMode::assign);
    } else {
      parallel_gemm<Transposed::b, Real>(X, X, product, StoreMode::assign);
    }
    parallel_gemm<Transposed::none, Real>(A, A, squared, StoreMode::assign);
    parallel_blocks(side, std::max<Index>(1, update_block / std::max<Index>(1, side)),
                    [=](Index begin, Index end) {
                      const Real a = Real(3.4445), b = Real(-4.7750), c = Real(2.0315);
                      for (Index i = begin * side; i < end * side; ++i)
                        polynomial[i] = b * polynomial[i] + c * power[i];
                      for (Index i = begin; i < end; ++i) polynomial[i * side + i] += a;
                    });
    if (tall) {
      parallel_gemm<Transposed::none, Real>(X, A, result, StoreMode::assign);
    } else {
      parallel_gemm<Transposed::none, Real>(A, X, result, StoreMode::assign);
    }
    std::swap(x, next);
  }
  return x;
}
/// Of so many rounds of the Newton-Schulz iteration on a matrix.
inline Cost newton_schulz_cost(Index rows, Index columns, Index rounds) {
  const Index size = count_product(rows, columns), side = std::min(rows, columns);
  const Index squares = count_product(side, side);
  const Cost round = gemm_cost(side, std::max(rows, columns), side) + gemm_cost(side, side, side) +
                     gemm_cost(rows, columns, side) +
                     Cost{.elementwise = count_sum(count_product(3, squares), side)};
  return Cost{.elementwise = count_product(2, size)} + sum_over_cost(size) + round * rounds;
}

/// The settings of `Muon`.
struct MuonConfig {
  double learning_rate = 0.02;
  double momentum = 0.95;
  double weight_decay = 0;  // decoupled: w −= rate · decay · w
  Index rounds = 5;         // of the iteration of Newton and Schulz
};

/// Of one step of one matrix.
inline Cost muon_step_cost(Index rows, Index columns, Index rounds = MuonConfig().rounds) {
  return Cost{.elementwise = 4 + 3} * count_product(rows, columns) + newton_schulz_cost(rows, columns, rounds);
}

/// Muon (Jordan et al. 2024, "Muon: An optimizer for hidden layers in neural networks") for matrices (r, c),
/// and Adam for the other parameters:
///   m = μ m + g      u = g + μ m, as Nesterov's momentum is used      o = newton_schulz(u)
///   w −= rate λ w,  then  w −= rate √max(1, r/c) o
/// PyTorch: optim.Muon, since version 2.9; its m is (1 − μ) times as large, which the norm in o takes out
/// again.
///
/// A model's matrices are those of `is_hidden_matrix`: tables and the head are Adam's, too, as its authors
/// advise. Other splits are as good:
///   auto [matrices, others] = split(parameters<float>(model), is_matrix);
///   Muon optimizer(matrices, {.learning_rate = 0.02}, {{others, {.learning_rate = 3e-4}}});
/// Frozen parameters are treated as Adam treats them.
template <Scalar Real>
class Muon {
 public:
  using AdamGroup = typename Adam<Real>::Group;

  // A plain parameter: clang 14 does not survive a constrained template parameter of a constructor.
  template <class Model>
  requires OptimizedModel<Model, Muon>
  explicit Muon(Model& model, const MuonConfig& config = {}, const AdamConfig& others = {})
      : Muon(split(parameters<Real>(model), is_hidden_matrix), config, others) {}

  /// Throws a `ConfigError` that names a parameter which is in two groups, or which is no matrix but among
  /// them.
  explicit Muon(ParameterList<Real> matrices, const MuonConfig& config = {},
                std::vector<AdamGroup> others = {});

  Muon(const Muon&) = delete;  // nor moved, as Adam
  Muon& operator=(const Muon&) = delete;

  /// Applies the gradients, then clears them. A rate that is given is that of the matrices; those of Adam's
  /// groups keep their ratio to it. Throws what Adam's step throws.
  void step();
  void step(double rate);

  Cost step_cost() const;

  const MuonConfig& config() const { return config_; }
  const Adam<Real>& adam() const { return adam_; }
  /// All parameters, the matrices first.
  const ParameterList<Real>& list() const { return refresh(list_); }

  /// The state: a momentum per matrix, Adam's, and the steps done.
  Index steps() const { return adam_.steps(); }
  void set_steps(Index steps) { adam_.set_steps(steps); }
  /// Calls visit(name, tensor) for all of it, to save and to restore.
  template <class Visit, class... Has>
  void for_each_state(const Visit& visit, const Has&... has) {
    refresh(list_);
    for (std::size_t k = 0; k < momentum_.size(); ++k) visit("muon.momentum." + list_[k].name, momentum_[k]);
    adam_.for_each_state(visit, has...);
  }

 private:
  Muon(SplitParameters<Real> parts, const MuonConfig& config, const AdamConfig& others)
      : Muon(std::move(parts.chosen), config, std::vector<AdamGroup>{{std::move(parts.others), others}}) {}

  /// At least one group, whose rate others can be measured by: the rates of steps are given for the matrices.
  static std::vector<AdamGroup> checked(std::vector<AdamGroup> groups) {
    if (groups.empty()) groups.emplace_back();
    for (const AdamGroup& group : groups) {
      require_config(groups.front().config.learning_rate > 0 || !(group.config.learning_rate > 0),
                     "Muon: expected a learning rate of Adam's first group that is not 0, as those of others");
    }
    return groups;
  }
  void step_matrices(double rate);

  MuonConfig config_;
  ParameterList<Real> matrices_, list_;  // the matrices alone, and all
  Adam<Real> adam_;
  std::vector<Tensor<Real, 1>> momentum_;
  NewtonSchulzMemory<Real> memory_{0, 0};  // of one matrix after the other
};

template <Scalar Real>
Muon<Real>::Muon(ParameterList<Real> matrices, const MuonConfig& config, std::vector<AdamGroup> others)
    : config_(config), matrices_(std::move(matrices)), list_(matrices_), adam_(checked(std::move(others))) {
  require_not_negative("Muon: learning rate", config.learning_rate);
  require_not_negative("Muon: weight decay", config.weight_decay);
  require_config(is_finite(config.momentum) && config.momentum >= 0 && config.momentum < 1,
                 {"Muon: momentum must lie in [0, 1), got ", config.momentum});
  require_config(config.rounds >= 1, {"Muon: needs at least one round, got ", config.rounds});
  Index elements = 0, side = 0;
  for (const auto& matrix : matrices_) {
    require_config(matrix.shape.size() == 2, {"Muon: expected matrices, got ", in_quotes(matrix.name),
                                              " of shape ", std::span<const Index>(matrix.shape)});
    elements = std::max(elements, matrix.size);
    side = std::max(side, std::min(matrix.shape[0], matrix.shape[1]));
    momentum_.emplace_back(Shape<1>{matrix.size});
  }
  list_.insert(list_.end(), adam_.list().begin(), adam_.list().end());
  require_each_once("Muon", list_);
  memory_ = NewtonSchulzMemory<Real>(elements, side);
}

template <Scalar Real>
void Muon<Real>::step() {
  refresh(list_);
  adam_.step();
  step_matrices(config_.learning_rate);
}

template <Scalar Real>
void Muon<Real>::step(double rate) {
  if (rate == config_.learning_rate) return step();
  require_not_negative("Muon: learning rate", rate);
  require_config(config_.learning_rate > 0, {"Muon: a step of rate ", rate,
                                             " scales Adam's rate with that of the "
                                             "matrices, which must not be 0"});
  refresh(list_);
  adam_.step(adam_.config().learning_rate * (rate / config_.learning_rate));
  step_matrices(rate);
}

template <Scalar Real>
void Muon<Real>::step_matrices(double rate) {
  refresh(matrices_);
  const Real mu = Real(config_.momentum), keep = Real(1 - rate * config_.weight_decay);
  for_each_block(matrices_, [&](std::size_t k, Index begin, Index end) {
    Real *g = matrices_[k].grad, *m = momentum_[k].data();
    for (Index i = begin; i < end; ++i) {
      m[i] = mu * m[i] + g[i];
      g[i] = g[i] + mu * m[i];
    }
  });
  for (const auto& matrix : matrices_) {
    if (matrix.is_frozen()) continue;
    const Index rows = matrix.shape[0], columns = matrix.shape[1];
    const Real* o = newton_schulz<Real>(matrix.grad, rows, columns, config_.rounds, memory_);
    const double aspect = static_cast<double>(rows) / static_cast<double>(std::max<Index>(1, columns));
    const Real pace = Real(rate * libm::sqrt(std::max(1.0, aspect)));
    Real *w = matrix.value, *g = matrix.grad;
    parallel_blocks(matrix.size, update_block, [=](Index begin, Index end) {
      for (Index i = begin; i < end; ++i) {
        w[i] = keep * w[i] - pace * o[i];
        g[i] = Real(0);
      }
    });
  }
  outdate_others(list_);
}

template <Scalar Real>
Cost Muon<Real>::step_cost() const {
  Cost sum = adam_.step_cost();
  for (const auto& matrix : refresh(matrices_)) {
    if (!matrix.is_frozen()) sum += muon_step_cost(matrix.shape[0], matrix.shape[1], config_.rounds);
  }
  return sum;
}

template <template <Scalar> class Model, Scalar Real>
Muon(Model<Real>&) -> Muon<Real>;
template <template <Scalar> class Model, Scalar Real>
Muon(Model<Real>&, const MuonConfig&) -> Muon<Real>;
template <template <Scalar> class Model, Scalar Real>
Muon(Model<Real>&, const MuonConfig&, const AdamConfig&) -> Muon<Real>;

}  // namespace slm
