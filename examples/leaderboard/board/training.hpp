#pragma once
// A training by a recipe, from its first weight to its score.
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>

#include "board/dynamic.hpp"
#include "board/entrant.hpp"
#include "board/entry.hpp"
#include "board/score.hpp"
#include "board/tiles.hpp"
#include "harness/median_seconds.hpp"
#include "slm/core/clock.hpp"
#include "slm/core/denormals.hpp"
#include "slm/flops/model_cost.hpp"
#include "slm/optim/average.hpp"
#include "slm/optim/muon.hpp"
#include "slm/train/checkpoint.hpp"

namespace slm::leaderboard {

/// A predicate: tables that are read by tokens, by their names in the models of the leaderboard and of slm.
inline constexpr auto is_table = [](const auto& parameter) {
  const std::string path = "." + parameter.name + ".";
  return path.find(".tables.") != path.npos || path.find(".embedding.") != path.npos ||
         path.find(".positions.") != path.npos;
};

/// Of those, the ones whose rows a step sees few of: they are updated where it does.
inline constexpr auto is_large_table = [](const auto& parameter) {
  constexpr Index rows = 1000;
  return is_table(parameter) && parameter.shape.front() >= rows;
};

/// What a recipe asks for once a share of its budget is spent.
struct Moment {
  const Recipe& recipe;
  double share;

  Index batch() const {
    if (recipe.final_batch == 0) return recipe.batch;
    return recipe.batch + static_cast<Index>(static_cast<double>(recipe.final_batch - recipe.batch) * share);
  }
  /// By which all rates are multiplied.
  double rate() const {
    constexpr Index whole = Index(1) << 30;
    const auto part = [](double of) { return static_cast<Index>(of * static_cast<double>(whole)); };
    const Schedule schedule{.decay = recipe.decay,
                            .peak = 1,
                            .floor = recipe.floor,
                            .warmup = part(recipe.warmup),
                            .steps = whole,
                            .decay_steps = part(recipe.cooldown)};
    return schedule(part(share));
  }
  bool drops_out() const { return share >= recipe.dropout_from; }
};

/// The config with every dropout at 0.
template <class Config>
Config without_dropout(Config config) {
  Config::fields(config, [](std::string_view name, auto& value) {
    if constexpr (std::is_floating_point_v<std::remove_reference_t<decltype(value)>>) {
      if (name.ends_with("dropout")) value = 0;
    }
  });
  return config;
}

/// The config, where it and the recipe are such that a training can have; else throws a `ConfigError`.
template <class Config>
const Config& checked(const Config& config, const Recipe& recipe) {
  check(recipe);
  Config::fields(config, [](const char* name, const auto& value) {
    if constexpr (std::is_same_v<std::remove_cvref_t<decltype(value)>, Index>) {
      require_config(value >= 0, {name, " must be at least 0, got ", value});
    }
  });
  require_config(config.context >= 1, {"context must be at least 1, got ", config.context});
  static_windows(recipe, config.context);
  return config;
}

template <class Config>
class Training {
 public:
  using Model = typename Config::template Model<float>;

  /// Throws a `ConfigError` where no training can have such settings.
  Training(const Config& config, const Recipe& recipe, const Text& text, std::uint64_t seed)
      : config_(checked(config, recipe)),
        recipe_(recipe),
        text_(text),
        model_(config, Random(seed, "init")),
        optimizer_(make_optimizer(parameters<float>(model_))),
        tiles_(text.train, config.context, recipe.each_once, Random(seed, "data")),
        dropout_(seed, "dropout") {
    if (recipe.dynamic_rate != 0) {  // said now rather than when all is trained
      require_config(has_dropout, {"dynamic_rate: expected a model whose config has a dropout, to turn off"});
      check_dynamic(recipe, text, config.context);
    }
    tape_.set_products(recipe.products);
    if (recipe.average_decay > 0) average_.emplace(model_, AverageConfig{.decay = recipe.average_decay});
    most_of_optimizer_ = optimizer_cost();
  }

  Training(const Training&) = delete;
  Training& operator=(const Training&) = delete;

