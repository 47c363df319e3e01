// The study of the frontier: its plans, its rates and budgets, and its program, killed and shared.
#include <doctest/doctest.h>

#include <cmath>
#include <map>

#include "frontier/ngrams.hpp"
#include "frontier/rates.hpp"
#include "frontier/stages.hpp"
#include "frontier/train.hpp"
#include "slm/train/evaluate_text.hpp"
#include "study_test_support.hpp"

using namespace slm::frontier;
using namespace study_test;
using slm::Index;

namespace {

const std::string program = "frontier", results = "results/frontier.jsonl";

/// A stage of seconds, of one family.
std::vector<std::string> quick(const std::vector<std::string>& more) {
  std::vector<std::string> options = {"--data", "synthetic", "--quick", "--threads", "1"};
  options.insert(options.end(), more.begin(), more.end());
  return options;
}
const std::vector<std::string> search = quick({"--stage", "search", "--family", "attention"});

nlohmann::json without_times(nlohmann::json line) {
  for (const char* name : {"seconds", "evaluation_seconds"}) line.erase(name);
  return line;
}

/// By training and budget: two programs write their lines in any order.
std::map<std::string, nlohmann::json> by_name(const std::vector<nlohmann::json>& lines) {
  std::map<std::string, nlohmann::json> found;
  for (const auto& line : lines) {
    const std::string name = line["key"].get<std::string>() + " " + line["budget"].dump();
    CHECK(found.emplace(name, without_times(line)).second);
  }
  return found;
}

/// A small training on the embedded corpus.
Trunk small_trunk(Texts& texts, Family family) {
  const Text& text = texts.get(characters, Part::score);
  const Size& size = sizes(family).front();
  return {.text = &text,
          .family = family,
          .size = size.name,
          .config = with_vocabulary(size.config, text.vocabulary),
          .batch = predicts_everywhere(size.config) ? 4 : 128,
          .rate = 4e-3,
          .dropout = 0,
          .seed = 1,
          .budgets = {3e8, 6e8},
          .lowest = 3e8,
          .quick = true,
          .stage = "trunks"};
}

}  // namespace

TEST_CASE("the rate rises, stays, and falls to zero before a budget's end") {
  Texts texts("synthetic", true);
  Trunk trunk = small_trunk(texts, Family::attention);
  const auto all = readings(trunk);
  REQUIRE(all.size() == 2);
  for (const Reading& reading : all) {
    CHECK(reading.trunk_steps == doctest::Approx(0.8 * static_cast<double>(reading.steps)).epsilon(0.05));
    const double step = static_cast<double>(step_flops(trunk.config, trunk.batch).total());
    CHECK(static_cast<double>(reading.steps) * step <= reading.budget);
    CHECK(static_cast<double>(reading.steps + 1) * step > reading.budget);
    CHECK(rate_at(trunk, reading, 4, 0) == doctest::Approx(trunk.rate / 4));
    CHECK(rate_at(trunk, reading, 4, 4) == trunk.rate);
    CHECK(rate_at(trunk, reading, 4, reading.trunk_steps - 1) == trunk.rate);
    CHECK(rate_at(trunk, reading, 4, reading.trunk_steps) == trunk.rate);
    const Index branch = reading.steps - reading.trunk_steps;
    CHECK(rate_at(trunk, reading, 4, reading.steps - 1) ==
          doctest::Approx(trunk.rate / static_cast<double>(branch)));
  }
  trunk.budgets = {1e6};
  CHECK_THROWS_AS(readings(trunk), slm::ConfigError);
}

TEST_CASE("a training is known by what it is, not by who asks for it and how far it goes") {
  Texts texts("synthetic", true);
  const Trunk trunk = small_trunk(texts, Family::gru);
  Trunk other = trunk;
  other.stage = "leaders", other.budgets = {1e9};
  CHECK(key(other) == key(trunk));
  other.seed = 2;
  CHECK(key(other) != key(trunk));
  other = trunk;
  other.config = with_dropout(other.config, 0.1);
  CHECK(key(other) != key(trunk));
}

