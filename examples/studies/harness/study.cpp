#include "harness/study.hpp"

#include <cstdio>

#include "harness/peak.hpp"
#include "harness/progress.hpp"
#include "harness/report.hpp"
#include "harness/sample.hpp"
#include "harness/shared_work.hpp"
#include "harness/signals.hpp"
#include "harness/some_steps.hpp"
#include "harness/text.hpp"
#include "harness/train.hpp"
#include "slm/core/parallel.hpp"

namespace slm::studies {

namespace {

/// A paragraph.
void print(const std::string& text) {
  std::printf("\n%s", text.c_str());
  std::fflush(stdout);
}

/// "linear on ptb, seed 1".
std::string name(const Job& job) {
  return make_text({label(job), " on ", job.dataset->corpus.name, ", seed ", job.seed});
}

/// "linear on ptb, seed 1: 1,073,345 parameters, 3 epochs of 50,000 windows".
std::string description(const Job& job) {
  return name(job) + ": " + with_commas(job.parameters) + " parameters, " +
         counted(job.training().epochs, "epoch") + " of " + counted(job.training().windows_per_epoch, "window");
}

/// What the machine can do at most, unless nobody wants to know.
std::optional<double> measure_peak(const Options& options) {
  if (!options.peak) return std::nullopt;
  const double peak = measured_peak();
  print(std::string("peak      ") + fixed(peak / 1e9, 1) + " GFLOP/s, in products of float matrices\n");
  return peak;
}

/// "  test 2.0058, weights of epoch 4, 98.7 s, 5.41e13 FLOPs, 95.1 GFLOP/s (40% of peak)"; where there is no
/// test "  diverged after 2 epochs, 49.3 s".
std::string result(const Record& record) {
  if (!record.diverged.empty()) {
    return std::string("  diverged after ") + counted(static_cast<Index>(record.epochs.size()), "epoch") +
           ", " + fixed(record.seconds, 1) + " s";
  }
  const std::string nll = nll_text(record.test_nll, record.floor_nll);
  const auto flops = static_cast<double>(record.flops.total());
  return std::string("  test ") + nll + ", weights of epoch " + std::to_string(record.best_epoch) + ", " +
         fixed(record.seconds, 1) + " s, " + scientific(flops) + " FLOPs, " +
         speed_text(flops, record.seconds, record.peak);
}

/// The study's prompts; on the embedded corpus, whose language does not know them, another.
std::vector<std::string> prompts(const Study& study, const Job& job) {
  const bool replaced = job.dataset->floor && !study.prompts.empty();
  return replaced ? std::vector<std::string>{"The "} : study.prompts;
}

/// How the trainings ended that were asked for.
struct Outcome {
  bool interrupted = false, diverged = false;
};

/// Trains those of the jobs that are dealt to this program and that the log has not. One that diverges is named
/// on standard error, also where the log has it, and the next ones are made all the same.
Outcome train_all(const Study& study, const std::vector<Job>& jobs, const std::vector<bool>& dealt,
                  const Options& options, RunLog& log) {
  std::vector<Work> work;
  double total_flops = 0;
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    if (!dealt[i]) continue;
    const Record planned = make_record(study, jobs[i]);
    if (options.again || !log.find(planned)) total_flops += jobs[i].flops();
    work.push_back({i, planned, file_stem(planned, jobs[i].changed)});
  }
  Progress progress(total_flops, total_flops > 0 ? measure_peak(options) : std::nullopt);
  Outcome outcome;
  const auto begin = [&](const Work& run) {
    print(std::to_string(run.position + 1) + "/" + std::to_string(jobs.size()) + "  " +
          description(jobs[run.position]) + "\n");
  };
  const auto end = [&](const Work& run, const Record& record, const std::string& remark) {
    progress.print(result(record) + remark);
    if (record.diverged.empty()) return;
    outcome.diverged = true;
    std::fprintf(stderr, "%s: %s: %s\n", study.name.c_str(), name(jobs[run.position]).c_str(),
                 record.diverged.c_str());
  };
  share_work(work, log, options.again,
             {.recorded =
                  [&](const Work& run, const Record& record) {
                    begin(run);
                    end(run, record, "; already in " + log.path() + ", --again repeats it");
                  },
              .taken =
                  [&](const Work& run, const std::string& holder) {
                    begin(run);
                    progress.print("  left to another program that is making it: " + holder);
                  },
              .make =
                  [&](const Work& run) {
                    begin(run);
                    const auto record = train(study, jobs[run.position], log, progress);
                    if (record) end(run, *record, "");
                    outcome.interrupted = interrupted();
                    return !outcome.interrupted;
                  }});
  return outcome;
}

/// One job of each model at each rate.
template <class F>
void for_each_model(const std::vector<Job>& jobs, const Options& options, const F& f) {
  for (const Job& job : jobs) {
    if (job.seed == options.seed) f(job);
  }
}

void time_all(const Study& study, const std::vector<Job>& jobs, const Options& options, const RunLog& log) {
  for_each_model(jobs, options, [&](const Job& job) {
    const StepTime time = time_steps(job);
    print(description(job) + "\n  " + fixed(1e3 * time.step, 2) + " ms a step, " +
          fixed(1e6 * time.evaluated_window, 1) + " us an evaluated window, " +
          clock_time(training_seconds(job, time)) + " in all\n");
    save_time(log.beside("seconds.json"), make_record(study, job), time);
  });
}

int run(const Study& study, const Options& options) {
  if (options.threads > 0) set_threads(options.threads);
  Datasets datasets(options.data, options.capped);
  RunLog log(options.out);
  const std::vector<Job> jobs = plan(study, options, datasets);
  std::vector<double> costs;
  for (const Job& job : jobs) costs.push_back(job.flops());
  const std::vector<bool> dealt = dealt_to(options.shard, costs);
  print(header(study.title, options.quick, datasets_of(jobs), log) + shard_line(options.shard, dealt));
  if (options.dry_run) {
    print(model_table(study, jobs, log));
    return 0;
  }
  if (options.profile) {
    for_each_model(jobs, options, [](const Job& job) { print(description(job) + "\n" + step_profile(job)); });
    return 0;
  }
  Outcome outcome;
  if (!options.table) {
    log.prepare();
    if (options.time) {
      time_all(study, jobs, options, log);
      return 0;
    }
    catch_interrupts();
    outcome = train_all(study, jobs, dealt, options, log);
  }
  if (const std::string table = result_table(study, jobs, log); !table.empty()) print(table);
  if (outcome.interrupted) {
    print(std::string("Interrupted. Finished runs are in ") + log.path() +
          "; the same command keeps them and goes on after the last finished epoch.\n");
    return interrupted_exit_code;
  }
  const std::string missing =
      missing_text(jobs, log, name, [&](const Job& job) { return make_record(study, job); });
  if (!missing.empty()) print(missing);
  if (options.table) return missing.empty() ? 0 : 1;
  for_each_model(jobs, options, [&](const Job& job) {
    for (const std::string& prompt : prompts(study, job)) {
      if (const std::string text = sample_text(study, job, log, prompt); !text.empty()) print(text);
    }
  });
  return outcome.diverged ? 1 : 0;
}

}  // namespace

int run_study(const Study& study, int argc, char** argv) {
  Options options;
  if (const auto code = parse_options(study, argc, argv, options)) return *code;
  try {
    return run(study, options);
  } catch (const std::exception& error) {
    std::fflush(stdout);
    std::fprintf(stderr, "\n%s: %s\n", study.name.c_str(), error.what());
    return 1;
  }
}

}  // namespace slm::studies
