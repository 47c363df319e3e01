#pragma once
// What slm asks of types that a program writes itself: a concept for each role, with the lines that meet it.
// What takes such a type asserts its concept, so that a compiler names the member that is missing.
#include <concepts>
#include <type_traits>

#include "slm/autograd/tape.hpp"

namespace slm {

/// Names its parts: parameters, other modules, vectors and optionals of them, and what is `HasStoredTensors`,
/// as counts: saved and not trained. PyTorch: nn.Module
///   struct Net {
///     Linear<float> up, down;
///     static void fields(auto& self, auto&& f) { f("up", self.up), f("down", self.down); }
///   };
/// A parameter named twice is one parameter, under its first name: weights are tied by f("embedding",
/// self.embedding), f("head.weight", self.embedding.weight). One that is used but not named is neither trained
/// nor saved; `fit` refuses it.
template <class T>
concept Module = detail::is_parameter<std::remove_const_t<T>> || detail::is_vector<std::remove_const_t<T>> ||
    detail::is_optional<std::remove_const_t<T>> || HasFields<T>;

/// Predicts the token that follows a window: tokens (B, T) → logits (B, V).
template <class Model, class Real>
concept PredictsNext = requires(const Model& model, Tape<Real>& tape, const Tokens<2>& tokens) {
  { model.next_token(tape, tokens) } -> std::same_as<Var<Real, 2>>;
};
/// Predicts the token that follows every position: tokens (B, T) → logits (B, T, V).
template <class Model, class Real>
concept PredictsEach = requires(const Model& model, Tape<Real>& tape, const Tokens<2>& tokens) {
  { model(tape, tokens) } -> std::same_as<Var<Real, 3>>;
};
/// Gives the mean cross entropy of what it predicts without all of its logits (`Linear::cross_entropy` of its
/// last layer), with the bits of that of its logits. `batch_loss` asks for it where logits are many.
///   Var<Real, 0> loss(Tape<Real>& tape, const Tokens<2>& tokens, const Tokens<1>& targets) const;
///   using LossOf = MyLM;  // its own: what derives from it may predict otherwise
/// With targets (B, T) it is that of every position.
template <class Model, class Real, class Targets>
concept GivesLoss = std::same_as<typename Model::LossOf, Model> &&
    requires(const Model& model, Tape<Real>& tape, const Tokens<2>& tokens, const Targets& targets) {
  { model.loss(tape, tokens, targets) } -> std::same_as<Var<Real, 0>>;
  { model.config.vocabulary } -> std::convertible_to<Index>;
};
/// A module that texts are generated from, with its sizes; one that takes windows of any length `PredictsEach`.
///   template <Scalar Real>
///   struct MyLM {
///     static constexpr const char* name = "MyLM";     // in files; may be left out
///     MyConfig config;                                // with `fields` and `Model`, as in models/linear_lm.hpp
///     Embedding<Real> embedding;
///     Linear<Real> head;
///     MyLM(const MyConfig& config, RandomArgument random);
///     Var<Real, 2> next_token(Tape<Real>& tape, const Tokens<2>& tokens) const;
///     static void fields(auto& self, auto&& f) { f("embedding", self.embedding), f("head", self.head); }
///   };
template <class Model, class Real>
concept LanguageModel = Module<Model> && PredictsNext<Model, Real> && requires(const Model& model) {
  { model.config.vocabulary } -> std::convertible_to<Index>;
  { model.config.context } -> std::convertible_to<Index>;
};

/// Updates weights from their gradients, and clears those.                           PyTorch: optim.Optimizer
///   template <Scalar Real>
///   class SignDescent {
///    public:
///     explicit SignDescent(ParameterList<Real> list) : parameters_(std::move(list)) {}
///     void step() { step(1e-3); }
///     void step(double rate);                                         // begins with refresh(parameters_)
///     Cost step_cost() const;                                         // of one step
///     const ParameterList<Real>& list() const { return refresh(parameters_); }
///     Index steps() const;                                            // done so far
///     void set_steps(Index steps);
///     void for_each_state(const auto&) {}                             // visit(name, tensor), to save
///   };
/// State that is not always there it visits in for_each_state(visit, has), too, where has(name, tensor).
template <class T>
concept Optimizer = requires(T& optimizer, const T& constant, double rate, Index steps) {
  constant.list();
  optimizer.step();
  optimizer.step(rate);
  { constant.step_cost() } -> std::same_as<Cost>;
  { constant.steps() } -> std::convertible_to<Index>;
  optimizer.set_steps(steps);
  optimizer.for_each_state(detail::AnyVisitor{});
};

/// A list of batches, as an evaluation goes through it. What it gives has `inputs` and `targets`.
///   struct MyList {
///     Index batches() const;
///     Batch batch(Index i) const;              // batch i, made anew
///     void fill(Index i, Batch& batch) const;  // the same over another one, of any shape, also empty
///     BatchSize size(Index i) const;           // may be left out: ranks then make each other's batches to
///     know
///   };
template <class T>
concept BatchList = requires(const T& list, Index i) {
  { list.batches() } -> std::convertible_to<Index>;
  { list.batch(i).inputs.size() } -> std::convertible_to<Index>;
  { list.batch(i).targets.size() } -> std::convertible_to<Index>;
}
&&requires(const T& list, Index i, std::remove_cvref_t<decltype(list.batch(i))>& batch) {
  list.fill(i, batch);
};
/// The type of batch that a list gives.
template <class T>
using BatchOf = std::remove_cvref_t<decltype(std::declval<const T&>().batch(0))>;

/// What a training draws its epochs from: the same batches for the same number, whenever it is asked.
///   struct MySource {
///     MyList epoch(Index number, Index windows) const;  // number 0, 1, …; so many windows
///     std::string text_checksum() const;                // may be left out: `fit` goes on with the same only
///   };
template <class T>
concept BatchSource = requires(const T& source, Index number, Index windows) {
  { source.epoch(number, windows) } -> BatchList;
};

/// What a training makes smaller: any callable that gives one number, a mean over the batch's targets.
///   const auto at_half_temperature = [](const auto& model, auto& tape, const Batch& batch) {
///     return cross_entropy(scale(model.next_token(tape, batch.inputs), 2.0F), batch.targets);
///   };
///   fit(model, optimizer, train, valid, dropout, config, at_half_temperature);
template <class T, class Model, class Real, class AnyBatch>
concept Loss = requires(const T& loss, const Model& model, Tape<Real>& tape, const AnyBatch& batch) {
  { loss(model, tape, batch) } -> std::same_as<Var<Real, 0>>;
};

}  // namespace slm
