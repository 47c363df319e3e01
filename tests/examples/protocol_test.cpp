// What programs in other languages read of the protocol.
#include <doctest/doctest.h>

#include "harness/protocol_json.hpp"
#include "protocol.hpp"
#include "study_test_support.hpp"

using namespace slm::studies;
using namespace study_test;

TEST_CASE("docs/results/protocol.json is what the program prints") {
  const TemporaryFolder folder;
  Program program(folder, {}, "../protocol");
  CHECK(program.wait() == 0);
  const bool same = program.output() == get(SLM_TESTS_DIR "/../docs/results/protocol.json");
  CHECK_MESSAGE(same, "write it anew: build/release/examples/protocol >docs/results/protocol.json");
}

TEST_CASE("the protocol's JSON has every run, and the paper's figures where there are any") {
  const auto json = nlohmann::json::parse(protocol_json());
  CHECK(json["datasets"].size() == data_sizes.size());
  CHECK(json["datasets"][1]["tokens"] == std::vector<int>{80'000, 20'000, 20'000});
  REQUIRE(json["runs"].size() == runs.size() + unreported_runs.size());
  const auto& transformer = json["runs"][3];
  CHECK(transformer["study"] == "tiny_shakespeare");
  CHECK(transformer["config"]["epochs"] == 4);
  CHECK(transformer["config"]["heads"] == 4);
  CHECK(transformer["quick"]["windows"] == 5'000);
  CHECK(transformer["reported"]["test_nll"] == 2.0058);
  CHECK(transformer["reported"]["valid_nll"] == std::vector<double>{2.31, 2.15, 2.09, 2.00});
  CHECK(transformer["reported"]["train_nll"].empty());
  const double executed = transformer["flops"]["training"], everywhere = transformer["flops"]["all_positions"];
  CHECK(everywhere / executed == doctest::Approx(1.354).epsilon(0.0005));
  CHECK(json["runs"][18]["reported"]["context_2pn"] == 64);
  CHECK_FALSE(json["runs"][20].contains("reported"));
}
