// The program that counts FLOPs, and the losses that it takes from a results file.
#include <doctest/doctest.h>

#include "harness/record.hpp"
#include "harness/setting.hpp"
#include "study_test_support.hpp"

using namespace slm::studies;
using namespace study_test;

namespace {

/// A training of study 1 with the protocol's settings.
Record training(const std::string& model, double test_nll) {
  Record record;
  record.study = record.dataset = "tiny_shakespeare";
  record.model = model;
  record.config = config_json(*find_run(record.study, model, "", record.dataset), learning_rate);
  record.seed = 1;
  record.test_nll = test_nll;
  record.seconds = 1;
  record.version = "1.2.3";
  return record;
}

}  // namespace

TEST_CASE("the losses are those of runs with the protocol's settings, also beside lines that are no runs") {
  const TemporaryFolder folder;
  std::string lines = "{\"study\": \"cut off\n";
  const auto add = [&](const Record& record) { lines += to_line(record) + "\n"; };
  add(training("linear", 3));
  add(training("mlp", 2.5));
  add(training("attention", 2.25));
  add(training("transformer", 2));
  Record second = training("linear", 3.5);
  second.seed = 2;
  add(second);
  // Of the first seed too: none of these may take the protocol's place.
  const auto add_changed = [&](const char* key, const nlohmann::json& value) {
    Record changed = training("linear", 9);
    changed.config[key] = value;
    add(changed);
  };
  add_changed("context", 64);
  add_changed("evaluation_windows", 5'000);
  add_changed("batch", 32);
  add_changed("windows", 5'000);
  add_changed("epochs", 4);
  add_changed("learning_rate", 1e-3);
  add_changed("cap", "none");
  Record other = training("linear", 9);
  other.quick = true;
  add(other);
  other = training("linear", 9);
  other.dataset = "synthetic";
  add(other);
  other = training("linear", std::nan(""));
  other.diverged = "the loss of step 3 is not finite";
  add(other);
  put(folder / "runs.jsonl", lines);

  const auto flops = [&](const std::string& results, int code = 0) {
    Program program(folder, {"--study", "1", "--results", results}, "../flops");
    CHECK(program.wait() == code);
    CHECK(has(program.errors(), code == 0 ? "runs.jsonl:1: left alone, not a run" : "no results file"));
    return program.output();
  };
  const std::string output = flops("runs.jsonl");
  const std::size_t ours = output.find("slm's losses");
  REQUIRE(ours != std::string::npos);
  for (const char* nll : {" 3.2500 ", " 2.5000 ", " 2.2500 ", " 2.0000 "}) {
    CAPTURE(nll);
    CHECK(has(output.substr(ours), nll));
  }
  CHECK(flops(".") == output);
  flops("nowhere.jsonl", 1);
}