TEST_CASE("every family costs what its plan says, in training and in scoring") {
  Texts texts("synthetic", true);
  for (const Family family : trained_families) {
    CAPTURE(slm::name_of(family));
    const TemporaryFolder folder;
    Log log(folder / "results");
    log.prepare();
    Progress progress(0);
    const Trunk trunk = small_trunk(texts, family);
    REQUIRE(train(trunk, false, log, progress));
    REQUIRE(log.lines().size() == 2);
    double training = 0, evaluation = 0, trunk_share = 0;
    const auto all = readings(trunk);
    for (std::size_t i = 0; i < 2; ++i) {
      const auto& flops = log.lines()[i]["flops"];
      const auto step = step_flops(trunk.config, trunk.batch);
      CHECK(flops["training"] == all[i].steps * step.training);
      CHECK(flops["optimizer"] == all[i].steps * step.optimizer);
      CHECK(flops["total"].get<double>() <= all[i].budget);
      const auto branch = static_cast<double>((all[i].steps - all[i].trunk_steps) * step.total());
      training += branch;
      trunk_share = static_cast<double>(all[i].trunk_steps * step.total());
      evaluation += flops["evaluation"].get<double>();
    }
    const Planned planned = planned_flops(trunk);
    CHECK(planned.training == training + trunk_share);
    CHECK(planned.evaluation == evaluation);
    CHECK(log.lines()[1]["nll"].get<double>() < std::log(static_cast<double>(trunk.text->vocabulary)));
    CHECK(log.lines()[0]["scored_tokens"] == log.lines()[1]["scored_tokens"]);
  }
}

TEST_CASE("a branch leaves no trace in the trunk that goes on after it") {
  Texts texts("synthetic", true);
  const TemporaryFolder one, other;
  Progress progress(0);
  Trunk trunk = small_trunk(texts, Family::attention);
  Log both(one / "results"), last(other / "results");
  both.prepare(), last.prepare();
  REQUIRE(train(trunk, false, both, progress));
  trunk.budgets = {trunk.budgets.back()};
  REQUIRE(train(trunk, false, last, progress));
  CHECK(both.lines().back()["nll"] == last.lines().back()["nll"]);
}

TEST_CASE("a larger budget goes on from where the trunk was kept") {
  Texts texts("synthetic", true);
  const TemporaryFolder one, other;
  Progress progress(0);
  Trunk trunk = small_trunk(texts, Family::min_gru);
  Log kept(one / "results"), whole(other / "results");
  kept.prepare(), whole.prepare();
  REQUIRE(train(trunk, true, kept, progress));
  CHECK_FALSE(std::filesystem::is_empty(one / "results/checkpoints"));
  trunk.budgets = {1.2e9};
  REQUIRE(train(trunk, false, kept, progress));
  CHECK(std::filesystem::is_empty(one / "results/checkpoints"));
  REQUIRE(train(trunk, false, whole, progress));
  CHECK(kept.lines().back()["nll"] == whole.lines().back()["nll"]);
}

TEST_CASE("what diverges is recorded at every budget that it has not reached") {
  Texts texts("synthetic", true);
  const TemporaryFolder folder;
  Log log(folder / "results");
  log.prepare();
  Progress progress(0);
  Trunk trunk = small_trunk(texts, Family::linear);
  trunk.rate = 1e30;
  REQUIRE(train(trunk, false, log, progress));
  REQUIRE(log.lines().size() == 2);
  for (const auto& line : log.lines()) {
    CHECK(has(line["diverged"].get<std::string>(), "not finite"));
    CHECK_FALSE(line.contains("nll"));
  }
  CHECK(missing_readings(trunk, log).empty());
}