  /// Whether the budget has room for another step, which is made then.
  bool step() {
    const double start = slm::detail::clock_seconds();
    const Moment moment{recipe_, share()};
    const Index batch_size = moment.batch(), planned = step_flops(moment);
    if (static_cast<double>(spent_.flops() + planned + most_of_optimizer_) > recipe_.budget) return false;
    const SequenceBatch batch = tiles_.batch(windows_, batch_size);
    set_dropout(moment);
    tape_.reset(dropout_.child(static_cast<std::uint64_t>(spent_.steps)));
    const auto loss = batch_loss(model_, tape_, batch);
    loss_ = static_cast<double>(loss.item());
    if (!is_finite(loss_)) {
      throw NumericError(
          make_text({"the loss of step ", spent_.steps, " is not finite; the first operation with ",
                     "such a value is ", tape_.first_not_finite()}));
    }
    tape_.backward(loss);
    update(moment);
    const Cost cost = tape_.costs().total();
    if (cost.flops() != planned) {
      throw_error<Error>({"leaderboard: a step cost ", cost.flops(), " FLOPs, but ", planned, " were counted"});
    }
    windows_ += batch_size;
    spent_.tokens += batch_size * config_.context;
    spent_.training_flops += planned;
    spent_.lookups += cost.lookups;
    ++spent_.steps;
    constexpr double counts_from = 0.9;
    if (moment.share >= counts_from) loss_sum_ += loss_, ++losses_;
    seconds_ += slm::detail::seconds_since(start);
    return true;
  }

  /// The score of the weights as they are, or of their average. The training is over then.
  Outcome finish() {
    const double start = slm::detail::clock_seconds();
    Outcome outcome{.spent = spent_,
                    .train_nll = loss_sum_ / static_cast<double>(std::max<Index>(1, losses_)),
                    .seconds = seconds_};
    std::optional<NgramLM<float>> ngram;
    if (recipe_.ngram_order > 0) {
      ngram.emplace(NgramConfig{.vocabulary = text_.vocabulary, .context = recipe_.ngram_order - 1},
                    text_.train);
      outcome.counted = ngram->table.ngrams();
    }
    if (average_) average_->swap();
    const Score found = score(model_, recipe_, text_, ngram ? &*ngram : nullptr);
    outcome.nll = found.nll, outcome.nll_of_windows = found.of_windows, outcome.scoring_flops = found.flops;
    if (recipe_.dynamic_rate > 0) find_dynamic_score(outcome);
    if (average_) average_->swap();
    outcome.scoring_seconds = slm::detail::seconds_since(start);
    return outcome;
  }

  const Spent& spent() const { return spent_; }
  double share() const { return static_cast<double>(spent_.flops()) / recipe_.budget; }
  double loss() const { return loss_; }

  void save(const std::string& path, const std::string& key) {
    FitState<float> fit;
    fit.steps = spent_.steps;
    const nlohmann::json state = {spent_.tokens,
                                  spent_.training_flops,
                                  spent_.optimizer_flops,
                                  spent_.lookups,
                                  windows_,
                                  loss_sum_,
                                  losses_,
                                  seconds_};
    with_optimizer([&](auto& updates) {
      save_checkpoint(model_, updates, fit, path, {{"key", key}, {"state", state.dump()}});
    });
  }

  /// Throws a `DataError` or an error of JSON where the file is of another training, which changes nothing.
  void load(const std::string& path, const std::string& key) {
    const SafeTensors file = SafeTensors::read(path);
    if (const auto found = file.metadata().find("key");
        found == file.metadata().end() || found->second != key) {
      throw_error<DataError>({"'", path, "' is of another training"});
    }
    const auto state = nlohmann::json::parse(file.metadata().at("state"));
    Spent spent{0, state.at(0), state.at(1), state.at(2), state.at(3)};
    const Index windows = state.at(4), losses = state.at(6);
    const double loss_sum = state.at(5), seconds = state.at(7);
    FitState<float> fit;
    with_optimizer([&](auto& updates) { load_checkpoint(model_, updates, fit, file); });
    spent.steps = fit.steps;
    spent_ = spent, windows_ = windows, loss_sum_ = loss_sum, losses_ = losses, seconds_ = seconds;
  }

  /// Throws a `ConfigError` where the model's predictions change with what comes after them.
  void require_no_foresight() const { slm::leaderboard::require_no_foresight(model_, config_.context, text_); }

  /// The steps of the budget without making them.
  Entrant::Plan plan() {
    Entrant::Plan plan{.spent = {}, .exact = where(optimizer_.list(), is_large_table).empty()};
    Index first_average = average_ ? average_->update_cost().flops() : 0;
    for (;;) {
      const Moment moment{recipe_, static_cast<double>(plan.spent.flops()) / recipe_.budget};
      const Index planned = step_flops(moment);
      if (static_cast<double>(plan.spent.flops() + planned + most_of_optimizer_) > recipe_.budget) break;
      plan.spent.training_flops += planned;
      plan.spent.optimizer_flops += most_of_optimizer_ - std::exchange(first_average, 0);
      plan.spent.tokens += moment.batch() * config_.context;
      ++plan.spent.steps;
    }
    return plan;
  }

