// Study 1's program from its command line to its files.
#include <doctest/doctest.h>

#include "study_test_support.hpp"

using namespace study_test;

TEST_CASE("a study trains all models, prints the paper's figures beside its own and records each run") {
  const TemporaryFolder folder;
  Program program(folder, tiny());
  REQUIRE(program.wait() == 0);
  CHECK(program.errors() == "");

  const std::string output = program.output();
  for (const char* part : {"paper", "ours", "1,073,345", "4.12e13", "3.0549", "430,785", "2.0058", "2 of 2",
                           "sha256", "1 thread", "floor", "Synthetic corpus"}) {
    CAPTURE(part);
    CHECK(has(output, part));
  }
  CHECK_FALSE(has(output, "HAMLET"));  // the synthetic corpus has no such letters
  CHECK_FALSE(has(output, "\r"));      // a file is no terminal

  const auto runs = lines_of(folder / "results/runs.jsonl");
  REQUIRE(runs.size() == 4);
  const std::vector<std::string> models = {"linear", "mlp", "attention", "transformer"};
  for (std::size_t i = 0; i < runs.size(); ++i) {
    CAPTURE(models[i]);
    for (const char* key : {"study", "model", "config", "dataset", "seed", "parameters", "flops_2pn", "epochs",
                            "best_epoch", "test_nll", "floor_nll", "seconds", "threads", "compiler", "cpu",
                            "version", "quick", "weights", "losses"}) {
      CAPTURE(key);
      CHECK(runs[i].contains(key));
    }
    CHECK(runs[i]["study"] == "tiny_shakespeare");
    CHECK(runs[i]["model"] == models[i]);
    CHECK(runs[i]["dataset"]["name"] == "synthetic");
    CHECK(runs[i]["dataset"]["sha256"].get<std::string>().size() == 64);
    CHECK(runs[i]["config"]["context"] == 8);
    CHECK(runs[i]["seed"] == 1);
    CHECK(runs[i]["quick"] == false);
    CHECK(runs[i]["threads"] == 1);
    const double expected_flops = 2 * runs[i]["parameters"].get<double>() * 96 * 8 * 2;
    CHECK(runs[i]["flops_2pn"].get<double>() == expected_flops);
    REQUIRE(runs[i]["epochs"].size() == 2);
    for (const auto& epoch : runs[i]["epochs"]) {
      CHECK(epoch["train_nll"].get<double>() > 0);
      CHECK(epoch["valid_nll"].get<double>() > 0);
      CHECK(epoch["seconds"].get<double>() > 0);
    }
    const auto best = runs[i]["best_epoch"].get<std::size_t>();
    REQUIRE((best == 1 || best == 2));
    CHECK(runs[i]["epochs"][best - 1]["valid_nll"] <= runs[i]["epochs"][2 - best]["valid_nll"]);
    CHECK(runs[i]["test_nll"].get<double>() > runs[i]["floor_nll"].get<double>());
    for (const char* key : {"weights", "losses"}) {
      CHECK(std::filesystem::exists(folder / ("results/" + runs[i][key].get<std::string>())));
    }
  }
}

TEST_CASE("runs that are recorded are not made again, unless asked, and give the same bits then") {
  const TemporaryFolder folder;
  Program first(folder, tiny({"--model", "linear,transformer"}));
  REQUIRE(first.wait() == 0);
  Program second(folder, tiny({"--model", "linear,transformer", "--seeds", "2"}));
  REQUIRE(second.wait() == 0);
  CHECK(has(second.output(), "already in results/runs.jsonl"));
  CHECK(has(second.output(), "±"));
  auto runs = lines_of(folder / "results/runs.jsonl");
  REQUIRE(runs.size() == 4);
  CHECK(runs[2]["seed"] == 2);
  CHECK(runs[2]["test_nll"] != runs[0]["test_nll"]);

  Program again(folder, tiny({"--model", "transformer", "--again", "--threads", "2"}));
  REQUIRE(again.wait() == 0);
  runs = lines_of(folder / "results/runs.jsonl");
  REQUIRE(runs.size() == 5);
  CHECK(runs[4]["test_nll"] == runs[1]["test_nll"]);
  CHECK(runs[4]["epochs"][1]["valid_nll"] == runs[1]["epochs"][1]["valid_nll"]);

  Program other(folder, tiny({"--model", "linear", "--learning-rate", "0.001"}));
  REQUIRE(other.wait() == 0);
  CHECK(lines_of(folder / "results/runs.jsonl").size() == 6);
}

