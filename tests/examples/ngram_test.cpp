// The study of n-grams: its records, the losses that stand in them, and its program.
#include "harness/ngram.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <map>

#include "data/data_test_support.hpp"
#include "slm/train/loss.hpp"
#include "study_test_support.hpp"

using namespace slm::studies;
using namespace study_test;
using slm::Index;
using slm::Token;

namespace {

/// Of the embedded corpus, with windows of 8.
NgramOptions tiny_options() {
  NgramOptions options;
  options.datasets = {"tiny_shakespeare"};
  options.data = slm::synthetic::corpus_name;
  options.context = 8;
  options.evaluation_windows = 300;
  return options;
}

/// The same for the program, with more options behind.
std::vector<std::string> tiny_command(const std::vector<std::string>& more) {
  std::vector<std::string> options = {"--dataset", "tiny_shakespeare", "--data", "synthetic", "--context",
                                      "8",         "--eval-windows",   "300"};
  options.insert(options.end(), more.begin(), more.end());
  return options;
}

slm::NgramLM<float> counted(const NgramJob& job) { return {job.model, job.dataset->corpus.train}; }

EvaluatedWindows windows_of(const NgramJob& job) {
  return evaluated_windows(*job.dataset, job.T, job.training, job.spread_windows);
}

/// The mean of a list of a losses file.
double mean_in_file(const std::string& path, const std::string& list, Index count) {
  slm::Tensor<std::uint16_t, 1> steps({count});
  slm::SafeTensors::read(path).copy_into(list, steps);
  double sum = 0;
  for (const std::uint16_t step : steps) sum += step * loss_step;
  return sum / static_cast<double>(count);
}

}  // namespace

TEST_CASE("n-grams lose on windows what evaluate finds") {
  Datasets datasets(slm::synthetic::corpus_name, true);
  NgramOptions options = tiny_options();
  options.orders = {"1", "3", "8"};
  const auto jobs = plan(options, datasets);
  REQUIRE(jobs.size() == 6);
  for (const NgramJob& job : jobs) {
    CAPTURE(ngram_variant(job.model));
    const auto model = counted(job);
    const auto windows = windows_of(job);
    for (const auto* list : {&windows.paper_valid, &windows.spread_test}) {
      CHECK(mean_loss(ngram_losses(model, *list)) ==
            doctest::Approx(slm::evaluate(model, *list)).epsilon(1e-6));
    }
    slm::Cost cost;
    const auto each = window_losses(model, windows.spread_valid, cost);
    const auto looked_up = ngram_losses(model, windows.spread_valid);
    REQUIRE(looked_up.size() == 300);
    double difference = 0;
    for (std::size_t i = 0; i < each.size(); ++i) {
      difference = std::max(difference, static_cast<double>(std::abs(each[i] - looked_up[i])));
    }
    CHECK(difference < 1e-5);
  }
}

TEST_CASE("1-grams of Witten and Bell have the cross entropy of counted tokens") {
  const TemporaryFolder folder;
  RunLog log(folder.path());
  log.prepare();
  Datasets datasets(slm::synthetic::corpus_name, true);
  NgramOptions options = tiny_options();
  options.orders = {"1"};
  options.smoothings = {"Witten-Bell"};
  const NgramJob job = plan(options, datasets).at(0);
  const Record record = count_ngrams(job, log);

  const slm::Corpus& corpus = job.dataset->corpus;
  std::map<Token, double> counts;
  for (const Token token : corpus.train) ++counts[token];
  const auto types = static_cast<double>(counts.size()), V = static_cast<double>(corpus.vocabulary_size());
  const auto nll = [&](Token token) {
    return -std::log((counts[token] + types / V) / (static_cast<double>(corpus.train.size()) + types));
  };
  double paper = 0, spread = 0, train = 0;
  const auto windows = slm::Windows<>::evenly_spaced(corpus.test, 8, 64, 300);
  const auto counted_windows = slm::Windows<>::evenly_spaced(corpus.train, 8, 64, 300);
  for (Index i = 0; i < 300; ++i) {
    paper += nll(corpus.test[static_cast<std::size_t>(i + 8)]);
    spread += nll(corpus.test[static_cast<std::size_t>(windows.start(i) + 8)]);
    train += nll(corpus.train[static_cast<std::size_t>(counted_windows.start(i) + 8)]);
  }
  CHECK(record.test_nll == doctest::Approx(paper / 300).epsilon(1e-6));
  CHECK(record.spread.at(0).test_nll == doctest::Approx(spread / 300).epsilon(1e-6));
  CHECK(record.epochs.at(0).train_nll == doctest::Approx(train / 300).epsilon(1e-6));
  CHECK(record.parameters == static_cast<Index>(types));
}

