// A training that is stopped after any step goes on with the same bits, in memory and from a file.
#include <algorithm>
#include <cmath>
#include <csignal>
#include <cstring>
#include <functional>

#include "error_message.hpp"
#include "slm/optim/sgd.hpp"
#include "slm/train/checkpoint.hpp"
#include "slm/train/stop_on_signal.hpp"
#include "temporary_folder.hpp"
#include "train_test_support.hpp"

using namespace train_test;
using slm_test::TemporaryFolder;

namespace {

template <class Updates>
struct Kind;
template <>
struct Kind<Adam<float>> {
  static constexpr AdamConfig config{.weight_decay = 0.01};
  static constexpr double good = 0.02, bad = 3;
};
template <>
struct Kind<SGD<float>> {
  static constexpr SgdConfig config{.momentum = 0.9};
  static constexpr double good = 0.1, bad = 1.5;
};

constexpr Index epochs = 3;

/// A model, its optimizer and where their training stands.
template <class Updates>
struct Trained {
  MlpLM<float> model;
  Updates optimizer;
  FitState<float> state;

  double later = Kind<Updates>::good;  // rate after the first epoch

  explicit Trained(const char* init = "init")
      : model(model_config, Random(seed, init)), optimizer(model, Kind<Updates>::config) {}

  /// Ends after this step, counted from 1, if it comes.
  FitResult fit(Index micro_batches, Index stop_after = 0, const std::function<void()>& on_step = {}) {
    const Index steps = (steps_per_epoch - 1) / micro_batches + 1;
    Index step = 0;
    return slm::fit(model, optimizer, Training::train_windows(), valid_windows(), Random(seed, "dropout"),
                    {.epochs = epochs,
                     .windows_per_epoch = windows_per_epoch,
                     .micro_batches = micro_batches,
                     .clip = 1,
                     .learning_rate = [&](Index i) { return i / steps == 0 ? Kind<Updates>::good : later; },
                     .on_step =
                         [&](const StepReport& report) {
                           step = report.step + 1;
                           if (on_step) on_step();
                         },
                     .stop = [&] { return step == stop_after; }},
                    state);
  }

  /// Everything that the next step depends on or that is reported, but for seconds.
  std::vector<double> numbers() {
    std::vector<double> all = numbers_of(state.epochs);
    const auto append = [&](const auto& more) { all.insert(all.end(), more.begin(), more.end()); };
    append(weights_of(model));
    optimizer.for_each_state([&](const std::string&, const auto& tensor) { append(tensor); });
    append(state.best.values());
    append(std::vector<Index>{state.best_epoch, state.steps, optimizer.steps(), state.unfinished.steps});
    return all;
  }
};

}  // namespace

TEST_CASE_TEMPLATE("a training stopped after any step goes on with the same bits", Updates, Adam<float>,
                   SGD<float>) {
  const std::pair<Index, bool> cases[] = {{1, false}, {1, true}, {2, false}, {2, true}};
  for (const auto& each : cases) {
    const Index micro_batches = each.first;
    const bool worse = each.second;
    CAPTURE(micro_batches);
    CAPTURE(worse);
    const double later = worse ? Kind<Updates>::bad : Kind<Updates>::good;
    Trained<Updates> whole;
    whole.later = later;
    const FitResult expected = whole.fit(micro_batches);
    REQUIRE(expected.best_epoch == (worse ? 1 : 3));
    const Index steps = whole.state.steps;
    REQUIRE(steps == epochs * (micro_batches == 1 ? 3 : 2));
    for (Index stop = 1; stop <= steps; ++stop) {
      CAPTURE(stop);
      const TemporaryFolder folder;
      Trained<Updates> stopped, in_file("other weights");
      stopped.later = in_file.later = later;
      REQUIRE(stopped.fit(micro_batches, stop).stopped);
      CHECK(stopped.state.within_epoch());
      save_checkpoint(stopped.model, stopped.optimizer, stopped.state, folder / "file");
      load_checkpoint(in_file.model, in_file.optimizer, in_file.state, folder / "file");
      for (Trained<Updates>* training : {&stopped, &in_file}) {
        const FitResult result = training->fit(micro_batches);
        CHECK_FALSE(result.stopped);
        CHECK(result.spent == expected.spent);
        CHECK(same_bits(training->numbers(), whole.numbers()));
      }
    }
  }
}