 private:
  /// slm's transformer has three of its own, which are fixed when it is made.
  static constexpr bool has_dropout = requires(Config & config) { config.dropout; };

  Muon<float> make_optimizer(const ParameterList<float>& list) const {
    const AdamConfig rest{.learning_rate = recipe_.rate, .beta1 = recipe_.beta1, .beta2 = recipe_.beta2};
    const auto with = [](AdamConfig adam, double rate, double decay, bool only_seen_rows = false) {
      adam.learning_rate = rate, adam.weight_decay = decay, adam.only_seen_rows = only_seen_rows;
      return adam;
    };
    const auto by_muon = [this](const auto& parameter) {
      return recipe_.matrix_rate > 0 && !is_table(parameter) && is_hidden_matrix(parameter);
    };
    const auto [matrices, others] = split(list, by_muon);
    const auto [tables, between] = split(others, is_table);
    const auto [large, small] = split(tables, is_large_table);
    const auto [weights, vectors] = split(between, is_matrix);
    // Decay is given as Adam has it, times the rate: Muon's rate is another.
    const double matrix_rate = recipe_.matrix_rate > 0 ? recipe_.matrix_rate : recipe_.rate;
    return Muon<float>(matrices,
                       {.learning_rate = matrix_rate,
                        .momentum = recipe_.momentum,
                        .weight_decay = recipe_.weight_decay,
                        .rounds = recipe_.rounds},
                       {{vectors, rest},
                        {weights, with(rest, recipe_.rate, recipe_.weight_decay)},
                        {small, with(rest, recipe_.table_rate, recipe_.weight_decay)},
                        {large, with(rest, recipe_.table_rate, recipe_.weight_decay, true)}});
  }

  Config config_at(const Moment& moment) const {
    return !has_dropout || moment.drops_out() ? config_ : without_dropout(config_);
  }

  /// FLOPs of a step without its optimizer.
  Index step_flops(const Moment& moment) {
    const auto [found, is_new] = step_flops_.try_emplace(std::pair(moment.batch(), moment.drops_out()), 0);
    if (is_new) {
      const Config config = config_at(moment);
      using Priced = typename Config::template Model<Shapes>;
      const Priced model(config, Random());
      const auto tokens = Tokens<2>::without_memory({moment.batch(), config.context});
      const auto cost = flops::step_cost(model, Mode::train, [&](Tape<Shapes>& tape) {
        return mean_cross_entropy(model, tape, tokens, tokens);
      });
      found->second = cost.total().total().flops();
    }
    return found->second;
  }

  void set_dropout(const Moment& moment) {
    if constexpr (has_dropout) model_.config = config_at(moment);
  }

  /// The last that is done with the model, which it changes.
  void find_dynamic_score(Outcome& outcome) {
    if constexpr (has_dropout) model_.config = without_dropout(config_);
    const DynamicScore found = dynamic_score(model_, recipe_, text_);
    outcome.dynamic_nll = found.nll, outcome.dynamic_flops = found.flops;
  }

  void update(const Moment& moment) {
    optimizer_.step(optimizer_.config().learning_rate * moment.rate());
    if (average_) average_->update();
    spent_.optimizer_flops += optimizer_cost();
  }

  Index optimizer_cost() const {
    return optimizer_.step_cost().flops() + (average_ ? average_->update_cost().flops() : 0);
  }

  template <class F>
  void with_optimizer(const F& f) {
    if (!average_) return f(optimizer_);
    AveragingOptimizer both(optimizer_, *average_);
    f(both);
  }

  const Config& config_;
  const Recipe& recipe_;
  const Text& text_;
  Model model_;
  Muon<float> optimizer_;
  std::optional<ExponentialMovingAverage<float>> average_;
  Tiles tiles_;
  Random dropout_;
  Tape<float> tape_;
  std::map<std::pair<Index, bool>, Index> step_flops_;  // by batch, without and with dropout
  Index most_of_optimizer_ = 0;
  Spent spent_;
  Index windows_ = 0;
  double loss_ = 0, loss_sum_ = 0;
  Index losses_ = 0;
  double seconds_ = 0;  // of steps, also before a checkpoint
};

}  // namespace slm::leaderboard