TEST_CASE("without data a study says so and takes the embedded corpus") {
  const TemporaryFolder folder;
  std::vector<std::string> options = tiny({"--model", "linear"});
  options.erase(options.begin(), options.begin() + 2);  // --data synthetic
  Program program(folder, options);
  REQUIRE(program.wait() == 0);
  CHECK(has(program.output(), "tiny_shakespeare was not found"));
  CHECK(has(program.output(), "../shared/data/tiny_shakespeare"));
  CHECK(has(program.output(), "fetch_data.sh"));
}

TEST_CASE("a quick run has a tenth of the windows and says so everywhere") {
  const TemporaryFolder folder;
  Program dry(folder, {"--data", "synthetic", "--quick", "--dry-run"});
  REQUIRE(dry.wait() == 0);
  CHECK(has(dry.output(), " 5,000 "));
  CHECK(has(dry.output(), "Quick run"));
  Program program(folder, tiny({"--quick", "--model", "linear", "--out", "quick.jsonl"}));
  REQUIRE(program.wait() == 0);
  CHECK(has(program.output(), "Quick run"));
  const auto runs = lines_of(folder / "quick.jsonl");
  REQUIRE(runs.size() == 1);
  CHECK(runs[0]["quick"] == true);
  CHECK(has(runs[0]["weights"].get<std::string>(), "quick"));
}

TEST_CASE("steps and evaluations are timed without a training, beside the times of other rows") {
  const TemporaryFolder folder;
  std::filesystem::create_directory(folder / "results");
  const std::string path = folder / "results/seconds.json";
  put(path, R"({"another row": {"step": 0.5}, "tiny_shakespeare, synthetic, linear, ": {"step": 1e9}})");
  REQUIRE(Program(folder, tiny({"--time", "--model", "linear"})).wait() == 0);
  CHECK(get(folder / "results/runs.jsonl").empty());
  const auto times = nlohmann::json::parse(get(path));
  REQUIRE(times.size() == 2);
  CHECK(times["another row"]["step"] == 0.5);
  const auto& linear = times["tiny_shakespeare, synthetic, linear, "];
  for (const char* key : {"step", "evaluated_window"}) {
    CHECK(linear[key].get<double>() > 0);
    CHECK(linear[key].get<double>() < 1);
  }
  CHECK(linear["threads"] == 1);

  put(path, "[1]");
  Program refused(folder, tiny({"--time", "--model", "linear"}));
  CHECK(refused.wait() == 1);
  CHECK(has(refused.errors(), "expected a JSON object of times by row"));
  CHECK(get(path) == "[1]");
}

TEST_CASE("a dry run prints the protocol's table and writes nothing") {
  const TemporaryFolder folder;
  Program program(folder, {"--data", "synthetic", "--dry-run"});
  REQUIRE(program.wait() == 0);
  for (const char* part : {"linear", "mlp", "attention", "transformer", " 50,000 ", "4,285,377", "0 of 1"}) {
    CAPTURE(part);
    CHECK(has(program.output(), part));
  }
  CHECK_FALSE(std::filesystem::exists(folder / "results"));
}

TEST_CASE("help lists the options") {
  const TemporaryFolder folder;
  Program program(folder, {"--help"});
  REQUIRE(program.wait() == 0);
  for (const char* option : {"--model", "--data", "--seed", "--seeds", "--epochs", "--threads", "--out",
                             "--dry-run", "--quick", "--again", "--windows", "--eval-windows"}) {
    CAPTURE(option);
    CHECK(has(program.output(), option));
  }
}

TEST_CASE("wrong options end with code 2 and are named") {
  const TemporaryFolder folder;
  const auto error_of = [&](const std::vector<std::string>& options) {
    Program program(folder, options);
    CHECK(program.wait() == 2);
    return program.errors();
  };
  CHECK(has(error_of({"--learning"}), "--learning"));
  CHECK(has(error_of({"--model", "rnn"}), "rnn not in {linear,mlp,attention,transformer}"));
  CHECK(has(error_of({"--seeds", "0"}), "--seeds"));
  CHECK(has(error_of({"--seed", "-1"}), "--seed"));
  CHECK(has(error_of({"--epochs", "two"}), "two"));
  CHECK(has(error_of({"--learning-rate", "nan"}), "--learning-rate"));
  CHECK(has(error_of({"--cap", "5"}), "--cap"));
  CHECK_FALSE(std::filesystem::exists(folder / "results"));
}