TEST_CASE("rates follow the best that was found, by the root of the width") {
  const TemporaryFolder folder;
  Log log(folder / "results");
  log.prepare();
  const auto rate_of = [&](std::size_t size) {
    return Rates(tried_settings(log, "a text", false), false).of(sizes(Family::gru)[size], {3e12, 3e13});
  };
  const auto add = [&](std::size_t size, const char* stage, double budget, Index tokens, double rate,
                       double nll) {
    log.append({{"key", std::to_string(rate)},
                {"stage", stage},
                {"quick", false},
                {"text", "a text"},
                {"part", "selection"},
                {"family", "gru"},
                {"size", sizes(Family::gru)[size].name},
                {"seed", 1},
                {"budget", budget},
                {"tokens_per_step", tokens},
                {"rate", rate},
                {"nll", nll}});
  };
  add(middle_size, "search", 3e12, 1024, 4e-3, 1.8);
  add(middle_size, "search", 3e12, 2048, 6e-3, 1.7);
  add(middle_size, "search", 1e12, 512, 1e-3, 1.6);
  const Setting middle = rate_of(middle_size);
  CHECK(middle.tokens == 2048);
  CHECK(middle.rate == 6e-3);
  const double larger = 6e-3 * std::sqrt(192.0 / 256);
  CHECK(rate_of(checked_size).rate == doctest::Approx(larger).epsilon(0.01));
  add(checked_size, "check", 3e12, 2048, rounded(larger), 1.9);
  add(checked_size, "check", 3e12, 2048, rounded(larger / 2), 1.8);
  CHECK(rate_of(checked_size).rate == doctest::Approx(larger / 2).epsilon(0.01));
  CHECK(rate_of(middle_size).rate == 6e-3);

  // A budget that was searched has its own; between two that are equally near the larger one counts.
  add(small_size, "search", 1e11, 128, 8e-3, 1.8);
  add(small_size, "search", 3e11, 256, 7e-3, 1.7);
  add(small_size, "search", 1e12, 512, 5e-3, 1.6);
  const Rates rates(tried_settings(log, "a text", false), false);
  const Size& small = sizes(Family::gru)[small_size];
  CHECK(rates.searched_for(small) == std::vector{1e11, 3e11, 1e12});
  CHECK(rates.of(small, {1e11}) == Setting{128, 8e-3});
  CHECK(rates.of(small, {1e11, 3e12}) == Setting{512, 5e-3});
}

TEST_CASE("a size is trained once more where a searched budget wants another setting") {
  Texts texts("synthetic", false);
  const TemporaryFolder folder;
  Log log(folder / "results");
  log.prepare();
  const Size& small = sizes(Family::gru)[small_size];
  const auto trunks_of_small = [&] {
    std::vector<std::vector<double>> found;
    for (const Work& work : plan(Stage::trunks, {texts, log, {Family::gru}, 1, false}).work)
      if (work.trunk.size == small.name) found.push_back(work.trunk.budgets);
    return found;
  };
  CHECK(trunks_of_small().size() == 1);
  for (const auto& [budget, tokens] : {std::pair(1e11, 128), {3e11, 512}, {1e12, 512}}) {
    log.append({{"key", std::to_string(budget)},
                {"stage", "search"},
                {"quick", false},
                {"text", texts.get(characters, Part::score).name},
                {"part", "selection"},
                {"family", "gru"},
                {"size", small.name},
                {"seed", 1},
                {"budget", budget},
                {"tokens_per_step", tokens},
                {"rate", 0.008},
                {"nll", 1.8}});
  }
  const auto found = trunks_of_small();
  REQUIRE(found.size() == 2);
  CHECK(found[0] == std::vector{1e11, 3e11, 1e12, 3e12});
  CHECK(found[1] == std::vector{1e11});
}

TEST_CASE("the whole plan stays within its budget, and says what it assumes") {
  Texts texts("synthetic", false);
  const TemporaryFolder folder;
  const Log log(folder / "results");
  const Request request{texts, log, {}, 3, false};
  double sum = 0;
  for (const auto& entry : stage_names) {
    const Plan its = plan(entry.value, request);
    CHECK(its.missing.empty() == (entry.value == Stage::ngrams || entry.value == Stage::search));
    for (const Work& work : its.work) {
      const Planned planned = planned_flops(work.trunk);
      sum += planned.training + planned.evaluation;
    }
  }
  CHECK(sum > 1e15);
  CHECK(sum < 5e15);
}

TEST_CASE("a study of the frontier that is killed goes on to the same bits") {
  const TemporaryFolder whole;
  REQUIRE(Program(whole, search, program).wait() == 0);
  const auto expected = by_name(lines_of(whole / results));
  REQUIRE(expected.size() == 6);
  for (const std::string moment : {"1/2", "1.00e9 FLOPs", "3.00e9 FLOPs", "2/2"}) {
    CAPTURE(moment);
    const TemporaryFolder folder;
    {
      Program killed(folder, search, program);
      if (killed.signal_after(moment, SIGKILL)) killed.wait();
    }
    REQUIRE(Program(folder, search, program).wait() == 0);
    CHECK(by_name(lines_of(folder / results)) == expected);
  }
}

