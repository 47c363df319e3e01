// A study that was killed goes on where it was, and ends with the same bits.
#include <doctest/doctest.h>

#include <chrono>
#include <cstring>
#include <thread>

#include "slm/version.hpp"
#include "study_test_support.hpp"

using namespace study_test;

namespace {

/// What a record says, but for the time that it took.
nlohmann::json without_times(nlohmann::json run) {
  for (const char* key : {"seconds", "flops_per_second"}) run.erase(key);
  for (auto& epoch : run["epochs"]) epoch.erase("seconds");
  return run;
}

const std::vector<std::string> options = tiny({"--model", "attention", "--epochs", "5", "--windows", "1920"});

/// The weights that a record names. A program killed while it writes leaves a temporary file beside them.
std::string weights_of(const TemporaryFolder& folder, const nlohmann::json& run) {
  return get(folder / ("results/" + run["weights"].get<std::string>()));
}

bool has_checkpoint(const TemporaryFolder& folder) {
  return !std::filesystem::is_empty(folder / "results/checkpoints");
}

}  // namespace

TEST_CASE("a killed run goes on after its last finished epoch and ends with the same bits") {
  const TemporaryFolder whole;
  REQUIRE(Program(whole, options).wait() == 0);
  CHECK_FALSE(has_checkpoint(whole));
  const auto expected = lines_of(whole / "results/runs.jsonl");
  REQUIRE(expected.size() == 1);

  // Before the first checkpoint, after the first and a later one, and about when the run is recorded.
  const std::string later = "epoch 3/5  train", last = "epoch 5/5  train";
  for (const std::string& moment :
       {std::string("5 epochs of 1,920"), std::string("epoch 1/5  train"), later, last}) {
    CAPTURE(moment);
    const TemporaryFolder folder;
    {
      Program program(folder, options);
      const bool in_time = program.signal_after(moment, SIGKILL);
      const int code = in_time ? program.wait() : 0;
      // After its last epoch a program may end before the signal comes.
      CHECK((code == 128 + SIGKILL || (code == 0 && moment == last)));
      if (moment == later) CHECK(has_checkpoint(folder));
    }
    Program again(folder, options);
    REQUIRE(again.wait() == 0);
    CHECK(again.errors() == "");
    if (moment == later) CHECK(has(again.output(), "going on after epoch "));
    const auto runs = lines_of(folder / "results/runs.jsonl");
    REQUIRE(runs.size() == 1);
    CHECK(without_times(runs[0]) == without_times(expected[0]));
    const bool same_weights = weights_of(folder, runs[0]) == weights_of(whole, expected[0]);
    CHECK(same_weights);
    if (moment != last) CHECK_FALSE(has_checkpoint(folder));  // else it may be killed before it tidies up
  }
}

TEST_CASE("a study killed between two runs makes the second one only") {
  const auto two = tiny({"--model", "linear,mlp", "--epochs", "3", "--windows", "960"});
  const TemporaryFolder whole, folder;
  REQUIRE(Program(whole, two).wait() == 0);
  const auto expected = lines_of(whole / "results/runs.jsonl");
  REQUIRE(expected.size() == 2);
  {
    Program program(folder, two);
    REQUIRE(program.signal_after("\n2/2", SIGKILL));
    CHECK(program.wait() == 128 + SIGKILL);
  }
  const auto first = lines_of(folder / "results/runs.jsonl");
  REQUIRE(first.size() == 1);
  Program again(folder, two);
  REQUIRE(again.wait() == 0);
  const auto runs = lines_of(folder / "results/runs.jsonl");
  REQUIRE(runs.size() == 2);
  CHECK(runs[0] == first[0]);
  for (std::size_t i = 0; i < 2; ++i) {
    CHECK(without_times(runs[i]) == without_times(expected[i]));
    const bool same_weights = weights_of(folder, runs[i]) == weights_of(whole, expected[i]);
    CHECK(same_weights);
  }
}

TEST_CASE("a run killed again and again, at moments that nobody chose, ends with the same bits") {
  const TemporaryFolder whole, folder;
  REQUIRE(Program(whole, options).wait() == 0);
  const auto expected = lines_of(whole / "results/runs.jsonl").at(0);
  int kills = 0;
  for (std::chrono::milliseconds patience(30);; patience += patience / 3 + std::chrono::milliseconds(7)) {
    Program program(folder, options);
    std::this_thread::sleep_for(patience);
    program.signal(SIGKILL);
    const int code = program.wait();
    if (code == 0) break;
    REQUIRE(code == 128 + SIGKILL);
    ++kills;
  }
  CHECK(kills > 0);
  const auto runs = lines_of(folder / "results/runs.jsonl");
  REQUIRE(runs.size() == 1);
  CHECK(without_times(runs[0]) == without_times(expected));
  const bool same_weights = weights_of(folder, runs[0]) == weights_of(whole, expected);
  CHECK(same_weights);
}

TEST_CASE("a checkpoint that cannot be read, or of another training, is not gone on from") {
  const TemporaryFolder folder;
  {
    Program program(folder, options);
    REQUIRE(program.signal_after("epoch 2/5  train", SIGKILL));
    program.wait();
  }
  const auto file = std::filesystem::directory_iterator(folder / "results/checkpoints")->path();
  SUBCASE("cut off") {
    std::filesystem::resize_file(file, std::filesystem::file_size(file) / 2);
    Program again(folder, options);
    REQUIRE(again.wait() == 0);
    CHECK(has(again.output(), "from the beginning: cannot read"));
  }
  SUBCASE("of another seed") {
    auto other = options;
    other.insert(other.end(), {"--seed", "2"});
    Program again(folder, other);
    REQUIRE(again.wait() == 0);
    CHECK_FALSE(has(again.output(), "going on after"));
  }
  const auto runs = lines_of(folder / "results/runs.jsonl");
  REQUIRE(runs.size() == 1);
  CHECK(runs[0]["epochs"].size() == 5);
}

TEST_CASE("a checkpoint of another version of slm is gone on from") {
  const TemporaryFolder folder;
  {
    Program program(folder, options);
    REQUIRE(program.signal_after("epoch 2/5  train", SIGKILL));
    program.wait();
  }
  const auto file = std::filesystem::directory_iterator(folder / "results/checkpoints")->path().string();
  std::string content = get(file);
  const std::string now = std::string("\"version\":\"") + slm::version;
  REQUIRE(has(content, now));
  content.replace(content.find(now), now.size(),
                  "\"version\":\"" + std::string(std::strlen(slm::version), '9'));
  put(file, content);
  Program again(folder, options);
  REQUIRE(again.wait() == 0);
  CHECK(has(again.output(), "going on after"));
}

TEST_CASE("every study runs on the embedded corpus") {
  for (const char* study : {"sweeps", "word_level", "positions"}) {
    CAPTURE(study);
    const TemporaryFolder folder;
    Program program(folder, tiny({"--epochs", "1"}), study);
    REQUIRE(program.wait() == 0);
    CHECK(program.errors() == "");
    const auto runs = lines_of(folder / "results/runs.jsonl");
    const std::size_t expected = std::string(study) == "sweeps"      ? 12
                                 : std::string(study) == "positions" ? 4
                                                                     : 1;  // PTB's and WikiText-2's are one
    CHECK(runs.size() == expected);
    CHECK(has(program.output(), "\n\nThe ") == (std::string(study) != "sweeps"));  // which has no prompts
    for (const auto& run : runs) {
      CHECK(run["study"] == study);
      CHECK(run["epochs"].size() == 1);
      CHECK(run["test_nll"].get<double>() > run["floor_nll"].get<double>());
    }
  }
}