TEST_CASE("the study of n-grams records each model and its losses by window, once") {
  const TemporaryFolder folder;
  const auto command = tiny_command({"--order", "2,5"});
  Program program(folder, command, ngram_study);
  REQUIRE(program.wait() == 0);
  CHECK(program.errors() == "");
  for (const char* part : {"4/4  Witten-Bell, n = 5 on synthetic: test ", "paper's windows", "whole texts",
                           "synthetic, windows of 8: 300 of the paper's, 300 spread"}) {
    CAPTURE(part);
    CHECK(has(program.output(), part));
  }

  const auto runs = lines_of(folder / "results/runs.jsonl");
  REQUIRE(runs.size() == 4);
  const std::vector<std::string> variants = {"Kneser-Ney, n = 2", "Kneser-Ney, n = 5", "Witten-Bell, n = 2",
                                             "Witten-Bell, n = 5"};
  for (std::size_t i = 0; i < runs.size(); ++i) {
    CAPTURE(variants[i]);
    const auto& run = runs[i];
    CHECK(run["study"] == "ngrams");
    CHECK(run["model"] == "ngram");
    CHECK(run["variant"] == variants[i]);
    CHECK(run["dataset"]["name"] == "synthetic");
    CHECK(run["seed"] == 1);
    CHECK(run["quick"] == false);
    CHECK(run["parameters"] > 20);
    CHECK(run["flops"]["total"] == 0);
    CHECK(run["best_epoch"] == 1);
    CHECK(run["seconds"] > run["epochs"][0]["seconds"]);
    CHECK(run["test_nll"] > run["floor_nll"]);
    CHECK_FALSE(run.contains("weights"));
    const auto& config = run["config"];
    CHECK(config["order"] == (i % 2 == 0 ? 2 : 5));
    CHECK(config["smoothing"] == (i < 2 ? "kneser_ney" : "witten_bell"));
    const nlohmann::json training = {{"context", 8}, {"batch", 64},        {"windows", 0},
                                     {"epochs", 1},  {"learning_rate", 0}, {"evaluation_windows", 300}};
    for (const auto& entry : training.items()) {
      CAPTURE(entry.key());
      CHECK(config[entry.key()] == entry.value());
    }
    REQUIRE(run["epochs"].size() == 1);
    const auto& epoch = run["epochs"][0];
    const std::string losses = folder / ("results/" + run["losses"].get<std::string>());
    const nlohmann::json means = {{"paper.valid", epoch["valid_nll"]},
                                  {"paper.test", run["test_nll"]},
                                  {"spread.valid", epoch["spread_valid_nll"]},
                                  {"spread.test", epoch["spread_test_nll"]}};
    for (const auto& entry : means.items()) {
      CAPTURE(entry.key());
      CHECK(std::abs(mean_in_file(losses, entry.key(), 300) - entry.value().get<double>()) < loss_step / 2);
    }
  }
  CHECK(runs[1]["parameters"] == runs[3]["parameters"]);
  CHECK(runs[1]["test_nll"] < runs[0]["test_nll"]);

  Program second(folder, tiny_command({"--order", "2,5,3", "--smoothing", "witten-bell"}), ngram_study);
  REQUIRE(second.wait() == 0);
  CHECK(has(second.output(), "1/3  Witten-Bell, n = 2 on synthetic: test "));
  CHECK(has(second.output(), "already in results/runs.jsonl, --again repeats it"));
  CHECK(lines_of(folder / "results/runs.jsonl").size() == 5);

  Program again(folder, tiny_command({"--order", "5", "--again", "--threads", "1", "--seeds", "3"}),
                ngram_study);
  REQUIRE(again.wait() == 0);
  const auto all = lines_of(folder / "results/runs.jsonl");
  REQUIRE(all.size() == 7);
  CHECK(all[5]["test_nll"] == runs[1]["test_nll"]);
  CHECK(all[6]["epochs"][0]["spread_valid_nll"] == runs[3]["epochs"][0]["spread_valid_nll"]);
}

