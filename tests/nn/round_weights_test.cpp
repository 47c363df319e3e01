// A model whose matrices are in fewer bits.
#include "slm/nn/round_weights.hpp"

#include <doctest/doctest.h>

#include <limits>
#include <string>
#include <vector>

#include "error_message.hpp"
#include "nn/module_test_support.hpp"

using namespace slm;
using module_test::randomise;
using module_test::weights_of;
using slm_test::message_of;

namespace {

/// Parameters of every rank that models have.
template <Scalar Real>
struct EveryRank {
  Parameter<Real, 2> matrix{{3, 5}};
  Parameter<Real, 1> vector{{7}};
  std::vector<Parameter<Real, 2>> more{Parameter<Real, 2>({2, 9})};
  Parameter<Real, 3> cube{{2, 3, 2}};

  EveryRank() { randomise(*this); }
  static void fields(auto& self, auto&& f) {
    f("matrix", self.matrix), f("vector", self.vector), f("more", self.more), f("cube", self.cube);
  }
};

template <Scalar Real>
std::vector<Real> rounded_rows(const Tensor<Real, 2>& matrix, WeightFormat format) {
  std::vector<Real> rounded(static_cast<std::size_t>(matrix.size()));
  for (Index i = 0; i < matrix.extent(0); ++i) {
    const Index columns = matrix.extent(1);
    round_row(matrix.data() + i * columns, rounded.data() + i * columns, columns, format);
  }
  return rounded;
}
template <Scalar Real, std::size_t Rank>
std::vector<Real> numbers_of(const Parameter<Real, Rank>& parameter) {
  return {parameter.value.begin(), parameter.value.end()};
}

}  // namespace

TEST_CASE_TEMPLATE("matrices are rounded row by row, and nothing else is", Real, float, double) {
  for (const WeightFormat format : {WeightFormat::full, WeightFormat::bfloat16, WeightFormat::int8}) {
    CAPTURE(name_of(format));
    const EveryRank<Real> before;
    EveryRank<Real> model = before;
    round_weights(model, format);
    CHECK(numbers_of(model.matrix) == rounded_rows(before.matrix.value, format));
    CHECK(numbers_of(model.more[0]) == rounded_rows(before.more[0].value, format));
    CHECK(numbers_of(model.vector) == numbers_of(before.vector));
    CHECK(numbers_of(model.cube) == numbers_of(before.cube));
    CHECK((weights_of(model) == weights_of(before)) == (format == WeightFormat::full));
    const auto once = weights_of(model);
    round_weights(model, format);
    CHECK(weights_of(model) == once);
  }
}

TEST_CASE("a weight that is no finite float is named, and leaves all as they were") {
  const auto refused = [](auto weight) {
    EveryRank<decltype(weight)> model;
    model.more[0].value(1, 2) = weight;
    const auto before = numbers_of(model.matrix);
    const std::string message = message_of<NumericError>([&] { round_weights(model, WeightFormat::int8); });
    CHECK(numbers_of(model.matrix) == before);
    CHECK(message_of<NumericError>([&] { round_weights(model, WeightFormat::full); }) == "no error");
    return message;
  };
  const std::string start = "round_weights: expected weights that are finite as floats, got ";
  CHECK(refused(std::numeric_limits<float>::quiet_NaN()) == start + "nan at element 11 of 'more.0'");
  CHECK(refused(-std::numeric_limits<double>::infinity()) == start + "-inf at element 11 of 'more.0'");
  CHECK(refused(1e39) == start + "1e+39 at element 11 of 'more.0'");
}

TEST_CASE("a format that is none is refused") {
  EveryRank<float> model;
  CHECK_THROWS_WITH_AS(round_weights(model, static_cast<WeightFormat>(7)),
                       "WeightFormat: the format is none that there is", ConfigError);
}
