#include "frontier/train.hpp"

#include <algorithm>
#include <filesystem>
#include <limits>
#include <nlohmann/json.hpp>
#include <span>

#include "harness/median_seconds.hpp"
#include "harness/signals.hpp"
#include "harness/text.hpp"
#include "slm/core/clock.hpp"
#include "slm/core/denormals.hpp"
#include "slm/slm.hpp"

namespace slm::frontier {

namespace {

using Json = nlohmann::ordered_json;
using slm::detail::clock_seconds, slm::detail::seconds_since;

constexpr double checkpoint_seconds = 60;

/// A model that adds up what its forward passes cost.
template <class Model>
struct CountedModel {
  const Model& model;
  const decltype(Model::config)& config;
  Cost& cost;

  Var<float, 3> operator()(Tape<float>& tape,
                           const Tokens<2>& tokens) const requires every_position<decltype(Model::config)> {
    const auto logits = model(tape, tokens);
    cost += tape.costs().forward;
    return logits;
  }
  Var<float, 2> next_token(Tape<float>& tape, const Tokens<2>& tokens) const
      requires(!every_position<decltype(Model::config)>) {
    const auto logits = model.next_token(tape, tokens);
    cost += tape.costs().forward;
    return logits;
  }
};

/// Mean loss of every token of the scored text but the first.
template <class Model>
double score(const Model& model, const Trunk& trunk, Cost& cost) {
  const auto [stride, batch] = evaluation(trunk.config);
  const CountedModel<Model> counted{model, model.config, cost};
  return evaluate<float>(counted, trunk.text->scored, TextWindows{.stride = stride, .batch = batch})
      .nats_per_token;
}

/// AdamW as all trainings have it.
std::vector<Adam<float>::Group> groups(const Trunk& trunk, const ParameterList<float>& list) {
  AdamConfig config{.learning_rate = trunk.rate, .beta1 = beta1, .beta2 = beta2};
  const auto [matrices, vectors] = split(list, is_matrix);
  AdamConfig decaying = config;
  decaying.weight_decay = weight_decay;
  return {{matrices, decaying}, {vectors, config}};
}

/// How far a training is, beside its weights and its optimizer's moments.
struct State {
  Index step = 0;
  Index training_flops = 0, optimizer_flops = 0;
  double seconds = 0;
  double loss_sum = 0;  // of a branch's steps so far that count for its training loss
  Index losses = 0;

  std::string text() const {
    return nlohmann::json{{"training_flops", training_flops},
                          {"optimizer_flops", optimizer_flops},
                          {"seconds", seconds},
                          {"loss_sum", loss_sum},
                          {"losses", losses}}
        .dump();
  }
  static State from_text(Index step, const std::string& text) {
    const auto json = nlohmann::json::parse(text);
    return {step,
            json.at("training_flops").get<Index>(),
            json.at("optimizer_flops").get<Index>(),
            json.at("seconds").get<double>(),
            json.at("loss_sum").get<double>(),
            json.at("losses").get<Index>()};
  }
};

/// By which a branch is known: its rate falls between them.
std::string steps_of(const Reading& reading) { return make_text({reading.trunk_steps, "-", reading.steps}); }

template <class Config>
class Trainer {
 public:
  using Model = typename Config::template Model<float>;
  using AnyBatch = std::conditional_t<every_position<Config>, SequenceBatch, Batch>;

  Trainer(const Trunk& trunk, const Config& config)
      : trunk_(trunk),
        warmup_(warmup_steps(trunk)),
        model_(config, Random(trunk.seed, "init")),
        optimizer_(groups(trunk, parameters<float>(model_))),
        windows_(trunk.text->train, config.context, trunk.batch, Random(trunk.seed, "data")),
        dropout_(trunk.seed, "dropout") {}

  Trainer(const Trainer&) = delete;
  Trainer& operator=(const Trainer&) = delete;

  /// A step on the way to a reading. Throws a `NumericError` where its loss is not finite.
  double step(const Reading& reading) {
    const auto start = clock_seconds();
    windows_.seek(state_.step);
    const AnyBatch batch = windows_.next();
    tape_.reset(dropout_.child(static_cast<std::uint64_t>(state_.step)));
    const auto loss = batch_loss(model_, tape_, batch);
    const auto value = static_cast<double>(loss.item());
    if (!is_finite(value)) {
      throw NumericError(
          make_text({"the loss of step ", state_.step, " is not finite; the first operation with ",
                     "such a value is ", tape_.first_not_finite()}));
    }
    tape_.backward(loss);
    optimizer_.step(rate_at(trunk_, reading, warmup_, state_.step));
    state_.training_flops += tape_.costs().total().flops();
    state_.optimizer_flops += optimizer_.step_cost().flops();
    // The training loss of a reading is that of the second half of its branch.
    if (state_.step >= (reading.trunk_steps + reading.steps) / 2) state_.loss_sum += value, ++state_.losses;
    ++state_.step;
    state_.seconds += seconds_since(start);
    return value;
  }

