#pragma once
// A model with all that another program needs to use it, in one safetensors file: the weights, and as metadata
// the config and the tokenizer.
//
//   save_model(model, corpus.tokenizer, "shakespeare.safetensors");
//   auto [model, tokenizer, about] = load_model<TransformerLM<float>>("shakespeare.safetensors");
//
// Any tool that knows the format can read the weights. Their config is there as text, by keys such as
// "config.width", and so is the tokenizer: "tokenizer.unit" (byte, character or word), "tokenizer.unknown", and
// "tokenizer.vocabulary" with a space between entries, in which every byte but visible ASCII, and the percent
// sign, is written as %XX. "model" is the type's name, where it has one: `static constexpr const char* name`.
#include <algorithm>
#include <charconv>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "slm/core/names.hpp"
#include "slm/core/random.hpp"
#include "slm/data/tokenizer.hpp"
#include "slm/io/format.hpp"
#include "slm/io/weights.hpp"

namespace slm {

namespace detail {

inline std::string escaped_vocabulary(const std::vector<std::string>& vocabulary) {
  constexpr char digits[] = "0123456789ABCDEF";
  std::string text;
  for (std::size_t i = 0; i < vocabulary.size(); ++i) {
    if (i > 0) text += ' ';
    for (const char letter : vocabulary[i]) {
      const auto byte = static_cast<unsigned char>(letter);
      if (byte > 0x20 && byte < 0x7F && letter != '%') {
        text += letter;
      } else {
        text += {'%', digits[byte >> 4], digits[byte & 15]};
      }
    }
  }
  return text;
}

inline std::vector<std::string> unescaped_vocabulary(std::string_view text) {
  std::vector<std::string> vocabulary;
  for_each_word(text, [&](std::string_view entry) {
    std::string& token = vocabulary.emplace_back();
    for (std::size_t i = 0; i < entry.size(); ++i) {
      unsigned byte = 0;
      if (entry[i] != '%') {
        token += entry[i];
        continue;
      }
      const char* digits = entry.data() + i + 1;
      if (entry.size() - i < 3 || std::from_chars(digits, digits + 2, byte, 16).ptr != digits + 2) {
        throw_error<DataError>({"tokenizer.vocabulary: expected two digits behind % in ", in_quotes(entry)});
      }
      token += static_cast<char>(static_cast<unsigned char>(byte));
      i += 2;
    }
    return true;
  });
  return vocabulary;
}

/// A number, true or false, or a value of an enumeration with names, from its text under a key.
template <class Value>
Value value_from_text(std::string_view key, std::string_view text) {
  if constexpr (std::is_enum_v<Value>) {
    return from_name<Value>(key, text);
  } else if constexpr (std::is_same_v<Value, bool>) {
    if (text != "true" && text != "false") {
      throw_error<DataError>({key, " must be true or false, got ", in_quotes(text)});
    }
    return text == "true";
  } else {
    return number_from_text<Value>(key, text);
  }
}

inline const std::string& find_text(const Metadata& metadata, const std::string& key) {
  const auto found = metadata.find(key);
  if (found == metadata.end()) throw_error<DataError>({"it has no ", key, ": save_model did not write it"});
  return found->second;
}

/// Reads the fields of a config from the metadata. A config gets new fields behind its others: the last ones,
/// where a file is older and has none of them, stay at their default. A `DataError` where others are missing.
template <class Config>
void read_config(const Metadata& metadata, Config& config) {
  std::string missing;
  bool is_first = true;
  Config::fields(config, [&](const std::string& name, auto& value) {
    const std::string key = "config." + name;
    const auto found = metadata.find(key);
    const bool is_there = found != metadata.end();
    if (!is_there && missing.empty()) missing = key;
    if (is_there ? !missing.empty() : is_first) find_text(metadata, missing);
    if (is_there) value = value_from_text<std::remove_cvref_t<decltype(value)>>(key, found->second);
    is_first = false;
  });
}

/// A model that files can hold: a module with a config that names its fields, one of them `vocabulary`.
template <class Model>
concept Saveable = Module<Model> && HasFields<decltype(std::declval<Model&>().config)> &&
    requires(const Model& model) {
  { model.config.vocabulary } -> std::convertible_to<Index>;
};
template <class Model>
concept HasName = requires {
  { Model::name } -> std::convertible_to<std::string_view>;
};

/// The same model of another scalar; void for one that is no template of it.
template <template <Scalar> class Model, Scalar Real, Scalar Other>
Model<Other> with_scalar(std::type_identity<Model<Real>>, Other);
void with_scalar(...);

/// The tokenizer that a file tells of. One of bytes was called "character" when slm had no characters: it then
/// has an entry that is a byte and no character.
inline Tokenizer tokenizer_of(const Metadata& about) {
  const std::string key = "tokenizer.unit";
  auto unit = from_name<TokenUnit>(key, find_text(about, key));
  const auto unknown = unescaped_vocabulary(find_text(about, "tokenizer.unknown"));
  auto vocabulary = unescaped_vocabulary(find_text(about, "tokenizer.vocabulary"));
  const auto is_lone_byte = [](const std::string& entry) { return entry.size() == 1 && !is_utf8(entry); };
  if (unit == TokenUnit::character && std::any_of(vocabulary.begin(), vocabulary.end(), is_lone_byte)) {
    unit = TokenUnit::byte;
  }
  return Tokenizer(unit, std::move(vocabulary), unknown.empty() ? "" : unknown.front());
}

[[noreturn]] inline void throw_not_loaded(const std::string& path, const Error& why) {
  throw_error<DataError>({"load_model '", path, "': ", why.what()});
}

/// A model of this config, which may take a few times the memory that the file does. Beside its parameters it
/// has tables, as of rotary angles; small ones are none of the file's business.
template <class Model, class Config>
Model make_for_file(const Config& config, const SafeTensors& file) {
  constexpr Index times = 2, more_tensors = 64, more_elements = Index(1) << 22;
  Index elements = 0;
  for (const TensorRecord& record : file.records()) {
    elements += static_cast<Index>(record.bytes.size() / byte_size(record.dtype));
  }
  const auto tensors = static_cast<Index>(file.records().size());
  const BuildLimit limit(times * tensors + more_tensors, times * elements + more_elements);
  try {
    return Model(config, Random());
  } catch (const DataError& error) {
    throw_not_loaded(file.path(), error);
  }
}

}  // namespace detail

/// Writes weights, config and tokenizer. `about` is kept beside them. In a `format` of fewer bits the weights
/// are those that `round_weights` makes, see `save_weights`. The file is replaced as a whole or not at all.
/// Throws `DataError` where it cannot be written, `ConfigError` where the tokenizer is another model's, and
/// `NumericError` with the name of a parameter that is not finite: `load_model` would refuse it.
template <class Model>
void save_model(const Model& model, const Tokenizer& tokenizer, const std::string& path, Metadata about = {},
                WeightFormat format = WeightFormat::full) {
  static_assert(detail::Saveable<Model>,
                "save_model: the model must be a Module with a config that has fields");
  require_config(tokenizer.size() == model.config.vocabulary,
                 {"save_model: the tokenizer has ", tokenizer.size(), " tokens, but the model a vocabulary of ",
                  model.config.vocabulary});
  model.config.fields(model.config, [&](const std::string& name, const auto& value) {
    using Value = std::remove_cvref_t<decltype(value)>;
    if constexpr (std::is_enum_v<Value>) {
      require_config(!name_of(value).empty(), {"save_model: the value of config.", name, " has no name"});
      about["config." + name] = name_of(value);
    } else if constexpr (std::is_same_v<Value, bool>) {
      about["config." + name] = value ? "true" : "false";
    } else {
      about["config." + name] = make_text({value});
    }
  });
  if constexpr (detail::HasName<Model>) about["model"] = Model::name;
  about["tokenizer.unit"] = name_of(tokenizer.unit());
  about["tokenizer.unknown"] = detail::escaped_vocabulary({tokenizer.unknown()});
  about["tokenizer.vocabulary"] = detail::escaped_vocabulary(tokenizer.vocabulary());
  for_each_parameter(model, [&](const std::string& name, const auto& parameter) {
    for (const auto& weight : parameter.value) {
      if (is_finite(weight)) continue;
      throw_error<NumericError>(
          {"save_model '", path, "': expected finite weights, got ", weight, " in ", in_quotes(name)});
    }
  });
  about = with_format(std::move(about),
                      format == WeightFormat::int8 ? detail::scaled_format : detail::first_format);
  detail::named_in_errors("save_model", [&] { save_weights(model, path, about, format); });
}

/// What `load_model` reads: a structured binding takes it apart.
template <class Model>
struct SavedModel {
  Model model;
  Tokenizer tokenizer;
  Metadata about;  // everything that the file says about itself
};

/// Reads what `save_model` wrote of a model of this type. Throws `DataError` where the file is another, of
/// another type or format, or damaged, and `ConfigError` where its config makes no model; before the model
/// takes memory where it is a template of its scalar, so that its constructor has to compile for `Shapes`, too.
/// No file makes it take more than a few times the file's size, and 16 MB for tables that are no parameters.
template <class Model>
SavedModel<Model> load_model(const std::string& path) {
  static_assert(detail::Saveable<Model>,
                "load_model: the model must be a Module with a config that has fields");
  const SafeTensors file = detail::named_in_errors("load_model", [&] { return SafeTensors::read(path); });
  const Metadata& about = file.metadata();
  using Config = std::remove_cvref_t<decltype(std::declval<Model&>().config)>;
  Config config{};
  Tokenizer tokenizer;
  try {
    require_known_format(about, detail::scaled_format);
    if (file.contains("fit.epochs"))
      throw_error<DataError>("it is a checkpoint of a training, which load_checkpoint reads");
    if constexpr (detail::HasName<Model>) {  // in a file of 0.1.0, "model" is the writer's own
      if (const auto name = about.find("model");
          name != about.end() && about.contains("format") && name->second != Model::name) {
        throw_error<DataError>({"expected a model of type ", Model::name, ", got ", in_quotes(name->second)});
      }
    }
    detail::read_config(about, config);
    tokenizer = detail::tokenizer_of(about);
    if (tokenizer.size() != config.vocabulary) {
      throw_error<DataError>({"the tokenizer has ", tokenizer.size(), " tokens, but the model a vocabulary of ",
                              config.vocabulary});
    }
  } catch (const DataError& error) {
    detail::throw_not_loaded(path, error);
  }
  using Shaped = decltype(detail::with_scalar(std::type_identity<Model>(), Shapes()));
  if constexpr (std::is_constructible_v<Shaped, const Config&, Random>) {
    detail::check_names_and_shapes(detail::make_for_file<Shaped>(config, file), file);
  }
  SavedModel<Model> saved{detail::make_for_file<Model>(config, file), std::move(tokenizer), about};
  load_weights(saved.model, file);
  return saved;
}

}  // namespace slm
