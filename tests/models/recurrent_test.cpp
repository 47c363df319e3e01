// GruLM, LstmLM and MinGruLM: PyTorch's numbers, and what holds for every model.
#include "slm/models/recurrent_lm.hpp"

#include <algorithm>
#include <cmath>

#include "allocation_count.hpp"
#include "error_message.hpp"
#include "flops/flops_test_support.hpp"
#include "nn/module_test_support.hpp"
#include "slm/flops/model_cost.hpp"
#include "slm/io/model_file.hpp"
#include "slm/optim/adam.hpp"
#include "slm/train/fit.hpp"
#include "temporary_folder.hpp"

using namespace module_test;
using slm_test::message_of;
using Names = std::vector<std::string>;

namespace {

/// Calls test(config) for a config of every model, small, of both kinds of layering.
template <class Test>
void for_each_config(const Test& test) {
  for (const auto& layering : enum_names(Layering())) {
    INFO(std::string(layering.name));
    const auto with = [&]<class Config>(Config config) {
      config.layering = layering.value;
      INFO(std::string(Config::template Model<double>::name));
      test(config);
    };
    with(GruConfig{.vocabulary = 7, .context = 5, .width = 6, .layers = 2, .dropout = 0.2});
    with(LstmConfig{.vocabulary = 7, .context = 5, .width = 6, .layers = 2, .dropout = 0.2});
    with(MinGruConfig{.vocabulary = 7, .context = 5, .width = 6, .layers = 2, .dropout = 0.2});
  }
}

template <Scalar Real, class Config>
using ModelOf = typename Config::template Model<Real>;

/// The loss after every position of B windows of random tokens; the mask of dropout is always the same.
template <class Model, Scalar Real>
Var<Real, 0> loss_of(const Model& model, Tape<Real>& tape, Index B) {
  const Index V = model.config.vocabulary, T = model.config.context;
  tape.reset(Random(seed, "dropout"));
  return batch_loss(model, tape,
                    SequenceBatch{random_tokens<2>({B, T}, V), random_tokens<2>({B, T}, V, "targets")});
}

/// The weights of a model after three steps of training.
template <class Config>
std::vector<double> trained(const Config& config, Index B, int thread_count) {
  const slm_test::Threads setting(thread_count);
  ModelOf<float, Config> model(config, Random(seed));
  Adam optimizer(model);
  Tape<float> tape;
  for (int step = 0; step < 3; ++step) {
    tape.backward(loss_of(model, tape, B));
    optimizer.step();
  }
  return weights_of(model);
}

/// The model of a golden file, against its logits, loss and gradients.
template <Scalar Real, class Config>
void check_golden(const std::string& name, Layering layering, double bound) {
  INFO(name);
  const auto file = SafeTensors::read(make_text({SLM_TESTS_DIR "/golden/", name, ".safetensors"}));
  const auto number = [&](const char* key) { return static_cast<Index>(std::stoll(file.metadata().at(key))); };
  REQUIRE(file.metadata().at("layering") == name_of(layering));
  const Index V = number("vocab"), T = number("context"), B = number("batch");
  ModelOf<Real, Config> model({.vocabulary = V,
                               .context = T,
                               .width = number("width"),
                               .layers = number("layers"),
                               .layering = layering},
                              Random(seed));
  const auto is_weight = [](const std::string& tensor) { return tensor.starts_with("weight."); };
  const auto stored = file.names();
  CHECK(std::count_if(stored.begin(), stored.end(), is_weight) ==
        static_cast<std::ptrdiff_t>(names_of(model).size()));
  for_each_parameter(model, [&](const std::string& parameter_name, auto& parameter) {
    file.copy_into("weight." + parameter_name, parameter.value);
  });
  const auto tokens = [&](const char* key) {
    Tensor<std::int64_t, 2> wide({B, T});
    file.copy_into(key, wide);
    Tokens<2> read({B, T});
    std::transform(wide.begin(), wide.end(), read.begin(),
                   [](std::int64_t x) { return static_cast<Token>(x); });
    return read;
  };
  const auto check = [&](const std::string& key, const std::vector<double>& actual) {
    INFO(key);
    const TensorRecord& record = file.find(key);
    std::vector<double> expected(record.bytes.size() / sizeof(double));
    std::memcpy(expected.data(), record.bytes.data(), record.bytes.size());
    CHECK(relative_error(actual, expected) <= bound);
  };
  Tape<Real> tape;
  const auto logits = model(tape, tokens("tokens"));
  const auto loss = cross_entropy(logits, tokens("targets"));
  check("logits", as_doubles(logits));
  check("loss", as_doubles(loss));
  tape.backward(loss);
  for (const auto& [parameter_name, gradient] : gradients_of(model)) check("grad." + parameter_name, gradient);
}

}  // namespace

