#include "harness/ngram_study.hpp"

#include <cstdio>

#include "harness/progress.hpp"
#include "harness/report.hpp"
#include "harness/shared_work.hpp"
#include "harness/table.hpp"
#include "harness/text.hpp"
#include "slm/core/parallel.hpp"

namespace slm::studies {

namespace {

void print(const std::string& text) {
  std::printf("%s", text.c_str());
  std::fflush(stdout);
}

Table::Row cells(const NgramJob& job, const RunLog& log) {
  const auto record = log.find(make_record(job));
  if (!record) return {ngram_variant(job.model), "–", "–", "–", "–", "–", "–", "–"};
  return {record->variant,
          with_commas(record->parameters),
          fixed(record->epochs.at(0).train_nll, 4),
          fixed(record->epochs.at(0).valid_nll, 4),
          fixed(record->test_nll, 4),
          fixed(record->spread.at(0).valid_nll, 4),
          fixed(record->spread.at(0).test_nll, 4),
          fixed(record->seconds, 2)};
}

std::string name(const NgramJob& job) {
  return make_text({ngram_variant(job.model), " on ", job.dataset->corpus.name});
}

/// Counts those of the models that are dealt to this program and that the log has not.
void count_all(const std::vector<NgramJob>& jobs, const std::vector<bool>& dealt, const NgramOptions& options,
               RunLog& log) {
  std::vector<Work> work;
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    if (!dealt[i]) continue;
    const Record planned = make_record(jobs[i]);
    work.push_back({i, planned, file_stem(planned, jobs[i].changed)});
  }
  const auto begin = [&](const Work& run) {
    return make_text({run.position + 1, "/", jobs.size(), "  ", name(jobs[run.position]), ": "});
  };
  const auto result = [](const Record& record) {
    return make_text(
        {"test ", nll_text(record.test_nll, record.floor_nll), ", ", fixed(record.seconds, 2), " s"});
  };
  share_work(
      work, log, options.again,
      {.recorded =
           [&](const Work& run, const Record& record) {
             print(begin(run) + result(record) + "; already in " + log.path() + ", --again repeats it\n");
           },
       .taken =
           [&](const Work& run, const std::string& holder) {
             print(begin(run) + "left to another program that is making it: " + holder + "\n");
           },
       .make =
           [&](const Work& run) {
             print(begin(run) + result(count_ngrams(jobs[run.position], log)) + "\n");
             return true;
           }});
}

/// Returns the exit code.
int run(const NgramOptions& options) {
  if (options.threads > 0) set_threads(options.threads);
  Datasets datasets(options.data, options.capped);
  RunLog log(options.out);
  const std::vector<NgramJob> jobs = plan(options, datasets);
  const std::vector<bool> dealt = dealt_to(options.shard, std::vector<double>(jobs.size(), 0.0));
  print("\n" + header(ngram_title, options.quick, datasets_of(jobs), log) + shard_line(options.shard, dealt) +
        "\n");
  if (!options.dry_run && !options.table) {
    log.prepare();
    count_all(jobs, dealt, options, log);
  }
  print(ngram_tables(jobs, log));
  if (options.dry_run) return 0;
  const std::string missing =
      missing_text(jobs, log, name, [](const NgramJob& job) { return make_record(job); });
  if (!missing.empty()) print("\n" + missing);
  return options.table && !missing.empty() ? 1 : 0;
}

}  // namespace

std::string ngram_tables(const std::vector<NgramJob>& jobs, const RunLog& log) {
  std::string text;
  for (const Dataset* dataset : datasets_of(jobs)) {
    Table table({{"", "", "", "paper's windows", "", "whole texts", "", ""},
                 {"NLL", "counts", "train", "valid", "test", "valid", "test", "seconds"}});
    const NgramJob* last = nullptr;
    for (const NgramJob& job : jobs) {
      if (job.dataset == dataset) table.add(cells(job, log)), last = &job;
    }
    text += make_text({"\n", dataset->corpus.name, ", windows of ", last->T, ": ",
                       with_commas(last->training.evaluation_windows), " of the paper's, ",
                       with_commas(last->spread_windows), " spread over the whole texts\n\n", table.text()});
  }
  return text;
}

int run_ngram_study(int argc, char** argv) {
  NgramOptions options;
  if (const auto code = parse_options(argc, argv, options)) return *code;
  try {
    return run(options);
  } catch (const std::exception& error) {
    std::fflush(stdout);
    std::fprintf(stderr, "\n%s: %s\n", ngram_study, error.what());
    return 1;
  }
}

}  // namespace slm::studies