  /// The branch of a reading begins to count its training loss.
  void begin_branch() { state_.loss_sum = 0, state_.losses = 0; }

  void save(const std::string& path, const Reading& reading) {
    FitState<float> fit;
    fit.steps = state_.step;
    save_checkpoint(model_, optimizer_, fit, path,
                    {{"key", key(trunk_)}, {"state", state_.text()}, {"reading", steps_of(reading)}});
  }

  /// Throws a `DataError` or an error of JSON where the file is of another training.
  void load(const std::string& path) {
    const SafeTensors file = SafeTensors::read(path);
    const auto value = [&](const char* name) {
      const auto found = file.metadata().find(name);
      return found == file.metadata().end() ? std::string() : found->second;
    };
    if (value("key") != key(trunk_)) {
      throw DataError(make_text({"'", path, "': expected the training ", key(trunk_), ", got ", value("key")}));
    }
    FitState<float> fit;
    load_checkpoint(model_, optimizer_, fit, file);
    state_ = State::from_text(fit.steps, value("state"));
  }

  const Model& model() const { return model_; }
  const State& state() const { return state_; }
  /// Of weights, gradients, both moments and the tape.
  std::size_t bytes() const {
    return 4 * sizeof(float) * static_cast<std::size_t>(parameter_count(model_)) + tape_.high_water();
  }

