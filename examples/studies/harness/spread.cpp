#include "harness/spread.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <numeric>

namespace slm::studies {

namespace {

using Json = nlohmann::json;

std::vector<float> blocks_from(const Json& json) {
  std::vector<float> blocks;
  for (const Json& block : json) blocks.push_back(static_cast<float>(number_or_nan(block)));
  return blocks;
}

Tensor<std::uint16_t, 1> in_steps(const std::vector<float>& losses) {
  Tensor<std::uint16_t, 1> steps({static_cast<Index>(losses.size())});
  constexpr std::uint16_t most = std::numeric_limits<std::uint16_t>::max();
  std::transform(losses.begin(), losses.end(), steps.begin(), [](float loss) {
    const double count = std::nearbyint(static_cast<double>(loss) / loss_step);
    return count < most ? static_cast<std::uint16_t>(count) : most;  // also for what is not finite
  });
  return steps;
}

Tensor<float, 2> stacked(const std::vector<SpreadReport>& epochs, std::vector<float> SpreadReport::*blocks) {
  const auto count = static_cast<Index>((epochs.front().*blocks).size());
  Tensor<float, 2> rows({static_cast<Index>(epochs.size()), count});
  for (std::size_t epoch = 0; epoch < epochs.size(); ++epoch) {
    const std::vector<float>& row = epochs[epoch].*blocks;
    std::copy(row.begin(), row.end(), rows.data() + static_cast<Index>(epoch) * count);
  }
  return rows;
}

}  // namespace

std::string spread_text(const std::vector<SpreadReport>& epochs) {
  Json all = Json::array();
  for (const SpreadReport& epoch : epochs) {
    all.push_back({{"valid_nll", epoch.valid_nll},
                   {"test_nll", epoch.test_nll},
                   {"valid_blocks", epoch.valid_blocks},
                   {"test_blocks", epoch.test_blocks},
                   {"flops", epoch.flops}});
  }
  return all.dump();
}

std::vector<SpreadReport> spread_from_text(const std::string& text) {
  try {
    std::vector<SpreadReport> epochs;
    for (const Json& epoch : Json::parse(text)) {
      epochs.push_back({number_or_nan(epoch.at("valid_nll")), number_or_nan(epoch.at("test_nll")),
                        blocks_from(epoch.at("valid_blocks")), blocks_from(epoch.at("test_blocks")),
                        epoch.at("flops").get<Index>()});
    }
    return epochs;
  } catch (const Json::exception& error) {
    throw DataError(make_text({"the losses on windows spread over the texts cannot be read: ", error.what()}));
  }
}

double number_or_nan(const Json& number) {
  return number.is_null() ? std::numeric_limits<double>::quiet_NaN() : number.get<double>();
}

EvaluatedWindows evaluated_windows(const Job& job) {
  return evaluated_windows(*job.dataset, job.T(), job.training(), job.spread_windows);
}

EvaluatedWindows evaluated_windows(const Dataset& dataset, Index T, const Training& training, Index spread) {
  const Corpus& corpus = dataset.corpus;
  const Index B = training.batch, first = training.evaluation_windows;
  return {Windows<>(corpus.valid, T, B, first), Windows<>(corpus.test, T, B, first),
          Windows<>::evenly_spaced(dataset.whole_valid(), T, B, spread),
          Windows<>::evenly_spaced(dataset.whole_test(), T, B, spread)};
}

double mean_loss(const std::vector<float>& losses) {
  return std::accumulate(losses.begin(), losses.end(), 0.0) / static_cast<double>(losses.size());
}

std::vector<float> block_means(const std::vector<float>& losses) {
  const auto count = static_cast<Index>(losses.size()), blocks = std::min(spread_blocks, count);
  std::vector<float> means;
  for (Index block = 0; block < blocks; ++block) {
    const auto begin = losses.begin() + block * count / blocks,
               end = losses.begin() + (block + 1) * count / blocks;
    means.push_back(static_cast<float>(std::accumulate(begin, end, 0.0) / static_cast<double>(end - begin)));
  }
  return means;
}

SpreadReport spread_report(const std::vector<float>& valid, const std::vector<float>& test, Index flops) {
  return {mean_loss(valid), mean_loss(test), block_means(valid), block_means(test), flops};
}

void save_losses(const std::string& path, const WindowLosses& losses, const std::vector<SpreadReport>& epochs,
                 Metadata about) {
  about["loss_step"] = Json(loss_step).dump();
  const auto paper_valid = in_steps(losses.paper_valid), paper_test = in_steps(losses.paper_test);
  const auto spread_valid = in_steps(losses.spread_valid), spread_test = in_steps(losses.spread_test);
  const auto valid_blocks = stacked(epochs, &SpreadReport::valid_blocks);
  const auto test_blocks = stacked(epochs, &SpreadReport::test_blocks);
  write_safetensors(path,
                    {tensor_record("paper.valid", paper_valid), tensor_record("paper.test", paper_test),
                     tensor_record("spread.valid", spread_valid), tensor_record("spread.test", spread_test),
                     tensor_record("epochs.valid", valid_blocks), tensor_record("epochs.test", test_blocks)},
                    about);
}

}  // namespace slm::studies
