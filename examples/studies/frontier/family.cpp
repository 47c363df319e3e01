#include "frontier/family.hpp"

#include <map>
#include <nlohmann/json.hpp>
#include <tuple>

#include "harness/fields_json.hpp"

namespace slm::frontier {

namespace {

Size linear(Index context, Index width, double lowest, double highest) {
  return {Family::linear, make_text({"T ", context, " x ", width}),
          LinearConfig{.vocabulary = 0, .context = context, .width = width}, lowest, highest};
}
Size mlp(Index context, Index width, Index hidden, double lowest, double highest) {
  return {Family::mlp, make_text({"T ", context, " x ", width, ", ", hidden}),
          MlpConfig{.vocabulary = 0, .context = context, .width = width, .hidden = hidden}, lowest, highest};
}
Size of_blocks(Index layers, Index width, Index context, double lowest, double highest) {
  return {layers == 1 ? Family::attention : Family::transformer, make_text({layers, " x ", width}),
          transformer(layers, width, context), lowest, highest};
}
Size gru(Index layers, Index width, Index context, double lowest, double highest) {
  // Where there are several they are added to what they read, as those of minGRU are.
  return {Family::gru, make_text({layers, " x ", width}),
          GruConfig{.vocabulary = 0,
                    .context = context,
                    .width = width,
                    .layers = layers,
                    .layering = layers > 1 ? Layering::residual : Layering::stacked},
          lowest, highest};
}
Size min_gru(Index layers, Index width, Index context, double lowest, double highest) {
  return {Family::min_gru, make_text({layers, " x ", width}),
          MinGruConfig{.vocabulary = 0, .context = context, .width = width, .layers = layers}, lowest, highest};
}

/// Parameters from 2e4 to 3e6 on the 65 characters of Tiny Shakespeare.
std::map<Family, std::vector<Size>> all_sizes() {
  return {
      {Family::linear,
       {linear(4, 32, 1e11, 3e11), linear(8, 64, 1e11, 3e12), linear(16, 64, 1e11, 3e12),
        linear(32, 64, 1e11, 3e12), linear(64, 64, 1e12, 3e12)}},
      {Family::mlp,
       {mlp(8, 16, 64, 1e11, 1e12), mlp(8, 24, 128, 1e11, 3e12), mlp(12, 24, 256, 1e11, 1e13),
        mlp(16, 32, 512, 1e12, 3e13), mlp(16, 32, 1024, 3e12, 3e13)}},
      {Family::attention,
       {of_blocks(1, 32, 32, 1e11, 1e12), of_blocks(1, 64, 32, 1e11, 3e12), of_blocks(1, 128, 64, 3e11, 3e13),
        of_blocks(1, 256, 64, 3e12, 3e13), of_blocks(1, 512, 64, 1e13, 3e13)}},
      {Family::transformer,
       {of_blocks(2, 32, 32, 1e11, 1e12), of_blocks(2, 64, 64, 1e11, 1e13), of_blocks(3, 96, 64, 3e11, 3e13),
        of_blocks(4, 128, 128, 3e12, 3e13), of_blocks(6, 192, 128, 1e13, 3e13)}},
      {Family::gru,
       {gru(1, 48, 32, 1e11, 1e12), gru(1, 96, 64, 1e11, 3e12), gru(1, 192, 64, 3e11, 3e13),
        gru(2, 256, 64, 3e12, 3e13), gru(2, 448, 128, 1e13, 3e13)}},
      {Family::min_gru,
       {min_gru(3, 48, 32, 1e11, 1e12), min_gru(3, 96, 64, 1e11, 3e12), min_gru(3, 192, 64, 3e11, 3e13),
        min_gru(4, 320, 64, 3e12, 3e13), min_gru(6, 448, 128, 1e13, 3e13)}},
      {Family::ngram, {}},
  };
}

std::map<Family, std::vector<Size>> all_choices() {
  std::map<Family, std::vector<Size>> all = all_sizes();
  const auto set = [&](Family family, const auto& make, const auto& shapes) {
    std::vector<Size>& of_family = all[family];
    of_family.clear();
    for (const auto& shape : shapes) of_family.push_back(std::apply(make, shape));
  };
  using Two = std::tuple<Index, Index>;
  using Three = std::tuple<Index, Index, Index>;
  set(
      Family::linear, [](Index T, Index C) { return linear(T, C, 0, 0); },
      std::vector<Two>{{4, 32}, {8, 32}, {8, 64}, {12, 64}, {16, 64}, {24, 64}, {32, 64}, {48, 64}, {64, 64}});
  set(
      Family::mlp, [](Index T, Index C, Index H) { return mlp(T, C, H, 0, 0); },
      std::vector<Three>{{8, 16, 64},
                         {8, 24, 96},
                         {8, 24, 128},
                         {12, 24, 192},
                         {12, 24, 256},
                         {16, 32, 384},
                         {16, 32, 512},
                         {16, 32, 768},
                         {16, 32, 1024},
                         {16, 32, 1536}});
  const auto of_blocks_at = [](Index L, Index C, Index T) { return of_blocks(L, C, T, 0, 0); };
  set(Family::attention, of_blocks_at,
      std::vector<Three>{{1, 32, 32},
                         {1, 64, 32},
                         {1, 96, 32},
                         {1, 128, 64},
                         {1, 192, 64},
                         {1, 256, 64},
                         {1, 384, 64},
                         {1, 512, 64}});
  set(Family::transformer, of_blocks_at,
      std::vector<Three>{{2, 32, 32},
                         {2, 64, 64},
                         {3, 64, 64},
                         {3, 96, 64},
                         {4, 96, 64},
                         {4, 128, 128},
                         {5, 128, 128},
                         {5, 160, 128},
                         {6, 160, 128},
                         {6, 192, 128},
                         {6, 256, 128}});
  set(
      Family::gru, [](Index L, Index C, Index T) { return gru(L, C, T, 0, 0); },
      std::vector<Three>{{1, 48, 32},
                         {1, 64, 32},
                         {1, 96, 64},
                         {1, 128, 64},
                         {1, 192, 64},
                         {1, 256, 64},
                         {2, 256, 64},
                         {2, 320, 64},
                         {2, 448, 128}});
  set(
      Family::min_gru, [](Index L, Index C, Index T) { return min_gru(L, C, T, 0, 0); },
      std::vector<Three>{{3, 48, 32},
                         {3, 64, 32},
                         {3, 96, 64},
                         {3, 128, 64},
                         {3, 192, 64},
                         {3, 256, 64},
                         {4, 256, 64},
                         {4, 320, 64},
                         {6, 448, 128}});
  return all;
}

}  // namespace

bool predicts_everywhere(const AnyConfig& config) {
  return std::visit([](const auto& one) { return every_position<std::remove_cvref_t<decltype(one)>>; }, config);
}

const std::vector<Size>& sizes(Family family) {
  static const std::map<Family, std::vector<Size>> all = all_sizes();
  return all.at(family);
}

const std::vector<Size>& choices(Family family) {
  static const std::map<Family, std::vector<Size>> all = all_choices();
  return all.at(family);
}

TransformerConfig transformer(Index layers, Index width, Index context) {
  constexpr Index head_width = 32;
  return {.vocabulary = 0,
          .context = context,
          .width = width,
          .layers = layers,
          .heads = std::max<Index>(1, width / head_width),
          .feed_forward = 4 * width,
          .position = Position::rotary};
}

Index context_of(const AnyConfig& config) {
  return std::visit([](const auto& one) { return one.context; }, config);
}
Index width_of(const AnyConfig& config) {
  return std::visit([](const auto& one) { return one.width; }, config);
}

Index parameters_of(const AnyConfig& config) {
  return std::visit(
      [](const auto& one) {
        using Config = std::remove_cvref_t<decltype(one)>;
        return parameter_count(typename Config::template Model<Shapes>(one, Random()));
      },
      config);
}

AnyConfig with_vocabulary(AnyConfig config, Index vocabulary) {
  std::visit([&](auto& one) { one.vocabulary = vocabulary; }, config);
  return config;
}
AnyConfig with_context(AnyConfig config, Index context) {
  std::visit([&](auto& one) { one.context = context; }, config);
  return config;
}

AnyConfig with_dropout(AnyConfig config, double probability) {
  std::visit(
      [&](auto& one) {
        if constexpr (requires { one.residual_dropout; }) {
          one.residual_dropout = one.attention_dropout = probability;
        } else if constexpr (requires { one.dropout; }) {
          one.dropout = probability;
        }
      },
      config);
  return config;
}

nlohmann::json config_json(const AnyConfig& config) {
  return std::visit([](const auto& one) { return studies::fields_json(one); }, config);
}

nlohmann::json essential_config(const AnyConfig& config) {
  return std::visit([](const auto& one) { return studies::changed_fields_json(one); }, config);
}

}  // namespace slm::frontier