TEST_CASE("a training stopped after each of its steps ends with the same bits") {
  for (const bool through_file : {false, true}) {
    Trained<Adam<float>> whole, parts;
    whole.fit(1);
    const TemporaryFolder folder;
    for (Index stop = 1; parts.fit(1, stop).stopped; ++stop) {
      CHECK(parts.state.steps + parts.state.unfinished.steps == stop);
      if (!through_file) continue;
      save_checkpoint(parts.model, parts.optimizer, parts.state, folder / "file");
      parts.state = {};
      for (float& weight : parts.model.head.weight.value) weight = 7;
      load_checkpoint(parts.model, parts.optimizer, parts.state, folder / "file");
    }
    CHECK(same_bits(parts.numbers(), whole.numbers()));
  }
}

TEST_CASE("what is saved while a step is reported is what is saved after a stop") {
  const TemporaryFolder folder;
  Trained<Adam<float>> training;
  Index step = 0;
  training.fit(1, 5, [&] {
    if (++step == 5) save_checkpoint(training.model, training.optimizer, training.state, folder / "reported");
  });
  save_checkpoint(training.model, training.optimizer, training.state, folder / "stopped");
  const auto reported = SafeTensors::read(folder / "reported"), stopped = SafeTensors::read(folder / "stopped");
  REQUIRE(reported.names() == stopped.names());
  CHECK(std::ranges::count(reported.names(), "fit.unfinished.counts") == 1);
  for (std::size_t i = 0; i < stopped.records().size(); ++i) {
    CAPTURE(stopped.names()[i]);
    CHECK(std::ranges::equal(reported.records()[i].bytes, stopped.records()[i].bytes));
  }
}

TEST_CASE("an error of who is told of a step leaves a training that goes on") {
  Trained<Adam<float>> whole, training;
  whole.fit(1);
  Index step = 0;
  const auto tell = [&] {
    if (++step == 5) throw DataError("told");
  };
  CHECK_THROWS_AS(training.fit(1, 0, tell), DataError);
  training.fit(1);
  CHECK(same_bits(training.numbers(), whole.numbers()));
}

TEST_CASE("an epoch that is under way is not gone on with in a shorter one") {
  Trained<Adam<float>> training;
  training.fit(1, 3);
  const auto before = training.numbers();
  CHECK(slm_test::message_of<ConfigError>([&] { training.fit(2); }) ==
        "fit: the state is 3 steps within an epoch of 2");
  CHECK(same_bits(training.numbers(), before));
}

TEST_CASE("an epoch that is under way goes on with its own batches only, in memory and from a file") {
  const TemporaryFolder folder;
  Trained<Adam<float>> training, in_file("other weights");
  training.fit(1, 4);
  save_checkpoint(training.model, training.optimizer, training.state, folder / "file");
  load_checkpoint(in_file.model, in_file.optimizer, in_file.state, folder / "file");
  for (Trained<Adam<float>>* its : {&training, &in_file}) {
    const auto before = its->numbers();
    const auto go_on = [&](Index T, Index B, std::uint64_t its_seed, Index micro_batches) {
      const RandomWindows<> windows(text(), T, B, Random(its_seed, "data"));
      return slm_test::message_of<DataError>([&] {
        slm::fit(its->model, its->optimizer, windows, valid_windows(), Random(seed, "dropout"),
                 {.epochs = 2, .windows_per_epoch = windows_per_epoch, .micro_batches = micro_batches},
                 its->state);
      });
    };
    const std::string wrong =
        "fit: expected to go on with the batches of the epoch that is under way, in each ";
    CHECK(slm_test::has(go_on(window, batch, seed + 1, 1), wrong));
    CHECK(slm_test::has(go_on(window, batch / 2, seed, 1), wrong));
    CHECK(slm_test::has(go_on(window, batch, seed, 2), wrong));
    CHECK(same_bits(its->numbers(), before));
    CHECK(go_on(window, batch, seed, 1) == "no error");
  }
}

