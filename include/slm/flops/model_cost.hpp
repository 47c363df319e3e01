#pragma once
// What a model's step costs, from its config alone: the model itself runs, on shapes instead of numbers. No
// memory is taken for its weights.
//
//   const auto cost = flops::model_cost(TransformerConfig{.vocabulary = 65, .context = 128},
//                                       {.batch = 64, .readout = flops::Readout::every_position});
//   cost.total().backward.flops()
//
// It is what a tape records for the same step, exactly. A model of one's own is priced likewise where it is a
// template of the scalar: model_cost<MyLM>(config, …), or without the name where its config says
//   template <Scalar Real> using Model = MyLM<Real>;
#include <algorithm>
#include <string>
#include <vector>

#include "slm/autograd/ops/arrangement.hpp"
#include "slm/autograd/ops/embedding.hpp"
#include "slm/nn/module.hpp"
#include "slm/train/loss.hpp"

namespace slm::flops {

/// Where a transformer computes logits and what its loss sees of them.
enum class Readout {
  next_token,      // next_token: at the last position, and nothing that does not lead there
  last_of_all,     // at the last position, of blocks that computed every one of theirs
  every_position,  // operator(): everywhere, and every one is used
};

/// What a step is priced for.
struct StepSetting {
  Index batch = 1;
  Index window = 0;  // tokens of a sequence; 0: the config's context
  Mode mode = Mode::train;
  Readout readout = Readout::next_token;
};

/// A step without its optimizer, by parts in the order of the forward pass.
struct ModelCost {
  std::vector<PartCost> parts;

  OperationCost cost() const {
    OperationCost sum;
    for (const PartCost& part : parts) sum += part.cost;
    return sum;
  }
  PassCosts total() const { return cost().passes; }
  Traffic traffic() const { return cost().traffic; }
  /// Elements kept for the backward pass.
  Index activations() const { return cost().kept; }
  Index parameters() const {
    Index sum = 0;
    for (const PartCost& part : parts) sum = count_sum(sum, part.parameters);
    return sum;
  }
};

/// What step(tape) → Var costs, which runs a module of shapes, and its backward pass where the tape trains.
template <class Module, class Step>
ModelCost step_cost(const Module& module, Mode mode, const Step& step) {
  Tape<Shapes> tape(mode);
  tape.reset(Random());
  const auto y = step(tape);
  if (tape.training()) {
    y.grad();
    tape.backward();
  }
  ModelCost cost{tape.costs_by_part()};
  for_each_parameter(module, [&](const std::string& name, const auto& parameter) {
    const std::size_t dot = name.rfind('.');
    const std::string path = dot == name.npos ? "" : name.substr(0, dot);
    auto part =
        std::find_if(cost.parts.begin(), cost.parts.end(), [&](const auto& p) { return p.path == path; });
    if (part == cost.parts.end()) part = cost.parts.insert(part, {path, ""});
    part->parameters = count_sum(part->parameters, parameter.value.size());
  });
  return cost;
}

namespace detail {

/// The logits after the window, (B, V), where all positions went through the model: of a transformer through
/// its blocks, and only the last one through its final norm and its head.
template <class Model, Scalar Real>
Var<Real, 2> last_of_all(const Model& model, Tape<Real>& tape, const Tokens<2>& tokens) {
  if constexpr (requires { model.logits(model.hidden(tape, tokens)); }) {
    const auto h = model.hidden(tape, tokens);
    return concat_window(model.logits(reshape(last_position(h), Shape<3>{h.extent(0), 1, h.extent(2)})));
  } else {
    return last_position(model(tape, tokens));
  }
}

}  // namespace detail

// Shapes are a parameter: clang 14 does not survive the name Model<Shapes>.
/// What a step of a model costs, from its config alone.
template <template <Scalar> class Model, class Config, Scalar Real = Shapes>
ModelCost model_cost(const Config& config, const StepSetting& setting) {
  const Model<Real> model(config, Random());
  constexpr bool everywhere = requires(Tape<Shapes> & tape, const Tokens<2>& tokens) { model(tape, tokens); };
  const Index B = setting.batch, context = model.config.context;
  const Index T = setting.window == 0 ? context : setting.window;
  require_config(B > 0, {"model_cost: the batch must be positive, got ", B});
  require_config(everywhere ? T > 0 && T <= context : T == context,
                 {"model_cost: a window of ", T, " tokens does not fit a context of ", context});
  require_config(everywhere || setting.readout == Readout::next_token,
                 "model_cost: the model predicts one token a window");
  const auto tokens = Tokens<2>::without_memory({B, T});
  const auto targets = Tokens<1>::without_memory({B});
  return step_cost(model, setting.mode, [&](Tape<Shapes>& tape) {
    const auto scope = tape.enter(model);
    if constexpr (everywhere) {
      switch (setting.readout) {
        case Readout::next_token:
          break;
        case Readout::last_of_all:
          return mean_cross_entropy(detail::last_of_all(model, tape, tokens), targets);
        case Readout::every_position:
          return mean_cross_entropy(model, tape, tokens, tokens);
      }
    }
    return mean_cross_entropy(model, tape, tokens, targets);
  });
}
template <class Config>
ModelCost model_cost(const Config& config, const StepSetting& setting) {
  return model_cost<Config::template Model>(config, setting);
}

/// A call of `Decoder::read` with `tokens` tokens, when `before` were read earlier. One token at a time it is
/// the cost of a generated token; it grows with `before` only in attention. Not counted: the first call's
/// copies of the weights. A `ConfigError` where the text is longer than the model's state takes, which is a
/// transformer's context, and has no limit in a recurrent model. A decoder that rolls never has more before a
/// token than one less than the context.
template <template <Scalar> class Model, class Config, Scalar Real = Shapes>
ModelCost decoder_cost(const Config& config, Index tokens, Index before = 0) {
  const Model<Real> model(config, Random());
  auto state = model.make_state();
  const Index most = state.capacity();
  require_config(
      tokens > 0 && before >= 0 && before <= most && tokens <= most - before,
      {"decoder_cost: ", tokens, " tokens after ", before, " must be at least 1 and fit a context of ", most});
  state.advance(before);  // shapes need not be read
  return step_cost(model, Mode::evaluate, [&](Tape<Shapes>& tape) {
    return model.next_token(tape, Tokens<2>::without_memory({1, tokens}), &state);
  });
}
template <class Config>
ModelCost decoder_cost(const Config& config, Index tokens, Index before = 0) {
  return decoder_cost<Config::template Model>(config, tokens, before);
}

}  // namespace slm::flops
