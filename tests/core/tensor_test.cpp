#include "slm/core/tensor.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <numeric>
#include <sstream>
#include <type_traits>
#include <vector>

#include "slm/core/tensor_text.hpp"

using namespace slm;

namespace {

bool is_aligned(const void* memory) { return reinterpret_cast<std::uintptr_t>(memory) % alignment == 0; }

template <class T, std::size_t Rank>
Tensor<T, Rank> counting(const Shape<Rank>& shape) {
  Tensor<T, Rank> tensor(shape);
  std::iota(tensor.begin(), tensor.end(), T(0));
  return tensor;
}

}  // namespace

TEST_CASE("a tensor starts with zeros on aligned memory") {
  for (const Index columns : {1, 3, 16, 1000}) {
    const Tensor<float, 2> x({3, columns});
    CHECK(is_aligned(x.data()));
    CHECK(x.shape() == Shape<2>{3, columns});
    CHECK(x.extent(1) == columns);
    CHECK(x.size() == 3 * columns);
    CHECK(x.end() - x.begin() == x.size());
    CHECK(std::all_of(x.begin(), x.end(), [](float value) { return value == 0; }));
  }
}

TEST_CASE("elements lie row after row") {
  auto x = counting<double>(Shape<2>{3, 4});
  CHECK(x.data()[2 * 4 + 1] == 9);
  CHECK(x(2, 1) == 9);
  x(1, 1) = -1;
  CHECK(x.data()[5] == -1);
}

TEST_CASE("at is checked and says what it was asked for") {
  auto x = counting<double>(Shape<2>{3, 4});
  CHECK(x.at(2, 3) == 11);
  x.at(0, 0) = 5;
  CHECK(std::as_const(x).at(0, 0) == 5);
  CHECK_THROWS_WITH_AS(x.at(3, 0), "Tensor::at: (3, 0) is outside a tensor of shape (3, 4)", RangeError);
  CHECK_THROWS_WITH_AS(x.at(0, -1), "Tensor::at: (0, -1) is outside a tensor of shape (3, 4)", RangeError);
  CHECK_THROWS_AS((Tensor<double, 1>().at(0)), RangeError);
  CHECK_THROWS_WITH_AS((Tokens<1>::without_memory({3}).at(0)),
                       "Tensor::at: (0) is outside a tensor of shape (3) without memory", RangeError);
}

// In C++20 a[1, 2] is a[2].
template <class T>
concept has_subscript = requires(T a) {
  a[0];
};
static_assert(!has_subscript<Tensor<float, 1>> && !has_subscript<Tensor<float, 2>>);

TEST_CASE("a shape without memory has a size and no elements") {
  const auto tokens = Tokens<2>::without_memory({Index(1) << 40, 1 << 20});
  CHECK(tokens.size() == Index(1) << 60);
  CHECK(tokens.begin() == tokens.end());
  CHECK_FALSE(tokens.has_memory());
  CHECK(Tokens<2>(tokens).shape() == tokens.shape());
  const Tensor<Shapes, 1> shape({1000});
  CHECK(shape.size() == 1000);
  CHECK(shape.begin() == shape.end());
}

TEST_CASE("a tensor of rank 0 has one element, an empty one none, one that was never made no memory") {
  CHECK(Tensor<double, 0>(Shape<0>{}).size() == 1);
  const Tensor<double, 2> empty({3, 0});
  CHECK(empty.size() == 0);
  CHECK(empty.has_memory());
  CHECK(empty.begin() == empty.end());
  const Tensor<double, 2> nothing;
  CHECK_FALSE(nothing.has_memory());
  CHECK(nothing.size() == 0);
  CHECK(nothing.shape() == Shape<2>{0, 0});
  CHECK(Tensor<double, 2>(empty).shape() == Shape<2>{3, 0});
}

TEST_CASE("a copy has memory of its own") {
  auto x = counting<float>(Shape<2>{2, 3});
  const Tensor<float, 2> copy = x;
  CHECK(copy.data() != x.data());
  CHECK(is_aligned(copy.data()));
  x.data()[1] = 100;
  CHECK(copy.shape() == x.shape());
  CHECK(std::vector<float>(copy.begin(), copy.end()) == std::vector<float>{0, 1, 2, 3, 4, 5});
}

TEST_CASE("a move takes the memory along and leaves an empty tensor") {
  static_assert(std::is_nothrow_move_constructible_v<Tensor<float, 2>>);
  auto x = counting<float>(Shape<2>{2, 3});
  const float* memory = x.data();
  Tensor<float, 2> moved = std::move(x);
  CHECK(moved.data() == memory);
  CHECK(moved.shape() == Shape<2>{2, 3});
  CHECK(x.size() == 0);
  CHECK(x.data() == nullptr);
  CHECK(x.shape() == Shape<2>{0, 0});
}

TEST_CASE("assignment replaces shape and elements") {
  const auto source = counting<float>(Shape<1>{5});
  Tensor<float, 1> x({2});
  x = source;
  CHECK(x.shape() == Shape<1>{5});
  CHECK(x(4) == 4);
  CHECK(x.data() != source.data());
  const auto& same = x;
  x = same;
  CHECK(x.size() == 5);
  CHECK(x(4) == 4);
  const float* memory = x.data();
  Tensor<float, 1> target({3});
  target = std::move(x);
  CHECK(target.data() == memory);
  CHECK(x.size() == 0);
}