TEST_CASE(
    "a signal stops a training after its step, and its handler is there only as long as it is asked for") {
  static int others = 0;
  const auto before = std::signal(SIGINT, [](int) { ++others; });
  Trained<Adam<float>> training;
  {
    const StopOnSignal stop;
    CHECK_FALSE(stop());
    Index steps = 0;
    const FitResult result =
        fit(training.model, training.optimizer, Training::train_windows(), valid_windows(), Random(seed),
            {.epochs = 3,
             .windows_per_epoch = windows_per_epoch,
             .on_step =
                 [&](const StepReport&) {
                   if (++steps == 4) std::raise(SIGINT);
                 },
             .stop = std::ref(stop)},
            training.state);
    CHECK(result.stopped);
    CHECK(steps == 4);
    CHECK(stop());
  }
  CHECK(others == 0);
  std::raise(SIGINT);
  CHECK(others == 1);
  {
    const StopOnSignal stop;
    CHECK_FALSE(stop());  // a new one
    std::raise(SIGTERM);
    CHECK(stop());
  }
  // One that was ignored stays so.
  std::signal(SIGINT, SIG_IGN);
  {
    const StopOnSignal stop;
    std::raise(SIGINT);
    CHECK_FALSE(stop());
  }
  std::signal(SIGINT, before);
}

TEST_CASE("a damaged file of an epoch that is under way is an error and changes nothing") {
  const TemporaryFolder folder;
  Trained<Adam<float>> saved, training("other weights");
  saved.fit(1, 5);
  save_checkpoint(saved.model, saved.optimizer, saved.state, folder / "file");
  const SafeTensors file = SafeTensors::read(folder / "file");
  const auto before = training.numbers();
  const auto loading = [&](const std::string& name, const auto& change) {
    std::vector<TensorRecord> records = file.records();
    const auto record = std::ranges::find(records, name, &TensorRecord::name);
    REQUIRE(record != records.end());
    change(records, record);
    write_safetensors(folder / "changed", records);
    const std::string message = slm_test::message_of<DataError>(
        [&] { load_checkpoint(training.model, training.optimizer, training.state, folder / "changed"); });
    CHECK(same_bits(training.numbers(), before));
    return message;
  };
  for (const std::string name : {"fit.unfinished.numbers", "fit.unfinished.counts"}) {
    CAPTURE(name);
    CHECK(slm_test::has(loading(name, [](auto& records, auto record) { records.erase(record); }),
                        name + "': the file has no such tensor"));
    CHECK(slm_test::has(loading(name, [](auto&, auto record) { record->shape.push_back(1); }),
                        ": expected shape "));
  }
  // A number at this place.
  const auto with_number = [&](const std::string& name, std::size_t place, auto number) {
    std::vector<decltype(number)> numbers(file.find(name).bytes.size() / sizeof number);
    std::memcpy(numbers.data(), file.find(name).bytes.data(), numbers.size() * sizeof number);
    numbers[place] = number;
    return loading(name, [&](auto&, auto record) { record->bytes = std::as_bytes(std::span(numbers)); });
  };
  const std::string expected = "expected an epoch with a finite sum of losses, 1 step or more";
  CHECK(slm_test::has(with_number("fit.unfinished.numbers", 0, std::nan("")), expected));
  for (const std::int64_t number : {0, -1}) {
    CHECK(slm_test::has(with_number("fit.unfinished.counts", 0, number), expected));
  }
  CHECK(slm_test::has(with_number("fit.unfinished.counts", 1, std::int64_t(-1)), expected));
  CHECK(slm_test::has(with_number("fit.unfinished.counts", 29, std::int64_t(-1)), expected));
  load_checkpoint(training.model, training.optimizer, training.state,
                  file);  // which shows that it was the changes
}