TEST_CASE("recurrent models: logits, loss and every gradient are PyTorch's") {
  check_golden<double, GruConfig>("gru", Layering::stacked, 1e-13);
  check_golden<double, LstmConfig>("lstm", Layering::stacked, 1e-13);
  check_golden<double, MinGruConfig>("min_gru", Layering::residual, 1e-13);
  check_golden<float, GruConfig>("gru", Layering::stacked, 2e-6);
  check_golden<float, LstmConfig>("lstm", Layering::stacked, 2e-6);
  check_golden<float, MinGruConfig>("min_gru", Layering::residual, 2e-6);
}

TEST_CASE("recurrent models: gradients are those of central differences, with dropout, in both layerings") {
  for_each_config([](const auto& config) {
    ModelOf<double, std::remove_cvref_t<decltype(config)>> model(config, Random(seed));
    randomise(model);
    check_gradients(model, [&](Tape<double>& tape) { return loss_of(model, tape, 2); });
  });
}

TEST_CASE("recurrent models: one position has no state behind it, so that W gets no gradient") {
  GruLM<double> model({.vocabulary = 7, .context = 1, .width = 6}, Random(seed));
  clear_gradients(model);
  Tape<double> tape;
  tape.backward(loss_of(model, tape, 3));
  const auto is_zero = [](const auto& parameter) {
    return std::all_of(parameter.grad.begin(), parameter.grad.end(), [](double g) { return g == 0; });
  };
  CHECK(is_zero(model.layers[0].weight_hh));
  CHECK_FALSE(is_zero(model.layers[0].weight_ih));
  CHECK_FALSE(is_zero(model.layers[0].bias_hh));
}

TEST_CASE("recurrent models: the token after a window is what follows its last position, at any length") {
  for_each_config([](const auto& config) {
    ModelOf<double, std::remove_cvref_t<decltype(config)>> model(config, Random(seed));
    for (const Index T : {Index(1), config.context, 3 * config.context}) {
      const Tokens<2> tokens = random_tokens<2>({3, T}, config.vocabulary);
      Tape<double> tape(Mode::evaluate);
      const auto next = as_doubles(model.next_token(tape, tokens)),
                 all = as_doubles(last_position(model(tape, tokens)));
      CHECK(relative_error(next, all) <= 1e-14);
    }
  });
}

TEST_CASE("recurrent models: parameter names are those of PyTorch's cells") {
  const GruLM<float> gru({.vocabulary = 5, .context = 3, .width = 4, .layers = 1}, Random(1));
  CHECK(names_of(gru) == Names{"embedding.weight", "layers.0.weight_ih", "layers.0.weight_hh",
                               "layers.0.bias_ih", "layers.0.bias_hh", "head.weight", "head.bias"});
  CHECK(gru.layers[0].weight_ih.value.shape() == Shape<2>{12, 4});
  const LstmLM<float> lstm({.vocabulary = 5, .context = 3, .width = 4, .layers = 2}, Random(1));
  CHECK(lstm.layers[1].weight_hh.value.shape() == Shape<2>{16, 4});
  const MinGruLM<float> min_gru({.vocabulary = 5, .context = 3, .width = 4, .layers = 1}, Random(1));
  CHECK(names_of(min_gru) == Names{"embedding.weight", "norms.0.weight", "norms.0.bias",
                                   "layers.0.gates.weight", "layers.0.gates.bias", "norm.weight", "norm.bias",
                                   "head.weight", "head.bias"});
}

