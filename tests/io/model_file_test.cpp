#include "slm/io/model_file.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "io_test_support.hpp"
#include "nn/module_test_support.hpp"
#include "slm/models/mlp_lm.hpp"
#include "slm/models/transformer_lm.hpp"

using namespace io_test;
using namespace slm;
using module_test::weights_of;

namespace {

/// Of every field another value than its default.
constexpr TransformerConfig vivid = {.vocabulary = 4,
                                     .context = 5,
                                     .width = 12,
                                     .layers = 2,
                                     .heads = 3,
                                     .feed_forward = 7,
                                     .position = Position::rotary,
                                     .norm = NormPlacement::post,
                                     .activation = Activation::swiglu,
                                     .attention_init = AttentionInit::xavier,
                                     .attention_dropout = 0.1,
                                     .feed_forward_dropout = 0.25,
                                     .residual_dropout = 1e-3};

template <class Config>
std::vector<std::string> values_of(const Config& config) {
  std::vector<std::string> values;
  Config::fields(config, [&](const std::string& name, const auto& value) {
    if constexpr (std::is_enum_v<std::remove_cvref_t<decltype(value)>>) {
      values.push_back(name + std::string(name_of(value)));
    } else {
      values.push_back(concatenate({name, value}));
    }
  });
  return values;
}

}  // namespace

TEST_CASE("a model comes back from its file alone: weights, config and tokenizer") {
  const TemporaryFolder folder;
  const std::string path = folder / "model.safetensors";
  const WordTokenizer words({"<unk>", "caf\xc3\xa9", "50%", "the"}, "<unk>");
  const TransformerLM<float> model(vivid, Random(1));
  save_model(model, words, path, {{"seed", "1"}});

  const auto [loaded, tokenizer, about] = load_model<TransformerLM<float>>(path);
  CHECK(weights_of(loaded) == weights_of(model));
  CHECK(values_of(loaded.config) == values_of(vivid));
  CHECK(tokenizer.unit() == TokenUnit::word);
  CHECK(tokenizer.vocabulary() == words.vocabulary());
  CHECK(tokenizer.unknown() == "<unk>");
  CHECK(about.at("seed") == "1");
}

TEST_CASE("characters of every byte come back") {
  const TemporaryFolder folder;
  const std::string path = folder / "model.safetensors";
  std::string bytes;
  for (int byte = 0; byte < 256; ++byte) bytes += static_cast<char>(byte);
  const MlpLM<double> model({.vocabulary = 256, .context = 2, .width = 3, .hidden = 4, .dropout = 0.5},
                            Random(1));
  save_model(model, CharTokenizer::from_text(bytes), path);
  const auto [loaded, tokenizer, about] = load_model<MlpLM<double>>(path);
  CHECK(weights_of(loaded) == weights_of(model));
  CHECK(values_of(loaded.config) == values_of(model.config));
  CHECK(tokenizer.unit() == TokenUnit::character);
  CHECK(tokenizer.unknown().empty());
  CHECK(tokenizer.decode(tokenizer.encode(bytes)) == bytes);
}

TEST_CASE("a file that does not say what its model is, or says it wrongly, is refused") {
  const TemporaryFolder folder;
  const std::string path = folder / "model.safetensors";
  const MlpLM<float> model({.vocabulary = 3, .context = 2, .width = 3, .hidden = 4}, Random(1));
  const auto message = [&](const Metadata& about) {
    save_weights(model, path, about);
    return message_of<DataError>([&] { load_model<MlpLM<float>>(path); });
  };
  CHECK(message({}) == "load_model '" + path + "': it has no config.vocabulary: save_model did not write it");

  save_model(model, CharTokenizer::from_text("abc"), path);
  const Metadata good = SafeTensors::read(path).metadata();
  const auto with = [&](const std::string& key, const std::string& text) {
    Metadata about = good;
    about[key] = text;
    return message(about);
  };
  CHECK(has(with("config.width", "3 "), "config.width: expected a number, got '3 '"));
  CHECK(has(with("config.width", "9999999999999999999"), "config.width: expected a number"));
  CHECK(has(with("config.width", "5"), "'embedding.weight' (expected (3, 5), got (3, 3))"));
  CHECK(has(with("tokenizer.unit", "line"), "tokenizer.unit must be one of character, word, got 'line'"));
  CHECK(has(with("tokenizer.vocabulary", "a b"), "has 2 tokens, but the model a vocabulary of 3"));
  CHECK(has(with("tokenizer.vocabulary", "a b %4"), "expected two digits behind % in '%4'"));
  CHECK(has(with("tokenizer.vocabulary", "a b %4x"), "expected two digits behind % in '%4x'"));
  CHECK(has(with("tokenizer.vocabulary", "a b b"), "'b' is twice in the vocabulary"));
  CHECK(with("seed", "1") == "no error");
}

TEST_CASE("a tokenizer of another model is not saved with it") {
  const TemporaryFolder folder;
  const MlpLM<float> model({.vocabulary = 3, .context = 2, .width = 3, .hidden = 4}, Random(1));
  CHECK(message_of<ConfigError>([&] { save_model(model, CharTokenizer::from_text("ab"), folder / "file"); }) ==
        "save_model: the tokenizer has 2 tokens, but the model a vocabulary of 3");
}
