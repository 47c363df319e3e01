#include "harness/train.hpp"

#include <filesystem>

#include "harness/models.hpp"
#include "harness/signals.hpp"
#include "slm/core/denormals.hpp"
#include "slm/slm.hpp"

namespace slm::studies {

namespace {

/// What a record says of a loss that is not finite. Saves the best epoch's weights, which `fit` has put back.
template <class Model>
std::string divergence(const NumericError& error, const Model& model, const Record& record,
                       const std::string& path) {
  if (record.best_epoch == 0) return error.what();
  save_weights(model, path, to_metadata(record));
  return error.what() + (std::string("; they are saved in ") + path);
}

/// What was kept of this very training when a program was ended in the middle of it; nothing if there is none.
std::optional<SafeTensors> find_checkpoint(const std::string& path, const Record& training) {
  if (!file_exists(path)) return std::nullopt;
  SafeTensors file = SafeTensors::read(path);
  if (!from_metadata(without_format(file.metadata())).same_training(training)) return std::nullopt;
  return file;
}

/// Under this name a checkpoint has the losses on windows spread over the texts, by epoch.
constexpr const char* spread_key = "spread";

std::vector<SpreadReport> spread_of(const SafeTensors& checkpoint, std::size_t epochs) {
  const auto text = checkpoint.metadata().find(spread_key);
  if (text != checkpoint.metadata().end()) {
    if (auto spread = spread_from_text(text->second); spread.size() == epochs) return spread;
  }
  throw DataError(make_text(
      {"'", checkpoint.path(), "' has no losses of ", epochs, " epochs on windows spread over the texts"}));
}

/// Writes what the trained model loses on each window that it is evaluated on. Returns the FLOPs of it.
template <class Model>
Index save_window_losses(const Model& model, const Job& job, const Record& record, const std::string& path) {
  Cost cost;
  const auto losses_of = [&](const Windows<>& windows) { return window_losses(model, windows, cost); };
  save_losses(path, losses_by_window(evaluated_windows(job), losses_of), record.spread, to_metadata(record));
  return cost.flops();
}

template <class Config>
std::optional<Record> train_model(const Config& config, const Job& job, Record record, const std::string& stem,
                                  RunLog& log, Progress& progress) {
  const Corpus& corpus = job.dataset->corpus;
  const auto& [dataset, B, windows, epochs, evaluation_windows, products] = job.training();
  const Index T = config.context;
  auto model = make_model(config, Random(job.seed, "init"));
  Adam optimizer(model, {.learning_rate = job.learning_rate});

  const std::string checkpoint = log.beside(make_text({"checkpoints/", stem, ".safetensors"}));
  Metadata about = to_metadata(record);
  FitState<float> state;
  try {
    if (const auto file = find_checkpoint(checkpoint, record)) {
      load_checkpoint(model, optimizer, state, *file);
      record.spread = spread_of(*file, state.epochs.size());
    }
  } catch (const DataError& error) {
    progress.print(make_text({"  from the beginning: ", error.what()}));
    std::filesystem::remove(checkpoint);
    return train_model(config, job, record, stem, log, progress);
  }
  record.epochs = state.epochs;
  record.best_epoch = state.best_epoch;
  progress.resume(state.epochs);
  const double seconds_before = record.training_seconds();

  FitConfig fit_config{.epochs = epochs, .windows_per_epoch = windows, .products = products};
  fit_config.on_step = [&](const StepReport& report) { progress.step(report); };
  fit_config.on_epoch = [&](const EpochReport& report) {
    record.epochs.push_back(report);
    if (report.best) record.best_epoch = report.epoch;
    record.spread.push_back(spread_report(model, job));
    about[spread_key] = spread_text(record.spread);
    save_checkpoint(model, optimizer, state, checkpoint, about);
    progress.epoch_done(report);
  };
  fit_config.stop = interrupted;
  Cost test;
  try {
    const FitResult result =
        fit(model, optimizer, RandomWindows<>(corpus.train, T, B, Random(job.seed, "data")),
            SequentialWindows<>(corpus.valid, T, B, evaluation_windows), Random(job.seed, "dropout"),
            fit_config, state);
    if (result.stopped) return std::nullopt;
    progress.testing();
    record.test_nll = evaluate(model, SequentialWindows<>(corpus.test, T, B, evaluation_windows), &test);
    if (!is_finite(record.test_nll)) {
      throw NumericError(
          make_text({"the test loss is not finite with the weights of epoch ", record.best_epoch}));
    }
  } catch (const NumericError& error) {
    record.diverged = divergence(error, model, record,
                                 log.beside(std::string("weights/") + stem + "-unfinished.safetensors"));
  }
  const Spent& spent = state.spent;
  record.flops = {spent.training.total().flops(), spent.optimizer.flops(), spent.validation.flops(),
                  test.flops()};
  for (const SpreadReport& epoch : record.spread) record.flops.spread += epoch.flops;
  record.peak = progress.peak();
  record.seconds = seconds_before + progress.seconds();
  if (record.diverged.empty()) {
    try {
      const std::string name = std::string("weights/") + stem + ".safetensors";
      save_weights(model, log.beside(name), to_metadata(record));
      record.weights = name;
      const std::string losses = std::string("losses/") + stem + ".safetensors";
      record.flops.spread += save_window_losses(model, job, record, log.beside(losses));
      record.losses = losses;
    } catch (const DataError&) {
      log.append(record);  // hours of work do not depend on the room for a file
      throw;
    }
  }
  log.append(record);
  std::filesystem::remove(checkpoint);
  return record;
}

}  // namespace

std::optional<Record> train(const Study& study, const Job& job, RunLog& log, Progress& progress) {
  progress.begin(job);
  const FlushDenormals flush;
  const Record planned = make_record(study, job);
  const auto record = std::visit(
      [&](const auto& config) {
        return train_model(config, job, planned, file_stem(planned, job.changed), log, progress);
      },
      job.run.config);
  progress.end();
  return record;
}

}  // namespace slm::studies
