#pragma once
// A model with all that another program needs to use it, in one safetensors file: the weights, and as metadata
// the config and the tokenizer.
//
//   save_model(model, corpus.tokenizer, "shakespeare.safetensors");
//   auto [model, tokenizer, about] = load_model<TransformerLM<float>>("shakespeare.safetensors");
//
// Any tool that knows the format can read the weights. Their config is there as text, by keys such as
// "config.width", and so is the tokenizer: "tokenizer.unit", "tokenizer.unknown", and "tokenizer.vocabulary"
// with a space between entries, in which every byte but visible ASCII, and the percent sign, is written as %XX.
#include <charconv>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <utility>
#include <vector>

#include "slm/core/names.hpp"
#include "slm/core/random.hpp"
#include "slm/data/tokenizer.hpp"
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
        throw DataError(
            concatenate({"tokenizer.vocabulary: expected two digits behind % in ", in_quotes(entry)}));
      }
      token += static_cast<char>(static_cast<unsigned char>(byte));
      i += 2;
    }
    return true;
  });
  return vocabulary;
}

/// A number, or a value of an enumeration with names, from its text under a key.
template <class Value>
Value value_from_text(std::string_view key, std::string_view text) {
  if constexpr (std::is_enum_v<Value>) {
    return from_name<Value>(key, text);
  } else {
    Value value{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) {
      throw DataError(concatenate({key, ": expected a number, got ", in_quotes(text)}));
    }
    return value;
  }
}

inline const std::string& find_text(const Metadata& metadata, const std::string& key) {
  const auto found = metadata.find(key);
  if (found == metadata.end())
    throw DataError(concatenate({"it has no ", key, ": save_model did not write it"}));
  return found->second;
}

}  // namespace detail

/// Writes weights, config and tokenizer. `about` is kept beside them. The file is replaced as a whole or not at
/// all. Throws `DataError` where it cannot be written, and `ConfigError` where the tokenizer is another
/// model's.
template <class Model>
void save_model(const Model& model, const Tokenizer& tokenizer, const std::string& path, Metadata about = {}) {
  require_config(tokenizer.size() == model.config.vocabulary,
                 {"save_model: the tokenizer has ", tokenizer.size(), " tokens, but the model a vocabulary of ",
                  model.config.vocabulary});
  model.config.fields(model.config, [&](const std::string& name, const auto& value) {
    if constexpr (std::is_enum_v<std::remove_cvref_t<decltype(value)>>) {
      about["config." + name] = name_of(value);
    } else {
      about["config." + name] = concatenate({value});
    }
  });
  about["tokenizer.unit"] = name_of(tokenizer.unit());
  about["tokenizer.unknown"] = detail::escaped_vocabulary({tokenizer.unknown()});
  about["tokenizer.vocabulary"] = detail::escaped_vocabulary(tokenizer.vocabulary());
  save_weights(model, path, about);
}

/// What `load_model` reads: a structured binding takes it apart.
template <class Model>
struct SavedModel {
  Model model;
  Tokenizer tokenizer;
  Metadata about;  // everything that the file says about itself
};

/// Reads what `save_model` wrote of a model of this type. Throws `DataError` where the file is another or
/// damaged, and `ConfigError` where its config makes no model. The file decides how much memory the model
/// takes: read those of people you trust.
template <class Model>
SavedModel<Model> load_model(const std::string& path) {
  const SafeTensors file = SafeTensors::read(path);
  const Metadata& about = file.metadata();
  using Config = std::remove_cvref_t<decltype(std::declval<Model&>().config)>;
  Config config{};
  Tokenizer tokenizer;
  try {
    Config::fields(config, [&](const std::string& name, auto& value) {
      const std::string key = "config." + name;
      value = detail::value_from_text<std::remove_cvref_t<decltype(value)>>(key, detail::find_text(about, key));
    });
    const std::string key = "tokenizer.unit";
    const auto unknown = detail::unescaped_vocabulary(detail::find_text(about, "tokenizer.unknown"));
    tokenizer = Tokenizer(from_name<TokenUnit>(key, detail::find_text(about, key)),
                          detail::unescaped_vocabulary(detail::find_text(about, "tokenizer.vocabulary")),
                          unknown.empty() ? "" : unknown.front());
    if (tokenizer.size() != config.vocabulary) {
      throw DataError(concatenate({"the tokenizer has ", tokenizer.size(),
                                   " tokens, but the model a vocabulary of ", config.vocabulary}));
    }
  } catch (const DataError& error) {
    throw DataError(concatenate({"load_model '", path, "': ", error.what()}));
  }
  SavedModel<Model> saved{Model(config, Random()), std::move(tokenizer), about};
  load_weights(saved.model, file);
  return saved;
}

}  // namespace slm
