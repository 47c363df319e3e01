// Every model against PyTorch: the same weights and tokens, from the files of tests/golden.
#include <algorithm>
#include <array>
#include <cstring>
#include <set>

#include "nn/module_test_support.hpp"
#include "slm/autograd/ops/softmax.hpp"
#include "slm/io/model_file.hpp"
#include "slm/models/linear_lm.hpp"
#include "slm/models/mlp_lm.hpp"
#include "slm/models/transformer_lm.hpp"
#include "slm/optim/adam.hpp"

using namespace module_test;

namespace {

constexpr std::array cases = {
    "linear", "mlp",         "attention",    "transformer",    "learned",           "rope",        "swiglu",
    "gelu",   "options_rms", "options_tied", "options_normed", "options_shiftless", "options_wide"};

/// A file of tests/golden and its metadata; see make_golden.py for what is in it.
struct Golden {
  SafeTensors file;

  explicit Golden(const std::string& name)
      : file(SafeTensors::read(SLM_TESTS_DIR "/golden/" + name + ".safetensors")) {}

  const std::string& text(const std::string& key) const { return file.metadata().at(key); }
  Index number(const std::string& key) const { return std::stoll(text(key)); }

  std::vector<double> numbers(const std::string& name) const {
    const TensorRecord& record = file.find(name);
    REQUIRE(record.dtype == DType::F64);
    std::vector<double> numbers(record.bytes.size() / sizeof(double));
    std::memcpy(numbers.data(), record.bytes.data(), record.bytes.size());
    return numbers;
  }

  template <std::size_t Rank>
  Tokens<Rank> tokens(const std::string& name, const Shape<Rank>& shape) const {
    Tensor<std::int64_t, Rank> wide(shape);
    file.copy_into(name, wide);
    Tokens<Rank> tokens(shape);
    std::transform(wide.begin(), wide.end(), tokens.begin(),
                   [](std::int64_t x) { return static_cast<Token>(x); });
    return tokens;
  }
};

double error_of(const std::vector<double>& actual, const std::vector<double>& expected) {
  REQUIRE(actual.size() == expected.size());
  return relative_error(actual, expected);
}

/// Most fields go by the same names there.
TransformerConfig transformer_config(const Golden& golden) {
  TransformerConfig config{.vocabulary = golden.number("vocab"), .context = 0};
  config.feed_forward = golden.number("hidden");
  config.norm = golden.text("pre_norm") == "true" ? NormPlacement::pre : NormPlacement::post;
  TransformerConfig::fields(config, [&](const std::string& name, auto& value) {
    const auto found = golden.file.metadata().find(name);
    if (found == golden.file.metadata().end()) return;
    value = slm::detail::value_from_text<std::remove_reference_t<decltype(value)>>(name, found->second);
  });
  return config;
}

/// Builds the model of a case with the file's weights, and calls test(model). Every weight of the file has to
/// be one of the model's.
template <Scalar Real, class Test>
void with_model(const Golden& golden, const Test& test) {
  const auto run = [&](auto model) {
    const std::vector<std::string> names = names_of(model), stored = golden.file.names();
    const auto is_weight = [](const std::string& name) { return name.starts_with("weight."); };
    CHECK(std::count_if(stored.begin(), stored.end(), is_weight) == static_cast<std::ptrdiff_t>(names.size()));
    for_each_parameter(model, [&](const std::string& name, auto& parameter) {
      golden.file.copy_into("weight." + name, parameter.value);
    });
    test(model);
  };
  const Index V = golden.number("vocab"), T = golden.number("context"), C = golden.number("width");
  const std::string& model = golden.text("model");
  Random random(seed);
  if (model == "linear") {
    run(LinearLM<Real>({.vocabulary = V, .context = T, .width = C}, random));
  } else if (model == "mlp") {
    run(MlpLM<Real>({.vocabulary = V, .context = T, .width = C, .hidden = golden.number("hidden")}, random));
  } else {
    run(TransformerLM<Real>(transformer_config(golden), random));
  }
}

/// The loss of the token after the window, or, where the case predicts all, of that after each position.
template <Scalar Real, class Model>
Var<Real, 0> loss_of(const Golden& golden, const Model& model, Tape<Real>& tape, std::vector<double>& logits) {
  const Shape<2> window{golden.number("batch"), golden.number("context")};
  const Tokens<2> tokens = golden.tokens("tokens", window);
  const auto finish = [&](auto y, const auto& targets) {
    logits = as_doubles(y);
    return cross_entropy(y, targets);
  };
  if constexpr (requires { model(tape, tokens); }) {
    if (golden.text("predict") == "all") return finish(model(tape, tokens), golden.tokens("targets", window));
  }
  return finish(model.next_token(tape, tokens), golden.tokens("targets", Shape<1>{window[0]}));
}

/// Logits, loss, every gradient and the losses of ten steps of Adam: each within a relative bound of the
/// file's.
template <Scalar Real>
void compare(const Golden& golden, double bound, double adam_bound) {
  with_model<Real>(golden, [&](auto& model) {
    Adam optimizer(model, {.learning_rate = std::stod(golden.text("learning_rate"))});
    const std::vector<double> adam_losses = golden.numbers("adam_losses");
    REQUIRE(adam_losses.size() == 10);
    Tape<Real> tape;
    for (std::size_t step = 0; step < adam_losses.size(); ++step) {
      CAPTURE(step);
      std::vector<double> logits;
      tape.reset();
      const auto loss = loss_of(golden, model, tape, logits);
      CHECK(error_of(as_doubles(loss), {adam_losses[step]}) <= adam_bound);
      tape.backward(loss);
      if (step == 0) {
        CHECK(error_of(logits, golden.numbers("logits")) <= bound);
        CHECK(error_of(as_doubles(loss), golden.numbers("loss")) <= bound);
        for_each_parameter(model, [&](const std::string& name, const auto& parameter) {
          CAPTURE(name);
          CHECK(error_of(as_doubles(parameter.grad), golden.numbers("grad." + name)) <= bound);
        });
      }
      optimizer.step();
    }
  });
}

}  // namespace

