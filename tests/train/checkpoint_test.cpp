// A training in a file, and out of it again.
#include "slm/train/checkpoint.hpp"

#include <limits>
#include <numeric>

#include "error_message.hpp"
#include "slm/io/model_file.hpp"
#include "slm/models/transformer_lm.hpp"
#include "slm/optim/sgd.hpp"
#include "temporary_folder.hpp"
#include "train_test_support.hpp"

using namespace train_test;
using slm_test::has;
using slm_test::message_of;
using slm_test::TemporaryFolder;

namespace {

void save(const std::string& path, Training& training, const Metadata& metadata = {}) {
  save_checkpoint(training.model, training.optimizer, training.state, path, metadata);
}
void load(const std::string& path, Training& training) {
  load_checkpoint(training.model, training.optimizer, training.state, path);
}

FitConfig config_of(Index epochs, const std::vector<double>& by_epoch) {
  return {.epochs = epochs, .clip = 1, .learning_rate = rates(by_epoch)};
}

using Records = std::vector<TensorRecord>;

TensorRecord& find(Records& records, std::string_view name) {
  const auto found = std::find_if(records.begin(), records.end(),
                                  [&](const TensorRecord& record) { return record.name == name; });
  REQUIRE(found != records.end());
  return *found;
}

/// Numbers as the bytes of a record, which live as long as this.
template <class T>
struct Numbers {
  std::vector<T> values;
  TensorRecord record(std::string name, std::vector<Index> shape) const {
    return {std::move(name), dtype_of<T>(), std::move(shape), std::as_bytes(std::span(values))};
  }
};

}  // namespace

TEST_CASE("a training goes on from a file with the same bits, whichever epoch it was saved after") {
  std::vector<double> by_epoch;
  SUBCASE("of which every one was the best") { by_epoch = {good}; }
  SUBCASE("of which later ones were worse") { by_epoch = {good, good, bad, bad, good}; }
  const TemporaryFolder folder;
  Training whole;
  FitConfig config = config_of(6, by_epoch);
  config.on_epoch = [&](const EpochReport& report) {
    save(folder / std::to_string(report.epoch), whole, {{"epoch", std::to_string(report.epoch)}});
  };
  save(folder / "0", whole);
  whole.fit(config);
  const auto expected = numbers_of(whole);

  for (Index epoch = 0; epoch <= 6; ++epoch) {
    CAPTURE(epoch);
    Training other("other weights");
    load(folder / std::to_string(epoch), other);
    CHECK(other.state.epochs.size() == static_cast<std::size_t>(epoch));
    if (epoch > 0)
      CHECK(same_bits(weights_of(other.model), whole.weights[static_cast<std::size_t>(epoch - 1)]));
    other.fit(config_of(6, by_epoch));
    CHECK(same_bits(numbers_of(other), expected));
  }
  CHECK(SafeTensors::read(folder / "3").metadata() ==
        Metadata{{"epoch", "3"},
                 {"fit.text", Training::train_windows().text_checksum()},
                 {"format", "1"},
                 {"slm", version}});
}

TEST_CASE("a training with SGD goes on from a file with the same bits") {
  const TemporaryFolder folder;
  const auto train = [&](Index epochs, bool goes_on) {
    MlpLM<float> model(model_config, Random(seed));
    SGD optimizer(model, {.learning_rate = 0.1, .momentum = 0.9});
    FitState<float> state;
    if (goes_on) load_checkpoint(model, optimizer, state, folder / "file");
    fit(model, optimizer, Training::train_windows(), valid_windows(), Random(seed, "dropout"),
        {.epochs = epochs, .windows_per_epoch = windows_per_epoch}, state);
    CHECK(optimizer.steps() == epochs * steps_per_epoch);
    save_checkpoint(model, optimizer, state, folder / "file");
    return weights_of(model);
  };
  const auto whole = train(4, false);
  const auto half = train(2, false);
  CHECK_FALSE(same_bits(half, whole));
  CHECK(same_bits(train(4, true), whole));

  Training other;  // with Adam
  CHECK(message_of<DataError>([&] { load(folder / "file", other); }) ==
        "load_checkpoint: cannot read '" + folder / "file" +
            "': tensor 'adam.first.embedding.weight': the file has no such tensor");
}

