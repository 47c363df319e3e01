// Parts of a study: some of its variants, learning rates other than the paper's.
#include <doctest/doctest.h>

#include <set>

#include "harness/job.hpp"
#include "harness/setting.hpp"
#include "study_test_support.hpp"

using namespace slm::studies;
using namespace study_test;

namespace {

std::string dry_run(const std::string& study, std::vector<std::string> options, int code = 0) {
  const TemporaryFolder folder;
  options.insert(options.end(), {"--data", "synthetic", "--dry-run"});
  Program program(folder, options, study);
  CHECK(program.wait() == code);
  return code == 0 ? program.output() : program.errors();
}

}  // namespace

TEST_CASE("--variant and --dataset choose among a study's runs, and are checked like --model") {
  const std::string heads = dry_run("sweeps", {"--variant", "H = 2"});
  CHECK(has(heads, "attention, H = 2"));
  CHECK_FALSE(has(heads, "H = 1"));
  CHECK_FALSE(has(heads, "linear"));

  const std::string positions = dry_run("positions", {"--variant", "rope,NoPositions"});
  CHECK(has(positions, "transformer, RoPE"));
  CHECK(has(positions, "transformer, no positions"));
  CHECK_FALSE(has(positions, "learned"));

  const std::string words = dry_run("word_level", {"--dataset", "ptb"});
  CHECK(has(words, "2,975,631"));
  CHECK_FALSE(has(words, "8,958,077"));

  CHECK(has(dry_run("sweeps", {"--variant", "H = 3"}, 2), "H = 3 not in {"));
  CHECK(has(dry_run("word_level", {"--dataset", "c4"}, 2), "c4 not in {ptb,wikitext-2}"));
  CHECK(has(dry_run("sweeps", {"--model", "linear,mlp", "--variant", "H = 2,L = 3"}, 2),
            "no model of linear, mlp has a variant of H = 2, L = 3"));
  CHECK(has(dry_run("tiny_shakespeare", {"--variant", "H = 2"}, 2), "--variant"));  // it has no variants
}

TEST_CASE("what the paper does not report is trained last, and sampled from like the rest") {
  const Study study{.number = 4, .name = "positions", .title = "", .prompts = {}};
  Options options;
  options.data = slm::synthetic::corpus_name;
  options.seeds = 2;
  Datasets datasets(options.data, true);
  std::vector<std::string> order;
  for (const Job& job : plan(study, options, datasets)) {
    order.push_back(std::string(job.run.variant) + " " + std::to_string(job.seed));
  }
  CHECK(order == std::vector<std::string>{"learned 1", "RoPE 1", "learned 2", "RoPE 2", "no positions 1",
                                          "SwiGLU 1", "no positions 2", "SwiGLU 2"});

  const TemporaryFolder folder;
  Program program(folder, tiny({"--epochs", "1", "--seeds", "2"}), "positions");
  REQUIRE(program.wait() == 0);
  for (const char* variant : {"learned", "RoPE", "no positions", "SwiGLU"}) {
    CAPTURE(variant);
    const std::string who = std::string("The transformer, ") + variant + " on synthetic of seed ";
    CHECK(has(program.output(), who + "1 continues"));
    CHECK_FALSE(has(program.output(), who + "2 continues"));
    CHECK(has(program.output(), std::string("\ntransformer, ") + variant + " "));
  }
}