TEST_CASE("golden: logits, loss, every gradient and ten Adam losses are PyTorch's") {
  for (const std::string name : cases) {
    CAPTURE(name);
    const Golden golden(name);
    compare<double>(golden, 1e-13, 1e-12);
    compare<float>(golden, 2e-6, 1e-5);
  }
}

namespace {

const std::set<std::string> options = {"normalization", "norm_epsilon",   "biases",      "key_value_heads",
                                       "head_width",    "query_key_norm", "rotary_base", "tied"};

/// Calls f(field, value, its default) for every option.
void for_each_option(TransformerConfig& config, const auto& f) {
  const TransformerConfig defaults{};
  TransformerConfig::fields(config, [&](const std::string& name, auto& value) {
    TransformerConfig::fields(defaults, [&](const std::string& other, const auto& usual) {
      if constexpr (std::is_same_v<decltype(usual), const std::remove_reference_t<decltype(value)>&>) {
        if (name == other && options.contains(name)) f(name, value, usual);
      }
    });
  });
}

/// The logits of a case's weights in a model of another config; none where they are not its weights.
std::vector<double> logits_of(const Golden& golden, const TransformerConfig& config) {
  TransformerLM<double> model(config, Random(seed));
  std::size_t weights = 0;
  bool fits = true;
  for_each_parameter(model, [&](const std::string& name, auto& parameter) {
    ++weights;
    const std::string stored = "weight." + name;
    const auto& shape = parameter.value.shape();
    fits = fits && golden.file.contains(stored) &&
           golden.file.find(stored).shape == std::vector<Index>(shape.begin(), shape.end());
    if (fits) golden.file.copy_into(stored, parameter.value);
  });
  const auto names = golden.file.names();
  const auto is_weight = [](const std::string& name) { return name.starts_with("weight."); };
  if (!fits || std::count_if(names.begin(), names.end(), is_weight) != static_cast<std::ptrdiff_t>(weights))
    return {};
  std::vector<double> logits;
  Tape<double> tape;
  loss_of(golden, model, tape, logits);
  return logits;
}

}  // namespace

TEST_CASE("golden: every option is in a case, where the model is another without it") {
  std::set<std::string> seen;
  for (const std::string name : cases) {
    const Golden golden(name);
    if (golden.text("model") != "transformer") continue;
    TransformerConfig config = transformer_config(golden);
    const TransformerConfig whole = config;
    for_each_option(config, [&](const std::string& option, auto& value, const auto& usual) {
      if (value == usual) return;
      CAPTURE(name);
      CAPTURE(option);
      seen.insert(option);
      const auto set = value;
      value = usual;
      const std::vector<double> without = logits_of(golden, config);
      CHECK((without.empty() || error_of(without, golden.numbers("logits")) > 1e-6));
      value = set;
    });
    CHECK(error_of(logits_of(golden, whole), golden.numbers("logits")) <= 1e-13);
  }
  CHECK(seen == options);
}
