// Operations that rearrange, against their definitions element by element.
#include <doctest/doctest.h>

#include <algorithm>
#include <limits>
#include <vector>

#include "error_message.hpp"
#include "slm/autograd/ops.hpp"

using namespace slm;

namespace {

/// 0, 1, 2, … in order, so that an element says where it came from.
template <std::size_t Rank>
Tensor<double, Rank> numbered(const Shape<Rank>& shape) {
  Tensor<double, Rank> x(shape);
  for (Index i = 0; i < x.size(); ++i) x.data()[i] = static_cast<double>(i);
  return x;
}

template <std::size_t Rank>
Tensor<double, Rank> tensor(Var<double, Rank> x) {
  Tensor<double, Rank> copy(x.shape());
  std::copy_n(x.value(), x.size(), copy.data());
  return copy;
}

using Numbers = std::vector<double>;

template <std::size_t Rank>
Numbers values(Var<double, Rank> x) {
  return {x.value(), x.value() + x.size()};
}
template <std::size_t Rank>
Numbers gradient(Var<double, Rank> x) {
  return {x.grad(), x.grad() + x.size()};
}

}  // namespace

TEST_CASE("transpose exchanges two axes, whichever is named first") {
  const auto data = numbered(Shape<4>{2, 3, 17, 18});
  Tape<double> tape;
  const auto x = tape.input(data);
  const auto heads = tensor(transpose(x, 1, 2)), last = tensor(transpose(x, 3, 2)),
             far = tensor(transpose(x, 0, 3)), same = tensor(transpose(x, 1, 1));
  CHECK(heads.shape() == Shape<4>{2, 17, 3, 18});
  CHECK(last.shape() == Shape<4>{2, 3, 18, 17});
  CHECK(far.shape() == Shape<4>{18, 3, 17, 2});
  bool right = true;
  for (Index i = 0; i < 2; ++i) {
    for (Index j = 0; j < 3; ++j) {
      for (Index k = 0; k < 17; ++k) {
        for (Index l = 0; l < 18; ++l) {
          const double expected = data(i, j, k, l);
          right = right && heads(i, k, j, l) == expected && last(i, j, l, k) == expected &&
                  far(l, j, k, i) == expected && same(i, j, k, l) == expected;
        }
      }
    }
  }
  CHECK(right);
}

TEST_CASE("slice and select take positions of an axis, concatenate and stack put them together again") {
  const auto data = numbered(Shape<3>{2, 5, 3});
  Tape<double> tape;
  const auto x = tape.input(data);
  const auto part = tensor(slice(x, 1, 2, 4));
  const auto position = tensor(select(x, 3));
  CHECK(part.shape() == Shape<3>{2, 2, 3});
  CHECK(position.shape() == Shape<2>{2, 3});
  for (Index b = 0; b < 2; ++b) {
    for (Index c = 0; c < 3; ++c) {
      CHECK(part(b, 0, c) == data(b, 2, c));
      CHECK(part(b, 1, c) == data(b, 3, c));
      CHECK(position(b, c) == data(b, 3, c));
    }
  }
  for (const Index axis : {0, 1, 2}) {
    const Index count = x.extent(static_cast<std::size_t>(axis));
    std::vector<Var<double, 2>> positions;
    for (Index i = 0; i < count; ++i) positions.push_back(select(x, i, axis));
    CHECK(stack(positions, axis).shape() == x.shape());
    CHECK(values(stack(positions, axis)) == values(x));
    CHECK(values(concatenate({slice(x, axis, 0, 1), slice(x, axis, 1, 1), slice(x, axis, 1, count)}, axis)) ==
          values(x));
  }
}

TEST_CASE("stacked states stand along the axis of positions, scalars along the only one") {
  const auto data = numbered(Shape<2>{2, 3});
  Tape<double> tape;
  const auto h = tape.input(data);
  const std::vector states{h, scale(h, 10.0)};
  const auto y = stack(states);
  CHECK(y.shape() == Shape<3>{2, 2, 3});
  CHECK(values(y) == Numbers{0, 1, 2, 0, 10, 20, 3, 4, 5, 30, 40, 50});
  CHECK(values(stack(std::span<const Var<double, 2>>(states), 0)) ==
        Numbers{0, 1, 2, 3, 4, 5, 0, 10, 20, 30, 40, 50});
  CHECK(values(stack({sum(h), max(h)})) == Numbers{15, 5});
}

TEST_CASE("gather_rows, gather and masked_fill pick by index and by mask") {
  const auto data = numbered(Shape<2>{3, 4});
  Tokens<1> rows({4}), index({3});
  rows(0) = rows(3) = 2, rows(1) = 0, rows(2) = 1;
  index(0) = 3, index(1) = 0, index(2) = 2;
  Tensor<bool, 1> mask({4});
  mask(1) = true;
  Tape<double> tape;
  const auto x = tape.input(data, true);
  const auto picked = gather_rows(x, rows);
  const auto chosen = gather(x, index);
  const auto filled = masked_fill(x, mask, -std::numeric_limits<double>::infinity());
  CHECK(picked.shape() == Shape<2>{4, 4});
  CHECK(values(picked) == Numbers{8, 9, 10, 11, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11});
  CHECK(values(chosen) == Numbers{3, 4, 10});
  CHECK(values(softmax(filled))[1] == 0);
  // Indices and mask may change after they were used.
  rows(0) = index(0) = 0, mask(1) = false;
  tape.backward(sum(stack({sum(picked), scale(sum(chosen), 10), scale(sum(filled), 100)})));
  CHECK(gradient(x) == Numbers{101, 1, 101, 111, 111, 1, 101, 101, 102, 2, 112, 102});
}

