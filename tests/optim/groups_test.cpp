#include "slm/optim/parameter_groups.hpp"

#include "allocation_count.hpp"
#include "optim_test_support.hpp"
#include "slm/models/transformer_lm.hpp"
#include "slm/optim/adam.hpp"
#include "slm/optim/muon.hpp"
#include "slm/optim/sgd.hpp"

using namespace optim_test;

namespace {

template <Scalar Real>
TransformerLM<Real> transformer() {
  return {{.vocabulary = 5, .context = 4, .width = 8, .layers = 1, .heads = 2, .feed_forward = 12},
          Random(seed)};
}

std::vector<std::string> names_of(const ParameterList<float>& list) {
  std::vector<std::string> names;
  for (const auto& parameter : list) names.push_back(parameter.name);
  return names;
}

constexpr AdamConfig first_config = {.learning_rate = 0.03, .beta1 = 0.8, .epsilon = 0.1, .weight_decay = 0.2};
constexpr AdamConfig second_config = {.learning_rate = 0.06, .beta1 = 0.7};

/// The two parameters of a large pair.
auto halves(Pair<float>& model) {
  return split(parameters<float>(model), [](const auto& p) { return p.name == "first"; });
}

}  // namespace

TEST_CASE("a list is split by a predicate, each part in the list's order") {
  auto model = transformer<float>();
  const auto list = parameters<float>(model);
  const auto [matrices, vectors] = split(list, is_matrix);
  CHECK(matrices.size() + vectors.size() == list.size());
  CHECK(
      std::all_of(matrices.begin(), matrices.end(), [](const auto& p) { return p.name.ends_with(".weight"); }));
  CHECK(names_of(where(list, is_matrix)) == names_of(matrices));
  CHECK(names_of(where(matrices, [](const auto& p) { return p.shape[0] == 5; })) ==
        std::vector<std::string>{"embedding.weight", "head.weight"});
  CHECK(names_of(where(vectors, [](const auto& p) { return p.name.starts_with("head"); })) ==
        std::vector<std::string>{"head.bias"});
  CHECK(names_of(where(list, is_hidden_matrix)) ==
        std::vector<std::string>{"blocks.0.attention.qkv.weight", "blocks.0.attention.proj.weight",
                                 "blocks.0.feed_forward.up.weight", "blocks.0.feed_forward.down.weight"});
}

TEST_CASE_TEMPLATE("groups are what optimizers of their own would be", Updates, Adam<float>, SGD<float>) {
  using Config = std::remove_cvref_t<decltype(std::declval<Updates>().config())>;
  Config one, two;
  one.learning_rate = 0.03, two.learning_rate = 0.06;
  one.weight_decay = 0.2;
  auto model = large_pair<float>(), expected = model;
  auto [first, second] = halves(model);
  auto [expected_first, expected_second] = halves(expected);
  Updates optimizer({{first, one}, {second, two}}), of_first(expected_first, one),
      of_second(expected_second, two);
  CHECK(names_of(optimizer.list()) == std::vector<std::string>{"first", "second"});
  CHECK(optimizer.config().weight_decay == 0.2);
  for (int step = 0; step < 3; ++step) {
    draw_gradients(model, step), draw_gradients(expected, step);
    if (step == 1) {  // the second has twice the rate of the first
      optimizer.step(0.25), of_first.step(0.25), of_second.step(0.5);
    } else {
      optimizer.step(), of_first.step(), of_second.step();
    }
    CHECK(gradients_are_clear(model));
    CHECK(same_bits(weights_of(model), weights_of(expected)));
  }
  CHECK(optimizer.steps() == 3);
  CHECK(optimizer.step_cost() == of_first.step_cost() + of_second.step_cost());
}

TEST_CASE("one group is the optimizer of a list, and so are two of one config") {
  auto model = large_pair<float>(), whole = model, divided = model;
  const auto [first, second] = halves(divided);
  Adam plain(model, first_config), one({{parameters<float>(whole), first_config}}),
      two({{first, first_config}, {second, first_config}});
  for (int step = 0; step < 3; ++step) {
    draw_gradients(model, step), draw_gradients(whole, step), draw_gradients(divided, step);
    const double rate = 0.1 / (1 + step);
    plain.step(rate), one.step(rate), two.step(rate);
  }
  CHECK(same_bits(weights_of(whole), weights_of(model)));
  CHECK(same_bits(weights_of(divided), weights_of(model)));
}

TEST_CASE("a group may be made before its optimizer, and a program may make any number of them") {
  auto model = large_pair<float>(), expected = model;
  const auto [first, second] = halves(model);
  std::vector<Adam<float>::Group> groups;
  groups.push_back({first, first_config});
  groups.push_back({second, second_config});
  Adam optimizer(groups);
  const auto [expected_first, expected_second] = halves(expected);
  Adam<float> reference{{expected_first, first_config}, {expected_second, second_config}};
  draw_gradients(model, 0), draw_gradients(expected, 0);
  optimizer.step(), reference.step();
  CHECK(same_bits(weights_of(model), weights_of(expected)));
}

