#include "harness/ngram_study.hpp"

#include <cstdio>

#include "harness/progress.hpp"
#include "harness/report.hpp"
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

void run(const NgramOptions& options) {
  if (options.threads > 0) set_threads(options.threads);
  Datasets datasets(options.data, options.capped);
  RunLog log(options.out);
  const std::vector<NgramJob> jobs = plan(options, datasets);
  print("\n" + header(ngram_title, options.quick, datasets_of(jobs), log) + "\n");
  if (!options.dry_run) {
    log.prepare();
    for (std::size_t i = 0; i < jobs.size(); ++i) {
      const auto recorded = options.again ? std::nullopt : log.find(make_record(jobs[i]));
      const Record record = recorded ? *recorded : count_ngrams(jobs[i], log);
      print(make_text({i + 1, "/", jobs.size(), "  ", record.variant, " on ", record.dataset, ": test ",
                       nll_text(record.test_nll, record.floor_nll), ", ", fixed(record.seconds, 2), " s",
                       recorded ? "; already in " + log.path() + ", --again repeats it" : "", "\n"}));
    }
  }
  print(ngram_tables(jobs, log));
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
    run(options);
    return 0;
  } catch (const std::exception& error) {
    std::fflush(stdout);
    std::fprintf(stderr, "\n%s: %s\n", ngram_study, error.what());
    return 1;
  }
}

}  // namespace slm::studies
