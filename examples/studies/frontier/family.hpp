#pragma once
// The families of models that a budget may buy, and the sizes in which they are trained.
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <type_traits>
#include <variant>
#include <vector>

#include "slm/models/linear_lm.hpp"
#include "slm/models/mlp_lm.hpp"
#include "slm/models/recurrent_lm.hpp"
#include "slm/models/transformer_lm.hpp"

namespace slm::frontier {

/// `attention` is a transformer of one block.
enum class Family { ngram, linear, mlp, attention, transformer, gru, min_gru };

inline constexpr EnumName<Family> family_names[] = {
    {Family::ngram, "ngram"},         {Family::linear, "linear"},           {Family::mlp, "mlp"},
    {Family::attention, "attention"}, {Family::transformer, "transformer"}, {Family::gru, "gru"},
    {Family::min_gru, "mingru"}};
constexpr std::span<const EnumName<Family>> enum_names(Family) { return family_names; }

/// Those that are trained.
inline constexpr Family trained_families[] = {Family::linear,      Family::mlp, Family::attention,
                                              Family::transformer, Family::gru, Family::min_gru};

using AnyConfig = std::variant<LinearConfig, MlpConfig, TransformerConfig, GruConfig, MinGruConfig>;

/// Whether a model predicts at every position of a window; others predict what follows it.
template <class Config>
inline constexpr bool every_position =
    !std::is_same_v<Config, LinearConfig> && !std::is_same_v<Config, MlpConfig>;
bool predicts_everywhere(const AnyConfig& config);

/// A model of a family, trained at the budgets from `lowest` to `highest`, where it can win. Its vocabulary is
/// that of a text, 0 here.
struct Size {
  Family family;
  std::string name;  // "2 x 64": blocks and width
  AnyConfig config;
  double lowest, highest;
};

/// About five of a family, from the smallest to the largest.
const std::vector<Size>& sizes(Family family);

/// Those, and others between them and beyond, from which advice chooses: at any budget.
const std::vector<Size>& choices(Family family);

/// Which of the sizes are searched for their rates and batches, and which one checks the rule that carries
/// rates on.
inline constexpr std::size_t small_size = 1, middle_size = 2, checked_size = 3;

/// A transformer as all of them are here: rotary positions, normed before each branch. Heads are 32 wide, or as
/// wide as the model.
TransformerConfig transformer(Index layers, Index width, Index context);

Index context_of(const AnyConfig& config);
Index width_of(const AnyConfig& config);
Index parameters_of(const AnyConfig& config);
AnyConfig with_vocabulary(AnyConfig config, Index vocabulary);
AnyConfig with_context(AnyConfig config, Index context);
/// On what branches add and on attention weights of a transformer, between the layers of the others. The linear
/// model has none.
AnyConfig with_dropout(AnyConfig config, double probability);

/// Every field by its name.
nlohmann::json config_json(const AnyConfig& config);
/// Without the fields at their default, so that a training is the same before and after slm got another field.
nlohmann::json essential_config(const AnyConfig& config);

}  // namespace slm::frontier