TEST_CASE("a training may be saved after fit too, when the model has the best weights") {
  const std::vector<double> by_epoch = {good, good, bad, bad, good};
  const TemporaryFolder folder;
  Training whole, first, second("other weights");
  whole.fit(config_of(6, by_epoch));

  FitConfig config = config_of(4, by_epoch);
  config.on_epoch = [&](const EpochReport&) { save(folder / "in on_epoch", first); };
  first.fit(config);
  const auto before = numbers_of(first);
  REQUIRE(first.state.best_epoch == 2);
  save(folder / "after fit", first);
  CHECK(same_bits(numbers_of(first), before));
  const auto at_end = SafeTensors::read(folder / "in on_epoch"),
             after = SafeTensors::read(folder / "after fit");
  REQUIRE(at_end.names() == after.names());
  for (std::size_t i = 0; i < after.records().size(); ++i) {
    CAPTURE(after.names()[i]);
    CHECK(std::ranges::equal(at_end.records()[i].bytes, after.records()[i].bytes));
  }

  load(folder / "after fit", second);
  second.fit(config_of(6, by_epoch));
  CHECK(same_bits(numbers_of(second), numbers_of(whole)));
}

TEST_CASE("a training without a finite validation loss is kept as well") {
  const TemporaryFolder folder;
  Training training, other("other weights");
  auto& weight = training.model.embedding.weight.value;
  weight.data()[unseen * weight.extent(1)] = std::numeric_limits<float>::quiet_NaN();
  std::vector<Token> tokens = text();
  tokens[5] = unseen;
  CHECK_THROWS_AS(training.fit({.epochs = 2}, SequentialWindows<>(tokens, window, batch, 40)), NumericError);
  REQUIRE(training.state.best_epoch == 0);
  save(folder / "file", training);
  other.state.best.take(other.model);
  load(folder / "file", other);
  CHECK(other.state.best.empty());
  CHECK(same_bits(numbers_of(other), numbers_of(training)));
}

TEST_CASE("what is in a file is what it has always been") {
  // As version 0.1.0 wrote it, of a model with two epochs behind it, of which the first was the best.
  constexpr Index epochs = 2, counts = 28;
  Training training;
  std::vector<Numbers<float>> numbers;
  std::vector<std::string> names;
  std::vector<std::vector<Index>> shapes;
  const auto add = [&](const std::string& name, const std::vector<Index>& shape) {
    Numbers<float> made;
    for (Index i = 0; i < std::accumulate(shape.begin(), shape.end(), Index(1), std::multiplies<>()); ++i) {
      made.values.push_back(static_cast<float>(100 * names.size()) + static_cast<float>(i) / 4);
    }
    numbers.push_back(made), names.push_back(name), shapes.push_back(shape);
  };
  const std::vector<std::pair<std::string, std::vector<Index>>> weights = {{"embedding.weight", {5, 4}},
                                                                           {"hidden.0.weight", {6, 12}},
                                                                           {"hidden.0.bias", {6}},
                                                                           {"hidden.1.weight", {6, 6}},
                                                                           {"hidden.1.bias", {6}},
                                                                           {"head.weight", {5, 6}},
                                                                           {"head.bias", {5}}};
  for (const auto& [name, shape] : weights) add("weight." + name, shape);
  for (const auto& [name, shape] : weights) {
    const Index size = std::accumulate(shape.begin(), shape.end(), Index(1), std::multiplies<>());
    add("adam.first." + name, {size}), add("adam.second." + name, {size});
  }
  add("best", {175});
  const Numbers<double> reports{{1.5, 1.25, 3, 1.125, 1.375, 4}};
  Numbers<std::int64_t> spent{std::vector<std::int64_t>(epochs * counts)};
  std::iota(spent.values.begin(), spent.values.end(), 1000);
  const Numbers<std::int64_t> progress{{1, 6, 5}};
  Records records;
  for (std::size_t i = 0; i < names.size(); ++i) records.push_back(numbers[i].record(names[i], shapes[i]));
  records.push_back(reports.record("fit.epochs", {epochs, 3}));
  records.push_back(spent.record("fit.spent", {epochs, counts}));
  records.push_back(progress.record("fit.progress", {3}));
  const TemporaryFolder folder;
  write_safetensors(folder / "file", records);

  load(folder / "file", training);
  std::size_t next = 0;
  const auto check_next = [&](const auto& tensor) {
    const auto& expected = numbers[next++].values;
    CHECK(std::equal(tensor.begin(), tensor.end(), expected.begin(), expected.end()));
  };
  for_each_parameter(training.model, [&](const std::string&, const auto& p) { check_next(p.value); });
  for (const auto& moments : training.optimizer.moments())
    check_next(moments.first), check_next(moments.second);
  check_next(training.state.best.values());
  CHECK(training.optimizer.steps() == 5);
  CHECK(training.state.steps == 6);
  CHECK(training.state.best_epoch == 1);
  REQUIRE(training.state.epochs.size() == 2);
  const EpochReport &first = training.state.epochs[0], &second = training.state.epochs[1];
  CHECK(first.epoch == 1);
  CHECK(first.train_nll == 1.5);
  CHECK(first.valid_nll == 1.25);
  CHECK(first.seconds == 3);
  CHECK(first.best);
  CHECK(first.spent.training.forward.multiply_adds == 1000);
  CHECK(second.epoch == 2);
  CHECK(second.train_nll == 1.125);
  CHECK_FALSE(second.best);
  CHECK(second.spent.training.forward == Cost{1028, 1029, 1030, 1031, 1032, 1033, 1034});
  CHECK(second.spent.training.backward == Cost{1035, 1036, 1037, 1038, 1039, 1040, 1041});
  CHECK(second.spent.optimizer == Cost{1042, 1043, 1044, 1045, 1046, 1047, 1048});
  CHECK(second.spent.validation == Cost{1049, 1050, 1051, 1052, 1053, 1054, 1055});
  CHECK(training.state.spent == second.spent);

  // And written again it is the same file.
  save(folder / "again", training);
  const auto file = SafeTensors::read(folder / "file"), again = SafeTensors::read(folder / "again");
  REQUIRE(again.names() == file.names());
  for (std::size_t i = 0; i < file.records().size(); ++i) {
    CAPTURE(file.names()[i]);
    CHECK(again.records()[i].dtype == file.records()[i].dtype);
    CHECK(again.records()[i].shape == file.records()[i].shape);
    CHECK(std::ranges::equal(again.records()[i].bytes, file.records()[i].bytes));
  }
}