TEST_CASE("several learning rates are several runs, in rows and files of their own") {
  const TemporaryFolder folder;
  const auto options = [](const std::string& rates) {
    return tiny({"--epochs", "1", "--variant", "learned,RoPE", "--learning-rate", rates});
  };
  {
    Program program(folder, options("3e-4,1e-3,0.001"), "positions");
    REQUIRE(program.wait() == 0);
    CHECK(has(program.output(), "\ntransformer, learned, rate 0.001 "));
    CHECK(has(program.output(), "\ntransformer, RoPE "));
    const std::string tuned = program.output().substr(program.output().find("\ntransformer, learned, rate"));
    CHECK_FALSE(has(tuned.substr(0, tuned.find('\n', 1)), "1.9738"));  // the paper's loss is of another rate
  }
  auto recorded = lines_of(folder / "results/runs.jsonl");
  REQUIRE(recorded.size() == 4);
  std::set<std::string> weights;
  for (const auto& run : recorded) weights.insert(run["weights"].get<std::string>());
  CHECK(weights.size() == 4);
  CHECK(recorded[0]["config"]["learning_rate"] == 3e-4);
  CHECK(recorded[1]["config"]["learning_rate"] == 1e-3);
  CHECK(recorded[0]["test_nll"] != recorded[1]["test_nll"]);

  Program more(folder, options("1e-3,3e-3,0.0003"), "positions");
  REQUIRE(more.wait() == 0);
  recorded = lines_of(folder / "results/runs.jsonl");
  REQUIRE(recorded.size() == 6);
  CHECK(recorded[4]["config"]["learning_rate"] == 3e-3);
}

TEST_CASE("a setting given as the paper has it is no change: the run is the study's own") {
  const TemporaryFolder folder;
  {
    Program program(folder, tiny({"--model", "linear"}));
    REQUIRE(program.wait() == 0);
  }
  Program same(folder, tiny({"--model", "linear", "--learning-rate", "3e-4"}));
  REQUIRE(same.wait() == 0);
  CHECK(has(same.output(), "already in results/runs.jsonl"));
  CHECK(lines_of(folder / "results/runs.jsonl").size() == 1);

  const std::string unchanged =
      dry_run("tiny_shakespeare", {"--model", "linear", "--epochs", "3", "--learning-rate", "0.0003"});
  CHECK_FALSE(has(unchanged, "Options replaced settings"));
  CHECK(has(dry_run("tiny_shakespeare", {"--model", "linear", "--epochs", "4"}), "Options replaced settings"));
}

TEST_CASE("what a run changes of the protocol is found in its config, and nothing in an unchanged one") {
  const Run& run = *find_run("tiny_shakespeare", "transformer", "", "tiny_shakespeare");
  CHECK(&run == &runs[3]);
  CHECK(find_run("word_level", "transformer", "", "wikitext-2") == &runs[17]);
  CHECK(find_run("word_level", "transformer", "", slm::synthetic::corpus_name) == &runs[16]);
  CHECK(find_run("positions", "transformer", "SwiGLU", "tiny_shakespeare") == &unreported_runs[1]);
  CHECK(find_run("positions", "transformer", "", "tiny_shakespeare") == nullptr);
  CHECK(find_run("sweeps", "transformer", "", "tiny_shakespeare") == nullptr);

  const Study study{.number = 1, .name = "tiny_shakespeare", .title = "", .prompts = {}};
  Options options;
  options.data = slm::synthetic::corpus_name;
  options.models = {"transformer"};
  Datasets datasets(options.data, true);
  const auto config = [&] { return config_json(plan(study, options, datasets).at(0)); };
  CHECK(changes(run, config(), false).empty());
  CHECK(changes(run, config(), true) ==
        std::vector<std::string>{"evaluation windows 10000", "windows 50000", "quick"});
  options.quick = true;
  CHECK(changes(run, config(), true) == std::vector<std::string>{"quick"});
  options.quick = false;
  options.context = 64;
  options.learning_rates = {0.001};
  auto changed = config();
  changed["cap"] = "none";
  CHECK(changes(run, changed, false) ==
        std::vector<std::string>{"context 64", "learning rate 0.001", "no cap"});
  CHECK(changes(run, changed, false, 0.001) == std::vector<std::string>{"context 64", "no cap"});
  CHECK_FALSE(changed.contains("products"));
  options.products = slm::Products::bfloat16;
  const Job rounded = plan(study, options, datasets).at(0);
  CHECK(config_json(rounded)["products"] == "bfloat16");
  CHECK(label(rounded) == "transformer, rate 0.001, bfloat16");
}

TEST_CASE("each of several learning rates is checked") {
  CHECK(has(dry_run("positions", {"--learning-rate", "1e-3,fast"}, 2), "got fast"));
  CHECK(has(dry_run("positions", {"--learning-rate", "1e-3,-1"}, 2), "got -1"));
}
