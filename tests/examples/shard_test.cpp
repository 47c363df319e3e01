// A study's runs dealt out to several programs.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <memory>
#include <set>

#include "harness/shard.hpp"
#include "study_test_support.hpp"

using namespace slm::studies;
using namespace study_test;

namespace {

/// What tells one run from another, and how it ended.
std::string outcome(const nlohmann::json& run) {
  return run["model"].get<std::string>() + " " + run["seed"].dump() + " " + run["test_nll"].dump();
}

std::multiset<std::string> outcomes(const std::string& path) {
  std::multiset<std::string> all;
  for (const auto& run : lines_of(path)) all.insert(outcome(run));
  return all;
}

}  // namespace

TEST_CASE("a shard is read from I/N") {
  const auto second = shard_from_text("2/3");
  REQUIRE(second.has_value());
  CHECK(second->number == 2);
  CHECK(second->count == 3);
  CHECK(shard_text(*second) == "2/3");
  CHECK_FALSE(shard_from_text("1/1")->is_part());
  for (const char* text : {"0/3", "4/3", "1/0", "x", "", "/", "1/", "/3", "1/3/5", "-1/3", "1/3x", " 1/3",
                           "1.5/3", "1/99999999999999999999"}) {
    CAPTURE(text);
    CHECK_FALSE(shard_from_text(text).has_value());
  }
}

TEST_CASE("shards have each run once between them, and costs that are about the same") {
  const std::vector<double> costs = {1, 50, 20, 400, 1, 50, 20, 400, 1, 50, 20, 400, 1, 50, 20, 400, 3};
  for (slm::Index count = 1; count <= 20; ++count) {
    CAPTURE(count);
    std::vector<int> owners(costs.size(), 0);
    std::vector<double> sums;
    for (slm::Index number = 1; number <= count; ++number) {
      const auto dealt = dealt_to({number, count}, costs);
      REQUIRE(dealt.size() == costs.size());
      sums.push_back(0);
      for (std::size_t i = 0; i < costs.size(); ++i) {
        owners[i] += dealt[i];
        if (dealt[i]) sums.back() += costs[i];
      }
    }
    CHECK(std::count(owners.begin(), owners.end(), 1) == static_cast<std::ptrdiff_t>(costs.size()));
    const auto [least, most] = std::minmax_element(sums.begin(), sums.end());
    CHECK(*most - *least <= 400);
  }
}

TEST_CASE("programs of all shards make together what one program makes") {
  const TemporaryFolder whole, shared, first, second;
  const auto request = tiny({"--seeds", "2"});
  REQUIRE(Program(whole, request).wait() == 0);
  const auto expected = outcomes(whole / "results/runs.jsonl");
  REQUIRE(expected.size() == 8);
  const auto shard = [&](const std::string& part) {
    auto options = request;
    options.insert(options.end(), {"--shard", part});
    return options;
  };
  SUBCASE("one after the other in one folder, some runs made before") {
    REQUIRE(Program(shared, tiny({"--model", "mlp"})).wait() == 0);
    Program one(shared, shard("1/2"));
    REQUIRE(one.wait() == 0);
    CHECK(has(one.output(), "shard     1/2, 4 of 8 runs"));
    CHECK(has(one.output(), "Missing in results/runs.jsonl: "));
    Program table(shared, tiny({"--seeds", "2", "--table"}));
    CHECK(table.wait() == 1);
    CHECK(has(table.output(), "Missing in results/runs.jsonl: "));
    Program two(shared, shard("2/2"));
    REQUIRE(two.wait() == 0);
    CHECK_FALSE(has(two.output(), "Missing"));
    CHECK(outcomes(shared / "results/runs.jsonl") == expected);
    Program done(shared, tiny({"--seeds", "2", "--table"}));
    CHECK(done.wait() == 0);
    CHECK(has(done.output(), "±"));
    CHECK(lines_of(shared / "results/runs.jsonl").size() == 8);
  }
  SUBCASE("each in a folder of its own") {
    REQUIRE(Program(first, shard("1/2")).wait() == 0);
    REQUIRE(Program(second, shard("2/2")).wait() == 0);
    auto together = outcomes(first / "results/runs.jsonl");
    CHECK(together.size() == 4);
    together.merge(outcomes(second / "results/runs.jsonl"));
    CHECK(together == expected);
  }
}

TEST_CASE("n-grams have shards, too") {
  const TemporaryFolder folder;
  const std::vector<std::string> request = {"--data", "synthetic", "--order", "1,2", "--eval-windows", "64"};
  auto options = request;
  options.insert(options.end(), {"--shard", "2/3"});
  Program part(folder, options, "ngrams");
  REQUIRE(part.wait() == 0);
  CHECK(has(part.output(), "shard     2/3"));
  const std::size_t made = lines_of(folder / "results/runs.jsonl").size();
  options = request;
  options.push_back("--table");
  Program table(folder, options, "ngrams");
  CHECK(table.wait() == 1);
  CHECK(has(table.output(), "Missing in results/runs.jsonl: "));
  for (const char* other : {"1/3", "3/3"}) {
    options = request;
    options.insert(options.end(), {"--shard", other});
    REQUIRE(Program(folder, options, "ngrams").wait() == 0);
  }
  CHECK(lines_of(folder / "results/runs.jsonl").size() > made);
  options = request;
  options.push_back("--table");
  CHECK(Program(folder, options, "ngrams").wait() == 0);
}

