// Which recorded trainings a study finds again, also those that older versions of slm made.
#include <doctest/doctest.h>

#include <fstream>
#include <iomanip>
#include <set>
#include <sstream>

#include "data/data_test_support.hpp"
#include "harness/identity.hpp"
#include "harness/ngram.hpp"
#include "harness/options.hpp"
#include "harness/run_log.hpp"
#include "harness/setting.hpp"
#include "study_test_support.hpp"

using namespace slm::studies;
using namespace study_test;

namespace {

constexpr const char* published = SLM_TESTS_DIR "/../docs/results";

/// The published runs that are trainings, of which there may be more at any time.
std::vector<Record> published_trainings() {
  std::vector<Record> records = RunLog(published).records();
  std::erase_if(records, [](const Record& record) { return record.study == ngram_study; });
  return records;
}

Study study_of(std::string_view name) {
  const auto number = std::find(study_names.begin(), study_names.end(), name) - study_names.begin() + 1;
  return {.number = static_cast<int>(number), .name = std::string(name), .title = "", .prompts = {}};
}

/// What a study's program says of a recorded training before it makes it: by the protocol, and by the options
/// that were given.
Record planned(const Record& recorded) {
  const Run* protocol = find_run(recorded.study, recorded.model, recorded.variant, recorded.dataset);
  REQUIRE(protocol);
  Dataset dataset{{}, "", true};
  dataset.corpus.name = recorded.dataset;
  dataset.corpus.checksum = recorded.sha256;
  Job job{protocol, &dataset, *protocol, recorded.seed, recorded.config.at("learning_rate"), recorded.quick};
  recorded.config.at("epochs").get_to(job.run.training.epochs);
  recorded.config.at("windows").get_to(job.run.training.windows_per_epoch);
  return make_record(study_of(recorded.study), job);
}

Options options_of(const char* study, const std::string& command) {
  std::istringstream words(study + (" " + command));
  std::vector<std::string> arguments;
  for (std::string word; words >> std::quoted(word);) arguments.push_back(word);
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  Options options;
  REQUIRE_FALSE(parse_options(study_of(study), static_cast<int>(argv.size()), argv.data(), options));
  return options;
}

std::string lines(const std::vector<Record>& records) {
  std::string text;
  for (const Record& record : records) text += to_line(record) + "\n";
  return text;
}

}  // namespace

TEST_CASE("all published runs are found, by whichever version") {
  const RunLog log(published);
  const std::vector<Record> trainings = published_trainings();
  REQUIRE(trainings.size() > 100);
  for (const Record& recorded : trainings) {
    Record training = planned(recorded);
    training.version = "9.9.9";
    const auto found = log.find(training);
    REQUIRE(found);
    CHECK(to_line(*found) == to_line(recorded));
    ++training.seed;
    const auto other = log.find(training);
    CHECK((!other || other->seed == training.seed));
  }
}

TEST_CASE("a field that configs got after a run was made is no part of it, at its default") {
  // As they would stand there, had configs got every field later that is at its default in them.
  std::vector<Record> records = published_trainings();
  std::set<std::string> later;
  for (Record& record : records) {
    const nlohmann::json defaults = default_config(record.model);
    for (const auto& [name, value] : defaults.items()) {
      if (record.config.value(name, nlohmann::json()) == value && record.config.erase(name) > 0)
        later.insert(name);
    }
  }
  CHECK(later == std::set<std::string>{"attention_dropout", "attention_init", "biases", "head_width", "heads",
                                       "hidden", "initial_deviation", "key_value_heads", "layers",
                                       "learning_rate", "norm", "norm_epsilon", "normalization", "position",
                                       "query_key_norm", "residual_dropout", "rotary_base", "tied", "width"});
  const TemporaryFolder folder;
  put(folder / "runs.jsonl", lines(records));
  const RunLog log(folder / "runs.jsonl");
  std::size_t found = 0;
  const std::vector<Record> whole = published_trainings();
  for (const Record& recorded : whole) {
    const auto again = log.find(planned(recorded));
    if (again && again->test_nll == recorded.test_nll) ++found;
  }
  CHECK(found == whole.size());

  // Options that the transformer got later.
  const nlohmann::json defaults = default_config("transformer");
  for (const char* option : {"normalization", "norm_epsilon", "biases", "key_value_heads", "head_width",
                             "query_key_norm", "rotary_base", "tied", "initial_deviation"}) {
    CHECK(defaults.contains(option));
    for (const Record& recorded : whole) {
      CHECK_FALSE(essential_config(recorded.model, planned(recorded).config).contains(option));
    }
  }

  Record record = records.at(0), with_field = record;
  with_field.config["a_later_field"] = true;  // of which no default is known
  CHECK_FALSE(with_field.same_training(record));
  with_field = record;
  with_field.config["learning_rate"] = 1e-3;
  CHECK_FALSE(with_field.same_training(record));
  record.model = with_field.model = "rnn";
  CHECK_FALSE(with_field.same_training(record));
}