TEST_CASE("assignment of as many elements copies them into the memory there is") {
  const auto source = counting<float>(Shape<2>{2, 3});
  Tensor<float, 2> x({3, 2});
  const float* memory = x.data();
  x = source;
  CHECK(x.data() == memory);
  CHECK(x.shape() == Shape<2>{2, 3});
  CHECK(x.data()[5] == 5);
}

TEST_CASE("a shape that is none, or that no memory holds, is an error") {
  using Bytes = Tensor<double, 1>;
  CHECK_THROWS_AS(Bytes({-1}), ShapeError);
  CHECK_THROWS_WITH_AS(
      Bytes({Index(1) << 61}),
      "Tensor: there is no memory for shape (2305843009213693952), 2305843009213693952 elements "
      "of 8 bytes",
      Error);
}

TEST_CASE("a tensor is made of its elements, row by row") {
  const Tensor<float, 2> listed({2, 3}, {1, 2, 3, 4, 5, 6});
  CHECK(listed(1, 0) == 4);
  const std::vector<float> values{1, 2, 3, 4, 5, 6};
  const Tensor of_vector({2, 3}, values);
  static_assert(std::is_same_v<decltype(of_vector), const Tensor<float, 2>>);
  CHECK(of_vector == listed);
  const Tensor of_span({2, 3}, std::span(values));
  static_assert(std::is_same_v<decltype(of_span), const Tensor<float, 2>>);
  CHECK(of_span == listed);
  CHECK(Tensor(Shape<2>{2, 3}, values) == listed);
  CHECK(std::vector<float>(listed.begin(), listed.end()) == values);
  CHECK(std::span<const float>(listed).size() == 6);
  const Tensor<double, 0> scalar({}, {2.5});
  CHECK(scalar() == 2.5);
  CHECK(Tensor<double, 2>({0, 3}, std::vector<double>()).size() == 0);
  const std::string expected = "Tensor: a shape of (2, 2) has 4 elements, but got 6";
  CHECK_THROWS_WITH_AS(Tensor({2, 2}, values), expected.c_str(), ShapeError);
  CHECK_THROWS_AS(Tensor({-2, -3}, values), ShapeError);
}

TEST_CASE("tensors are equal where shapes and elements are") {
  const auto x = counting<float>(Shape<2>{2, 3});
  auto y = x;
  CHECK(x == y);
  y(1, 2) = -1;
  CHECK(x != y);
  CHECK(x != counting<float>(Shape<2>{3, 2}));
  CHECK(Tensor<float, 1>() == Tensor<float, 1>());
  CHECK(Tensor<float, 1>() != Tensor<float, 1>({0}));
  const Tensor<float, 1> bad({1}, {std::nanf("")});
  CHECK(bad != bad);
}

TEST_CASE("fill sets every element") {
  Tensor<Token, 2> x({2, 3});
  x.fill(7);
  CHECK(std::all_of(x.begin(), x.end(), [](Token t) { return t == 7; }));
}

TEST_CASE("reshape keeps the elements: in a copy, or in the memory of what is given up") {
  auto x = counting<float>(Shape<2>{2, 3});
  const auto copy = x.reshape({3, 2});
  CHECK(copy(2, 1) == 5);
  CHECK(x(1, 2) == 5);
  const float* memory = x.data();
  const Tensor<float, 1> flat = std::move(x).reshape({6});
  CHECK(flat.data() == memory);
  CHECK_FALSE(x.has_memory());
  CHECK(flat.reshape(Shape<3>{1, 2, 3})(0, 1, 2) == 5);
  const std::string expected = "Tensor::reshape: a shape of (4, 2) has 8 elements, but got 6";
  CHECK_THROWS_WITH_AS(flat.reshape({4, 2}), expected.c_str(), ShapeError);
}

TEST_CASE("a tensor is printed with its shape") {
  std::ostringstream out;
  out << Tensor<double, 2>({2, 3}, {1, 2, 3, 0.5, -2, 1e-8});
  CHECK(out.str() == "(2, 3)\n[[1, 2, 3],\n [0.5, -2, 1e-08]]");
  CHECK(to_text(Tensor<float, 0>({}, {0.1F})) == "()\n0.1");
  CHECK(to_text(Tensor<Token, 1>({3}, {4, 5, 6})) == "(3)\n[4, 5, 6]");
  CHECK(to_text(Tensor<float, 2>({2, 0})) == "(2, 0)\n[[],\n []]");
  CHECK(to_text(Tensor<float, 2>()) == "(0, 0) without memory");
  CHECK(to_text(counting<float>(Shape<1>{9})) == "(9)\n[0, 1, 2, …, 6, 7, 8]");
  CHECK(to_text(counting<float>(Shape<3>{2, 1, 2})) == "(2, 1, 2)\n[[[0, 1]],\n [[2, 3]]]");
  const std::string tall = to_text(counting<float>(Shape<2>{100, 1}));
  CHECK(tall == "(100, 1)\n[[0],\n [1],\n [2],\n …,\n [97],\n [98],\n [99]]");
}
