#include "harness/model_config.hpp"

#include <nlohmann/json.hpp>
#include <string>

namespace slm::studies {

namespace {

template <class Enum>
struct Name {
  Enum value;
  const char* text;
};

constexpr Name<Position> position_names[] = {
    {Position::learned, "learned"}, {Position::rotary, "rotary"}, {Position::none, "none"}};
constexpr Name<NormPlacement> norm_names[] = {{NormPlacement::pre, "pre"}, {NormPlacement::post, "post"}};
constexpr Name<Activation> activation_names[] = {
    {Activation::relu, "relu"}, {Activation::gelu, "gelu"}, {Activation::swiglu, "swiglu"}};
constexpr Name<AttentionInit> init_names[] = {{AttentionInit::xavier, "xavier"},
                                              {AttentionInit::linear, "linear"}};

template <class Enum, std::size_t N>
const char* text_of(const Name<Enum> (&names)[N], Enum value) {
  for (const auto& name : names) {
    if (name.value == value) return name.text;
  }
  return "";
}

template <class Enum, std::size_t N>
void read(const nlohmann::json& json, const char* key, const Name<Enum> (&names)[N], Enum& value) {
  const auto text = json.at(key).get<std::string>();
  std::string known;
  for (const auto& name : names) {
    if (name.text == text) {
      value = name.value;
      return;
    }
    known += (known.empty() ? "" : ", ") + std::string(name.text);
  }
  throw DataError(concatenate({"model_config: ", key, " must be one of ", known, ", got '", text, "'"}));
}

nlohmann::json to_json(const LinearConfig& config) {
  return {{"vocabulary", config.vocabulary}, {"context", config.context}, {"width", config.width}};
}

nlohmann::json to_json(const MlpConfig& config) {
  return {{"vocabulary", config.vocabulary},
          {"context", config.context},
          {"width", config.width},
          {"hidden", config.hidden},
          {"dropout", config.dropout}};
}

nlohmann::json to_json(const TransformerConfig& config) {
  return {{"vocabulary", config.vocabulary},
          {"context", config.context},
          {"width", config.width},
          {"layers", config.layers},
          {"heads", config.heads},
          {"feed_forward", config.feed_forward},
          {"position", text_of(position_names, config.position)},
          {"norm", text_of(norm_names, config.norm)},
          {"activation", text_of(activation_names, config.activation)},
          {"attention_init", text_of(init_names, config.attention_init)},
          {"attention_dropout", config.attention_dropout},
          {"feed_forward_dropout", config.feed_forward_dropout},
          {"residual_dropout", config.residual_dropout}};
}

template <class Config>
void read_sizes(const nlohmann::json& json, Config& config) {
  json.at("vocabulary").get_to(config.vocabulary);
  json.at("context").get_to(config.context);
  json.at("width").get_to(config.width);
}

ModelConfig from_json(std::string_view model, const nlohmann::json& json) {
  if (model == "linear") {
    LinearConfig config{};
    read_sizes(json, config);
    return config;
  }
  if (model == "mlp") {
    MlpConfig config{};
    read_sizes(json, config);
    json.at("hidden").get_to(config.hidden);
    json.at("dropout").get_to(config.dropout);
    return config;
  }
  if (model != "attention" && model != "transformer") {
    throw DataError(
        concatenate({"model_config: expected linear, mlp, attention or transformer, got '", model, "'"}));
  }
  TransformerConfig config{};
  read_sizes(json, config);
  json.at("layers").get_to(config.layers);
  json.at("heads").get_to(config.heads);
  json.at("feed_forward").get_to(config.feed_forward);
  read(json, "position", position_names, config.position);
  read(json, "norm", norm_names, config.norm);
  read(json, "activation", activation_names, config.activation);
  read(json, "attention_init", init_names, config.attention_init);
  json.at("attention_dropout").get_to(config.attention_dropout);
  json.at("feed_forward_dropout").get_to(config.feed_forward_dropout);
  json.at("residual_dropout").get_to(config.residual_dropout);
  return config;
}

}  // namespace

nlohmann::json model_json(const ModelConfig& config) {
  return std::visit([](const auto& model) { return to_json(model); }, config);
}

ModelConfig model_config(std::string_view model, const nlohmann::json& json) {
  try {
    return from_json(model, json);
  } catch (const nlohmann::json::exception& error) {
    throw DataError(concatenate({"model_config: ", error.what()}));
  }
}

}  // namespace slm::studies
