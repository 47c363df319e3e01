#include "slm/core/shape.hpp"

#include <doctest/doctest.h>

using namespace slm;

TEST_CASE("element_count multiplies the extents") {
  CHECK(element_count(Shape<0>{}) == 1);
  CHECK(element_count(Shape<1>{7}) == 7);
  CHECK(element_count(Shape<3>{2, 3, 4}) == 24);
  CHECK(element_count(Shape<3>{2, 0, 4}) == 0);
  CHECK(element_count(Shape<2>{Index(1) << 31, Index(1) << 31}) == Index(1) << 62);
}

TEST_CASE("element_count refuses what is no shape") {
  CHECK_THROWS_WITH_AS(element_count(Shape<2>{2, -3}), "shape (2, -3) has a negative extent", ShapeError);
  CHECK_THROWS_WITH_AS(element_count(Shape<2>{0, -3}), "shape (0, -3) has a negative extent", ShapeError);
  CHECK_THROWS_WITH_AS(element_count(Shape<2>{Index(1) << 32, Index(1) << 31}),
                       "shape (4294967296, 2147483648) has more elements than a 64-bit index can count",
                       ShapeError);
}

TEST_CASE("a shape is rows of a last axis") {
  constexpr Shape<3> shape{2, 3, 4};
  static_assert(last_extent(shape) == 4);
  static_assert(row_count(shape) == 6);
  static_assert(row_count(Shape<1>{5}) == 1);
  static_assert(with_last(shape, 9) == Shape<3>{2, 3, 9});
  static_assert(without_last(shape) == Shape<2>{2, 3});
  static_assert(without_last(Shape<1>{5}) == Shape<0>{});
  CHECK(row_count(Shape<3>{2, 0, 4}) == 0);
}

TEST_CASE("shape_text reads like a tuple") {
  CHECK(shape_text(Shape<0>{}) == "()");
  CHECK(shape_text(Shape<1>{5}) == "(5)");
  CHECK(shape_text(Shape<3>{2, 3, 4}) == "(2, 3, 4)");
}

TEST_CASE("every error is an Error") {
  CHECK_THROWS_AS(throw ShapeError(""), Error);
  CHECK_THROWS_AS(throw RangeError(""), Error);
  CHECK_THROWS_AS(throw DataError(""), Error);
  CHECK_THROWS_AS(throw NumericError(""), Error);
  CHECK_THROWS_AS(require_config(false, ""), Error);
}

TEST_CASE("numbers in messages are short and read back as the same") {
  CHECK(make_text({1e-8, " ", -1e-9, " ", 3e-7F, " ", 0.5, " ", 1e300}) == "1e-08 -1e-09 3e-07 0.5 1e+300");
  CHECK(std::stod(number_text(1 + 1e-10)) == 1 + 1e-10);
}

TEST_CASE("require throws its message when the condition does not hold") {
  CHECK_NOTHROW(require_config(true, "never"));
  CHECK_THROWS_WITH_AS(require_config(false, "width must be positive"), "width must be positive", ConfigError);
}

TEST_CASE("throw_shape_mismatch names the operation, both parameters, both shapes and what is needed") {
  const Shape<2> weight{4, 3}, input{2, 5};
  CHECK_THROWS_WITH_AS(throw_shape_mismatch("linear", "weight", weight, "input", input, "(D, 5)"),
                       "linear: weight has shape (4, 3), but input of shape (2, 5) needs (D, 5)", ShapeError);
}
