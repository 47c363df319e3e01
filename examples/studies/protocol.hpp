#pragma once
// The paper's study as data: its twenty runs, how each is trained and what was reported.
//
// Source: Bhatti, "Architectural Trade-offs in Small Language Models Under Compute Constraints",
// arXiv 2512.20877v1 (2025). What only its published experiment log says is marked (log).
#include <array>
#include <cstdint>
#include <string_view>
#include <variant>

#include "slm/core/products.hpp"
#include "slm/models/linear_lm.hpp"
#include "slm/models/mlp_lm.hpp"
#include "slm/models/transformer_lm.hpp"

namespace slm::studies {

/// Common to all runs: Adam with its usual constants at a constant rate, and one seed.
inline constexpr double learning_rate = 3e-4;
inline constexpr std::uint64_t paper_seed = 689;

inline constexpr Index width = 128;
inline constexpr double dropout_probability = 0.1;

/// Vocabularies: characters of Tiny Shakespeare, words of the other two.
inline constexpr Index shakespeare = 65, ptb = 9'999, wikitext = 33'277;

/// A dataset's distinct tokens, and its tokens to train, validate and test: all that it has, or where it is
/// capped the first so many.
struct DataSize {
  std::string_view name;
  Index vocabulary;
  std::array<Index, 3> tokens;
  bool capped;
};

/// Of the word-level texts.
inline constexpr std::array<Index, 3> token_caps = {80'000, 20'000, 20'000};

inline constexpr auto data_sizes = std::to_array<DataSize>({
    {"tiny_shakespeare", shakespeare, {892'117, 111'669, 111'606}, false},
    {"ptb", ptb, token_caps, true},
    {"wikitext-2", wikitext, token_caps, true},
});

using ModelConfig = std::variant<LinearConfig, MlpConfig, TransformerConfig>;

constexpr LinearConfig linear_model(Index T) {
  return {.vocabulary = shakespeare, .context = T, .width = width};
}

constexpr MlpConfig mlp_model(Index hidden) {
  return {.vocabulary = shakespeare,
          .context = 128,
          .width = width,
          .hidden = hidden,
          .dropout = dropout_probability};
}

/// Post-norm blocks; dropout on the attention weights and on the feed-forward layer's output.
constexpr TransformerConfig transformer_model(Index V, Index T, Index layers, Index heads = 4,
                                              Index feed_forward = 256) {
  return {.vocabulary = V,
          .context = T,
          .width = width,
          .layers = layers,
          .heads = heads,
          .feed_forward = feed_forward,
          .position = Position::learned,
          .norm = NormPlacement::post,
          .activation = Activation::relu,
          .attention_init = AttentionInit::xavier,
          .attention_dropout = dropout_probability,
          .feed_forward_dropout = dropout_probability};
}

/// One block with a feed-forward layer of four times the width.
constexpr TransformerConfig self_attention_model(Index heads) {
  return transformer_model(shakespeare, 128, 1, heads, 4 * width);
}

constexpr TransformerConfig word_model(Index V) { return transformer_model(V, 64, 3); }

/// Pre-norm blocks, no dropout on attention weights; both branches are dropped where they are added, the
/// feed-forward branch a second time because the layer itself ends in dropout (log).
constexpr TransformerConfig position_model(Position position) {
  TransformerConfig config = transformer_model(shakespeare, 128, 3);
  config.position = position;
  config.norm = NormPlacement::pre;
  config.attention_init = AttentionInit::linear;
  config.attention_dropout = 0;
  config.residual_dropout = dropout_probability;
  return config;
}

/// How a run trains and evaluates. An epoch draws windows with random starts; the validation and the test
/// windows are the first of their texts, in order.
struct Training {
  std::string_view dataset;
  Index batch, windows_per_epoch, epochs, evaluation_windows;
  Products products = Products::full;
};

constexpr Training baseline(Index epochs) { return {"tiny_shakespeare", 64, 50'000, epochs, 10'000}; }
constexpr Training sweep() { return {"tiny_shakespeare", 64, 30'000, 2, 5'000}; }

/// One window fewer than the capped texts have.
constexpr Training word_level(std::string_view dataset) { return {dataset, 32, 79'935, 8, 19'935}; }

/// A loss after each epoch, in nats per token; zeros after the last one.
using Curve = std::array<double, 8>;

struct Curves {
  Curve train, valid;
};

/// The paper's figures, zeros where it has none; the test loss in nats per token.
struct Reported {
  Index parameters;
  double flops_2pn, test_nll;
  Curves nll = {};
};

/// Of study 1, read off a plot.
inline constexpr Curves linear_curves = {{}, {3.10, 3.03, 2.97}};
inline constexpr Curves mlp_curves = {{}, {2.57, 2.42, 2.33}};
inline constexpr Curves attention_curves = {{}, {2.46, 2.32, 2.23, 2.14}};
inline constexpr Curves transformer_curves = {{}, {2.31, 2.15, 2.09, 2.00}};

inline constexpr Curves ptb_curves = {{6.41, 5.62, 5.15, 4.71, 4.37, 3.99, 3.68, 3.37},
                                      {6.51, 6.44, 6.50, 6.70, 6.89, 7.09, 7.37, 7.55}};
inline constexpr Curves wikitext_curves = {{6.67, 5.73, 5.17, 4.68, 4.23, 3.80, 3.45, 3.10},
                                           {6.81, 6.85, 6.94, 7.13, 7.37, 7.61, 7.90, 8.08}};
inline constexpr Curves learned_curves = {{2.632, 2.265, 2.144, 2.057, 1.980, 1.929, 1.881, 1.861},
                                          {2.351, 2.208, 2.125, 2.033, 1.983, 1.924, 1.898, 1.868}};
inline constexpr Curves rotary_curves = {{2.647, 2.374, 2.259, 2.192, 2.139, 2.086, 2.036, 1.975},
                                         {2.433, 2.293, 2.220, 2.169, 2.122, 2.071, 2.040, 1.999}};

/// The programs of studies 1 to 4, after which results are named too.
inline constexpr auto study_names =
    std::to_array<std::string_view>({"tiny_shakespeare", "sweeps", "word_level", "positions"});

struct Run {
  int study;
  std::string_view model;    // linear, mlp, attention or transformer
  std::string_view variant;  // what tells it from the study's other runs of the model on a dataset
  ModelConfig config;
  Training training;
  Reported paper;
};

inline constexpr auto runs = std::to_array<Run>({
    {1, "linear", "", linear_model(128), baseline(3), {1'073'345, 4.12e13, 3.0549, linear_curves}},
    {1, "mlp", "", mlp_model(256), baseline(3), {4'285'377, 1.65e14, 2.3222, mlp_curves}},
    {1, "attention", "", self_attention_model(4), baseline(4), {231'617, 1.19e13, 2.1335, attention_curves}},
    {1,
     "transformer",
     "",
     transformer_model(shakespeare, 128, 3),
     baseline(4),
     {430'785, 2.21e13, 2.0058, transformer_curves}},

    {2, "linear", "T = 32", linear_model(32), sweep(), {274'625, 1.05e12, 2.5135}},
    {2, "linear", "T = 64", linear_model(64), sweep(), {540'865, 4.15e12, 2.7006}},
    {2, "linear", "T = 128", linear_model(128), sweep(), {1'073'345, 1.65e13, 3.0496}},
    {2, "mlp", "h = 128", mlp_model(128), sweep(), {2'130'497, 3.27e13, 2.5482}},
    {2, "mlp", "h = 256", mlp_model(256), sweep(), {4'285'377, 6.58e13, 2.5115}},
    {2, "mlp", "h = 512", mlp_model(512), sweep(), {8'693'441, 1.34e14, 2.5002}},
    {2, "attention", "H = 1", self_attention_model(1), sweep(), {231'617, 3.56e12, 2.3482}},
    {2, "attention", "H = 2", self_attention_model(2), sweep(), {231'617, 3.56e12, 2.4033}},
    {2, "attention", "H = 4", self_attention_model(4), sweep(), {231'617, 3.56e12, 2.3055}},
    {2, "transformer", "L = 2", transformer_model(shakespeare, 128, 2), sweep(), {298'305, 4.58e12, 2.3034}},
    {2, "transformer", "L = 3", transformer_model(shakespeare, 128, 3), sweep(), {430'785, 6.62e12, 2.2795}},
    {2, "transformer", "L = 4", transformer_model(shakespeare, 128, 4), sweep(), {563'265, 8.65e12, 2.3078}},

    {3, "transformer", "", word_model(ptb), word_level("ptb"), {2'975'631, 2.44e14, 6.1896, ptb_curves}},
    {3,
     "transformer",
     "",
     word_model(wikitext),
     word_level("wikitext-2"),
     {8'958'077, 7.33e14, 6.8875, wikitext_curves}},

    {4,
     "transformer",
     "learned",
     position_model(Position::learned),
     baseline(8),
     {430'785, 2.21e13, 1.9738, learned_curves}},
    {4,
     "transformer",
     "RoPE",
     position_model(Position::rotary),
     baseline(8),
     {414'401, 2.12e13, 2.0096, rotary_curves}},
});

constexpr TransformerConfig swiglu_model() {
  TransformerConfig config = position_model(Position::learned);
  config.activation = Activation::swiglu;
  return config;
}

/// Study 4's variants without a figure in the paper: SwiGLU, which its log defines (log), and as a control a
/// model that is told no positions.
inline constexpr auto unreported_runs = std::to_array<Run>({
    {4, "transformer", "no positions", position_model(Position::none), baseline(8), {}},
    {4, "transformer", "SwiGLU", swiglu_model(), baseline(8), {}},
});

/// Whether the paper has figures of the run.
constexpr bool is_reported(const Run& run) { return run.paper.parameters > 0; }

constexpr std::string_view study_name(const Run& run) {
  return study_names[static_cast<std::size_t>(run.study - 1)];
}

/// T, the tokens of a window.
constexpr Index context(const Run& run) {
  return std::visit([](const auto& config) { return config.context; }, run.config);
}

/// The T that "training FLOPs" are computed with: for study 4, whose T is 128, the paper took 64 (log).
constexpr Index context_2pn(const Run& run) {
  return run.study == 4 && context(run) == 128 ? 64 : context(run);
}

/// "Training FLOPs" as the paper counts them: 2 × parameters × (windows per epoch × T) × epochs.
constexpr double flops_2pn(const Run& run, Index parameters) {
  const Index tokens = run.training.windows_per_epoch * context_2pn(run) * run.training.epochs;
  return 2 * static_cast<double>(parameters) * static_cast<double>(tokens);
}

}  // namespace slm::studies
