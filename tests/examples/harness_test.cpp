// What the studies share.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "harness/models.hpp"
#include "harness/progress.hpp"
#include "harness/run_log.hpp"
#include "harness/sample.hpp"
#include "harness/table.hpp"
#include "harness/text.hpp"
#include "harness/train.hpp"
#include "slm/io/weights.hpp"
#include "study_test_support.hpp"

using namespace slm::studies;
using namespace study_test;

namespace {

Record example(std::uint64_t seed) {
  Record record;
  record.study = "tiny_shakespeare";
  record.model = "mlp";
  record.config = {{"hidden", 256}, {"dropout", 0.1}};
  record.dataset = "synthetic";
  record.sha256 = "0f";
  record.seed = seed;
  record.epochs.resize(2);
  record.epochs[0].valid_nll = 2.5;
  record.epochs[1].valid_nll = std::numeric_limits<double>::quiet_NaN();
  record.best_epoch = 1;
  record.test_nll = 2.25;
  record.seconds = 1;
  record.version = "1.2.3";
  return record;
}

}  // namespace

TEST_CASE("numbers are written for people") {
  CHECK(with_commas(0) == "0");
  CHECK(with_commas(999) == "999");
  CHECK(with_commas(1'073'345) == "1,073,345");
  CHECK(with_commas(-1'000) == "-1,000");
  CHECK(fixed(2.00575, 4) == "2.0057");
  CHECK(fixed(4e36, 4) == "4.00e36");
  CHECK(fixed(std::nan(""), 4) == "not finite");
  CHECK(scientific(4.1216e13) == "4.12e13");
  CHECK(scientific(0) == "0.00e0");
  CHECK(clock_time(41.2) == "0:42");
  CHECK(clock_time(3723) == "1:02:03");
  CHECK(counted(1, "epoch") == "1 epoch");
  CHECK(counted(50'000, "window") == "50,000 windows");
  CHECK(file_name_part("L = 3") == "l3");
}

TEST_CASE("a table lines up its columns, also where characters take several bytes") {
  Table table(std::vector<Table::Row>{{"model", "NLL"}});
  table.add({"a", "2.1 ± 0.1"});
  table.add({"longer", "10.5"});
  CHECK(table.text() ==
        "model         NLL\n"
        "─────────────────\n"
        "a       2.1 ± 0.1\n"
        "longer       10.5\n");
}

TEST_CASE("a record survives being written and read") {
  const Record record = example(3), read = from_line(to_line(record));
  CHECK(read.same_training(record));
  CHECK(to_line(read) == to_line(record));
  CHECK(std::isnan(read.epochs[1].valid_nll));
  Record other = record;
  other.config["hidden"] = 512;
  CHECK_FALSE(other.same_training(record));
  other = record;
  other.version = "1.2.4";
  CHECK(other.same_training(record));
  other.sha256 = "1e";
  CHECK_FALSE(other.same_training(record));
  other = record;
  other.test_nll = std::numeric_limits<double>::quiet_NaN();
  other.diverged = "the loss of step 3 is not finite";
  const Record diverged = from_line(to_line(other));
  CHECK(diverged.same_training(record));
  CHECK(diverged.diverged == other.diverged);
  CHECK_FALSE(slm::is_finite(diverged.test_nll));
  CHECK_THROWS_AS(from_line("{\"study\": 1}"), slm::DataError);
  CHECK_THROWS_AS(from_line("no JSON"), slm::DataError);
}

TEST_CASE("the results file is only added to, whatever its last line looks like") {
  const TemporaryFolder folder;
  const std::string path = folder / "results/runs.jsonl";
  {
    RunLog log(folder / "results");
    log.prepare();
    log.append(example(1));
    CHECK(log.find(example(1)).has_value());
    CHECK_FALSE(log.find(example(2)).has_value());
  }
  const std::string broken = get(path) + "{\"study\": \"cut off";
  put(path, broken);
  RunLog log(path);
  log.append(example(2));
  CHECK(get(path) == broken + "\n" + to_line(example(2)) + "\n");

  Record better = example(2);
  better.test_nll = 2;
  log.append(better);
  CHECK(RunLog(path).find(example(1)).has_value());
  CHECK(RunLog(path).find(example(2))->test_nll == 2);
}

TEST_CASE("a results file that cannot be written is an error") {
  const TemporaryFolder folder;
  RunLog log(folder / "full.jsonl");
  std::filesystem::create_symlink("/dev/full", folder / "full.jsonl");
  CHECK_THROWS_AS(log.append(example(1)), slm::DataError);
  CHECK_FALSE(log.find(example(1)).has_value());
  put(folder / "file", "");
  RunLog inside_file(folder / "file");
  CHECK_THROWS_AS(inside_file.prepare(), slm::DataError);
}

TEST_CASE("saved weights are those of the recorded test, and samples come from them") {
  const TemporaryFolder folder;
  const Study study{.number = 1, .name = "tiny_shakespeare", .title = "", .prompts = {}};
  Options options;
  options.models = {"transformer"};
  options.data = slm::synthetic::corpus_name;
  options.context = 8;
  options.windows = 96;
  options.evaluation_windows = 64;
  options.epochs = 2;
  Datasets datasets(options.data, true);
  const Job job = plan(study, options, datasets).at(0);
  RunLog log(folder.path());
  log.prepare();
  CHECK(sample_text(study, job, log, "The ") == "");
  Progress progress(job.flops(), std::nullopt);
  const auto record = train(study, job, log, progress);
  REQUIRE(record.has_value());

  auto model = make_model(std::get<slm::TransformerConfig>(job.run.config), slm::Random());
  slm::load_weights(model, log.beside(record->weights));
  const auto& text = job.dataset->corpus.test;
  CHECK(slm::evaluate(model, slm::SequentialWindows<>(text, 8, 64, 64)) == record->test_nll);

  const std::string sample = sample_text(study, job, log, "The ");
  CHECK(has(sample, "(temperature 0.8, the validation text's beginning in front):\n\nThe "));
  CHECK(sample.size() > 300);
  CHECK(sample == sample_text(study, job, log, "The "));
  const std::string unknown = sample_text(study, job, log, "\x01");
  CHECK(has(unknown, "The transformer on synthetic of seed 1 cannot continue"));
  CHECK(has(unknown, "'\\x01' at position 0"));
}
