// Types that miss a member each: a compiler has to name it.
#include <slm/slm.hpp>

using namespace slm;

namespace {

const std::vector<Token> text(100);
const RandomWindows<> train(text, 3, 4, Random(1));
const SequentialWindows<> valid(text, 3, 4, 8);

/// All that an optimizer has; those below take something back.
struct Whole {
  ParameterList<float> all;
  const ParameterList<float>& list() const { return all; }
  void step() {}
  void step(double) {}
  Cost step_cost() const { return {}; }
  Index steps() const { return 0; }
  void set_steps(Index) {}
  void for_each_state(const auto&) {}
};

LinearLM<float>& model() {
  static LinearLM<float> made({.vocabulary = 5, .context = 3}, Random(1));
  return made;
}

template <class Updates>
void train_with(Updates updates = {}) {
  FitState<float> state;
  fit(model(), updates, train, valid, Random(1), {}, state);
}

}  // namespace

// says: fit: the optimizer must be an Optimizer
// says: constant.list()
struct NoList : Whole {
  void list() const = delete;
};
template void train_with(NoList);

// says: optimizer.step()
struct NoStep : Whole {
  void step() = delete;
  void step(double) {}
};
template void train_with(NoStep);

// says: optimizer.step(rate)
struct NoRate : Whole {
  void step() {}
};
template void train_with(NoRate);

// says: constant.step_cost()
struct NoCost : Whole {
  void step_cost() const = delete;
};
template void train_with(NoCost);

// says: constant.steps()
struct NoSteps : Whole {
  void steps() const = delete;
};
template void train_with(NoSteps);

// says: optimizer.set_steps(steps)
struct NoSetSteps : Whole {
  void set_steps(Index) = delete;
};
template void train_with(NoSetSteps);

// says: optimizer.for_each_state(
struct NoState : Whole {
  void for_each_state(const auto&) = delete;
};
template void train_with(NoState);

/// All that a list of batches has.
struct WholeList {
  Index batches() const { return 1; }
  Batch batch(Index) const { return {}; }
  void fill(Index, Batch&) const {}
};
struct Inputs {
  Tokens<2> inputs;
};
struct Targets {
  Tokens<1> targets;
};

// says: evaluate: the windows must be a BatchList
// says: list.batches()
struct NoBatches : WholeList {
  void batches() const = delete;
};
double no_batches = evaluate(model(), NoBatches());

// says: list.batch(i).inputs.size()
struct NoInputs : WholeList {
  Targets batch(Index) const { return {}; }
};
double no_inputs = evaluate(model(), NoInputs());

// says: list.batch(i).targets.size()
struct NoTargets : WholeList {
  Inputs batch(Index) const { return {}; }
};
double no_targets = evaluate(model(), NoTargets());

// says: list.fill(i, batch)
struct NoFill : WholeList {
  void fill(Index, Batch&) const = delete;
};
double no_fill = evaluate(model(), NoFill());

// says: fit: the training windows must be a BatchSource
// says: source.epoch(number, windows)
struct NoEpoch {};
void no_epoch() {
  Whole updates;
  fit(model(), updates, NoEpoch(), valid, Random(1), {});
}

// says: fit: training and validation must have batches of one type
void two_kinds() {
  Whole updates;
  fit(model(), updates, train, SequentialWindows<SequenceBatch>(text, 3, 4, 8), Random(1), {});
}

// says: fit: loss(model, tape, batch) must give a Var<Real, 0>
// says: loss(model, tape, batch)
void no_number() {
  Whole updates;
  fit(model(), updates, train, valid, Random(1), {},
      [](const auto& given, auto& tape, const Batch& batch) { return given.next_token(tape, batch.inputs); });
}

// says: fit: the model must not be const
void constant_model() {
  Whole updates;
  FitState<float> state;
  fit(std::as_const(model()), updates, train, valid, Random(1), {}, state);
}

// says: fit: model, optimizer and state must have one scalar
void two_scalars() {
  LinearLM<double> doubles({.vocabulary = 5, .context = 3}, Random(1));
  Whole updates;
  fit(doubles, updates, train, valid, Random(1), {});
}

// says: the mean cross entropy is that of a Batch or a SequenceBatch: give other batches a loss of your own
struct Pairs {
  Tokens<2> inputs, targets;
};
struct PairsList {
  Index batches() const { return 1; }
  Pairs batch(Index) const { return {}; }
  void fill(Index, Pairs&) const {}
  PairsList epoch(Index, Index) const { return {}; }
};
void no_loss() {
  Whole updates;
  fit(model(), updates, PairsList(), PairsList(), Random(1), {});
}

// says: a module names its parts in `fields`
// says: HasFields
struct NoFields {
  Parameter<float, 1> weight;
};
Index no_fields = parameter_count(NoFields());

// says: batch_loss: the model must predict what follows a window
// says: model.next_token(tape, tokens)
struct NoNextToken {
  static void fields(auto&, auto&&) {}
};
double no_next_token = evaluate<float>(NoNextToken(), valid);

// says: batch_loss: the model must predict what follows every position
// says: model(tape, tokens)
double no_call = evaluate(MlpLM<float>({.vocabulary = 5, .context = 3}, Random(1)),
                          SequentialWindows<SequenceBatch>(text, 3, 4, 8));

// says: evaluate: name the scalar of a model that is no template of it
double no_scalar = evaluate(NoNextToken(), valid);

// says: save_model: the model must be a Module with a config that has fields
// says: model.config.vocabulary
struct NoVocabulary {
  struct Config {
    static void fields(auto&, auto&&) {}
  } config;
  static void fields(auto&, auto&&) {}
};
void no_vocabulary() { save_model(NoVocabulary(), Tokenizer(), "file"); }

// says: load_model: the model must be a Module with a config that has fields
void no_config() { load_model<NoNextToken>("file"); }
