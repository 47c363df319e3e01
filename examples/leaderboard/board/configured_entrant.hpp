#pragma once
// An entry with its settings, which are fields of its config and of its recipe.
#include <memory>

#include "board/entrant.hpp"
#include "board/entry.hpp"
#include "board/settings.hpp"
#include "harness/fields_json.hpp"

namespace slm::leaderboard {

/// The settings of an entry, by their names.
template <class Config>
class ConfiguredEntrant : public Entrant {
  using Json = nlohmann::ordered_json;

 public:
  ConfiguredEntrant(const Config& config, const Recipe& recipe) : config_(config), recipe_(recipe) {}

  void set(const std::string& field, const std::string& text) override try {
    require_config(field != "vocabulary", {"the vocabulary is that of the text"});
    if (set_field(config_, field, text) || set_field(recipe_, field, text)) return;
    throw_error<ConfigError>({"there is no setting '", field, "'; there are ", field_names(config_),
                              " of the model and ", field_names(recipe_), " of the recipe"});
  } catch (const nlohmann::json::exception&) {
    throw_error<ConfigError>({"'", text, "' is no value of ", field});
  }
  Json config() const override { return studies::fields_json<Json>(config_); }
  Json recipe() const override { return studies::fields_json<Json>(recipe_); }
  Json identity() const override {
    return {{"config", studies::changed_fields_json<Json>(config_)},
            {"recipe", studies::changed_fields_json<Json>(recipe_)}};
  }
  double budget() const override { return recipe_.budget; }

 protected:
  Config with_vocabulary(const Text& text) const {
    Config config = config_;
    config.vocabulary = text.vocabulary;
    return config;
  }

  Config config_;
  Recipe recipe_;
};

}  // namespace slm::leaderboard
