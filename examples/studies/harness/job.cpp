#include "harness/job.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "harness/record.hpp"
#include "harness/selection.hpp"
#include "harness/setting.hpp"
#include "harness/text.hpp"
#include "slm/data/batches.hpp"

namespace slm::studies {

namespace {

/// Throws unless the texts have the windows that the training wants.
void check_windows(const Job& job) {
  const Corpus& corpus = job.dataset->corpus;
  const Index T = job.T(), B = job.training().batch;
  RandomWindows<>(corpus.train, T, B, Random());
  SequentialWindows<>(corpus.valid, T, B, job.training().evaluation_windows);
  SequentialWindows<>(corpus.test, T, B, job.training().evaluation_windows);
}

Job make_job(const Run& protocol, double rate, const Dataset& dataset, const Options& options) {
  Job job{&protocol, &dataset, protocol, options.seed, learning_rate, options.quick};
  std::visit([&](auto& config) { config.vocabulary = dataset.corpus.vocabulary_size(); }, job.run.config);
  Training& training = job.run.training = protocol_training(protocol, options.quick);
  std::visit([&](auto& config) { config.context = options.context.value_or(config.context); }, job.run.config);
  training.epochs = options.epochs.value_or(training.epochs);
  training.windows_per_epoch = options.windows.value_or(training.windows_per_epoch);
  training.evaluation_windows = options.evaluation_windows.value_or(training.evaluation_windows);
  training.products = options.products;
  job.learning_rate = rate;
  job.changed = !setting_changes(protocol, config_json(job), options.quick).empty();
  check_windows(job);
  job.spread_windows = spread_windows(options);
  job.floors = floors(dataset, job.T(), training.evaluation_windows);
  const Training& t = training;
  std::visit(
      [&](const auto& config) {
        job.parameters = flops::model_cost(config, {}).parameters();
        job.cost = flops::run_cost(
            config, {t.batch, t.windows_per_epoch, t.epochs, t.evaluation_windows, t.evaluation_windows});
      },
      job.run.config);
  return job;
}

}  // namespace

std::vector<Job> plan(const Study& study, const Options& options, Datasets& datasets) {
  std::vector<double> rates;
  for (const double rate : options.learning_rates) {
    if (std::find(rates.begin(), rates.end(), rate) == rates.end()) rates.push_back(rate);
  }
  if (rates.empty()) rates.push_back(learning_rate);
  std::vector<Job> first;
  for (const Run* run : selected_runs(study, options)) {
    const Dataset& dataset = datasets.get(std::string(run->training.dataset));
    for (const double rate : rates) {
      const Job job = make_job(*run, rate, dataset, options);
      // On the embedded corpus the two word-level runs are one training.
      const Record record = make_record(study, job);
      const auto same = [&](const Job& other) { return record.same_training(make_record(study, other)); };
      if (std::none_of(first.begin(), first.end(), same)) first.push_back(job);
    }
  }
  std::vector<Job> jobs;
  for (int i = 0; i < options.seeds; ++i) {
    for (Job job : first) {
      job.seed += static_cast<std::uint64_t>(i);
      jobs.push_back(job);
    }
  }
  std::stable_partition(jobs.begin(), jobs.end(), [](const Job& job) { return is_reported(*job.protocol); });
  return jobs;
}

std::string label(const Job& job) {
  const std::string variant(job.run.variant);
  return std::string(job.run.model) + (variant.empty() ? "" : ", " + variant) +
         (job.learning_rate == learning_rate ? "" : ", rate " + shortest(job.learning_rate)) +
         (job.training().products == Products::full ? "" : ", bfloat16");
}

nlohmann::json config_json(const Job& job) {
  return config_json(job.run, job.learning_rate, job.dataset->capped);
}

Index spread_windows(const CommonOptions& options) {
  return options.evaluation_windows.value_or(options.quick ? usual_spread_windows / 10 : usual_spread_windows);
}

double weighted_epoch(const Job& job) {
  const Training& training = job.training();
  return static_cast<double>(training.windows_per_epoch) +
         evaluation_share * static_cast<double>(training.evaluation_windows + 2 * job.spread_windows);
}

double weighted_windows(const Job& job) {
  const Index last = 3 * job.training().evaluation_windows + 2 * job.spread_windows;
  return static_cast<double>(job.training().epochs) * weighted_epoch(job) +
         evaluation_share * static_cast<double>(last);
}

}  // namespace slm::studies
