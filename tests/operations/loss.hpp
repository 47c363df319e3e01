#pragma once
#include <limits>

#include "operations/entry.hpp"
#include "slm/autograd/ops/loss.hpp"

namespace slm::detail {

/// Targets of which every third is ignored, where a value is.
template <std::size_t Rank>
Tokens<Rank> example_targets(const Shape<Rank>& shape, Index V, const CrossEntropyConfig& config) {
  Tokens<Rank> targets = example_tokens(shape, V);
  for (Index i = 1; config.ignore_index && i < targets.size(); i += 3) targets.data()[i] = *config.ignore_index;
  return targets;
}
inline kernels::TokenLossTerms terms_of(const CrossEntropyConfig& config) {
  return {config.label_smoothing, config.z_loss};
}

/// What PyTorch ignores by default, a value outside of the vocabulary.
inline constexpr CrossEntropyConfig all_terms{.label_smoothing = 0.125, .ignore_index = -100, .z_loss = 0.25};

template <Scalar Real>
OperationEntry<Real> token_losses_entry() {
  const auto with = []<std::size_t Rank>(const Shape<Rank>& shape, Index V, const CrossEntropyConfig& config) {
    return priced(
        [targets = example_targets(shape, V, config), config](auto logits) {
          return token_losses(logits, targets, config);
        },
        [config](auto logits) {
          return kernels::token_losses_costs({row_count(logits), last_extent(logits)}, terms_of(config));
        });
  };
  const auto refuse = [&](const CrossEntropyConfig& config, const char* what) {
    return OperationRefusal<Real>{example<Real>(what, with(Shape<1>{4}, 7, config), Named("logits", 4, 7)),
                                  {what}};
  };
  return {
      .name = "token_losses",
      .formula = "y = log Σ exp(x) − x[target], nats, label smoothing and z-loss with it",
      .small = {example<Real>("", with(Shape<1>{4}, 7, all_terms), Named("logits", 4, 7)),
                example<Real>("plain, rank 3", with(Shape<2>{2, 3}, 20, {}), Named("logits", 2, 3, 20))},
      .large = {example<Real>("", with(Shape<2>{6, 50}, 140, all_terms), Named("logits", 6, 50, 140))},
      .refused = {
          {example<Real>("", with(Shape<1>{3}, 7, {}), Named("logits", 4, 7)),
           {"targets has shape (3)", "logits of shape (4, 7)", "needs (4)"}},
          {example<Real>("no classes", with(Shape<1>{3}, 7, {}), Named("logits", 3, 0)), {"(3, 0)", "empty"}},
          {example<Real>("token outside", with(Shape<1>{6}, 9, {.ignore_index = -100}), Named("logits", 6, 5)),
           {"token 5 at index 5", "0 … 4"}},
          refuse({.label_smoothing = 1}, "label_smoothing must be in [0, 1), got 1"),
          refuse({.label_smoothing = -0.5}, "label_smoothing must be in [0, 1), got -0.5"),
          refuse({.z_loss = -1}, "z_loss must be finite and at least 0, got -1"),
          refuse({.z_loss = std::numeric_limits<double>::infinity()},
                 "z_loss must be finite and at least 0, got inf")}};
}

template <Scalar Real>
OperationEntry<Real> mean_squared_error_entry() {
  const auto f = priced([](auto y, auto t) { return mean_squared_error(y, t); },
                        [](auto y, auto) { return kernels::mean_squared_error_costs(element_count(y)); });
  return {.name = "mean_squared_error",
          .formula = "Σ (y − t)² / N over all N elements",
          .small = {example<Real>("", f, Named("prediction", 2, 3, 4), Named("target", 2, 3, 4))},
          .large = {example<Real>("", f, Named("prediction", 3, 130, 130), Named("target", 3, 130, 130))},
          .refused = {{example<Real>("", f, Named("prediction", 2, 3), Named("target", 2, 4)),
                       {"t has shape (2, 4)", "y of shape (2, 3)"}},
                      {example<Real>("no elements", f, Named("prediction", 0, 3), Named("target", 0, 3)),
                       {"(0, 3)", "no elements"}}}};
}

template <Scalar Real>
OperationEntry<Real> cross_entropy_entry() {
  // The targets are no differentiable input; V = 7 unless `V` says otherwise.
  const auto with = []<std::size_t Rank>(const Shape<Rank>& targets, Index V = 7) {
    return priced([tokens = example_tokens(targets, V)](auto logits) { return cross_entropy(logits, tokens); },
                  [](auto logits) {
                    return kernels::cross_entropy_costs({row_count(logits), last_extent(logits)});
                  });
  };
  // With a config it is made of three operations.
  const auto by = []<std::size_t Rank>(const Shape<Rank>& shape, const CrossEntropyConfig& config,
                                       Index V = 7) {
    return priced([targets = example_targets(shape, V, config),
                   config](auto logits) { return cross_entropy(logits, targets, config); },
                  [config](auto logits) {
                    const kernels::RowsSize size{row_count(logits), last_extent(logits)};
                    return kernels::token_losses_costs(size, terms_of(config)) +
                           kernels::sum_costs({1, size.rows}) + kernels::scale_costs(1);
                  });
  };
  return {
      .name = "cross_entropy",
      .formula = "y = mean of log Σ exp(x) − x[target], nats per target",
      .small = {example<Real>("", with(Shape<1>{4}), Named("logits", 4, 7)),
                example<Real>("rank 3", with(Shape<2>{2, 3}), Named("logits", 2, 3, 7)),
                example<Real>("ignored targets", by(Shape<2>{2, 3}, {.ignore_index = -100}),
                              Named("logits", 2, 3, 7)),
                example<Real>("label smoothing", by(Shape<1>{4}, {.label_smoothing = 0.125}),
                              Named("logits", 4, 7)),
                example<Real>("z-loss", by(Shape<1>{4}, {.z_loss = 0.25}), Named("logits", 4, 7)),
                example<Real>("all terms", by(Shape<1>{4}, all_terms), Named("logits", 4, 7))},
      .large = {example<Real>("", with(Shape<1>{300}, 140), Named("logits", 300, 140)),
                example<Real>("rank 3", with(Shape<2>{6, 50}, 140), Named("logits", 6, 50, 140)),
                example<Real>("all terms", by(Shape<2>{6, 50}, all_terms, 140), Named("logits", 6, 50, 140))},
      .refused = {
          {example<Real>("", with(Shape<1>{3}), Named("logits", 4, 7)),
           {"targets has shape (3)", "logits of shape (4, 7)", "needs (4)"}},
          {example<Real>("rank 3", with(Shape<2>{3, 2}), Named("logits", 2, 3, 7)),
           {"targets has shape (3, 2)", "logits of shape (2, 3, 7)", "needs (2, 3)"}},
          {example<Real>("no targets", with(Shape<1>{0}), Named("logits", 0, 7)), {"no targets", "(0, 7)"}},
          {example<Real>("no targets", by(Shape<1>{0}, all_terms), Named("logits", 0, 7)),
           {"no targets", "(0, 7)"}},
          {example<Real>("token outside", with(Shape<1>{4}, 9), Named("logits", 4, 5)),
           {"token 5 at index 1", "0 … 4"}},
          {example<Real>("all ignored", by(Shape<1>{1}, {.ignore_index = 1}), Named("logits", 1, 7)),
           {"each of the 1 targets is 1", "ignore_index"}},
          {example<Real>("label smoothing", by(Shape<1>{4}, {.label_smoothing = 1}), Named("logits", 4, 7)),
           {"label_smoothing must be in [0, 1), got 1"}}}};
}

}  // namespace slm::detail