TEST_CASE("recurrent models start as PyTorch's: cells at U(±1/√H)") {
  const GruLM<float> model({.vocabulary = 5, .context = 3, .width = 64}, Random(1));
  for_each_parameter(model.layers[0], [](const std::string& name, const auto& parameter) {
    INFO(name);
    const auto [low, high] = std::minmax_element(parameter.value.begin(), parameter.value.end());
    CHECK(*low >= -0.125F);
    CHECK(*low < -0.115F);
    CHECK(*high <= 0.125F);
    CHECK(*high > 0.115F);
  });
}

TEST_CASE("recurrent models train to the same bits at 1, 2 and 3 threads, and allocate nothing after a step") {
  for_each_config([](auto config) {
    config.context = 12, config.width = 40;  // of 30 sequences, each operation has several tasks
    const auto one = trained(config, 30, 1);
    CHECK(std::all_of(one.begin(), one.end(), [](double x) { return is_finite(x); }));
    CHECK(same_bits(trained(config, 30, 2), one));
    CHECK(same_bits(trained(config, 30, 3), one));

    const slm_test::Threads two(2);
    ModelOf<float, decltype(config)> model(config, Random(seed));
    Adam optimizer(model);
    Tape<float> tape;
    const Batch batch{random_tokens<2>({30, config.context}, 7), random_tokens<1>({30}, 7, "targets")};
    for (int step = 1; step <= 4; ++step) {
      const long before = test::allocation_count();
      tape.reset(Random(seed, "dropout").child(static_cast<std::uint64_t>(step)));
      tape.backward(batch_loss(model, tape, batch));
      optimizer.step();
      CAPTURE(step);
      if (step > 1) CHECK(test::allocation_count() == before);
    }
  });
}

TEST_CASE("recurrent models are priced from their configs as they are recorded, and as their numbers count") {
  const slm_test::Threads one(1);
  for_each_config([](const auto& config) {
    using Config = std::remove_cvref_t<decltype(config)>;
    for (const Mode mode : {Mode::train, Mode::evaluate}) {
      const auto priced =
          flops::model_cost(config, {.batch = 3, .mode = mode, .readout = flops::Readout::every_position});
      const ModelOf<flops::Counted<double>, Config> model(config, Random(1));
      Tape<flops::Counted<double>> tape(mode);
      flops::reset_tally();
      const auto loss = loss_of(model, tape, 3);
      if (mode == Mode::train) tape.backward(loss);
      test::check_equal(priced.total(), tape.costs());
      test::check_equal(flops::tally().cost(), test::without_copies(priced.total().total()), "both passes");
      CHECK(priced.parameters() == parameter_count(model));
      const auto recorded = tape.costs_by_part();
      const auto runs = [](const PartCost& part) { return part.calls > 0; };
      REQUIRE(std::count_if(priced.parts.begin(), priced.parts.end(), runs) ==
              static_cast<std::ptrdiff_t>(recorded.size()));
      for (std::size_t i = 0; i < recorded.size(); ++i) {
        INFO(recorded[i].path << " " << std::string(recorded[i].operation));
        CHECK(priced.parts[i].path == recorded[i].path);
        CHECK(priced.parts[i].operation == recorded[i].operation);
        CHECK(priced.parts[i].cost == recorded[i].cost);
      }
    }
  });
}

TEST_CASE("recurrent models, by hand") {
  // Two windows of five tokens, width 6: eight positions with a state behind them.
  const auto cost = flops::model_cost(GruConfig{.vocabulary = 7, .context = 5, .width = 6}, {.batch = 2});
  const Index inputs = 10 * 18 * 6, states = 8 * 18 * 6, weights = 9 * 18 * 6, head = 2 * 7 * 6;
  CHECK(cost.total().forward.multiply_adds == inputs + states + head);
  CHECK(cost.total().backward.multiply_adds == 2 * inputs + states + weights + 2 * head);
  const auto is_gru = [](const PartCost& part) { return part.operation == "gru"; };
  const auto gru = std::find_if(cost.parts.begin(), cost.parts.end(), is_gru);
  REQUIRE(gru != cost.parts.end());
  CHECK(gru->path == "layers.0");
  // y, the gates and the number beside them; x, W, b; backwards dy, y, what was kept, W and all gradients.
  CHECK(gru->cost.kept == 60 + 4 * 60);
  CHECK(gru->cost.traffic.forward == 180 + 108 + 18 + 60 + 240);
  CHECK(gru->cost.traffic.backward == 60 + 60 + 240 + 108 + 180 + 108 + 18);
}

