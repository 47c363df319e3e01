// A training with any optimizer goes on from a file with the same bits.
#include "slm/io/model_file.hpp"
#include "slm/optim/average.hpp"
#include "slm/optim/muon.hpp"
#include "slm/optim/sgd.hpp"
#include "slm/train/checkpoint.hpp"
#include "temporary_folder.hpp"
#include "train_test_support.hpp"

using namespace train_test;
using slm_test::TemporaryFolder;

namespace {

using Model = MlpLM<float>;

/// Everything that a training goes on from.
template <class Updates>
std::vector<double> numbers_of(Model& model, Updates& optimizer) {
  std::vector<double> numbers = weights_of(model);
  optimizer.for_each_state([&](const std::string&, const auto& tensor) {
    numbers.insert(numbers.end(), tensor.begin(), tensor.end());
  });
  return numbers;
}

/// Trains for so many epochs, from the file where there is one, and saves: with(model, train) makes an
/// optimizer and calls train(optimizer).
template <class With>
std::vector<double> train(const std::string& path, Index epochs, bool goes_on, const With& with) {
  Model model(model_config, Random(seed));
  std::vector<double> numbers;
  with(model, [&](auto& optimizer, const auto& on_epoch) {
    FitState<float> state;
    if (goes_on) load_checkpoint(model, optimizer, state, path);
    FitConfig config{.epochs = epochs, .windows_per_epoch = windows_per_epoch, .clip = 1};
    config.learning_rate = [](Index step) { return 0.02 / (1 + 0.1 * static_cast<double>(step)); };
    config.on_epoch = [&](const EpochReport& report) { on_epoch(report.epoch); };
    on_epoch(static_cast<Index>(state.epochs.size()));
    fit(model, optimizer, Training::train_windows(), valid_windows(), Random(seed, "dropout"), config, state);
    CHECK(optimizer.steps() == epochs * steps_per_epoch);
    save_checkpoint(model, optimizer, state, path);
    numbers = numbers_of(model, optimizer);
  });
  return numbers;
}

template <class With>
void check_resumed(const With& with) {
  const TemporaryFolder folder;
  const auto whole = train(folder / "whole", 4, false, with);
  const auto half = train(folder / "file", 2, false, with);
  CHECK_FALSE(same_bits(half, whole));
  CHECK(same_bits(train(folder / "file", 4, true, with), whole));
}

const auto nothing = [](Index) {};

}  // namespace

TEST_CASE("trainings with groups, rows, Muon and averages go on from a file with the same bits") {
  SUBCASE("groups of Adam, of which one sees rows") {
    check_resumed([](Model& model, const auto& train) {
      const auto all = parameters<float>(model);
      const auto [tables, others] = split(all, [](const auto& p) { return p.name.starts_with("embedding"); });
      const auto [matrices, vectors] = split(others, is_matrix);
      Adam optimizer({{matrices, {.weight_decay = 0.1}},
                      {vectors, {.learning_rate = 1e-3}},
                      {tables, {.only_seen_rows = true}}});
      train(optimizer, nothing);
    });
  }
  SUBCASE("groups of SGD") {
    check_resumed([](Model& model, const auto& train) {
      const auto [matrices, vectors] = split(parameters<float>(model), is_matrix);
      SGD optimizer({{matrices, {.momentum = 0.9, .weight_decay = 0.1}}, {vectors, {.momentum = 0.5}}});
      train(optimizer, nothing);
    });
  }
  SUBCASE("Muon") {
    check_resumed([](Model& model, const auto& train) {
      Muon optimizer(model);
      train(optimizer, nothing);
    });
  }
  SUBCASE("an average beside Muon") {
    check_resumed([](Model& model, const auto& train) {
      Muon muon(model);
      ExponentialMovingAverage average(model, {.decay = 0.9});
      AveragingOptimizer optimizer(muon, average);
      train(optimizer, nothing);
    });
  }
  SUBCASE("an optimizer of some of the parameters") {
    check_resumed([](Model& model, const auto& train) {
      Adam optimizer(where(parameters<float>(model), [](const auto& p) { return p.name.starts_with("head"); }));
      train(optimizer, nothing);
    });
  }
}

TEST_CASE("what was frozen for a time goes on from a file with the same bits, and the file knows its steps") {
  const TemporaryFolder folder;
  // Frozen in the first epoch: before the file, of which later epochs know nothing but what it says.
  const auto with = [](Model& model, const auto& train) {
    Adam optimizer(model);
    train(optimizer, [&](Index epoch) { epoch == 0 ? freeze(model.embedding) : unfreeze(model.embedding); });
  };
  check_resumed(with);
  train(folder / "file", 2, false, with);
  Tensor<float, 1> missed({1});
  SafeTensors::read(folder / "file").copy_into("adam.missed.embedding.weight", missed);
  CHECK(missed(0) == steps_per_epoch);

  // A file without it belongs to parameters that were in every step.
  Model model(model_config, Random(seed));
  Adam optimizer(model);
  FitState<float> state;
  save_checkpoint(model, optimizer, state, folder / "other");
  CHECK_FALSE(SafeTensors::read(folder / "other").contains("adam.missed.embedding.weight"));
  load_checkpoint(model, optimizer, state, folder / "file");
  CHECK(optimizer.moments()[0].missed(0) == steps_per_epoch);
  load_checkpoint(model, optimizer, state, folder / "other");
  CHECK(optimizer.moments()[0].missed(0) == 0);
}

TEST_CASE("an optimizer steps the model that was read from a file into its own") {
  const TemporaryFolder folder;
  const std::string path = folder / "model";
  Model model(model_config, Random(seed)), expected(model_config, Random(seed, "other weights"));
  save_model(expected, Tokenizer(TokenUnit::character, {"a", "b", "c", "d", "e"}), path);
  const auto step = [](Model& stepped, auto& optimizer) {
    for_each_parameter(
        stepped, [](const std::string&, const auto& its) { std::fill(its.grad.begin(), its.grad.end(), 1); });
    optimizer.step();
    return weights_of(stepped);
  };
  const auto check = [&](auto& optimizer, auto& reference) {
    model = load_model<Model>(path).model;
    expected = load_model<Model>(path).model;
    const auto read = weights_of(model);
    CHECK(same_bits(step(model, optimizer), step(expected, reference)));
    CHECK_FALSE(same_bits(weights_of(model), read));
  };
  Adam adam(model), expected_adam(expected);
  SGD sgd(model), expected_sgd(expected);
  Muon muon(model), expected_muon(expected);
  for (int round = 0; round < 2; ++round) {
    check(adam, expected_adam), check(sgd, expected_sgd), check(muon, expected_muon);
  }
}
