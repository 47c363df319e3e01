#pragma once
// token_losses, cross_entropy with its refinements, mean_squared_error.
#include <optional>

#include "slm/autograd/ops/check.hpp"
#include "slm/autograd/ops/elementwise.hpp"
#include "slm/autograd/ops/reduction.hpp"
#include "slm/autograd/ops/softmax.hpp"
#include "slm/kernels/loss.hpp"

namespace slm {

/// How targets are scored. By its default a token's loss is its negative log-likelihood.
struct CrossEntropyConfig {
  /// ε in [0, 1): of the right token's probability so much is spread over all.     Szegedy et al. 2016, section
  /// 7
  double label_smoothing = 0;
  /// Targets of this value do not count. It may lie outside the vocabulary, as PyTorch's −100.
  std::optional<Token> ignore_index = {};
  /// ζ ≥ 0: adds ζ (log Σ exp)² for each token, which keeps logits from drifting.
  ///                                                  Chowdhery et al. 2022 (PaLM), section 5: 1e-4
  double z_loss = 0;
};

namespace detail {

inline kernels::TokenLossTerms checked_terms(const char* operation, const CrossEntropyConfig& config) {
  require_config(is_finite(config.label_smoothing) && config.label_smoothing >= 0 && config.label_smoothing < 1,
                 {operation, ": label_smoothing must be in [0, 1), got ", config.label_smoothing});
  require_config(is_finite(config.z_loss) && config.z_loss >= 0,
                 {operation, ": z_loss must be finite and at least 0, got ", config.z_loss});
  return {config.label_smoothing, config.z_loss};
}

/// The targets, checked and copied to live as long as the step, and how many of them count.
struct KeptTargets {
  const Token* tokens = nullptr;
  Index counted = 0;
};
template <Scalar Real, std::size_t Rank>
KeptTargets keep_targets(const char* operation, Var<Real, Rank> logits, const Tokens<Rank - 1>& targets,
                         const std::optional<Token>& ignored) {
  Shape<Rank - 1> expected{};
  std::copy_n(logits.shape().begin(), Rank - 1, expected.begin());
  require_shape(operation, "targets", targets.shape(), expected, "logits", logits.shape());
  const Index V = last_extent(logits.shape());
  if (V == 0) {
    throw_error<ShapeError>({operation, ": the last axis of logits of shape ", logits.shape(), " is empty"});
  }
  if constexpr (!has_values<Real>) return {};
  if (!targets.has_memory()) throw_error<Error>({operation, ": the tokens were moved from or never made"});
  Token* kept = logits.tape().recorder().keep(targets.data(), targets.size());
  Index counted = 0;
  for (Index i = 0; i < targets.size(); ++i) {
    if (ignored && kept[i] == *ignored) {
      kept[i] = kernels::ignored_target;
    } else {
      require_token(operation, kept[i], i, V);
      ++counted;
    }
  }
  return {kept, counted};
}

template <Scalar Real, std::size_t Rank>
Var<Real, Rank - 1> token_losses(Var<Real, Rank> logits, const Token* target, kernels::TokenLossTerms terms) {
  const kernels::RowsSize size{row_count(logits.shape()), last_extent(logits.shape())};
  Shape<Rank - 1> shape{};
  std::copy_n(logits.shape().begin(), Rank - 1, shape.begin());
  // Of each row the logarithm of its sum.
  return operation(
      logits.tape(), "token_losses", shape, {needed(logits)},
      {.costs = [&] { return kernels::token_losses_costs(size, terms); }, .keeps = size.rows},
      [=](auto y) { kernels::token_losses_forward(logits.value(), target, y.output(), y.kept(), size, terms); },
      [=](auto y) {
        kernels::token_losses_backward(logits.value(), target, y.kept(), y.grad(), logits.grad_into(), size,
                                       terms);
      });
}

[[noreturn, gnu::noinline, gnu::cold]] inline void throw_no_targets(std::span<const Index> logits,
                                                                    Index targets, Token ignored) {
  if (targets == 0) throw_error<ShapeError>({"cross_entropy: no targets in logits of shape ", logits});
  throw_error<RangeError>({"cross_entropy: each of the ", targets, " targets is ", ignored,
                           ", the ignore_index: there is nothing to take the mean of"});
}

}  // namespace detail

/// The loss of each target, nats.                                  PyTorch: F.cross_entropy, reduction="none"
/// logits (…, V)   targets (…)   →   (…)
///   y = L − (1 − ε) x[t] − ε mean(x) + ζ L²      with L = log Σ exp(x); 0 where the target is ignored
///   dx += dy ((1 + 2 ζ L) softmax(x) − (1 − ε) one-hot(t) − ε / V)
template <Scalar Real, std::size_t Rank>
requires(Rank >= 2) Var<Real, Rank - 1> token_losses(Var<Real, Rank> logits, const Tokens<Rank - 1>& targets,
                                                     const CrossEntropyConfig& config = {}) {
  const auto terms = detail::checked_terms("token_losses", config);
  const auto kept = detail::keep_targets("token_losses", logits, targets, config.ignore_index);
  return detail::token_losses(logits, kept.tokens, terms);
}

/// The mean of `token_losses` over the targets that count, nats per token. A `RangeError` where none does, for
/// which PyTorch gives NaN. With a config at its default it is the `cross_entropy` without, bit for bit.
///                                                                                 PyTorch: F.cross_entropy
/// logits (…, V)   targets (…)   →   scalar
template <Scalar Real, std::size_t Rank>
requires(Rank >= 2) Var<Real, 0> cross_entropy(Var<Real, Rank> logits, const Tokens<Rank - 1>& targets,
                                               const CrossEntropyConfig& config) {
  const auto terms = detail::checked_terms("cross_entropy", config);
  if (terms.label_smoothing == 0 && terms.z_loss == 0 && !config.ignore_index)
    return cross_entropy(logits, targets);
  const auto kept = detail::keep_targets("cross_entropy", logits, targets, config.ignore_index);
  if (has_values<Real> && kept.counted == 0) {
    detail::throw_no_targets(logits.shape(), targets.size(), config.ignore_index.value_or(0));
  }
  const auto losses = detail::token_losses(logits, kept.tokens, terms);
  return scale(sum(losses), Real(1 / static_cast<double>(std::max<Index>(1, kept.counted))));
}

/// y = Σ (y − t)² / N over all N elements, of equal shapes.                              PyTorch: F.mse_loss
///   dy += 2 (y − t) / N      dt += 2 (t − y) / N
template <Scalar Real, std::size_t Rank>
Var<Real, 0> mean_squared_error(Var<Real, Rank> y, Var<Real, Rank> t) {
  detail::require_shape("mean_squared_error", "t", t.shape(), y.shape(), "y", y.shape());
  const Index count = y.size();
  if (count == 0) throw_error<ShapeError>({"mean_squared_error: y of shape ", y.shape(), " has no elements"});
  return operation(
      y.tape(), "mean_squared_error", Shape<0>{}, {needed(y), needed(t)},
      {.costs = [&] { return kernels::mean_squared_error_costs(count, y.wants_grad(), t.wants_grad()); }},
      [=](auto loss) { loss.output()[0] = kernels::mean_squared_error_forward(y.value(), t.value(), count); },
      [=](auto loss) {
        const Real slope = loss.grad()[0];
        if (y.wants_grad())
          kernels::mean_squared_error_backward(y.value(), t.value(), slope, y.grad_into(), count);
        if (t.wants_grad())
          kernels::mean_squared_error_backward(t.value(), y.value(), slope, t.grad_into(), count);
      });
}
/// The same of targets that are given. Their memory must outlive the tape's use of it.
template <Scalar Real, std::size_t Rank>
Var<Real, 0> mean_squared_error(Var<Real, Rank> y, const Tensor<Real, Rank>& t) {
  return mean_squared_error(y, y.tape().input(t));
}
template <Scalar Real, std::size_t Rank>
Var<Real, 0> mean_squared_error(Var<Real, Rank> y, const Tensor<Real, Rank>&& t) = delete;

}  // namespace slm