TEST_CASE("a damaged file is an error and changes nothing") {
  const TemporaryFolder folder;
  Training saved;
  saved.fit(config_of(3, {good, good, bad}));
  REQUIRE(saved.state.best_epoch == 2);
  save(folder / "file", saved);
  const SafeTensors file = SafeTensors::read(folder / "file");
  Training training("other weights");
  training.fit(config_of(1, {good}));
  const auto before = numbers_of(training);

  /// What loading the file with changed records says.
  const auto loading = [&](const auto& change) {
    Records records = file.records();
    change(records);
    write_safetensors(folder / "changed", records);
    const std::string message = message_of<DataError>([&] { load(folder / "changed", training); });
    CHECK(has(message, folder / "changed"));
    CHECK(same_bits(numbers_of(training), before));
    return message;
  };

  for (const std::string& name : file.names()) {
    CAPTURE(name);
    const std::string quoted = "tensor '" + name + "'";
    CHECK(has(loading([&](Records& records) {
                std::erase_if(records, [&](const TensorRecord& record) { return record.name == name; });
              }),
              quoted + ": the file has no such tensor"));
    const Numbers<std::uint8_t> bytes{std::vector<std::uint8_t>(file.find(name).bytes.size())};
    CHECK(has(loading([&](Records& records) {
                find(records, name) = bytes.record(name, {static_cast<Index>(bytes.values.size())});
              }),
              quoted + ": expected "));
    CHECK(has(loading([&](Records& records) {
                TensorRecord& record = find(records, name);
                record.shape.push_back(1);
              }),
              quoted + ": expected shape "));
  }

  const Numbers<double> six{{2, 1, 0, 2, 1, 0}}, one{{1}}, twelve{std::vector<double>(12)};
  const auto with_epochs = [&](const Numbers<double>& numbers, const std::vector<Index>& shape) {
    return loading(
        [&](Records& records) { find(records, "fit.epochs") = numbers.record("fit.epochs", shape); });
  };
  CHECK(has(with_epochs(one, {}), "tensor 'fit.epochs': expected shape (0, 3), got ()"));
  CHECK(has(with_epochs({}, {100'000'000'000'000'000, 0}),
            "tensor 'fit.epochs': expected shape (100000000000000000, 3), got (100000000000000000, 0)"));
  CHECK(has(with_epochs(twelve, {3, 4}), "tensor 'fit.epochs': expected shape (3, 3), got (3, 4)"));
  CHECK(has(with_epochs(six, {2, 3}), "tensor 'fit.spent': expected shape (2, 28), got (3, 28)"));

  const auto with_progress = [&](std::vector<std::int64_t> values) {
    const Numbers<std::int64_t> numbers{std::move(values)};
    return loading(
        [&](Records& records) { find(records, "fit.progress") = numbers.record("fit.progress", {3}); });
  };
  CHECK(has(with_progress({3, 9, 9}),
            "expected best epoch 2 of 3 and counts of 0 or more, got best epoch 3, "
            "9 steps and 9 updates"));
  CHECK(has(with_progress({0, 9, 9}), "got best epoch 0,"));
  CHECK(has(with_progress({4, 9, 9}), "got best epoch 4,"));
  CHECK(has(with_progress({2, -1, 9}), "-1 steps"));
  CHECK(has(with_progress({2, 9, -1}), "-1 updates"));

  Numbers<std::int64_t> costs{std::vector<std::int64_t>(3 * 28)};
  costs.values.back() = -1;
  CHECK(has(loading([&](Records& records) {
              find(records, "fit.spent") = costs.record("fit.spent", {3, 28});
            }),
            "expected costs of 0 or more, got a negative one"));
  CHECK(has(loading([&](Records& records) { records.push_back(one.record("another", {1})); }),
            "expected the 25 tensors of this model and optimizer, got 26"));
  const Numbers<double> large{{0, 0, 0, 0, 1e300}};  // no float
  CHECK(has(loading([&](Records& records) {
              find(records, "adam.second.head.bias") = large.record("adam.second.head.bias", {5});
            }),
            "tensor 'adam.second.head.bias': expected numbers of F32, got 1e+300 at element 4"));

  load(folder / "file", training);  // which shows that it was the changes
  CHECK(same_bits(weights_of(training.model), saved.weights.back()));
}

TEST_CASE("a checkpoint of a later version is refused with that version's name, and changes nothing") {
  const TemporaryFolder folder;
  Training training;
  save(folder / "file", training);
  const SafeTensors file = SafeTensors::read(folder / "file");
  const auto before = numbers_of(training);
  const auto loading = [&](const Metadata& metadata) {
    write_safetensors(folder / "changed", file.records(), metadata);
    const std::string message = message_of<DataError>([&] { load(folder / "changed", training); });
    CHECK(same_bits(numbers_of(training), before));
    return message;
  };
  CHECK(loading({{"format", "2"}, {"slm", "3.1.4"}}) ==
        "load_checkpoint '" + folder / "changed" +
            "': it was written by slm '3.1.4' in format 2; this is slm " + version +
            ", which reads formats up to 1");
  CHECK(has(loading({{"format", "2"}}), "by slm of an unknown version in format 2"));
  CHECK(has(loading({{"format", "two"}}), "format: expected a number, got 'two'"));
  CHECK(loading({}) == "no error");
  CHECK(loading({{"format", "1"}}) == "no error");
}

TEST_CASE("the file of a model with more blocks is not one of a model with fewer") {
  TransformerConfig config{.vocabulary = 5, .context = 3, .width = 4, .layers = 2, .heads = 1};
  TransformerLM<float> deep(config, Random(seed));
  config.layers = 1;
  TransformerLM<float> flat(config, Random(seed, "other"));
  Adam deep_optimizer(deep), flat_optimizer(flat);
  FitState<float> state;
  const TemporaryFolder folder;
  save_checkpoint(deep, deep_optimizer, state, folder / "file");
  const auto before = weights_of(flat);
  CHECK(has(message_of<DataError>([&] { load_checkpoint(flat, flat_optimizer, state, folder / "file"); }),
            "tensors of this model and optimizer, got "));
  CHECK(same_bits(weights_of(flat), before));
}

TEST_CASE("tied weights and their moments are kept once") {
  Tied<float> model(5, 3, Random(seed)), other(5, 3, Random(seed, "other"));
  Adam optimizer(model), other_optimizer(other);
  for (float& g : model.embedding.weight.grad) g = 1;
  optimizer.step();
  FitState<float> state;
  const TemporaryFolder folder;
  save_checkpoint(model, optimizer, state, folder / "file");
  CHECK(SafeTensors::read(folder / "file").records().size() == 3 * 3 + 4);
  load_checkpoint(other, other_optimizer, state, folder / "file");
  CHECK(same_bits(weights_of(other), weights_of(model)));
  CHECK(other_optimizer.moments()[0].first(0) == optimizer.moments()[0].first(0));
}

TEST_CASE("a training that an error ended in the middle of a step is not saved") {
  const TemporaryFolder folder;
  Training training;
  FitConfig config = config_of(3, {good});
  config.learning_rate = [](Index step) { return step < 4 ? good : -1; };
  CHECK_THROWS_AS(training.fit(config), ConfigError);
  CHECK(message_of<ConfigError>([&] { save(folder / "file", training); }) ==
        "save_checkpoint: expected a training that stands between two steps, got one that an error ended in "
        "epoch "
        "2");
  CHECK(folder.entries() == 0);
}

TEST_CASE("what was stopped goes on from the file of its last epoch, in the same objects") {
  const TemporaryFolder folder;
  Training whole, training;
  const FitConfig config = config_of(4, {good});
  whole.fit(config);
  FitConfig stopping = config;
  Index steps = 0;
  stopping.on_epoch = [&](const EpochReport&) { save(folder / "file", training); };
  stopping.stop = [&] { return ++steps == 8; };
  REQUIRE(training.fit(stopping).stopped);
  load(folder / "file", training);
  training.fit(config);
  CHECK(same_bits(numbers_of(training), numbers_of(whole)));
}

TEST_CASE("a file that cannot be written is an error") {
  const TemporaryFolder folder;
  Training training;
  CHECK(has(message_of<DataError>([&] { save(folder / "no folder/file", training); }), "no folder/file"));
}

TEST_CASE("a training goes on with the text of its epochs only, of however many tokens another has") {
  const TemporaryFolder folder;
  Training saved;
  saved.fit(config_of(1, {good}));
  save(folder / "file", saved);
  std::vector<Token> other_text = text();
  std::swap(other_text[10], other_text[13]);
  REQUIRE(other_text != text());
  const auto go_on = [&](Training& training, const std::vector<Token>& tokens) {
    const RandomWindows<> windows(tokens, window, batch, Random(seed, "data"));
    return message_of<DataError>([&] {
      slm::fit(training.model, training.optimizer, windows, valid_windows(), Random(seed, "dropout"),
               {.epochs = 2, .windows_per_epoch = windows_per_epoch}, training.state);
    });
  };
  Training loaded("other weights");
  load(folder / "file", loaded);
  const auto before = numbers_of(loaded);
  const std::string message = go_on(loaded, other_text);
  CHECK(has(message, "fit: expected to go on with the text of the training so far, of checksum " +
                         Training::train_windows().text_checksum()));
  CHECK(same_bits(numbers_of(loaded), before));
  CHECK(go_on(loaded, std::vector<Token>(text())) == "no error");
  CHECK(loaded.state.epochs.size() == 2);

  // A file of an earlier version does not say which text it was.
  write_safetensors(folder / "old", SafeTensors::read(folder / "file").records());
  Training old("other weights");
  load(folder / "old", old);
  CHECK(old.state.text.empty());
  CHECK(go_on(old, other_text) == "no error");
  CHECK(old.state.text == RandomWindows<>(other_text, window, batch, Random(1)).text_checksum());
}

TEST_CASE("a model's file is no checkpoint, and a checkpoint no model's file") {
  const TemporaryFolder folder;
  Training training;
  save(folder / "checkpoint", training, {{"model", "mlp"}});
  save_model(training.model, CharTokenizer::from_text("abcde"), folder / "model");
  CHECK(message_of<DataError>([&] { load(folder / "model", training); }) ==
        "load_checkpoint '" + folder / "model" +
            "': it is a model without its training, which load_model reads");
  CHECK(message_of<DataError>([&] { load_model<MlpLM<float>>(folder / "checkpoint"); }) ==
        "load_model '" + folder / "checkpoint" +
            "': it is a checkpoint of a training, which load_checkpoint reads");
  save_weights(training.model, folder / "weights");
  CHECK(message_of<DataError>([&] { load(folder / "weights", training); }) ==
        "load_checkpoint '" + folder / "weights" +
            "': it is a model without its training, which load_weights reads");
  CHECK(message_of<DataError>([&] { load_weights(training.model, folder / "checkpoint"); }) ==
        "load_weights '" + folder / "checkpoint" +
            "': it is a checkpoint of a training, which load_checkpoint reads");
  CHECK(message_of<DataError>([&] { load(folder / "none", training); }) ==
        "load_checkpoint: cannot read '" + folder / "none" + "': open: No such file or directory");
  CHECK(message_of<DataError>([&] { save(folder / "no/file", training); }) ==
        "save_checkpoint: cannot write '" + folder / "no/file" +
            "': open the folder: No such file or directory");
}