TEST_CASE("scripts/all_runs.sh asks for each published run, and for none twice") {
  const auto place = data_test::public_folder({"tiny_shakespeare", "ptb", "wikitext-2"});
  if (!place) return;
  const RunLog log(published);
  Datasets datasets(*place, true);
  std::set<std::string> asked, found;
  const auto look = [&](const Record& planned) {
    CHECK_MESSAGE(asked.insert(to_line(planned)).second, "asked for twice: ", to_line(planned));
    if (const auto record = log.find(planned)) found.insert(to_line(*record));
  };
  std::ifstream script(SLM_TESTS_DIR "/../scripts/all_runs.sh");
  for (std::string line; std::getline(script, line);) {
    std::istringstream words(line);
    std::string run, study, options;
    if (!(words >> run >> study) || run != "run" || study == "()") continue;
    std::getline(words, options);
    if (study == ngram_study) {
      for (const NgramJob& job : plan(NgramOptions(), datasets)) look(make_record(job));
    } else {
      for (const Job& job : plan(study_of(study), options_of(study.c_str(), options), datasets))
        look(make_record(study_of(study), job));
    }
  }
  CHECK(found.size() == log.records().size());
}

TEST_CASE("what a weights file says about itself is its training") {
  Record record = RunLog(published).records().front();
  const auto about = to_metadata(record);
  const Record read = from_metadata(about);
  CHECK(read.same_training(record));
  CHECK(read.best_epoch == record.best_epoch);
  CHECK(to_metadata(read) == about);
  for (const auto& entry : about) {
    const std::string& key = entry.first;
    CAPTURE(key);
    auto without = about;
    without.erase(key);
    const std::string error = slm_test::message_of<slm::DataError>([&] { from_metadata(without); });
    CHECK(has(error, "does not say its " + key));
  }
  auto wrong = about;
  wrong["seed"] = "1st";
  CHECK(has(slm_test::message_of<slm::DataError>([&] { from_metadata(wrong); }),
            "seed must be a number, got '1st'"));
  wrong = about;
  wrong["config"] = "none";
  CHECK(
      has(slm_test::message_of<slm::DataError>([&] { from_metadata(wrong); }), "config is no object of JSON"));
}

TEST_CASE("a file's name tells changed settings apart, and stays the same when slm gets another field") {
  const char* study = "tiny_shakespeare";
  Datasets datasets(slm::synthetic::corpus_name, true);
  const auto name = [&](const std::string& command) {
    const Options options = options_of(study, "--data synthetic --model mlp " + command);
    const Job job = plan(study_of(study), options, datasets).at(0);
    return file_stem(make_record(study_of(study), job), job.changed);
  };
  CHECK(name("") == "tiny_shakespeare-synthetic-mlp-seed1");
  CHECK(name("--epochs 3") == name(""));
  CHECK(name("--epochs 5") == "tiny_shakespeare-synthetic-mlp-3ccf4284-seed1");
  CHECK(name("--epochs 6") != name("--epochs 5"));
}
