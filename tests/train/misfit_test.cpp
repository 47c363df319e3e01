// What fit finds out before the first step: windows that the model does not take, parameters that it forgets.
#include "error_message.hpp"
#include "slm/autograd/map_sequences.hpp"
#include "slm/optim/sgd.hpp"
#include "train_test_support.hpp"

using namespace train_test;
using slm_test::has;
using slm_test::message_of;

namespace {

constexpr Index V = model_config.vocabulary, C = 4;

/// What a training of a model with `next_token` says.
template <class Model, class LossFunction = MeanCrossEntropy>
std::string training(Model& model, const LossFunction& loss = {}) {
  Adam<float> optimizer(model);
  Index steps = 0;
  std::string message = message_of<Error>([&] {
    fit(model, optimizer, Training::train_windows(), valid_windows(), Random(seed),
        {.windows_per_epoch = 5, .on_step = [&](const StepReport&) { ++steps; }}, loss);
  });
  CHECK((steps > 0) == (message == "no error"));
  return message;
}

/// Forgets to name what a test chooses.
struct Forgetful {
  Embedding<float> embedding{V, C, Random(seed)};
  Parameter<float, 2> mixing{Shape<2>{C, C}};
  Linear<float> hidden{C, C, Random(seed)};
  std::vector<Linear<float>> more;
  std::vector<Linear<float>> chunked;
  Linear<float> head{C, V, Random(seed)};
  bool names_mixing = true, names_hidden = true, names_more = true, names_chunked = true;

  Forgetful() {
    for (auto* layers : {&more, &chunked}) layers->emplace_back(C, C, Random(seed));
  }

  Var<float, 2> next_token(Tape<float>& tape, const Tokens<2>& tokens) const {
    const auto part = tape.enter(*this);
    const auto x = embedding(tape, tokens);
    const auto mapped =
        map_sequences<1>(x, {Shape<2>{x.extent(1), C}}, [&](auto few) { return std::array{chunked[0](few)}; });
    const auto h = hidden(last_position(mapped[0]));
    return head(linear(more[0](h), tape.use(mixing), tape.input(no_bias)));
  }

  static void fields(auto& self, auto&& f) {
    f("embedding", self.embedding);
    if (self.names_mixing) f("mixing", self.mixing);
    if (self.names_hidden) f("hidden", self.hidden);
    if (self.names_more) f("more", self.more);
    if (self.names_chunked) f("chunked", self.chunked);
    f("head", self.head);
  }

 private:
  Tensor<float, 1> no_bias{Shape<1>{C}};
};

}  // namespace

TEST_CASE("a parameter that a model uses but does not name is an error before the first step") {
  Forgetful model;
  CHECK(training(model) == "no error");
  const auto forgetting = [](bool Forgetful::*names) {
    Forgetful forgetful;
    forgetful.*names = false;
    return training(forgetful);
  };
  CHECK(forgetting(&Forgetful::names_mixing) ==
        "Tape::use: a parameter of shape (4, 4) is used in the model and not named by `fields`: it would be "
        "neither "
        "trained nor saved");
  CHECK(has(forgetting(&Forgetful::names_hidden), "is used in the model and not named"));
  CHECK(has(forgetting(&Forgetful::names_more), "is used in the model and not named"));
  CHECK(has(forgetting(&Forgetful::names_chunked), "is used in the model and not named"));
}

namespace {

/// A part that forgets one of its own.
struct Whole {
  Forgetful inner;
  Var<float, 2> next_token(Tape<float>& tape, const Tokens<2>& tokens) const {
    const auto part = tape.enter(*this);
    return inner.next_token(tape, tokens);
  }
  static void fields(auto& self, auto&& f) { f("inner", self.inner); }
};

}  // namespace

TEST_CASE("the part that uses a forgotten parameter is named") {
  Whole model;
  model.inner.names_mixing = false;
  CHECK(has(training(model), "is used in 'inner' and not named"));
}