TEST_CASE("the paper's settings are those of the first run on a text") {
  Datasets datasets(slm::synthetic::corpus_name, true);
  NgramOptions options;
  options.data = slm::synthetic::corpus_name;
  const auto jobs = plan(options, datasets);
  REQUIRE(jobs.size() == 32);  // PTB's and WikiText-2's are one on the embedded corpus
  CHECK(jobs[0].T == 128);
  CHECK(jobs[0].training.evaluation_windows == 10'000);
  CHECK(jobs[0].spread_windows == 10'000);
  CHECK(jobs[16].T == 64);
  CHECK(jobs[16].training.evaluation_windows == 19'935);
  CHECK_FALSE(jobs[16].changed);
  options.quick = true;
  const auto quick = plan(options, datasets);
  CHECK(quick[16].training.evaluation_windows == 1'993);
  CHECK(quick[16].spread_windows == 1'000);
  CHECK_FALSE(quick[16].changed);
  CHECK(file_stem(make_record(quick[16]), false) == "ngrams-synthetic-ngram-kneser-neyn1-quick-seed1");
  options.context = 4;
  CHECK_THROWS_AS(plan(options, datasets), slm::ConfigError);  // 8-grams see 7 tokens
  options.orders = {"5"};
  CHECK(plan(options, datasets).at(0).changed);
}

TEST_CASE("the study of n-grams without runs, and with wrong options") {
  const TemporaryFolder folder;
  const auto output_of = [&](const std::vector<std::string>& options, int code) {
    Program program(folder, options, ngram_study);
    CHECK(program.wait() == code);
    return code == 0 ? program.output() : program.errors();
  };
  const std::string table = output_of({"--data", "synthetic", "--dry-run"}, 0);
  CHECK(has(table, "Kneser-Ney, n = 8 "));
  CHECK(has(table, "synthetic, windows of 64: 19,935 of the paper's"));
  for (const char* option : {"--order", "--smoothing", "--dataset", "--cap", "--again", "--out"}) {
    CAPTURE(option);
    CHECK(has(output_of({"--help"}, 0), option));
  }
  CHECK(has(output_of({"--order", "9"}, 2), "9 not in {1,2,3,4,5,6,7,8}"));
  CHECK(has(output_of({"--smoothing", "laplace"}, 2), "laplace not in {Kneser-Ney,Witten-Bell}"));
  CHECK(has(output_of({"--data", "nowhere"}, 1), "the folder 'nowhere' was given"));
  CHECK_FALSE(std::filesystem::exists(folder / "results"));
}

TEST_CASE("the sample program continues prompts with n-grams, counted anew") {
  const TemporaryFolder folder;
  const auto sample = [&](std::vector<std::string> options, int code = 0) {
    options.insert(options.end(), {"--study", "ngrams", "--prompt", "The ", "--count", "40"});
    Program program(folder, options, "../sample");
    CHECK(program.wait() == code);
    return code == 0 ? program.output() : program.errors();
  };
  const std::vector<std::string> synthetic = {"--dataset", "synthetic"};
  const std::string text = sample(synthetic);
  CHECK(has(text, "Kneser-Ney, n = 5 of ngrams on synthetic: counted anew\n"));
  CHECK(has(text, "fewer than 4 tokens, not printed: the validation text's first tokens\n\nThe "));
  CHECK(sample(synthetic) == text);
  const std::string pairs = sample({"--dataset", "synthetic", "--variant", "Witten-Bell, n = 2"});
  CHECK(has(pairs, "Witten-Bell, n = 2 of ngrams on synthetic"));
  CHECK(pairs.substr(pairs.find("The ")) != text.substr(text.find("The ")));
  CHECK(
      has(sample({"--dataset", "synthetic", "--variant", "RoPE"}, 1), "no n-gram model is what was asked for"));
  CHECK(has(sample({"--dataset", "synthetic", "--model", "mlp"}, 1), "no n-gram model is what was asked for"));
  CHECK(has(sample({}, 1), "the text tiny_shakespeare was not found"));
}

TEST_CASE("5-grams of Tiny Shakespeare lose as much as elsewhere") {
  const auto place = data_test::public_folder({"tiny_shakespeare"});
  if (!place) return;
  const TemporaryFolder folder;
  RunLog log(folder.path());
  log.prepare();
  Datasets datasets(*place, true);
  NgramOptions options;
  options.datasets = {"tiny_shakespeare"};
  options.smoothings = {"Witten-Bell"};
  options.orders = {"5"};
  const NgramJob job = plan(options, datasets).at(0);
  CHECK_FALSE(job.changed);
  const Record record = count_ngrams(job, log);
  const auto in_thousandths = [](double nll) { return std::round(1000 * nll); };
  CHECK(in_thousandths(record.epochs.at(0).valid_nll) == 1500);
  CHECK(in_thousandths(record.test_nll) == 1962);
  // Of every token behind four or more.
  const Dataset& dataset = *job.dataset;
  const slm::NgramLM<float> model(job.model, dataset.corpus.train);
  const auto every_loss = [&](const std::vector<Token>& text) {
    std::vector<double> losses;
    for (std::size_t i = 4; i < text.size(); ++i) {
      losses.push_back(-std::log(model.probability(text[i], {&text[i - 4], 4})));
    }
    return losses;
  };
  const auto check_text = [&](const std::vector<Token>& text, double every_nll, double spread_nll) {
    const std::vector<double> losses = every_loss(text);
    double sum = 0, squares = 0;
    for (const double loss : losses) sum += loss, squares += loss * loss;
    const auto n = static_cast<double>(losses.size());
    const double mean = sum / n, deviation = std::sqrt(squares / n - mean * mean);
    CHECK(in_thousandths(mean) == every_nll);
    CHECK(std::abs(spread_nll - mean) < 3 * deviation / std::sqrt(10000.0));
  };
  check_text(dataset.whole_valid(), 1615, record.spread.at(0).valid_nll);
  check_text(dataset.whole_test(), 1964, record.spread.at(0).test_nll);
}
