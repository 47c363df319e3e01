// The studies' table against the paper's figures and against the models that it makes.
#include <cstdio>
#include <map>

#include "study_test_support.hpp"

using namespace study_test;

namespace {

/// Three digits, as the paper prints FLOPs: "1.65e+14".
std::string three_digits(double x) {
  char text[32];
  std::snprintf(text, sizeof text, "%.2e", x);
  return text;
}

}  // namespace

TEST_CASE(
    "protocol: every run's model has exactly the paper's parameters, and its 2PN FLOPs to the digits given") {
  for (const studies::Run& run : studies::runs) {
    CAPTURE(name_of(run));
    const Index parameters =
        std::visit([](const auto& config) { return parameter_count(build(config)); }, run.config);
    CHECK(parameters == run.paper.parameters);
    CHECK(three_digits(studies::flops_2pn(run, parameters)) == three_digits(run.paper.flops_2pn));
  }
}

TEST_CASE("protocol: twenty runs, each once") {
  std::map<int, int> runs_of_study;
  std::map<std::string, int> times;
  for (const studies::Run& run : studies::runs) {
    ++runs_of_study[run.study];
    ++times[name_of(run) + " " + std::string(run.training.dataset)];
  }
  CHECK(runs_of_study == std::map<int, int>{{1, 4}, {2, 12}, {3, 2}, {4, 2}});
  CHECK(times.size() == 20);
}

TEST_CASE("protocol: windows, batches and epochs") {
  for (const studies::Run& run : studies::runs) {
    CAPTURE(name_of(run));
    const studies::Training& training = run.training;
    const Index batches = (training.windows_per_epoch + training.batch - 1) / training.batch;
    const Index T = studies::context(run);
    if (run.study == 3) {
      CHECK(T == 64);
      CHECK(training.batch == 32);
      CHECK(batches == 2'498);
      CHECK(training.epochs == 8);
      CHECK(training.evaluation_windows == 19'935);
    } else {
      CHECK(training.dataset == "tiny_shakespeare");
      CHECK(training.batch == 64);
      CHECK(T == (run.variant == "T = 32" ? 32 : run.variant == "T = 64" ? 64 : 128));
      CHECK(batches == (run.study == 2 ? 469 : 782));
      CHECK(training.evaluation_windows == (run.study == 2 ? 5'000 : 10'000));
      const bool attends = run.model == "attention" || run.model == "transformer";
      CHECK(training.epochs == (run.study == 2 ? 2 : run.study == 4 ? 8 : attends ? 4 : 3));
    }
  }
}

TEST_CASE("protocol: where the models drop out, normalise and start") {
  for (const studies::Run& run : studies::runs) {
    CAPTURE(name_of(run));
    if (const auto* config = std::get_if<MlpConfig>(&run.config)) CHECK(config->dropout == 0.1);
    if (const auto* config = std::get_if<TransformerConfig>(&run.config)) {
      const bool positions = run.study == 4;
      CHECK(config->attention_dropout == (positions ? 0 : 0.1));
      CHECK(config->feed_forward_dropout == 0.1);
      CHECK(config->residual_dropout == (positions ? 0.1 : 0));
      CHECK(config->norm == (positions ? NormPlacement::pre : NormPlacement::post));
      CHECK(config->attention_init == (positions ? AttentionInit::linear : AttentionInit::xavier));
      CHECK(config->activation == Activation::relu);
      CHECK(config->position == (run.variant == "RoPE" ? Position::rotary : Position::learned));
      CHECK(config->heads == (run.variant == "H = 1" ? 1 : run.variant == "H = 2" ? 2 : 4));
      CHECK(config->feed_forward == (run.model == "attention" ? 512 : 256));
    }
  }
}