TEST_CASE("recurrent models come back from their files") {
  const slm_test::TemporaryFolder folder;
  const std::string path = folder / "model.safetensors";
  for_each_config([&](const auto& config) {
    using Model = ModelOf<float, std::remove_cvref_t<decltype(config)>>;
    const Model model(config, Random(1));
    save_model(model, CharTokenizer::from_text("abcdefg"), path);
    const auto saved = load_model<Model>(path);
    CHECK(same_bits(weights_of(saved.model), weights_of(model)));
    CHECK(saved.model.config.layering == config.layering);
    CHECK(saved.about.at("model") == Model::name);
  });
}

TEST_CASE("recurrent models learn by fit what only a state can know") {
  // A letter of three, 0, the same letter, 0, the next one.
  std::vector<Token> text;
  Random random(1);
  for (int i = 0; i < 600; ++i) {
    const auto letter = static_cast<Token>(1 + random.below(3));
    text.insert(text.end(), {letter, 0, letter, 0});
  }
  const auto loss_after_fit = [&](auto model) {
    Adam optimizer(model, {.learning_rate = 0.01});
    const RandomWindows<SequenceBatch> train(text, 16, 32, Random(2));
    const SequentialWindows<SequenceBatch> valid(text, 16, 32, 64);
    FitConfig config{.epochs = 3};
    config.windows_per_epoch = 640;
    return fit(model, optimizer, train, valid, Random(3), config).epochs.back().valid_nll;
  };
  // Every second token is 0. One that sees the last token alone cannot tell the others apart: ln 3 / 2 in all.
  const double bound = 0.85 * std::log(3.0) / 2;
  CHECK(loss_after_fit(GruLM<float>({.vocabulary = 4, .context = 16, .width = 24}, Random(1))) < bound);
  CHECK(loss_after_fit(LstmLM<float>({.vocabulary = 4, .context = 16, .width = 24}, Random(1))) < bound);
  CHECK(loss_after_fit(MinGruLM<float>({.vocabulary = 4, .context = 16, .width = 24}, Random(1))) < bound);
}

TEST_CASE("recurrent models refuse configs that make none, and say that they were moved from") {
  const GruConfig good{.vocabulary = 5, .context = 3, .width = 4};
  const auto message = [&](auto change) {
    GruConfig config = good;
    change(config);
    return message_of<ConfigError>([&] { GruLM<float>(config, Random(1)); });
  };
  CHECK(message([](auto& config) { config.layers = 0; }) ==
        "GruLM: vocabulary 5, context 3, width 4 and layers 0 must be positive");
  CHECK(message([](auto& config) { config.vocabulary = -1; }) ==
        "GruLM: vocabulary -1, context 3, width 4 and layers 1 must be positive");
  CHECK(message([](auto& config) { config.layers = 20'000; }) == "GruLM: at most 10000 layers, got 20000");
  CHECK(message([](auto& config) { config.layering = static_cast<Layering>(7); }) ==
        "GruLM: the layering is none that there is");
  CHECK(message([](auto& config) { config.dropout = 1; }).starts_with("GruLM: the dropout probability"));

  GruLM<float> model(good, Random(1));
  const GruLM<float> taken = std::move(model);
  Tape<float> tape;
  CHECK_NOTHROW(taken.next_token(tape, Tokens<2>({1, 3})));
  CHECK_THROWS_WITH_AS(model.next_token(tape, Tokens<2>({1, 3})), "GruLM: the model was moved from", Error);
  CHECK_THROWS_WITH_AS(taken.next_token(tape, Tokens<2>({1, 0})),
                       "gru: x has shape (1, 0, 12), but needs (B, at least 1, 3H)", ShapeError);
}
