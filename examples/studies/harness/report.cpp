#include "harness/report.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "harness/machine.hpp"
#include "harness/table.hpp"
#include "harness/text.hpp"
#include "slm/core/instruction_set.hpp"
#include "slm/version.hpp"

namespace slm::studies {

namespace {

constexpr const char* none = "–";

/// The trainings of one row of a table: they differ in the seed.
struct Row {
  const Job* job;
  std::vector<Record> records;  // of those with a test NLL
  std::size_t diverged = 0;     // the others that were made

  std::size_t recorded() const { return records.size() + diverged; }
};

std::vector<Row> rows_of(const Study& study, const std::vector<Job>& jobs, const RunLog& log) {
  std::vector<Row> rows;
  for (const Job& job : jobs) {
    if (job.seed == jobs.front().seed) rows.push_back({&job, {}});
    const auto same_row = [&](const Row& row) {
      return row.job->protocol == job.protocol && row.job->learning_rate == job.learning_rate;
    };
    if (const auto record = log.find(make_record(study, job))) {
      Row& row = *std::find_if(rows.begin(), rows.end(), same_row);
      if (record->diverged.empty()) {
        row.records.push_back(*record);
      } else {
        ++row.diverged;
      }
    }
  }
  return rows;
}

/// "linear", or with a second dataset among the rows "linear, ptb".
std::string row_label(const Job& job, const std::vector<Row>& rows) {
  const std::string& dataset = job.dataset->corpus.name;
  const bool several = std::any_of(rows.begin(), rows.end(),
                                   [&](const Row& row) { return row.job->dataset->corpus.name != dataset; });
  return label(job) + (several ? ", " + dataset : "");
}

bool has_floor(const Row& row) { return row.job->dataset->floor.has_value(); }

std::vector<double> values(const Row& row, double (*value)(const Record&)) {
  std::vector<double> result;
  for (const Record& record : row.records) result.push_back(value(record));
  return result;
}

double mean(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

std::string mean_text(const std::vector<double>& values, int digits) {
  if (values.empty()) return none;
  std::string text = fixed(mean(values), digits);
  if (values.size() < 2) return text;
  double squares = 0;
  for (const double value : values) squares += (value - mean(values)) * (value - mean(values));
  return text + " ± " + fixed(std::sqrt(squares / static_cast<double>(values.size() - 1)), digits);
}

double gigaflops_per_second(const Record& record) {
  return static_cast<double>(record.flops.total()) / record.seconds / 1e9;
}

/// "3 of 4", or if seeds differ "2–3 of 4".
std::string best_epochs(const Row& row) {
  if (row.records.empty()) return none;
  const std::vector<double> best =
      values(row, [](const Record& r) { return static_cast<double>(r.best_epoch); });
  const auto [low, high] = std::minmax_element(best.begin(), best.end());
  return fixed(*low, 0) + (*low < *high ? std::string("–") + fixed(*high, 0) : "") + " of " +
         std::to_string(row.job->training().epochs);
}

/// The paper's parameters, 2PN FLOPs and test NLL as cells; it has no test NLL of another learning rate.
std::array<std::string, 3> paper_cells(const Job& job) {
  const Reported& paper = job.protocol->paper;
  if (!is_reported(*job.protocol)) return {none, none, none};
  const bool same_rate = job.learning_rate == learning_rate;
  return {with_commas(paper.parameters), scientific(paper.flops_2pn),
          same_rate ? fixed(paper.test_nll, 4) : none};
}

/// What keeps the numbers from being the paper's.
std::string notes(const std::vector<Row>& rows) {
  std::string text = "\n";
  if (rows.front().job->quick)
    text += "Quick run: a tenth of the paper's windows, so that its figures are out of reach.\n";
  const bool changed = std::any_of(rows.begin(), rows.end(), [](const Row& row) { return row.job->changed; });
  if (changed) text += "Options replaced settings of the paper: its figures are not to be expected.\n";
  if (std::any_of(rows.begin(), rows.end(), has_floor)) {
    text +=
        "Synthetic corpus: the paper's figures are of another text. Floor: the least NLL that any model can "
        "expect on\nthese tokens, computed exactly; it knows the whole text before a token, a model only its "
        "window.\n";
  }
  return text.size() > 1 ? text : "";
}

/// What the means leave out.
std::string divergence(const std::vector<Row>& rows) {
  std::string text;
  for (const Row& row : rows) {
    if (row.diverged == 0) continue;
    text += make_text({"Diverged, and in no mean: ", row_label(*row.job, rows), " (", row.diverged, " of ",
                       counted(static_cast<Index>(row.recorded()), "run"), ")\n"});
  }
  return text;
}

std::string dataset_lines(const Dataset& dataset) {
  const Corpus& corpus = dataset.corpus;
  const std::string unit(name_of(corpus.tokenizer.unit()));
  const auto size = [](const std::vector<Token>& split) {
    return with_commas(static_cast<Index>(split.size()));
  };
  std::string text = std::string("data      ") + corpus.name + ", " + dataset.origin + "\n          " +
                     size(corpus.train) + " / " + size(corpus.valid) + " / " + size(corpus.test) + " " + unit +
                     "s to train, validate and test, " + with_commas(corpus.vocabulary_size()) + " distinct" +
                     (dataset.floor    ? "\n"
                      : dataset.capped ? ", as in the paper\n"
                                       : ", the paper's caps lifted\n");
  if (dataset.floor) {
    text += std::string("          entropy ") + fixed(dataset.floor->entropy_rate, 4) + " nats per " + unit +
            ", exactly, of the process that writes the text\n";
  }
  return text + "          sha256 " + corpus.checksum + (dataset.floor ? "\n" : ", of the public files\n");
}

}  // namespace

std::string header(const std::string& title, bool quick, const std::vector<const Dataset*>& datasets,
                   const RunLog& log) {
  std::string text = title + (quick ? " (quick run: a tenth of the windows)" : "") + "\n";
  for (const Dataset* dataset : datasets) text += dataset_lines(*dataset);
  return text + "machine   " + cpu_name() + ", " + instruction_set() + ", " + threads_text() +
         "\nprogram   slm " + version + ", " + compiler_name() + "\nresults   " + log.path() + "\n";
}

std::string shard_line(const Shard& shard, const std::vector<bool>& dealt) {
  if (!shard.is_part()) return "";
  return make_text({"shard     ", shard_text(shard), ", ", std::count(dealt.begin(), dealt.end(), true), " of ",
                    dealt.size(), " runs\n"});
}

std::string model_table(const Study& study, const std::vector<Job>& jobs, const RunLog& log) {
  Table table({{"", "parameters", "", "2PN FLOPs", "", "", "", "windows", "test NLL", "runs", "FLOPs"},
               {"model", "paper", "ours", "paper", "ours", "T", "epochs", "an epoch", "paper", "recorded",
                "executed"}});
  const std::vector<Row> rows = rows_of(study, jobs, log);
  for (const Row& row : rows) {
    const Job& job = *row.job;
    const auto [parameters, flops, nll] = paper_cells(job);
    table.add({row_label(job, rows), parameters, with_commas(job.parameters), flops,
               scientific(flops_2pn(job.run, job.parameters)), std::to_string(job.T()),
               std::to_string(job.training().epochs), with_commas(job.training().windows_per_epoch), nll,
               std::to_string(row.recorded()) + " of " + std::to_string(jobs.size() / rows.size()),
               scientific(job.flops())});
  }
  return table.text() + notes(rows);
}

std::string result_table(const Study& study, const std::vector<Job>& jobs, const RunLog& log) {
  const std::vector<Row> rows = rows_of(study, jobs, log);
  const bool with_floor = std::any_of(rows.begin(), rows.end(), has_floor);
  std::vector<Table::Row> head = {
      {"", "parameters", "", "2PN FLOPs", "", "test NLL", "", "best epoch", "seconds", "FLOPs", "GFLOP/s"},
      {"model", "paper", "ours", "paper", "ours", "paper", "ours", "ours", "executed", "ours"}};
  if (with_floor) {
    head[0].insert(head[0].begin() + 7, "");
    head[1].insert(head[1].begin() + 7, "floor");
  }
  Table table(head);
  std::size_t recorded = 0;
  for (const Row& row : rows) {
    const Job& job = *row.job;
    const auto [parameters, flops, nll] = paper_cells(job);
    recorded += row.recorded();
    Table::Row cells = {row_label(job, rows),
                        parameters,
                        with_commas(job.parameters),
                        flops,
                        scientific(flops_2pn(job.run, job.parameters)),
                        nll,
                        mean_text(values(row, [](const Record& r) { return r.test_nll; }), 4),
                        best_epochs(row),
                        mean_text(values(row, [](const Record& r) { return r.seconds; }), 1),
                        scientific(job.flops()),
                        mean_text(values(row, gigaflops_per_second), 1)};
    if (with_floor) {
      const auto floor = row.records.empty() ? std::nullopt : row.records.front().floor_nll;
      cells.insert(cells.begin() + 7, floor ? fixed(*floor, 4) : none);
    }
    table.add(cells);
  }
  if (recorded == 0) return "";
  const auto several = [](const Row& row) { return row.records.size() > 1; };
  const bool spread = std::any_of(rows.begin(), rows.end(), several);
  return table.text() + (spread ? "±: one standard deviation over the seeds\n" : "") + divergence(rows) +
         notes(rows);
}

}  // namespace slm::studies
