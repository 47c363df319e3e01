// Losses by window, on windows spread evenly over whole texts beside the protocol's.
#include "harness/spread.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "data/data_test_support.hpp"
#include "harness/models.hpp"
#include "study_test_support.hpp"

using namespace slm::studies;
using namespace study_test;
using slm::Index;

namespace {

const Study study{.number = 1, .name = "tiny_shakespeare", .title = "", .prompts = {}};

Options tiny_options() {
  Options options;
  options.models = {"mlp"};
  options.data = slm::synthetic::corpus_name;
  options.context = 8;
  options.windows = 96;
  options.evaluation_windows = 500;
  return options;
}

}  // namespace

TEST_CASE("blocks are of neighbouring windows and as large as each other, but for one") {
  std::vector<float> losses(250);
  for (std::size_t i = 0; i < losses.size(); ++i) losses[i] = static_cast<float>(i);
  const std::vector<float> blocks = block_means(losses);
  REQUIRE(blocks.size() == spread_blocks);
  CHECK(blocks[0] == 0.5F);  // 0 and 1
  CHECK(blocks[1] == 3.0F);  // 2, 3 and 4
  CHECK(blocks[99] == 248.0F);
  CHECK(mean_loss(losses) == 124.5);
  CHECK(block_means({3, 5}) == std::vector<float>{3, 5});
}

TEST_CASE("losses by window have the mean that evaluate finds, in the windows' order") {
  Datasets datasets(slm::synthetic::corpus_name, true);
  const Job job = plan(study, tiny_options(), datasets).at(0);
  const auto model = make_model(std::get<slm::MlpConfig>(job.run.config), slm::Random(1, "init"));
  const auto windows = evaluated_windows(job).spread_test;
  CHECK(windows.windows() == 500);
  CHECK(windows.start(499) > static_cast<Index>(job.dataset->corpus.test.size()) * 98 / 100);
  slm::Cost cost;
  const std::vector<float> losses = window_losses(model, windows, cost);
  REQUIRE(losses.size() == 500);
  CHECK(mean_loss(losses) == doctest::Approx(slm::evaluate(model, windows)).epsilon(1e-6));
  CHECK(cost.flops() > 0);
  const slm::SequentialWindows<> one(
      std::span(job.dataset->corpus.test).subspan(static_cast<std::size_t>(windows.start(137))), 8, 1, 1);
  CHECK(static_cast<double>(losses[137]) == doctest::Approx(slm::evaluate(model, one)).epsilon(1e-5));

  const SpreadReport report = spread_report(model, job);
  CHECK(report.test_nll == mean_loss(losses));
  CHECK(report.test_blocks == block_means(losses));
  CHECK(report.valid_nll != report.test_nll);
  CHECK(report.flops >= 2 * cost.flops());
}

TEST_CASE("a file of losses has them in steps, and the blocks of every epoch") {
  const TemporaryFolder folder;
  const std::vector<SpreadReport> epochs = {
      {.valid_nll = 1, .test_nll = 2, .valid_blocks = {1, 3}, .test_blocks = {5, 7}},
      {.valid_nll = 1, .test_nll = 2, .valid_blocks = {2, 4}, .test_blocks = {6, 8}}};
  save_losses(folder / "losses.safetensors", {{0.5F, 2.25F}, {31.9F, 40}, {1e-5F}, {3, std::nanf(""), 1}},
              epochs, {{"model", "mlp"}});
  const auto file = slm::SafeTensors::read(folder / "losses.safetensors");
  CHECK(file.metadata().at("model") == "mlp");
  CHECK(std::stod(file.metadata().at("loss_step")) == loss_step);
  const auto steps = [&](const char* name, Index count) {
    slm::Tensor<std::uint16_t, 1> tensor({count});
    file.copy_into(name, tensor);
    return std::vector<int>(tensor.begin(), tensor.end());
  };
  CHECK(steps("paper.valid", 2) == std::vector<int>{1024, 4608});
  CHECK(steps("paper.test", 2) == std::vector<int>{65331, 65535});
  CHECK(steps("spread.valid", 1) == std::vector<int>{0});
  CHECK(steps("spread.test", 3) == std::vector<int>{6144, 65535, 2048});
  slm::Tensor<float, 2> blocks({2, 2});
  file.copy_into("epochs.valid", blocks);
  CHECK(std::vector<float>(blocks.begin(), blocks.end()) == std::vector<float>{1, 3, 2, 4});
  file.copy_into("epochs.test", blocks);
  CHECK(std::vector<float>(blocks.begin(), blocks.end()) == std::vector<float>{5, 7, 6, 8});
}

TEST_CASE("what a checkpoint keeps of them comes back with the same bits") {
  const double odd = 1.0 / 3;
  const std::vector<SpreadReport> epochs = {
      {odd, 2 * odd, {static_cast<float>(odd), 1e-30F}, {7}, 123'456'789'012'345},
      {std::nan(""), 1, {std::numeric_limits<float>::quiet_NaN()}, {2}, 0}};
  const auto read = spread_from_text(spread_text(epochs));
  REQUIRE(read.size() == 2);
  CHECK(read[0].valid_nll == odd);
  CHECK(read[0].test_nll == 2 * odd);
  CHECK(read[0].valid_blocks == epochs[0].valid_blocks);
  CHECK(read[0].test_blocks == epochs[0].test_blocks);
  CHECK(read[0].flops == 123'456'789'012'345);
  CHECK(std::isnan(read[1].valid_nll));
  CHECK(std::isnan(read[1].valid_blocks.at(0)));
  for (const char* text : {"", "no JSON", "[{}]", "[1]", R"([{"valid_nll": "a"}])"}) {
    CHECK_THROWS_AS(spread_from_text(text), slm::DataError);
  }
}

TEST_CASE("a capped dataset is evaluated over its whole texts, too") {
  const auto place = data_test::public_folder({"ptb"});
  if (!place) return;
  Datasets datasets(*place, true);
  const Dataset& ptb = datasets.get("ptb");
  REQUIRE(ptb.corpus.valid.size() == 20'000);
  for (const auto& [whole, capped] :
       {std::pair{&ptb.whole_valid(), &ptb.corpus.valid}, {&ptb.whole_test(), &ptb.corpus.test}}) {
    CHECK(whole->size() > 70'000);
    CHECK(std::equal(capped->begin(), capped->end(), whole->begin()));
  }
  Datasets uncapped(*place, false);
  CHECK(&uncapped.get("ptb").whole_valid() == &uncapped.get("ptb").corpus.valid);
}
