#pragma once
// The cost of a training or evaluation step from a config alone; no model is built.
//
//   const auto cost = flops::model_cost(TransformerConfig{.vocabulary = 65, .context = 128}, {.batch = 64});
//   cost.total().backward.flops()
//
// It is what a tape records for the same step, exactly.
#include "slm/flops/walk.hpp"
#include "slm/models/linear_lm.hpp"
#include "slm/models/mlp_lm.hpp"
#include "slm/models/transformer_lm.hpp"

namespace slm::flops {

/// Where a transformer computes logits and what its loss sees of them.
enum class Readout {
  next_token,      // next_token: at the last position, and nothing that does not lead there
  last_of_all,     // last_position of operator(): everywhere, but only the last ones are used
  every_position,  // operator(): everywhere, and every one is used
};

struct StepSetting {
  Index batch = 1;
  Index window = 0;  // tokens of a sequence; 0: the config's context
  Mode mode = Mode::train;
  Readout readout = Readout::next_token;
};

namespace detail {

/// Tokens of a window. Throws a `ConfigError` when the setting makes no step.
inline Index checked_window(const StepSetting& setting, Index context, bool any_length) {
  const Index T = setting.window == 0 ? context : setting.window;
  require_config(setting.batch > 0, {"model_cost: the batch must be positive, got ", setting.batch});
  require_config(any_length ? T > 0 && T <= context : T == context,
                 {"model_cost: a window of ", T, " tokens does not fit a context of ", context});
  return T;
}

/// Of models that read a window at once.
inline void require_next_token(const StepSetting& setting) {
  require_config(setting.readout == Readout::next_token, "model_cost: the model predicts one token a window");
}

/// The config as the model takes it. Throws a `ConfigError` where that refuses it, or where nobody could list
/// its layers.
inline TransformerConfig listable(const char* who, const TransformerConfig& given) {
  constexpr Index most_layers = 10'000;
  require_config(given.layers <= most_layers,
                 {who, ": lists at most ", most_layers, " layers, got ", given.layers});
  return TransformerLM<float>::checked(given);
}

/// A block, mirroring slm::TransformerBlock.
class BlockWalk {
 public:
  BlockWalk(Walk& walk, const TransformerConfig& config, Index number)
      : walk_(walk), config_(config), name_(concatenate({"blocks.", number, "."})) {}

  void all(Index T) {
    const Index C = config_.width;
    if (pre()) walk_.norm(name_ + "norm1", T, C);
    walk_.linear(name_ + "attention.qkv", T, C, 3 * C);
    if (rotary()) walk_.rotary(name_ + "attention.rotary", T, 3 * C, 2 * C, head_width(), 0);
    walk_.attention(name_ + "attention", T, T, config_.heads, head_width(), config_.attention_dropout);
    finish(T);
  }

  void see_last(Index T) {
    const Index C = config_.width;
    if (pre()) walk_.norm(name_ + "norm1", T, C);
    walk_.last_position(name_ + "last_position", T, C);
    walk_.linear(name_ + "attention.qkv", 1, C, C);
    walk_.linear(name_ + "attention.qkv", T, C, 2 * C);
    if (rotary()) {
      walk_.rotary(name_ + "attention.rotary", 1, C, C, head_width(), T - 1);
      walk_.rotary(name_ + "attention.rotary", T, 2 * C, C, head_width(), 0);
    }
    walk_.attention(name_ + "attention", 1, T, config_.heads, head_width(), config_.attention_dropout);
    walk_.last_position(name_ + "last_position", T, C);
  }

  /// Of a decoder that has read `before` tokens and reads T more; queries of the last `wanted` of them.
  void read(Index before, Index T, Index wanted) {
    const Index C = config_.width, seen = count_sum(before, T);
    if (pre()) walk_.norm(name_ + "norm1", T, C);
    walk_.linear(name_ + "attention.qkv", wanted, C, C);
    walk_.linear(name_ + "attention.qkv", T, C, 2 * C);
    if (rotary()) {
      walk_.rotary(name_ + "attention.rotary", wanted, C, C, head_width(), seen - wanted);
      walk_.rotary(name_ + "attention.rotary", T, 2 * C, C, head_width(), before);
    }
    walk_.store_keys_values(name_ + "attention.cache", T, C);
    walk_.attention(name_ + "attention", wanted, seen, config_.heads, head_width(), 0);
    finish(wanted);
  }

  /// From attention's output map on, at T positions.
  void finish(Index T) {
    const Index C = config_.width, n = count_product(T, C);
    walk_.linear(name_ + "attention.proj", T, C, C);
    walk_.dropout(name_ + "dropout", config_.residual_dropout, n, InPlace::yes);
    walk_.add_branch(name_ + "add", n, InPlace::yes);
    walk_.norm(name_ + (pre() ? "norm2" : "norm1"), T, C);
    feed_forward(T);
    walk_.dropout(name_ + "dropout", config_.residual_dropout, n, InPlace::yes);
    walk_.add_branch(name_ + "add", n, InPlace::yes);
    if (!pre()) walk_.norm(name_ + "norm2", T, C);
  }