TEST_CASE("a masked element gets no gradient, whatever arrives") {
  const auto data = numbered(Shape<1>{2});
  Tensor<bool, 1> mask({2});
  mask(1) = true;
  Tape<double> tape;
  const auto x = tape.input(data, true);
  const auto y = masked_fill(x, mask, 1);
  y.grad()[0] = 3, y.grad()[1] = std::numeric_limits<double>::quiet_NaN();
  tape.backward();
  CHECK(gradient(x) == Numbers{3, 0});
}

TEST_CASE("a thousand states are stacked by one operation") {
  const auto data = numbered(Shape<2>{1000, 2});
  Tape<double> tape;
  const auto x = tape.input(data, true);
  std::vector<Var<double, 1>> states;
  for (Index t = 0; t < 1000; ++t) states.push_back(select(x, t, 0));
  const auto y = stack(states, 0);
  CHECK(values(y) == values(x));
  tape.backward(sum(y));
  CHECK(gradient(x) == Numbers(2000, 1));
  const auto costs = tape.costs_by_part();
  REQUIRE(costs.size() == 3);
  CHECK(costs[1].operation == "stack");
  CHECK(costs[1].calls == 1);
  CHECK(costs[1].cost.traffic == Traffic{2000 + 2000, 2000 + 2000});
}

TEST_CASE("variables in a list that want no gradient get none") {
  const auto data = numbered(Shape<1>{2});
  Tape<double> tape;
  const auto x = tape.input(data, true), fixed = tape.input(data);
  const auto y = concatenate({fixed, x, fixed}, 0);
  tape.backward(sum(y));
  CHECK(gradient(x) == Numbers{1, 1});
  CHECK_FALSE(fixed.wants_grad());
  CHECK_FALSE(concatenate({fixed, fixed}, 0).wants_grad());
  CHECK(tape.costs().backward.elementwise == 6 + 2);
}

TEST_CASE("tensors of no elements are rearranged to such") {
  const Tensor<double, 3> nothing({2, 0, 3});
  Tape<double> tape;
  const auto x = tape.input(nothing, true);
  CHECK(transpose(x, 0, 1).shape() == Shape<3>{0, 2, 3});
  CHECK(transpose(x, 1, 2).shape() == Shape<3>{2, 3, 0});
  CHECK(slice(x, 2, 1, 3).shape() == Shape<3>{2, 0, 2});
  CHECK(select(x, 1, 0).shape() == Shape<2>{0, 3});
  CHECK(stack({x, x}, 3).shape() == Shape<4>{2, 0, 3, 2});
  CHECK(gather_rows(x, Tokens<1>({4})).shape() == Shape<3>{4, 0, 3});
  CHECK(gather(x, Tokens<2>({2, 0})).shape() == Shape<2>{2, 0});
  CHECK(masked_fill(x, Tensor<bool, 2>({0, 3}), 1).shape() == Shape<3>{2, 0, 3});
  const auto whole = numbered(Shape<3>{2, 1, 3});
  const auto y = concatenate({x, tape.input(whole, true), x}, 1);
  CHECK(values(y) == Numbers{0, 1, 2, 3, 4, 5});
  CHECK_NOTHROW(tape.backward(sum(y)));
}

TEST_CASE("lists of variables from two tapes, and indices that were moved from, are refused") {
  const auto data = numbered(Shape<1>{2});
  Tape<double> tape, other;
  const auto x = tape.input(data), z = other.input(data);
  using slm_test::message_of;
  CHECK(message_of<Error>([&] { stack({x, z}); }).starts_with("stack: a variable of shape (2) was used on"));
  Tokens<1> rows({1});
  const Tokens<1> taken(std::move(rows));
  CHECK(message_of<Error>([&] { gather_rows(x, rows); }) ==
        "gather_rows: the indices were moved from or never made");
  CHECK(message_of<Error>([&] { masked_fill(x, Tensor<bool, 1>(), 0); }) ==
        "masked_fill: mask has shape (0), but input of shape (2) needs (2)");
  CHECK(message_of<Error>([&] { masked_fill(x, Tensor<bool, 0>(), 0); }) ==
        "masked_fill: the mask was moved from or never made");
}

namespace names {

using namespace std;

/// What a program sees that opens both namespaces.
Var<double, 0> all(Var<double, 3> x) {
  const auto middle = slice(x, 1, 0, 2), turned = transpose(middle, 1, 2);
  const auto first = select(turned, 0);
  return sum(stack({max(first), mean(first), sum(first), logsumexp(first)}));
}

}  // namespace names

TEST_CASE("the names are not ambiguous where namespace std is open, too") {
  const auto data = numbered(Shape<3>{2, 3, 4});
  Tape<double> tape;
  CHECK(names::all(tape.input(data)).size() == 1);
  CHECK(std::max(1, 2) == 2);
}
