// Ten steps of every optimizer against PyTorch's, in double: see tests/golden/optimizers.py.
#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "nn/module_test_support.hpp"
#include "slm/io/safetensors.hpp"
#include "slm/optim/adam.hpp"
#include "slm/optim/average.hpp"
#include "slm/optim/muon.hpp"
#include "slm/optim/sgd.hpp"

using namespace module_test;

namespace {

constexpr Index steps = 10, first_frozen = 2, last_frozen = 5;
constexpr double bound = 1e-10;

struct Net {
  Parameter<double, 2> tall{{7, 3}}, wide{{3, 5}}, square{{4, 4}};
  Parameter<double, 1> vector{{6}};
  Parameter<double, 2> table{{9, 3}};

  static void fields(auto& self, auto&& f) {
    f("tall", self.tall), f("wide", self.wide), f("square", self.square);
    f("vector", self.vector), f("table", self.table);
  }
};
constexpr auto is_of_matrices = [](const auto& p) { return p.name != "vector" && p.name != "table"; };

const SafeTensors& golden() {
  static const SafeTensors file = SafeTensors::read(SLM_TESTS_DIR "/golden/optimizers.safetensors");
  return file;
}

/// The numbers of a parameter in a step, of the tensor (steps, …) with this prefix; step −1: all of a tensor
/// (…).
std::vector<double> numbers(const std::string& prefix, const std::string& name, Index size, Index step = -1) {
  const TensorRecord& record = golden().find(prefix + "." + name);
  REQUIRE(record.dtype == DType::F64);
  REQUIRE(record.bytes.size() == static_cast<std::size_t>(size * (step < 0 ? 1 : steps)) * sizeof(double));
  std::vector<double> made(static_cast<std::size_t>(size));
  std::memcpy(made.data(),
              record.bytes.data() + static_cast<std::size_t>(std::max<Index>(step, 0) * size) * sizeof(double),
              made.size() * sizeof(double));
  return made;
}

/// Takes the ten steps of a case: calls take_step(net, step) with the gradients of each, and compares the
/// weights of `look(net)` afterwards.
template <class TakeStep, class Look>
void compare(const std::string& name, Net& net, const TakeStep& take_step, const Look& look) {
  CAPTURE(name);
  for (Index step = 0; step < steps; ++step) {
    CAPTURE(step);
    for_each_parameter(net, [&](const std::string& parameter, auto& its) {
      const auto gradient = numbers("grad", parameter, its.grad.size(), step);
      std::copy(gradient.begin(), gradient.end(), its.grad.begin());
    });
    take_step(step);
    for_each_parameter(look(), [&](const std::string& parameter, auto& its) {
      if (!golden().contains(name + "." + parameter)) return;
      CAPTURE(parameter);
      CHECK(relative_error(as_doubles(its.value), numbers(name, parameter, its.value.size(), step)) <= bound);
    });
  }
}
template <class TakeStep>
void compare(const std::string& name, Net& net, const TakeStep& take_step) {
  compare(name, net, take_step, [&]() -> Net& { return net; });
}

Net started() {
  Net net;
  for_each_parameter(net, [&](const std::string& name, auto& its) {
    const auto start = numbers("start", name, its.value.size());
    std::copy(start.begin(), start.end(), its.value.begin());
  });
  return net;
}

constexpr AdamConfig base = {.learning_rate = 0.02, .beta1 = 0.9, .beta2 = 0.95, .epsilon = 1e-8};
constexpr AdamConfig decaying = {
    .learning_rate = 0.02, .beta1 = 0.9, .beta2 = 0.95, .epsilon = 1e-8, .weight_decay = 0.1};
constexpr AdamConfig other = {.learning_rate = 0.005, .beta1 = 0.8, .beta2 = 0.9, .epsilon = 1e-3};

double factor(Index step) { return 1 / (1 + 0.1 * static_cast<double>(step)); }

/// As PyTorch leaves a parameter out that has no gradient: `tall`, in some steps.
void freeze_in(Net& net, Index step) {
  if (step == first_frozen) freeze(net.tall);
  if (step == last_frozen + 1) unfreeze(net.tall);
}

}  // namespace

TEST_CASE("Adam with two groups gives PyTorch's numbers, with a schedule, too") {
  for (const bool scheduled : {false, true}) {
    Net net = started();
    const auto [matrices, others] = split(parameters<double>(net), is_of_matrices);
    Adam optimizer({{matrices, decaying}, {others, other}});
    static_assert(std::is_same_v<decltype(optimizer), Adam<double>>);
    compare(scheduled ? "adam_schedule" : "adam_groups", net,
            [&](Index step) { scheduled ? optimizer.step(0.02 * factor(step)) : optimizer.step(); });
  }
}

TEST_CASE("SGD with two groups gives PyTorch's numbers") {
  Net net = started();
  const auto [matrices, others] = split(parameters<double>(net), is_of_matrices);
  SGD optimizer({{matrices, {.learning_rate = 0.05, .momentum = 0.9, .weight_decay = 0.1}},
                 {others, {.learning_rate = 0.01}}});
  compare("sgd_groups", net, [&](Index) { optimizer.step(); });
}

TEST_CASE("optimizers that freeze a parameter for some steps give PyTorch's numbers") {
  Net net = started();
  Adam optimizer(parameters<double>(net), decaying);
  compare("adam_frozen", net, [&](Index step) { freeze_in(net, step), optimizer.step(); });

  net = started();
  const auto [matrices, others] = split(parameters<double>(net), is_of_matrices);
  SGD sgd({{matrices, {.learning_rate = 0.05, .momentum = 0.9, .weight_decay = 0.1}},
           {others, {.learning_rate = 0.01}}});
  compare("sgd_frozen", net, [&](Index step) { freeze_in(net, step), sgd.step(); });
}

TEST_CASE("Adam of the rows that were seen gives the numbers of PyTorch's SparseAdam") {
  Net net = started();
  const auto table = where(parameters<double>(net), [](const auto& p) { return p.name == "table"; });
  AdamConfig config = base;
  config.epsilon = 1e-3;
  config.only_seen_rows = true;
  Adam optimizer(table, config);
  const std::vector<double> before = as_doubles(net.table.value);
  compare("sparse_adam", net, [&](Index) { optimizer.step(); });
  const std::vector<double> after = as_doubles(net.table.value);
  CHECK(std::equal(before.begin(), before.begin() + 3, after.begin()));  // a row that no step saw
}

TEST_CASE("Muon with Adam for the rest gives the numbers of the reference, with a schedule, too") {
  for (const bool scheduled : {false, true}) {
    Net net = started();
    const auto [matrices, others] = split(parameters<double>(net), is_of_matrices);
    Muon optimizer(matrices, {.learning_rate = 0.03, .weight_decay = 0.2}, {{others, decaying}});
    compare(scheduled ? "muon_schedule" : "muon", net,
            [&](Index step) { scheduled ? optimizer.step(0.03 * factor(step)) : optimizer.step(); });
  }
}

TEST_CASE("an average of weights has the numbers of PyTorch's AveragedModel") {
  Net net = started(), averaged = net;
  Adam optimizer(parameters<double>(net), decaying);
  ExponentialMovingAverage<double> average(net, {.decay = 0.7});
  compare(
      "average", net, [&](Index) { optimizer.step(), average.update(); },
      [&]() -> Net& {
        average.write_into(averaged);
        return averaged;
      });
}