TEST_CASE("a parameter in two groups is refused by its name") {
  Pair<float> model(2, 3);
  const auto all = parameters<float>(model), again = parameters<float>(model);
  const auto parts = halves(model);
  const ParameterList<float>&first = parts.chosen, &second = parts.others;
  const auto message = [&](const auto& make) { return message_of<ConfigError>(make); };
  const std::string twice = ": expected each parameter in one group, got 'second' twice";
  CHECK(message([&] { Adam<float>({{all, {}}, {second, {}}}); }) == "Adam" + twice);
  CHECK(message([&] {
          SGD<float>({{second, {}},
                      {first, {}},
                      {where(again, [](const auto& p) { return p.name == "second"; }), {}}});
        }) == "SGD" + twice);
  CHECK(message([&] { Adam<float>(std::vector<Adam<float>::Group>()); }) ==
        "Adam: expected at least one group of parameters, got none");
  Tied<float> tied(3, 2, Random(seed));
  CHECK(message([&] {
          Adam<float>({{parameters<float>(tied), {}}, {parameters<float>(tied.embedding), {}}});
        }) == "Adam: expected each parameter in one group, got 'weight' twice");
  CHECK(message([&] { Adam<float>({{first, {}}, {second, {}}}); }) == "no error");
}

TEST_CASE("a bad config of any group is refused") {
  Pair<float> model(2, 3);
  const auto parts = halves(model);
  const ParameterList<float>&first = parts.chosen, &second = parts.others;
  CHECK(has(message_of<ConfigError>([&] {
              Adam<float>({{first, {}}, {second, {.beta1 = 1}}});
            }),
            "Adam: betas must lie in [0, 1), got 1"));
  CHECK(has(message_of<ConfigError>([&] {
              SGD<float>({{first, {}}, {second, {.momentum = 1}}});
            }),
            "SGD: momentum must lie in [0, 1), got 1"));
}

TEST_CASE("a rate of a step needs one of the first group that other rates can be measured by") {
  Pair<float> model(2, 3);
  const auto [first, second] = halves(model);
  Adam still({{first, {.learning_rate = 0}}, {second, {.learning_rate = 0.5}}});
  draw_gradients(model, 0);
  const auto before = weights_of(model);
  CHECK(message_of<ConfigError>([&] { still.step(0.1); }) ==
        "Adam: a step of rate 0.1 scales the groups' rates with that of the first, which must not be 0");
  CHECK(same_bits(weights_of(model), before));
  CHECK(still.steps() == 0);
  still.step();
  CHECK(as_doubles(model.first.value) == std::vector<double>{before[0], before[1]});
  CHECK(model.second.value(0) != static_cast<float>(before[2]));
  Adam both({{first, {.learning_rate = 0}}, {second, {.learning_rate = 0}}});
  CHECK(message_of<ConfigError>([&] { both.step(0.1); }) == "no error");
}

TEST_CASE("a step of groups, of frozen parameters and of rows allocates nothing") {
  auto model = transformer<float>();
  const auto [matrices, vectors] = split(parameters<float>(model), is_matrix);
  const auto [tables, inner] = split(matrices, [](const auto& p) { return p.name == "embedding.weight"; });
  Adam adam({{inner, {.weight_decay = 0.1}}, {vectors, {}}, {tables, {.only_seen_rows = true}}});
  SGD sgd({{matrices, {.weight_decay = 0.1}}, {vectors, {}}});
  Muon muon(model);
  Adam part(vectors);
  for (int step = 0; step < 3; ++step) {
    if (step == 2) freeze(model.blocks[0].norm1);
    draw_gradients(model, step);
    const long before = slm::test::allocation_count();
    adam.step(), sgd.step(1e-3), muon.step(1e-3), part.step();
    adam.step_cost(), muon.step_cost();
    clip_gradients(adam.list(), 1);
    if (step > 0) CHECK(slm::test::allocation_count() == before);
  }
}

TEST_CASE("groups step with the same bits at 1, 2 and 3 threads") {
  const auto trained = [](int thread_count) {
    const Threads scope(thread_count);
    auto model = large_pair<float>();
    const auto [first, second] = halves(model);
    Adam optimizer({{second, second_config}, {first, first_config}});
    for (int step = 0; step < 3; ++step) draw_gradients(model, step), optimizer.step();
    return weights_of(model);
  };
  const auto one = trained(1);
  CHECK(same_bits(trained(2), one));
  CHECK(same_bits(trained(3), one));
}
