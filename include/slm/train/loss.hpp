#pragma once
// The loss of a model on a batch, and its mean over many.
#include "slm/autograd/ops/softmax.hpp"
#include "slm/data/batches.hpp"

namespace slm {

/// `cross_entropy` as the part "loss" of a model.
template <Scalar Real, std::size_t Rank>
Var<Real, 0> mean_cross_entropy(Var<Real, Rank> logits, const Tokens<Rank - 1>& targets) {
  const auto part = logits.tape().enter("loss");
  return cross_entropy(logits, targets);
}

/// Mean negative log-likelihood of the one token after each window, nats per token.
template <class Model, Scalar Real>
Var<Real, 0> batch_loss(const Model& model, Tape<Real>& tape, const Batch& batch) {
  const auto part = tape.enter(model);
  return mean_cross_entropy(model.next_token(tape, batch.inputs), batch.targets);
}
/// The same of the tokens after every position.
template <class Model, Scalar Real>
Var<Real, 0> batch_loss(const Model& model, Tape<Real>& tape, const SequenceBatch& batch) {
  const auto part = tape.enter(model);
  return mean_cross_entropy(model(tape, batch.inputs), batch.targets);
}

/// Mean negative log-likelihood over all windows, nats per token. Touches no random stream. Adds what it
/// costs to `cost`, if given. A model's scalar is deduced, that of any other struct is named:
/// `evaluate<float>(net, windows)`.
template <Scalar Real, class Model, class AnyBatch>
double evaluate(const Model& model, const Windows<AnyBatch>& windows, Cost* cost = nullptr) {
  Tape<Real> tape(Mode::evaluate);
  AnyBatch batch;
  double sum = 0;
  Index count = 0;
  for (Index i = 0; i < windows.batches(); ++i) {
    windows.fill(i, batch);
    tape.reset();
    sum +=
        static_cast<double>(batch_loss(model, tape, batch).item()) * static_cast<double>(batch.targets.size());
    count += batch.targets.size();
    if (cost) *cost += tape.costs().forward;
  }
  return sum / static_cast<double>(count);
}
template <template <Scalar> class Model, Scalar Real, class AnyBatch>
double evaluate(const Model<Real>& model, const Windows<AnyBatch>& windows, Cost* cost = nullptr) {
  return evaluate<Real>(model, windows, cost);
}

}  // namespace slm