TEST_CASE("what is no shard is named with what was expected") {
  const TemporaryFolder folder;
  for (const char* text : {"0/3", "4/3", "x", "1/0"}) {
    CAPTURE(text);
    for (const char* study : {"tiny_shakespeare", "ngrams"}) {
      Program program(folder, {"--shard", text}, study);
      CHECK(program.wait() == 2);
      CHECK(has(program.errors(), std::string("--shard: must be I/N with I from 1 to N, as 2/3, got ") + text));
    }
  }
}

TEST_CASE("programs with the same command and folder share its runs") {
  const TemporaryFolder folder, whole;
  const auto request = tiny({"--seeds", "2", "--epochs", "3"});
  REQUIRE(Program(whole, request).wait() == 0);
  auto options = request;
  options.insert(options.end(), {"--out", folder / "shared"});
  {
    const TemporaryFolder a, b, c;
    Program one(a, options), two(b, options), three(c, options);
    CHECK(one.wait() == 0);
    CHECK(two.wait() == 0);
    CHECK(three.wait() == 0);
    for (const Program* program : {&one, &two, &three}) CHECK(program->errors() == "");
  }
  CHECK(outcomes(folder / "shared/runs.jsonl") == outcomes(whole / "results/runs.jsonl"));
  CHECK(std::filesystem::is_empty(folder / "shared/checkpoints"));
  for (const auto& claim : std::filesystem::directory_iterator(folder / "shared/claims")) {
    CHECK(std::filesystem::file_size(claim.path()) == 0);
  }
}

TEST_CASE("a run that another program is making is left to it, and made when that has died") {
  const TemporaryFolder folder, a, b;
  const std::string out = folder / "shared";
  const auto request = tiny({"--model", "linear,mlp", "--epochs", "5", "--windows", "960", "--out", out});
  Program first(a, request);
  REQUIRE(first.signal_after("epoch 1/5  train", SIGSTOP));
  {
    Program second(b, request);
    REQUIRE(second.wait() == 0);
    CHECK(has(second.output(), "left to another program that is making it: process "));
    CHECK(has(second.output(), "Missing in "));
    const auto runs = lines_of(out + "/runs.jsonl");
    REQUIRE(runs.size() == 1);
    CHECK(runs[0]["model"] == "mlp");
  }
  first.signal(SIGKILL);
  first.wait();
  Program second(b, request);
  REQUIRE(second.wait() == 0);
  CHECK(has(second.output(), "going on after epoch "));
  CHECK(lines_of(out + "/runs.jsonl").size() == 2);
}

TEST_CASE("a run whose maker has died is made by a program that has left it to that one") {
  const TemporaryFolder folder, a, b;
  const std::string out = folder / "shared";
  const auto request = tiny({"--model", "linear,mlp", "--epochs", "5", "--windows", "960", "--out", out});
  Program first(a, request);
  REQUIRE(first.signal_after("epoch 1/5  train", SIGSTOP));
  Program second(b, request);
  REQUIRE(second.signal_after("epoch 1/5  train", SIGSTOP));
  CHECK(has(second.output(), "left to another program"));
  first.signal(SIGKILL);
  first.wait();
  second.signal(SIGCONT);
  REQUIRE(second.wait() == 0);
  CHECK(has(second.output(), "going on after epoch "));
  CHECK_FALSE(has(second.output(), "Missing in "));
  CHECK(lines_of(out + "/runs.jsonl").size() == 2);
}

TEST_CASE("programs that share runs and are killed at any moment make each run once, with the same bits") {
  const TemporaryFolder whole, shared, folder;
  auto request = tiny({"--model", "linear,mlp", "--seeds", "3", "--epochs", "4", "--windows", "960"});
  REQUIRE(Program(whole, request).wait() == 0);
  request.insert(request.end(), {"--out", shared / "results"});
  const auto start = [&] { return std::make_unique<Program>(folder, request); };
  std::array<std::unique_ptr<Program>, 3> programs = {start(), start(), start()};
  for (std::size_t i = 0; i < 30; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20 + 37 * i % 130));
    auto& program = programs[i % 3];
    program->signal(SIGKILL);
    program->wait();
    program = start();
  }
  for (auto& program : programs) CHECK(program->wait() == 0);
  CHECK(outcomes(shared / "results/runs.jsonl") == outcomes(whole / "results/runs.jsonl"));
}

TEST_CASE("runs made again are made once by programs that share them") {
  const TemporaryFolder folder, a, b;
  const auto request = tiny({"--model", "linear,mlp", "--out", folder / "shared"});
  REQUIRE(Program(a, request).wait() == 0);
  auto again = request;
  again.push_back("--again");
  Program first(a, again);
  REQUIRE(first.signal_after("epoch 1/2  train", SIGSTOP));
  Program second(b, again);
  REQUIRE(second.wait() == 0);
  CHECK(has(second.output(), "left to another program"));
  first.signal(SIGCONT);
  REQUIRE(first.wait() == 0);
  // The first one began before the second made its run.
  CHECK(lines_of(folder / "shared/runs.jsonl").size() == 4);
}
