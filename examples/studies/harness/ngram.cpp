#include "harness/ngram.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>

#include "harness/identity.hpp"
#include "harness/selection.hpp"
#include "harness/setting.hpp"
#include "slm/core/parallel.hpp"

namespace slm::studies {

namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

Index order(const NgramConfig& model) { return model.context + 1; }

std::string_view smoothing_label(const NgramConfig& model) {
  return std::find_if(std::begin(smoothing_labels), std::end(smoothing_labels),
                      [&](const auto& entry) { return entry.value == model.smoothing; })
      ->name;
}

nlohmann::json config_json(const NgramJob& job) {
  nlohmann::json config = training_json(job.training, 0, job.dataset->capped);
  config.update({{"vocabulary", job.model.vocabulary},
                 {"context", job.T},
                 {"order", order(job.model)},
                 {"smoothing", name_of(job.model.smoothing)}});
  return config;
}

NgramJob make_job(const NgramConfig& model, const Dataset& dataset, const Run& protocol,
                  const NgramOptions& options) {
  NgramJob job{&dataset,
               model,
               context(protocol),
               protocol_training(protocol, options.quick),
               spread_windows(options),
               options.quick,
               false};
  job.training.windows_per_epoch = 0;
  job.training.epochs = 1;
  const nlohmann::json unchanged = config_json(job);
  job.T = options.context.value_or(job.T);
  job.training.evaluation_windows = options.evaluation_windows.value_or(job.training.evaluation_windows);
  job.changed = config_json(job) != unchanged || !dataset.capped;
  require_config(model.context <= job.T, {ngram_variant(model), " sees ", model.context,
                                          " tokens, more than there are in a window of ", job.T});
  evaluated_windows(dataset, job.T, job.training, job.spread_windows);  // throws where a text is too short
  return job;
}

}  // namespace

std::string ngram_variant(const NgramConfig& model) {
  return make_text({smoothing_label(model), ", n = ", order(model)});
}

std::vector<NgramConfig> ngram_configs(Index vocabulary) {
  std::vector<NgramConfig> configs;
  for (const auto& [smoothing, label] : smoothing_labels) {
    for (Index n = 1; n <= highest_order; ++n) configs.push_back({vocabulary, n - 1, smoothing});
  }
  return configs;
}

std::vector<NgramJob> plan(const NgramOptions& options, Datasets& datasets) {
  std::vector<NgramJob> jobs;
  std::vector<nlohmann::json> planned;  // on the embedded corpus both texts of words are one
  for (const DataSize& data : data_sizes) {
    if (!wanted(data.name, options.datasets)) continue;
    const Run& protocol = *std::find_if(runs.begin(), runs.end(),
                                        [&](const Run& run) { return run.training.dataset == data.name; });
    const Dataset& dataset = datasets.get(std::string(data.name));
    for (const NgramConfig& model : ngram_configs(dataset.corpus.vocabulary_size())) {
      if (!wanted(smoothing_label(model), options.smoothings) ||
          !wanted(std::to_string(order(model)), options.orders)) {
        continue;
      }
      const NgramJob job = make_job(model, dataset, protocol, options);
      const nlohmann::json its = identity(make_record(job));
      if (std::find(planned.begin(), planned.end(), its) != planned.end()) continue;
      planned.push_back(its);
      jobs.push_back(job);
    }
  }
  return jobs;
}

Record make_record(const NgramJob& job) {
  Record record = make_record(ngram_study, *job.dataset, 1, job.quick);
  record.model = ngram_model;
  record.variant = ngram_variant(job.model);
  record.config = config_json(job);
  record.floor_nll = floors(*job.dataset, job.T, job.training.evaluation_windows).test;
  return record;
}

std::vector<float> ngram_losses(const NgramLM<float>& model, const Windows<>& windows) {
  std::vector<float> losses(static_cast<std::size_t>(windows.windows()));
  const Index full = windows.batch(0).targets.size();
  parallel_for(windows.batches(), [&](Index i) {
    const Batch batch = windows.batch(i);
    const auto T = static_cast<std::size_t>(batch.inputs.extent(1));
    for (Index row = 0; row < batch.targets.size(); ++row) {
      const std::span<const Token> text(&batch.inputs(row, 0), T);
      const double p = model.probability(batch.targets(row), text);
      losses[static_cast<std::size_t>(i * full + row)] = static_cast<float>(-std::log(p));
    }
  });
  return losses;
}

Record count_ngrams(const NgramJob& job, RunLog& log) {
  const std::vector<Token>& train = job.dataset->corpus.train;
  Record record = make_record(job);
  const Clock::time_point start = Clock::now();
  const NgramLM<float> model(job.model, train);
  EpochReport epoch{.epoch = 1, .seconds = seconds_since(start), .best = true};
  const auto losses_of = [&](const Windows<>& windows) { return ngram_losses(model, windows); };
  const WindowLosses losses =
      losses_by_window(evaluated_windows(*job.dataset, job.T, job.training, job.spread_windows), losses_of);
  epoch.train_nll =
      mean_loss(losses_of(Windows<>::evenly_spaced(train, job.T, job.training.batch, job.spread_windows)));
  epoch.valid_nll = mean_loss(losses.paper_valid);
  record.test_nll = mean_loss(losses.paper_test);
  record.epochs = {epoch};
  record.spread = {spread_report(losses.spread_valid, losses.spread_test, 0)};
  record.best_epoch = 1;
  record.parameters = model.table.ngrams();
  record.seconds = seconds_since(start);
  record.losses = std::string("losses/") + file_stem(record, job.changed) + ".safetensors";
  save_losses(log.beside(record.losses), losses, record.spread, to_metadata(record));
  log.append(record);
  return record;
}

}  // namespace slm::studies
