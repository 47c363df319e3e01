// A copy of weights to go back to.
#include "slm/train/snapshot.hpp"

#include "error_message.hpp"
#include "nn/module_test_support.hpp"
#include "slm/models/linear_lm.hpp"

using namespace module_test;
using slm_test::message_of;

namespace {

template <Scalar Real>
LinearLM<Real> model_of(Index width) {
  LinearLM<Real> model({.vocabulary = 5, .context = 3, .width = width}, Random(seed));
  randomise(model);
  return model;
}

}  // namespace

TEST_CASE_TEMPLATE("a snapshot brings back the weights it was taken of", Real, float, double) {
  auto model = model_of<Real>(4);
  const auto before = weights_of(model);
  Snapshot<Real> snapshot;
  CHECK(snapshot.empty());
  snapshot.take(model);
  CHECK_FALSE(snapshot.empty());
  CHECK(as_doubles(snapshot.values()) == before);

  randomise(model);
  const auto after = weights_of(model);
  REQUIRE(after != before);
  snapshot.restore(model);
  CHECK(same_bits(weights_of(model), before));

  SUBCASE("and of a later model when it is taken again") {
    randomise(model);
    const auto later = weights_of(model);
    snapshot.take(model);
    randomise(model);
    snapshot.restore(model);
    CHECK(same_bits(weights_of(model), later));
  }
  SUBCASE("into another model of the same sizes") {
    LinearLM<Real> other({.vocabulary = 5, .context = 3, .width = 4}, Random(seed, "other"));
    snapshot.restore(other);
    CHECK(same_bits(weights_of(other), before));
  }
}

TEST_CASE("a snapshot may be taken of a smaller and of a larger model than before") {
  Snapshot<float> snapshot;
  for (const Index width : {2, 7, 3}) {
    CAPTURE(width);
    auto model = model_of<float>(width);
    const auto weights = weights_of(model);
    snapshot.take(model);
    CHECK(as_doubles(snapshot.values()) == weights);
    randomise(model);
    snapshot.restore(model);
    CHECK(same_bits(weights_of(model), weights));
  }
}

TEST_CASE("weights of another number, or none, are not put into a model") {
  auto model = model_of<float>(4);  // 5 · 4 + 5 · 3 · 4 + 5
  const auto before = weights_of(model);
  Snapshot<float> snapshot;
  const auto restoring = [&] { return message_of<ShapeError>([&] { snapshot.restore(model); }); };
  CHECK(restoring() == "Snapshot: expected a model of 0 parameters, as were taken, got one of 85");
  snapshot.take(model_of<float>(3));
  CHECK(restoring() == "Snapshot: expected a model of 65 parameters, as were taken, got one of 85");
  snapshot.take(model_of<float>(5));
  CHECK(restoring() == "Snapshot: expected a model of 105 parameters, as were taken, got one of 85");
  CHECK(same_bits(weights_of(model), before));
}

TEST_CASE("the values of a snapshot are visited with the parameters they belong to") {
  const auto model = model_of<float>(4);
  Snapshot<float> snapshot;
  snapshot.take(model);
  std::vector<std::string> names;
  snapshot.for_each(model, [&](const std::string& name, const auto& parameter, const float* values) {
    names.push_back(name);
    CHECK(std::equal(parameter.value.begin(), parameter.value.end(), values));
  });
  CHECK(names == names_of(model));
}

TEST_CASE("tied weights are taken once") {
  Tied<float> model(5, 3, Random(seed));
  Snapshot<float> snapshot;
  snapshot.take(model);
  CHECK(snapshot.values().size() == 5 * 3 + 3 * 3 + 3);
  const auto before = weights_of(model);
  randomise(model);
  snapshot.restore(model);
  CHECK(same_bits(weights_of(model), before));
}