TEST_CASE("Ctrl-C leaves a checkpoint, from which the same command goes on") {
  const TemporaryFolder whole, folder;
  const auto gru = quick({"--stage", "search", "--family", "gru"});
  REQUIRE(Program(whole, gru, program).wait() == 0);
  {
    Program stopped(folder, gru, program);
    REQUIRE(stopped.signal_after("1/2", SIGINT));
    const int code = stopped.wait();
    CHECK((code == 130 || code == 0));
  }
  REQUIRE(Program(folder, gru, program).wait() == 0);
  CHECK(by_name(lines_of(folder / results)) == by_name(lines_of(whole / results)));
}

TEST_CASE("two programs in one folder make each training once") {
  const TemporaryFolder folder, place;
  auto options = search;
  options.insert(options.end(), {"--out", folder / "results"});
  Program other(place, options, program);
  const TemporaryFolder elsewhere;
  Program one(elsewhere, options, program);
  CHECK(one.wait() == 0);
  CHECK(other.wait() == 0);
  CHECK(by_name(lines_of(folder / results)).size() == 6);
}

TEST_CASE("a stage refuses to begin without what it needs, and a dry run says what it assumes") {
  const TemporaryFolder folder;
  Program refused(folder, quick({"--stage", "trunks", "--family", "linear"}), program);
  CHECK(refused.wait() == 1);
  CHECK(has(refused.errors(), "the stage trunks needs the stage search"));
  Program planned(folder, quick({"--stage", "trunks", "--family", "linear", "--dry-run"}), program);
  CHECK(planned.wait() == 0);
  CHECK(has(planned.output(), "trunks is planned without the stage search"));
  Program missing(folder, quick({"--stage", "search", "--family", "linear", "--table"}), program);
  CHECK(missing.wait() == 1);
  CHECK(has(missing.output(), "6 scores"));
  Program dealt(folder, quick({"--shard", "1/2"}), program);
  CHECK(dealt.wait() == 2);
  CHECK(has(dealt.errors(), "one --stage at a time"));
}

TEST_CASE("shards of a stage have each training once between them") {
  const TemporaryFolder one, other, whole;
  auto first = search, second = search;
  first.insert(first.end(), {"--shard", "1/2"}), second.insert(second.end(), {"--shard", "2/2"});
  REQUIRE(Program(one, first, program).wait() == 0);
  REQUIRE(Program(other, second, program).wait() == 0);
  REQUIRE(Program(whole, search, program).wait() == 0);
  auto lines = lines_of(one / results);
  for (const auto& line : lines_of(other / results)) lines.push_back(line);
  CHECK(by_name(lines) == by_name(lines_of(whole / results)));
}

TEST_CASE("all stages follow each other, and nothing that follows from them is missing") {
  const TemporaryFolder folder;
  const auto options = quick({"--family", "linear,transformer", "--seeds", "2"});
  REQUIRE(Program(folder, options, program).wait() == 0);
  std::map<std::string, int> by_stage;
  for (const auto& line : lines_of(folder / results)) ++by_stage[line["stage"].get<std::string>()];
  for (const char* stage :
       {"search", "trunks", "leaders", "rivals", "context", "depth", "word_rates", "words"}) {
    CAPTURE(stage);
    CHECK(by_stage[stage] > 0);
  }
  Program table(folder, quick({"--family", "linear,transformer", "--seeds", "2", "--table"}), program);
  CHECK(table.wait() == 0);
}

TEST_CASE("n-grams are scored on the targets of all others") {
  Texts texts("synthetic", true);
  const TemporaryFolder folder;
  Log log(folder / "results");
  log.prepare();
  const Text& text = texts.get(characters, Part::score);
  for (const NgramJob& job : ngram_jobs({&text}, true)) {
    if (job.order == 3) count(job, log);
  }
  REQUIRE(log.lines().size() == 2);
  const slm::NgramLM<float> model({text.vocabulary, 2, slm::Smoothing::kneser_ney}, text.train);
  CHECK(log.lines()[0]["nll"].get<double>() ==
        doctest::Approx(slm::evaluate(model, text.scored).nats_per_token).epsilon(1e-5));
  CHECK(log.lines()[0]["scored_tokens"] == text.scored.size() - 1);
}