TEST_CASE("parameters of other models, and such outside of any, are no error") {
  Forgetful model;
  const MlpLM<float> teacher(model_config, Random(seed));
  const Parameter<float, 2> loose(Shape<2>{V, V});
  const Tensor<float, 1> no_bias(Shape<1>{V});
  CHECK(training(model, [&](const auto& student, auto& tape, const Batch& windows) {
          const auto expected = teacher.next_token(tape, windows.inputs);
          const auto logits = student.next_token(tape, windows.inputs);
          return sum(multiply(expected, linear(logits, tape.use(loose), tape.input(no_bias))));
        }) == "no error");
  // Parts of the model that a loss runs by themselves, without the model.
  CHECK(training(model, [&](const auto& student, auto& tape, const Batch& windows) {
          const auto h = student.hidden(last_position(student.embedding(tape, windows.inputs)));
          return cross_entropy(student.head(h), windows.targets);
        }) == "no error");
  // A model that was assigned another, and one in a vector.
  Forgetful other;
  model = other;
  CHECK(training(model) == "no error");
  std::vector<Forgetful> several(2);
  several.resize(8);
  CHECK(training(several[5]) == "no error");
}

TEST_CASE("outside of fit nothing is asked of a parameter") {
  Forgetful model;
  model.names_mixing = false;
  Tape<float> tape;
  CHECK(message_of<Error>([&] { batch_loss(model, tape, valid_windows().batch(0)); }) == "no error");
}

TEST_CASE("validation windows that the model does not take are found before the first step") {
  Training trained;
  const auto before = weights_of(trained.model);
  Index steps = 0;
  const auto fitting = [&](const Windows<>& valid) {
    return message_of<Error>(
        [&] { trained.fit({.epochs = 2, .on_step = [&](const StepReport&) { ++steps; }}, valid); });
  };
  CHECK(fitting({text(), window + 1, batch, 40}) ==
        "MlpLM: tokens have shape (8, 4), but a window has 3 tokens, the model's context");
  const std::vector<Token> high(50, V);
  CHECK(fitting({high, window, batch, 40}) != "no error");
  CHECK(steps == 0);
  CHECK(same_bits(weights_of(trained.model), before));
  CHECK(fitting(valid_windows()) == "no error");
}

namespace {

struct NoBatches {
  Index batches() const { return 0; }
  Batch batch(Index) const { return {}; }
  void fill(Index, Batch&) const {}
};

}  // namespace

TEST_CASE("validation windows that are none are refused") {
  Training trained;
  CHECK(message_of<ConfigError>([&] {
          fit(trained.model, trained.optimizer, Training::train_windows(), NoBatches(), Random(seed),
              {.windows_per_epoch = 5});
        }) == "fit: the validation windows make no batch");
}

TEST_CASE("a training that trains nothing is an error") {
  Training trained;
  CHECK(message_of<ConfigError>([&] {
          Adam<float> nothing{ParameterList<float>()};
          fit(trained.model, nothing, Training::train_windows(), valid_windows(), Random(seed),
              {.windows_per_epoch = 5});
        }) == "fit: the optimizer has no parameter to update");
}

namespace {

/// Gives two parameters one name.
struct Namesakes {
  Linear<float> first{2, 2, Random(seed)}, second{2, 2, Random(seed)};
  static void fields(auto& self, auto&& f) { f("map", self.first), f("map", self.second); }
};

}  // namespace

TEST_CASE("two parameters of one name are found before anything is trained") {
  Namesakes model;
  CHECK(message_of<ConfigError>([&] { Adam<float> optimizer(model); }) ==
        "parameters: `fields` gives two parameters the name 'map.weight'");
}

TEST_CASE("a training does not go on with an optimizer that has not made its steps") {
  Training trained;
  FitState<float> state;
  const auto go_on = [&](auto& optimizer) {
    return message_of<ConfigError>([&] {
      fit(trained.model, optimizer, Training::train_windows(), valid_windows(), Random(seed),
          {.epochs = 1 + static_cast<Index>(state.epochs.size()), .windows_per_epoch = 5}, state);
    });
  };
  Adam<float> optimizer(trained.model), fresh(trained.model);
  CHECK(go_on(optimizer) == "no error");
  CHECK(go_on(fresh) == make_text({"fit: expected the optimizer of the training so far, of ", state.steps,
                                   " steps, got one of 0"}));
  CHECK(go_on(optimizer) == "no error");
}