 private:
  const Trunk& trunk_;
  Index warmup_;
  Model model_;
  Adam<float> optimizer_;
  RandomWindows<AnyBatch> windows_;
  Random dropout_;
  Tape<float> tape_;
  State state_;
};

/// What is known of a line before its training.
Json planned_line(const Trunk& trunk, const Reading& reading) {
  const Index tokens = count_product(reading.steps, tokens_per_step(trunk));
  const Index parameters = parameters_of(trunk.config);
  return {{"key", key(trunk)},
          {"stage", trunk.stage},
          {"quick", trunk.quick},
          {"text", trunk.text->name},
          {"part", name_of(trunk.text->part)},
          {"sha256", trunk.text->sha256},
          {"family", name_of(trunk.family)},
          {"size", trunk.size},
          {"config", Json(config_json(trunk.config))},
          {"context", context_of(trunk.config)},
          {"batch", trunk.batch},
          {"tokens_per_step", tokens_per_step(trunk)},
          {"rate", trunk.rate},
          {"warmup", warmup_steps(trunk)},
          {"dropout", trunk.dropout},
          {"seed", trunk.seed},
          {"budget", reading.budget},
          {"steps", reading.steps},
          {"parameters", parameters},
          {"tokens", tokens},
          {"train_tokens", trunk.text->train.size()},
          {"scored_tokens", trunk.text->scored.size() - 1},
          {"flops_6nd", 6.0 * static_cast<double>(parameters) * static_cast<double>(tokens)}};
}

/// Where a training's checkpoints are.
struct Paths {
  std::string trunk, branch;
};

/// From the furthest checkpoint that leads to the reading. True where that is within its branch.
template <class Config>
bool go_on(Trainer<Config>& trainer, const Reading& reading, const Paths& paths, const Progress& progress) {
  const auto steps_in = [](const std::string& path) {
    const SafeTensors file = SafeTensors::read(path);
    Tensor<std::int64_t, 1> counts({3});
    file.copy_into("fit.progress", counts);
    const auto its = file.metadata().find("reading");
    return std::pair(static_cast<Index>(counts(1)), its == file.metadata().end() ? "" : its->second);
  };
  for (const bool within : {true, false}) {
    const std::string& path = within ? paths.branch : paths.trunk;
    if (!file_exists(path)) continue;
    try {
      const auto [step, its_reading] = steps_in(path);
      if (within && its_reading != steps_of(reading)) continue;
      if (!within && step > reading.trunk_steps) continue;
      trainer.load(path);
      progress.print(make_text({"  going on after step ", studies::with_commas(step)}));
      return within;
    } catch (const std::exception& error) {
      progress.print(make_text({"  not going on from a checkpoint: ", error.what()}));
      std::filesystem::remove(path);
    }
  }
  return false;
}

template <class Config>
bool train_config(const Trunk& trunk, const Config& config, bool keep, Log& log, Progress& progress) {
  const std::vector<Reading> missing = missing_readings(trunk, log);
  if (missing.empty()) return true;
  const Paths paths{log.beside(make_text({"checkpoints/", stem(trunk), ".safetensors"})),
                    log.beside(make_text({"checkpoints/", stem(trunk), "-branch.safetensors"}))};
  Trainer<Config> trainer(trunk, config);
  const double step_cost = static_cast<double>(step_flops(trunk.config, trunk.batch).total());

  /// False where it was interrupted, after a checkpoint.
  const auto advance = [&](const Reading& reading, Index end, const std::string& path) {
    auto saved = clock_seconds();
    while (trainer.state().step < end) {
      const double loss = trainer.step(reading);
      progress.step(trainer.state().step, reading.steps, loss, step_cost);
      const bool stop = studies::interrupted();
      if (stop || seconds_since(saved) > checkpoint_seconds) {
        trainer.save(path, reading);
        saved = clock_seconds();
      }
      if (stop) return false;
    }
    return true;
  };

  const auto lost = [&](const Reading& reading, const NumericError& error) {
    Json line = planned_line(trunk, reading);
    line["diverged"] = error.what();
    log.append(line);
    progress.print(make_text({"  ", studies::scientific(reading.budget), " FLOPs: diverged: ", error.what()}));
  };

  bool within = go_on(trainer, missing.front(), paths, progress);
  double ahead = 0;  // steps to be made yet
  for (const Reading& reading : missing) ahead += static_cast<double>(reading.steps - reading.trunk_steps);
  ahead += static_cast<double>(missing.back().trunk_steps);
  progress.begin(ahead * step_cost, static_cast<double>(trainer.state().step) * step_cost);
  for (std::size_t next = 0; next < missing.size(); ++next) {
    const Reading& reading = missing[next];
    try {
      if (!within) {
        if (!advance(reading, reading.trunk_steps, paths.trunk)) return false;
        trainer.save(paths.trunk, reading);
        trainer.begin_branch();
      }
      if (!advance(reading, reading.steps, paths.branch)) return false;
      const State& state = trainer.state();
      Json line = planned_line(trunk, reading);
      Cost cost;
      const auto start = clock_seconds();
      const double nll = score(trainer.model(), trunk, cost);
      if (!is_finite(nll)) throw NumericError("the score is not finite");
      line["flops"] = {{"training", state.training_flops},
                       {"optimizer", state.optimizer_flops},
                       {"total", state.training_flops + state.optimizer_flops},
                       {"evaluation", cost.flops()}};
      line["train_nll"] = state.loss_sum / static_cast<double>(std::max<Index>(1, state.losses));
      line["nll"] = nll;
      line["seconds"] = state.seconds;
      line["evaluation_seconds"] = seconds_since(start);
      log.append(line);
      progress.print(
          make_text({"  ", studies::scientific(reading.budget), " FLOPs: ", studies::fixed(nll, 4), ", ",
                     studies::with_commas(reading.steps), " steps, ", studies::fixed(state.seconds, 1), " s"}));
    } catch (const NumericError& error) {
      lost(reading, error);
      // A branch is this budget's alone; without its trunk no larger one can be had either.
      if (trainer.state().step < reading.trunk_steps) {
        for (const Reading& larger : std::span(missing).subspan(next + 1)) lost(larger, error);
        break;
      }
    }
    std::filesystem::remove(paths.branch);
    within = false;
    if (next + 1 < missing.size()) trainer.load(paths.trunk);
  }
  progress.end();
  std::filesystem::remove(paths.branch);
  if (!keep) std::filesystem::remove(paths.trunk);
  return true;
}

}  // namespace

std::string stem(const Trunk& trunk) {
  return make_text({"frontier-", name_of(trunk.family), "-", key(trunk), "-seed", trunk.seed});
}

std::vector<Reading> missing_readings(const Trunk& trunk, const Log& log) {
  std::vector<Reading> missing;
  const std::string its = key(trunk);
  for (const Reading& reading : readings(trunk)) {
    if (!log.find(its, reading.budget)) missing.push_back(reading);
  }
  return missing;
}

bool train(const Trunk& trunk, bool keep, Log& log, Progress& progress) {
  const FlushDenormals flush;
  return std::visit([&](const auto& config) { return train_config(trunk, config, keep, log, progress); },
                    trunk.config);
}

StepNeeds measure_step(const Trunk& trunk) {
  const FlushDenormals flush;
  return std::visit(
      [&](const auto& config) {
        Trainer trainer(trunk, config);
        // On a trunk without an end: a second may have more steps than the training.
        constexpr Index endless = std::numeric_limits<Index>::max();
        const Reading reading{0, endless, endless};
        constexpr int warm_up = 3;
        for (int i = 0; i < warm_up; ++i) trainer.step(reading);
        const double seconds = studies::median_seconds([&] { trainer.step(reading); });
        return StepNeeds{seconds, trainer.bytes()};
      },
      trunk.config);
}

double measure_evaluation(const Trunk& trunk) {
  const FlushDenormals flush;
  return std::visit(
      [&](const auto& config) {
        const Trainer trainer(trunk, config);
        Cost cost;
        const auto start = clock_seconds();
        score(trainer.model(), trunk, cost);
        return seconds_since(start);
      },
      trunk.config);
}

}  // namespace slm::frontier