 private:
  void feed_forward(Index T) {
    const Index C = config_.width, F = config_.feed_forward, n = count_product(T, F);
    const std::string layer = name_ + "feed_forward.";
    walk_.linear(layer + "up", T, C, F);
    if (config_.activation == Activation::relu)
      walk_.activation(layer + "relu", "relu", costs::relu, n, InPlace::yes);
    if (config_.activation == Activation::gelu)
      walk_.activation(layer + "gelu", "gelu", costs::gelu, n, InPlace::no);
    if (config_.activation == Activation::swiglu) {
      walk_.linear(layer + "gate", T, C, F);
      walk_.activation(layer + "silu", "silu", costs::silu, n, InPlace::no);
      walk_.multiply(layer + "multiply", n);
    }
    walk_.linear(layer + "down", T, F, C);
    walk_.dropout(layer + "dropout", config_.feed_forward_dropout, count_product(T, C), InPlace::yes);
  }

  bool pre() const { return config_.norm == NormPlacement::pre; }
  bool rotary() const { return config_.position == Position::rotary; }
  Index head_width() const { return config_.width / config_.heads; }

  Walk& walk_;
  const TransformerConfig& config_;
  std::string name_;
};

/// Parameters of all blocks.
inline Index block_parameters(const TransformerConfig& config) {
  const Index C = config.width, F = config.feed_forward;
  const Index maps = config.activation == Activation::swiglu ? 3 : 2;  // of the feed-forward layer
  const Index matrices = count_sum(count_product(4, C, C), count_product(maps, C, F));
  const Index vectors = count_sum(count_product(9, C), count_product(maps - 1, F));
  return count_product(count_sum(matrices, vectors), config.layers);
}

}  // namespace detail

inline ModelCost model_cost(const LinearConfig& given, const StepSetting& setting) {
  const LinearConfig config = LinearLM<float>::checked(given);
  detail::require_next_token(setting);
  const Index T = detail::checked_window(setting, config.context, false);
  Walk walk(setting.mode, setting.batch);
  walk.embedding("embedding", T, config.vocabulary, config.width);
  walk.linear("head", 1, count_product(T, config.width), config.vocabulary);
  walk.cross_entropy("loss", 1, config.vocabulary);
  return std::move(walk).finish();
}

inline ModelCost model_cost(const MlpConfig& given, const StepSetting& setting) {
  const MlpConfig config = MlpLM<float>::checked(given);
  detail::require_next_token(setting);
  const Index T = detail::checked_window(setting, config.context, false);
  Walk walk(setting.mode, setting.batch);
  walk.embedding("embedding", T, config.vocabulary, config.width);
  for (const char* name : {"hidden.0", "hidden.1"}) {
    const bool first = name == std::string_view("hidden.0");
    walk.linear(name, 1, first ? count_product(T, config.width) : config.hidden, config.hidden);
    walk.activation(std::string(name) + ".relu", "relu", costs::relu, config.hidden, InPlace::yes);
    walk.dropout(std::string(name) + ".dropout", config.dropout, config.hidden, InPlace::no);
  }
  walk.linear("head", 1, config.hidden, config.vocabulary);
  walk.cross_entropy("loss", 1, config.vocabulary);
  return std::move(walk).finish();
}

inline ModelCost model_cost(const TransformerConfig& given, const StepSetting& setting) {
  const TransformerConfig config = detail::listable("model_cost", given);
  const Index B = setting.batch, T = detail::checked_window(setting, config.context, true);
  const Index C = config.width, L = config.layers, V = config.vocabulary;
  const Index block_parameters = detail::block_parameters(config);
  const bool shortcut = setting.readout == Readout::next_token;
  const bool grouped = runs_by_sequences(block_parameters, count_product(B, T, C));

  Walk walk(setting.mode, B);
  walk.embedding("embedding", T, V, C);
  if (config.position == Position::learned) walk.add_positions("positions", T, config.context, C);
  if (grouped) walk.enter_groups(B, T);
  for (Index i = 0; i < (shortcut ? L - 1 : L); ++i) detail::BlockWalk(walk, config, i).all(T);
  if (shortcut) detail::BlockWalk(walk, config, L - 1).see_last(T);
  if (grouped) walk.leave_groups(B, T, count_product(shortcut ? 2 : T, C));
  if (shortcut) detail::BlockWalk(walk, config, L - 1).finish(1);

  const Index positions = shortcut ? 1 : T;
  walk.norm("norm", positions, C);
  walk.linear("head", positions, C, V);
  if (setting.readout == Readout::last_of_all) walk.last_position("last_position", T, V);
  walk.cross_entropy("loss", setting.readout == Readout::every_position ? T : 1, V);
  return std::move(walk).finish();
}

}  // namespace slm::flops
