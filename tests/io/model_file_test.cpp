#include "slm/io/model_file.hpp"

#include <doctest/doctest.h>
#include <sys/resource.h>

#include <chrono>
#include <initializer_list>
#include <limits>
#include <string>
#include <vector>

#include "io_test_support.hpp"
#include "nn/module_test_support.hpp"
#include "slm/models/linear_lm.hpp"
#include "slm/models/mlp_lm.hpp"
#include "slm/models/transformer_lm.hpp"

using namespace io_test;
using namespace slm;
using module_test::weights_of;

namespace {

/// Of every field another value than its default, but for the initial deviation: its weights start otherwise.
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
                                     .residual_dropout = 1e-3,
                                     .normalization = Normalization::rms,
                                     .norm_epsilon = 0.01,
                                     .biases = false,
                                     .key_value_heads = 1,
                                     .head_width = 6,
                                     .query_key_norm = true,
                                     .rotary_base = 500,
                                     .tied = true};

/// The tied weights with a config.
template <Scalar Real>
struct TiedModel : module_test::Tied<Real> {
  LinearConfig config;
  TiedModel(const LinearConfig& setting, Random random)
      : module_test::Tied<Real>(setting.vocabulary, setting.width, random), config(setting) {}
};

template <class Config>
std::vector<std::string> values_of(const Config& config) {
  std::vector<std::string> values;
  Config::fields(config, [&](const std::string& name, const auto& value) {
    if constexpr (std::is_enum_v<std::remove_cvref_t<decltype(value)>>) {
      values.push_back(name + std::string(name_of(value)));
    } else {
      values.push_back(make_text({name, value}));
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

TEST_CASE("a file from before a config got its last fields has them at their default") {
  const TemporaryFolder folder;
  const std::string path = folder / "model.safetensors";
  TransformerConfig config{.vocabulary = 4, .context = 5, .width = 12, .layers = 1, .heads = 3};
  config.norm = NormPlacement::post, config.residual_dropout = 0.5;
  const TransformerLM<float> model(config, Random(1));
  save_model(model, CharTokenizer::from_text("abcd"), path);
  Metadata about = SafeTensors::read(path).metadata();
  for (const char* field : {"normalization", "norm_epsilon", "biases", "key_value_heads", "head_width",
                            "query_key_norm", "rotary_base", "tied", "initial_deviation"}) {
    CHECK(about.erase(std::string("config.") + field) == 1);
  }
  save_weights(model, path, about);
  const auto loaded = load_model<TransformerLM<float>>(path);
  CHECK(weights_of(loaded.model) == weights_of(model));
  CHECK(values_of(loaded.model.config) == values_of(model.config));

  // But no file was ever written without a field in the middle.
  about.erase("config.norm");
  save_weights(model, path, about);
  CHECK(message_of<DataError>([&] { load_model<TransformerLM<float>>(path); }) ==
        "load_model '" + path + "': it has no config.norm: save_model did not write it");
}

TEST_CASE("bytes of every value come back") {
  const TemporaryFolder folder;
  const std::string path = folder / "model.safetensors";
  std::string bytes;
  for (int byte = 0; byte < 256; ++byte) bytes += static_cast<char>(byte);
  const MlpLM<double> model({.vocabulary = 256, .context = 2, .width = 3, .hidden = 4, .dropout = 0.5},
                            Random(1));
  save_model(model, ByteTokenizer::from_text(bytes), path);
  CHECK(SafeTensors::read(path).metadata().at("tokenizer.unit") == "byte");
  const auto [loaded, tokenizer, about] = load_model<MlpLM<double>>(path);
  CHECK(weights_of(loaded) == weights_of(model));
  CHECK(values_of(loaded.config) == values_of(model.config));
  CHECK(tokenizer.unit() == TokenUnit::byte);
  CHECK(tokenizer.unknown().empty());
  CHECK(tokenizer.decode(tokenizer.encode(bytes)) == bytes);
}

TEST_CASE("characters come back, and what an earlier version called so where they are bytes") {
  const TemporaryFolder folder;
  const std::string path = folder / "model.safetensors";
  const std::string text = "a \xc3\xa9\xe4\xb8\xad\xf0\x9f\x98\x80";
  const LinearLM<float> model({.vocabulary = 5, .context = 2, .width = 3}, Random(1));
  save_model(model, CharTokenizer::from_text(text), path);
  Metadata about = SafeTensors::read(path).metadata();
  CHECK(about.at("tokenizer.unit") == "character");
  CHECK(about.at("tokenizer.vocabulary") == "%20 a %C3%A9 %E4%B8%AD %F0%9F%98%80");
  const auto loaded = load_model<LinearLM<float>>(path);
  CHECK(loaded.tokenizer.unit() == TokenUnit::character);
  CHECK(loaded.tokenizer.encode(text) == std::vector<Token>{1, 0, 2, 3, 4});

  about["tokenizer.vocabulary"] = "%20 a %A9 %C3 %E4";
  save_weights(model, path, about);
  const auto old = load_model<LinearLM<float>>(path);
  CHECK(old.tokenizer.unit() == TokenUnit::byte);
  CHECK(old.tokenizer.encode("a \xc3\xa9") == std::vector<Token>{1, 0, 3, 2});

  about["tokenizer.vocabulary"] = "%20 a %C3%A9 %C3 b";  // neither
  save_weights(model, path, about);
  CHECK(has(message_of<DataError>([&] { load_model<LinearLM<float>>(path); }), "must be one byte"));
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
  CHECK(has(with("tokenizer.unit", "line"), "tokenizer.unit must be one of byte, character, word, got 'line'"));
  CHECK(has(with("tokenizer.vocabulary", "a b"), "has 2 tokens, but the model a vocabulary of 3"));
  CHECK(has(with("tokenizer.vocabulary", "a b %4"), "expected two digits behind % in '%4'"));
  CHECK(has(with("tokenizer.vocabulary", "a b %4x"), "expected two digits behind % in '%4x'"));
  CHECK(has(with("tokenizer.vocabulary", "a b b"), "'b' is twice in the vocabulary"));
  CHECK(with("seed", "1") == "no error");
}

TEST_CASE("a file says which type of model it holds, and another type refuses it") {
  const TemporaryFolder folder;
  const std::string path = folder / "model.safetensors";
  const auto tokenizer = CharTokenizer::from_text("abc");
  const LinearLM<float> linear({.vocabulary = 3, .context = 2, .width = 3}, Random(1));
  save_model(linear, tokenizer, path);
  const Metadata about = SafeTensors::read(path).metadata();
  CHECK(about.at("model") == "LinearLM");
  CHECK(about.at("format") == "1");
  CHECK(about.at("slm") == version);
  CHECK(message_of<DataError>([&] { load_model<MlpLM<float>>(path); }) ==
        "load_model '" + path + "': expected a model of type MlpLM, got 'LinearLM'");
  CHECK(message_of<DataError>([&] { load_model<TransformerLM<double>>(path); }) ==
        "load_model '" + path + "': expected a model of type TransformerLM, got 'LinearLM'");
  CHECK(weights_of(load_model<LinearLM<double>>(path).model) == weights_of(linear));
}

TEST_CASE(
    "files of version 0.1.0, which say neither type nor format, are read; those of later formats are not") {
  const TemporaryFolder folder;
  const std::string path = folder / "model.safetensors";
  const LinearLM<float> model({.vocabulary = 3, .context = 2, .width = 3}, Random(1));
  save_model(model, CharTokenizer::from_text("abc"), path);
  Metadata about = SafeTensors::read(path).metadata();
  for (const char* key : {"model", "format", "slm"}) CHECK(about.erase(key) == 1);
  about["model"] = "my first";
  save_weights(model, path, about);
  CHECK(weights_of(load_model<LinearLM<float>>(path).model) == weights_of(model));

  about["format"] = "3", about["slm"] = "0.7.0", about["model"] = "Linear";
  save_weights(model, path, about);
  CHECK(message_of<DataError>([&] { load_model<LinearLM<float>>(path); }) ==
        "load_model '" + path + "': it was written by slm '0.7.0' in format 3; this is slm " + version +
            ", which reads formats up to 2");
}

TEST_CASE("a model in fewer bits comes back as round_weights makes it, and its file says who can read it") {
  const TemporaryFolder folder;
  const std::string path = folder / "model.safetensors";
  const auto tokenizer = CharTokenizer::from_text("abcd");
  for (const WeightFormat format : {WeightFormat::full, WeightFormat::bfloat16, WeightFormat::int8}) {
    CAPTURE(name_of(format));
    TransformerLM<float> model(vivid, Random(1));
    save_model(model, tokenizer, path, {{"seed", "1"}}, format);
    round_weights(model, format);
    const auto [loaded, its_tokenizer, about] = load_model<TransformerLM<float>>(path);
    CHECK(weights_of(loaded) == weights_of(model));
    CHECK(weights_of(load_model<TransformerLM<double>>(path).model) == weights_of(model));
    CHECK(values_of(loaded.config) == values_of(vivid));
    CHECK(about.at("seed") == "1");
    CHECK(about.at("format") == (format == WeightFormat::int8 ? "2" : "1"));
  }
  const TransformerLM<float> model(vivid, Random(1));
  save_model(model, tokenizer, path);
  save_model(model, tokenizer, folder / "full", {}, WeightFormat::full);
  CHECK(get(path) == get(folder / "full"));
}

TEST_CASE("a model's scales are missed before the model takes memory") {
  const TemporaryFolder folder;
  const std::string path = folder / "model.safetensors";
  const LinearLM<float> model({.vocabulary = 4, .context = 2, .width = 3}, Random(1));
  save_model(model, CharTokenizer::from_text("abcd"), path, {}, WeightFormat::int8);
  const auto whole = SafeTensors::read(path);
  std::vector<TensorRecord> records = whole.records();
  std::erase_if(records, [](const TensorRecord& record) { return record.name == "embedding.weight.scale"; });
  write_safetensors(path, records, whole.metadata());
  const std::string message = message_of<DataError>([&] { load_model<LinearLM<float>>(path); });
  CHECK(has(message, "'" + path +
                         "': the tensors are not those of the model: 1 missing: "
                         "'embedding.weight.scale' (F32 of shape (4), one for each row of the I8 in "
                         "'embedding.weight')."));
}

namespace {

/// A model that is no template of its scalar, has no name and makes a layer that it does not keep.
struct OwnModel {
  LinearConfig config;
  Embedding<float> embedding;
  Linear<float> head;

  OwnModel(const LinearConfig& setting, Random random)
      : config(setting), embedding(1, 1, random), head(config.width, config.vocabulary, random) {
    embedding = Embedding<float>(config.vocabulary, config.width, random);
  }
  static void fields(auto& self, auto&& f) { f("embedding", self.embedding), f("head", self.head); }
};

/// Counts how many were made with values.
template <Scalar Real>
struct CountedModel : LinearLM<Real> {
  inline static int made = 0;
  CountedModel(const LinearConfig& setting, Random random) : LinearLM<Real>(setting, random) { ++made; }
};

/// What loading a file says whose config was changed at one key, and that it takes less than 48 MB and a
/// second.
template <class Model>
std::string loading(const Model& model, const std::string& key, const std::string& text) {
  const TemporaryFolder folder;
  const std::string path = folder / "model.safetensors";
  save_model(model, CharTokenizer::from_text("abcd"), path);
  Metadata about = SafeTensors::read(path).metadata();
  CHECK(about.contains(key));
  about[key] = text;
  save_weights(model, path, about);
  const auto peak = [] {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss;  // KB
  };
  // Its own process: the peak of this one may be higher already.
  const int code = exit_code_of_child([&] {
    const auto before = peak();
    const auto start = std::chrono::steady_clock::now();
    put(folder / "message", message_of<Error>([&] { load_model<Model>(path); }));
    return (peak() - before < 48'000 ? 0 : 1) +
           (std::chrono::steady_clock::now() - start < std::chrono::seconds(1) ? 0 : 2);
  });
  CHECK(code == 0);
  return get(folder / "message");
}

}  // namespace

TEST_CASE("a config that asks for more than the file holds is refused before memory is taken") {
  TransformerConfig config = vivid;
  config.position = Position::learned;
  config.rotary_base = TransformerConfig{}.rotary_base;
  const TransformerLM<float> model(config, Random(1));
  const auto of = [&](const char* key, const char* text) {
    const std::string message = loading(model, std::string("config.") + key, text);
    CAPTURE(key);
    CAPTURE(message);
    CHECK(has(message, "load_model '"));
    CHECK(has(message, ": the config asks for more than the file holds"));
  };
  of("width", "100000002");
  of("width", "999999999999999999");
  of("layers", "10000");
  CHECK(has(loading(model, "config.layers", "1000000000"),
            "TransformerLM: at most 10000 layers, got 1000000000"));
  of("context", "1000000000");
  of("feed_forward", "1000000000");
  CHECK(has(loading(model, "config.attention_dropout", "2"), "[0, 1), and not round to 1, got 2"));
  CHECK(has(loading(model, "config.residual_dropout", "-0.5"), "[0, 1), and not round to 1, got -0.5"));
  CHECK(has(loading(model, "config.layers", "3"), "9 missing: 'blocks.2.norm1.weight'"));
  CHECK(has(loading(model, "config.layers", "1"), "9 unexpected: 'blocks.1.norm1.weight'"));
  CHECK(has(loading(model, "config.activation", "gelu"), "2 unexpected: 'blocks.0.feed_forward.gate.weight'"));
  CHECK(has(loading(model, "config.biases", "true"), "missing: 'blocks.0.attention.qkv.bias'"));
  CHECK(has(loading(model, "config.tied", "false"), "1 missing: 'head.weight'"));
  CHECK(has(loading(model, "config.tied", "1"), "config.tied must be true or false, got '1'"));

  // Layers of few numbers, of which there could be many.
  const TransformerLM<float> narrow(
      {.vocabulary = 4, .context = 2, .width = 1, .layers = 1, .heads = 1, .feed_forward = 1}, Random(1));
  CHECK(has(loading(narrow, "config.layers", "10000"), "the config asks for more than the file holds"));
  const TransformerLM<float> turned(vivid, Random(1));
  CHECK(loading(turned, "config.context", "100000") == "no error");
  CHECK(has(loading(turned, "config.context", "1000000000"), "the config asks for more than the file holds"));

  const OwnModel own({.vocabulary = 4, .context = 2, .width = 3}, Random(1));
  CHECK(loading(own, "config.context", "2") == "no error");
  CHECK(has(loading(own, "config.width", "100000000"), "the config asks for more than the file holds"));
  CHECK(has(loading(own, "config.width", "4"), "'embedding.weight' (expected (4, 4), got (4, 3))"));
}

TEST_CASE("no weight is drawn for a file whose config does not fit its tensors") {
  using Model = CountedModel<float>;
  const TemporaryFolder folder;
  const std::string path = folder / "model.safetensors";
  const Model model({.vocabulary = 3, .context = 2, .width = 3}, Random(1));
  save_model(model, CharTokenizer::from_text("abc"), path);
  Metadata about = SafeTensors::read(path).metadata();
  about["config.width"] = "2";
  save_weights(model, path, about);
  Model::made = 0;
  CHECK(has(message_of<DataError>([&] { load_model<Model>(path); }), "2 of another shape: 'embedding.weight'"));
  CHECK(Model::made == 0);
}

TEST_CASE("a config of values that are none is refused") {
  const TransformerLM<float> model(vivid, Random(1));
  for (const char* text : {"nan", "inf", "-inf", "1e999", "0.1x", ""}) {
    CHECK(has(loading(model, "config.attention_dropout", text),
              make_text({"config.attention_dropout: expected a number, got '", text, "'"})));
  }
  CHECK(has(loading(model, "config.position", "sinus"),
            "config.position must be one of learned, rotary, none, got 'sinus'"));
  CHECK(has(loading(model, "config.activation", "7"), "config.activation must be one of relu"));
  for (const char* key :
       {"config.width", "config.layers", "config.heads", "config.context", "config.feed_forward"}) {
    CHECK(has(loading(model, key, "-12"), "must be positive"));
  }
  CHECK(has(loading(model, "config.vocabulary", "5"),
            "the tokenizer has 4 tokens, but the model a vocabulary of 5"));
  CHECK(has(loading(model, "config.vocabulary", "-5"), "but the model a vocabulary of -5"));
}

TEST_CASE("a file of a model that is cut short, or of something else, is refused by a DataError") {
  const TemporaryFolder folder;
  const std::string path = folder / "model.safetensors";
  save_model(MlpLM<float>({.vocabulary = 3, .context = 2, .width = 3, .hidden = 4}, Random(1)),
             CharTokenizer::from_text("abc"), path);
  const std::string whole = get(path);
  const auto of = [&](const std::string& content) {
    put(path, content);
    return message_of<DataError>([&] { load_model<MlpLM<float>>(path); });
  };
  for (std::size_t size = 0; size < whole.size(); ++size) CHECK(of(whole.substr(0, size)) != "no error");
  CHECK(of(whole) == "no error");
  CHECK(has(of("a line of text\n"), "cannot read '" + path + "': it is no safetensors file: "));
}

TEST_CASE("tied weights come back from a model's file") {
  using Model = TiedModel<float>;
  const TemporaryFolder folder;
  const std::string path = folder / "model.safetensors";
  const Model model({.vocabulary = 4, .context = 3, .width = 5}, Random(1));
  save_model(model, CharTokenizer::from_text("abcd"), path);
  CHECK(SafeTensors::read(path).records().size() == 3);
  CHECK(weights_of(load_model<Model>(path).model) == weights_of(model));
}

TEST_CASE("a tokenizer of another model is not saved with it") {
  const TemporaryFolder folder;
  const MlpLM<float> model({.vocabulary = 3, .context = 2, .width = 3, .hidden = 4}, Random(1));
  CHECK(message_of<ConfigError>([&] { save_model(model, CharTokenizer::from_text("ab"), folder / "file"); }) ==
        "save_model: the tokenizer has 2 tokens, but the model a vocabulary of 3");
}

namespace {

struct SwitchedConfig {
  Index vocabulary, context;
  bool biases = false;
  Index later = 7;
  static void fields(auto& self, auto&& f) {
    f("vocabulary", self.vocabulary), f("context", self.context), f("biases", self.biases);
    f("later", self.later);
  }
};

struct SwitchedModel {
  SwitchedConfig config;
  Linear<float> map;
  SwitchedModel(const SwitchedConfig& setting, Random random)
      : config(setting), map(config.vocabulary, 2, random) {}
  static void fields(auto& self, auto&& f) { f("map", self.map); }
};

}  // namespace

TEST_CASE("a config may say true and false, and have fields that a file does not know yet") {
  const TemporaryFolder folder;
  const std::string path = folder / "model.safetensors";
  const SwitchedModel model({.vocabulary = 3, .context = 2, .biases = true, .later = 9}, Random(1));
  save_model(model, CharTokenizer::from_text("abc"), path);
  const Metadata about = SafeTensors::read(path).metadata();
  CHECK(about.at("config.biases") == "true");
  CHECK(load_model<SwitchedModel>(path).model.config.biases);
  CHECK(load_model<SwitchedModel>(path).model.config.later == 9);

  const auto without = [&](std::initializer_list<const char*> keys) {
    Metadata changed = about;
    for (const char* key : keys) changed.erase(key);
    save_weights(model, path, changed);
  };
  without({"config.later"});
  CHECK(load_model<SwitchedModel>(path).model.config.biases);
  CHECK(load_model<SwitchedModel>(path).model.config.later == 7);
  without({"config.biases", "config.later"});
  CHECK_FALSE(load_model<SwitchedModel>(path).model.config.biases);
  // One in the middle was lost rather than added.
  without({"config.biases"});
  CHECK(has(message_of<DataError>([&] { load_model<SwitchedModel>(path); }), "it has no config.biases"));

  Metadata wrong = about;
  wrong["config.biases"] = "yes";
  save_weights(model, path, wrong);
  CHECK(has(message_of<DataError>([&] { load_model<SwitchedModel>(path); }),
            "config.biases must be true or false, got 'yes'"));
}

TEST_CASE("a model that is not finite is not saved, and the file that is there stays") {
  const TemporaryFolder folder;
  const std::string path = folder / "model.safetensors";
  MlpLM<float> model({.vocabulary = 3, .context = 2, .width = 3, .hidden = 4}, Random(1));
  save_model(model, CharTokenizer::from_text("abc"), path);
  const std::string before = get(path);
  model.hidden[1].weight.value(1, 2) = std::numeric_limits<float>::quiet_NaN();
  CHECK(message_of<NumericError>([&] { save_model(model, CharTokenizer::from_text("abc"), path); }) ==
        "save_model '" + path + "': expected finite weights, got nan in 'hidden.1.weight'");
  CHECK(get(path) == before);
}

TEST_CASE("errors of files say which function could not do its work, and with which file") {
  const TemporaryFolder folder;
  const std::string missing = folder / "no/model";
  const LinearLM<float> model({.vocabulary = 3, .context = 2, .width = 3}, Random(1));
  CHECK(message_of<DataError>([&] { save_model(model, CharTokenizer::from_text("abc"), missing); }) ==
        "save_model: save_weights: cannot write '" + missing + "': open the folder: No such file or directory");
  CHECK(message_of<DataError>([&] { load_model<LinearLM<float>>(missing); }) ==
        "load_model: cannot read '" + missing + "': open: No such file or directory");
  CHECK(message_of<DataError>([&] { save_weights(model, missing); }) ==
        "save_weights: cannot write '" + missing + "': open the folder: No such file or directory");
  LinearLM<float> other = model;
  CHECK(message_of<DataError>([&] { load_weights(other, missing); }) ==
        "load_weights: cannot read '" + missing + "': open: No such file or directory");
}

namespace {

struct Twins {
  LinearConfig config;
  Linear<float> one, two;
  Twins(const LinearConfig& setting, Random random) : config(setting), one(2, 2, random), two(2, 2, random) {}
  static void fields(auto& self, auto&& f) { f("map", self.one), f("map", self.two); }
};

}  // namespace

TEST_CASE("two fields of one name are an error that names it") {
  const TemporaryFolder folder;
  const Twins twins({.vocabulary = 3, .context = 2, .width = 3}, Random(1));
  CHECK(has(message_of<DataError>([&] { save_model(twins, CharTokenizer::from_text("abc"), folder / "file"); }),
            "save_model: save_weights: cannot write '" + folder / "file" + "': the name 'map."));
  CHECK(folder.entries() == 0);
}