TEST_CASE("what cannot be trained is one clear error with code 1, before anything is trained") {
  const TemporaryFolder folder;
  const auto error_of = [&](const std::vector<std::string>& options) {
    Program program(folder, options);
    CHECK(program.wait() == 1);
    CHECK_FALSE(has(program.output(), "epoch 1"));
    return program.errors();
  };
  CHECK(has(error_of({"--data", "nowhere"}), "the folder 'nowhere' was given"));
  CHECK(has(error_of({"--data", "synthetic", "--context", "900000"}), "a window of 900000 tokens"));
  CHECK(has(error_of({"--data", "synthetic", "--eval-windows", "200000"}), "asked for 200000 windows"));
  CHECK_FALSE(std::filesystem::exists(folder / "results"));
  put(folder / "file", "");
  CHECK(has(error_of(tiny({"--out", "file"})), "file/weights"));
}

TEST_CASE("a loss that is not finite is named and recorded, the other runs are made, and the code is 1") {
  const TemporaryFolder folder;
  // So high a rate gives finite numbers for a few steps, and then none.
  const auto options =
      tiny({"--model", "linear", "--windows", "64", "--epochs", "200", "--learning-rate", "1e17,1e-3"});
  Program program(folder, options);
  CHECK(program.wait() == 1);
  CHECK(has(program.output(), "  diverged after "));
  CHECK(has(program.output(), "Diverged, and in no mean: linear, rate 1e+17 (1 of 1 run)"));
  const std::string error = program.errors();
  CHECK(has(error, "tiny_shakespeare: linear, rate 1e+17 on synthetic, seed 1: "));
  CHECK(has(error, "is not finite"));
  CHECK(has(error, "the loss of step "));
  CHECK(has(error, "the first operation with such a value is "));
  const std::size_t name = error.find("results/weights/");
  REQUIRE(name != std::string::npos);
  CHECK(std::filesystem::exists(folder / error.substr(name, error.find('\n', name) - name)));

  const auto runs = lines_of(folder / "results/runs.jsonl");
  REQUIRE(runs.size() == 2);
  CHECK(has(error, runs[0]["diverged"].get<std::string>()));
  CHECK_FALSE(runs[0].contains("test_nll"));
  CHECK_FALSE(runs[0].contains("weights"));
  CHECK(runs[0]["epochs"].size() >= 1);
  CHECK(runs[0]["flops"]["training"].get<double>() > 0);
  CHECK(runs[1]["test_nll"].get<double>() > 0);
  CHECK(std::filesystem::is_empty(folder / "results/checkpoints"));

  Program again(folder, options);
  CHECK(again.wait() == 1);
  CHECK(has(again.output(), " s; already in results/runs.jsonl"));
  CHECK(again.errors() == error);
  CHECK(lines_of(folder / "results/runs.jsonl") == runs);
  auto dry = options;
  dry.push_back("--dry-run");
  Program table(folder, dry);
  CHECK(table.wait() == 0);
  CHECK_FALSE(has(table.output(), "0 of 1"));
}

TEST_CASE("Ctrl-C ends a study with code 130; finished runs stay and are not made again") {
  for (const int number : {SIGINT, SIGTERM}) {
    const TemporaryFolder folder;
    Program program(folder, tiny({"--model", "linear", "--seeds", "2000"}));
    REQUIRE(program.signal_after("\n3/2000", number));
    CHECK(program.wait() == 130);
    CHECK(has(program.output(), "Interrupted"));
    const std::size_t finished = lines_of(folder / "results/runs.jsonl").size();
    CHECK(finished >= 2);
    CHECK(finished < 2000);

    Program second(folder, tiny({"--model", "linear", "--seeds", "2"}));
    REQUIRE(second.wait() == 0);
    CHECK(lines_of(folder / "results/runs.jsonl").size() == finished);
  }
}

TEST_CASE("Ctrl-C in the middle of a run leaves no record of it") {
  const TemporaryFolder folder;
  Program finished(folder, tiny({"--model", "linear"}));
  REQUIRE(finished.wait() == 0);
  const std::string before = get(folder / "results/runs.jsonl");
  Program program(folder, tiny({"--model", "linear", "--epochs", "3000"}));
  REQUIRE(program.signal_after("epoch 2/3000", SIGINT));
  CHECK(program.wait() == 130);
  CHECK(get(folder / "results/runs.jsonl") == before);
}
