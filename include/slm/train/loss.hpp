#pragma once
// The loss of a model on a batch, and its mean over many.
#include <span>
#include <string_view>
#include <vector>

#include "slm/autograd/ops/softmax.hpp"
#include "slm/data/batches.hpp"
#include "slm/nn/contracts.hpp"
#include "slm/train/ranks.hpp"

namespace slm {

/// `cross_entropy` as the part "loss" of a model.
template <Scalar Real, std::size_t Rank>
Var<Real, 0> mean_cross_entropy(Var<Real, Rank> logits, const Tokens<Rank - 1>& targets) {
  const auto part = logits.tape().enter("loss");
  return cross_entropy(logits, targets);
}

/// Logits, B·V or B·T·V, from which on `batch_loss` does without them where the model can (`GivesLoss`): below,
/// the memory is not worth a word.
inline constexpr Index many_logits = Index(1) << 20;

/// `mean_cross_entropy` of what the model predicts of the windows: at every position where there are targets
/// (B, T), after the window where they are (B).
template <class Model, Scalar Real, std::size_t Rank>
Var<Real, 0> mean_cross_entropy(const Model& model, Tape<Real>& tape, const Tokens<2>& inputs,
                                const Tokens<Rank>& targets) {
  const auto part = tape.enter(model);
  if constexpr (GivesLoss<Model, Real, Tokens<Rank>>) {
    if (count_product(targets.size(), model.config.vocabulary) >= many_logits) {
      return model.loss(tape, inputs, targets);
    }
  }
  if constexpr (Rank == 1) {
    return mean_cross_entropy(model.next_token(tape, inputs), targets);
  } else {
    return mean_cross_entropy(model(tape, inputs), targets);
  }
}

/// Mean negative log-likelihood of the one token after each window, nats per token.
template <class Model, Scalar Real>
Var<Real, 0> batch_loss(const Model& model, Tape<Real>& tape, const Batch& batch) {
  static_assert(PredictsNext<Model, Real>, "batch_loss: the model must predict what follows a window");
  return mean_cross_entropy(model, tape, batch.inputs, batch.targets);
}
/// The same of the tokens after every position.
template <class Model, Scalar Real>
Var<Real, 0> batch_loss(const Model& model, Tape<Real>& tape, const SequenceBatch& batch) {
  static_assert(PredictsEach<Model, Real>, "batch_loss: the model must predict what follows every position");
  return mean_cross_entropy(model, tape, batch.inputs, batch.targets);
}

/// `batch_loss` as the `Loss` that a training has unless it is given another.
struct MeanCrossEntropy {
  template <class Model, Scalar Real, class AnyBatch>
  Var<Real, 0> operator()(const Model& model, Tape<Real>& tape, const AnyBatch& batch) const {
    static_assert(
        requires { batch_loss(model, tape, batch); },
        "the mean cross entropy is that of a Batch or a SequenceBatch: give other batches a loss of your own");
    return batch_loss(model, tape, batch);
  }
};

namespace detail {

template <template <Scalar> class Model, Scalar Real>
Real scalar_of_model(const Model<Real>&);

template <class Model>
struct ScalarOfModel {
  static_assert(
      requires(const Model& model) { scalar_of_model(model); },
      "evaluate: name the scalar of a model that is no template of it: evaluate<float>(model, windows)");
  using type = decltype(scalar_of_model(std::declval<const Model&>()));
};

}  // namespace detail

/// A text as tokens, in a vector or a span. What is no `BatchList` but a text is evaluated as a whole, see
/// train/evaluate_text.hpp.
template <class T>
concept TokenText = std::is_convertible_v<const T&, std::span<const Token>>;
/// A text as tokens or as characters.
template <class T>
concept AnyText = TokenText<T> || std::is_convertible_v<const T&, std::string_view>;

/// Mean loss over all windows, nats per token unless it is one of your own. Touches no random stream. Adds what
/// it costs to `cost`, if given. A model's scalar is deduced, that of any other struct is named:
/// `evaluate<float>(net, windows)`. With `ranks`, which then all call it, each computes its share of the
/// batches, and all get the mean and the cost that one process has.
template <Scalar Real, class Model, class List, class LossFunction = MeanCrossEntropy>
requires(!std::is_convertible_v<LossFunction, Cost*> &&
         !AnyText<List>) double evaluate(const Model& model, const List& windows, const LossFunction& loss = {},
                                         Cost* cost = nullptr, Ranks* ranks = nullptr) {
  static_assert(BatchList<List>, "evaluate: the windows must be a BatchList, see slm/nn/contracts.hpp");
  static_assert(Loss<LossFunction, Model, Real, BatchOf<List>>,
                "evaluate: loss(model, tape, batch) must give a Var<Real, 0>, see slm/nn/contracts.hpp");
  Tape<Real> tape(Mode::evaluate);
  tape.fix_weights();
  BatchOf<List> batch;
  const Index batches = windows.batches();
  const Share own = ranks ? ranks->share(batches) : Share{0, batches};
  std::vector<detail::DependentOn<Real, double>> sums(
      static_cast<std::size_t>(batches));  // of the losses of a batch
  struct {
    Index targets = 0;
    Cost cost;
  } all;
  for (Index i = own.first; i < own.end; ++i) {
    windows.fill(i, batch);
    tape.reset();
    const auto targets = static_cast<Index>(batch.targets.size());
    sums[static_cast<std::size_t>(i)] =
        static_cast<double>(loss(model, tape, std::as_const(batch)).item()) * static_cast<double>(targets);
    all.targets += targets;
    all.cost += tape.costs().forward;
    if (ranks) ranks->progress();
  }
  if (ranks) ranks->exchange(sums, all);
  if (cost) *cost += all.cost;
  double sum = 0;
  for (const double its : sums) sum += its;
  return sum / static_cast<double>(all.targets);
}
template <Scalar Real, class Model, class List>
double evaluate(const Model& model, const List& windows, Cost* cost) {
  return evaluate<Real>(model, windows, MeanCrossEntropy(), cost);
}
template <class Model, class List, class... Rest>
requires(!AnyText<List>) double evaluate(const Model& model, const List& windows, const Rest&... rest) {
  return evaluate<typename detail::ScalarOfModel<Model>::type>(model, windows, rest...);
}

}  // namespace slm
