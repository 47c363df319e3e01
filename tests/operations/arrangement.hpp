#pragma once
#include "operations/entry.hpp"
#include "slm/autograd/ops/arrangement.hpp"
#include "slm/autograd/ops/concatenation.hpp"
#include "slm/autograd/ops/gather.hpp"

namespace slm::detail {

template <Scalar Real>
OperationEntry<Real> transpose_entry() {
  const auto of = [](Index a, Index b) {
    return priced([=](auto x) { return transpose(x, a, b); },
                  [](auto x) { return kernels::move_costs(element_count(x)); });
  };
  return {.name = "transpose",
          .formula = "y = x with two axes exchanged",
          .small = {example<Real>("heads", of(1, 2), Named("x", 2, 3, 2, 4)),
                    example<Real>("last axes", of(2, 1), Named("x", 2, 5, 3)),
                    example<Real>("axes with one between", of(0, 2), Named("x", 2, 3, 4)),
                    example<Real>("outermost axes", of(0, 1), Named("x", 3, 2, 4)),
                    example<Real>("several squares", of(0, 1), Named("x", 17, 18))},
          .large = {example<Real>("last axes", of(1, 2), Named("x", 3, 130, 131)),
                    example<Real>("matrix", of(0, 1), Named("x", 201, 203)),
                    example<Real>("heads", of(1, 2), Named("x", 3, 50, 4, 60)),
                    example<Real>("axes with one between", of(0, 2), Named("x", 70, 9, 70))},
          .refused = {
              {example<Real>("no such axis", of(0, 3), Named("x", 2, 3, 4)), {"axis 3", "0 … 2", "(2, 3, 4)"}},
              {example<Real>("negative axis", of(-1, 1), Named("x", 2, 3)), {"axis -1", "0 … 1", "(2, 3)"}}}};
}

template <Scalar Real>
OperationEntry<Real> slice_entry() {
  const auto of = [](Index axis, Index begin, Index end) {
    return priced([=](auto x) { return slice(x, axis, begin, end); },
                  [=](auto x) {
                    x[static_cast<std::size_t>(axis)] = end - begin;
                    return kernels::move_costs(element_count(x));
                  });
  };
  return {
      .name = "slice",
      .formula = "y = positions begin … end − 1 of an axis of x",
      .small = {example<Real>("", of(1, 1, 3), Named("x", 2, 4, 3)),
                example<Real>("first axis", of(0, 2, 3), Named("x", 3, 4)),
                example<Real>("last axis", of(2, 0, 3), Named("x", 2, 2, 5))},
      .large = {example<Real>("", of(1, 9, 120), Named("x", 3, 130, 130)),
                example<Real>("one long row", of(0, 1, 3), Named("x", 3, 130, 130)),
                example<Real>("last axis", of(2, 3, 127), Named("x", 3, 130, 130))},
      .refused = {
          {example<Real>("no such axis", of(2, 0, 1), Named("x", 2, 3)), {"axis 2", "0 … 1", "(2, 3)"}},
          {example<Real>("too far", of(1, 2, 5), Named("x", 2, 4)), {"2 to 5", "axis 1", "(2, 4)", "end ≤ 4"}},
          {example<Real>("negative", of(0, -1, 2), Named("x", 2, 4)), {"-1 to 2", "axis 0"}},
          {example<Real>("backwards", of(1, 3, 2), Named("x", 2, 4)), {"3 to 2", "begin ≤ end"}}}};
}

template <Scalar Real>
OperationEntry<Real> select_entry() {
  const auto of = [](Index index, Index axis) {
    return priced([=](auto x) { return select(x, index, axis); },
                  [=](auto x) {
                    x[static_cast<std::size_t>(axis)] = 1;
                    return kernels::move_costs(element_count(x));
                  });
  };
  return {.name = "select",
          .formula = "y = position t of an axis of x",
          .small = {example<Real>("", of(2, 1), Named("x", 2, 4, 3)),
                    example<Real>("first axis", of(1, 0), Named("x", 3, 4)),
                    example<Real>("last axis", of(0, 2), Named("x", 2, 3, 5)),
                    example<Real>("of a vector", of(3, 0), Named("x", 4))},
          .large = {example<Real>("", of(1, 1), Named("x", 130, 3, 130)),
                    example<Real>("one long row", of(2, 0), Named("x", 3, 130, 130))},
          .refused = {
              {example<Real>("no such axis", of(0, 3), Named("x", 2, 3, 4)), {"axis 3", "0 … 2", "(2, 3, 4)"}},
              {example<Real>("no such index", of(4, 1), Named("x", 2, 4, 3)),
               {"index 4", "0 … 3", "axis 1", "(2, 4, 3)"}},
              {example<Real>("negative index", of(-1, 1), Named("x", 2, 4, 3)), {"index -1", "0 … 3"}}}};
}

template <Scalar Real>
OperationEntry<Real> concatenate_entry() {
  const auto along = [](Index axis) {
    return priced([=](auto... x) { return concatenate({x...}, axis); },
                  [](auto... x) { return kernels::move_costs((element_count(x) + ...)); });
  };
  const auto twice = priced(
      [](auto a, auto b) {
        return concatenate({a, b, a}, 1);
      },
      [](auto a, auto b) { return kernels::move_costs(2 * element_count(a) + element_count(b)); });
  const auto nothing = []<std::size_t Rank>(Var<Real, Rank>) {
    return concatenate(std::vector<Var<Real, Rank>>(), 0);
  };
  return {
      .name = "concatenate",
      .formula = "y = variables one after the other along an axis",
      .small = {example<Real>("", along(1), Named("a", 2, 3, 2), Named("b", 2, 1, 2)),
                example<Real>("first axis", along(0), Named("a", 1, 3), Named("b", 4, 3), Named("c", 2, 3)),
                example<Real>("last axis", along(2), Named("a", 2, 2, 3), Named("b", 2, 2, 1)),
                example<Real>("one twice", twice, Named("a", 2, 3), Named("b", 2, 1)),
                example<Real>("one alone", along(0), Named("a", 5))},
      .large = {example<Real>("", along(1), Named("a", 130, 3, 40), Named("b", 130, 5, 40)),
                example<Real>("long rows", along(0), Named("a", 130, 131), Named("b", 140, 131)),
                example<Real>("one twice", twice, Named("a", 200, 70), Named("b", 200, 31))},
      .refused = {{example<Real>("", along(1), Named("a", 2, 3, 2), Named("b", 2, 3, 4)),
                   {"input 1 has shape (2, 3, 4)", "input 0 of shape (2, 3, 2)", "needs (2, …, 2)"}},
                  {example<Real>("the last", along(0), Named("a", 1, 3), Named("b", 2, 3), Named("c", 1, 2)),
                   {"input 2 has shape (1, 2)", "needs (…, 3)"}},
                  {example<Real>("no such axis", along(2), Named("a", 2, 3), Named("b", 2, 3)),
                   {"axis 2", "0 … 1", "(2, 3)"}},
                  {example<Real>("nothing", nothing, Named("x", 2)), {"empty", "one at least"}}}};
}

template <Scalar Real>
OperationEntry<Real> stack_entry() {
  const auto along = [](Index axis) {
    return priced([=](auto... x) { return stack({x...}, axis); },
                  [](auto... x) { return kernels::move_costs((element_count(x) + ...)); });
  };
  const auto twice = priced(
      [](auto a, auto b) {
        return stack({a, b, a});
      },
      [](auto a, auto b) { return kernels::move_costs(2 * element_count(a) + element_count(b)); });
  const auto nothing = []<std::size_t Rank>(Var<Real, Rank>) { return stack(std::vector<Var<Real, Rank>>()); };
  return {.name = "stack",
          .formula = "y = variables of one shape along a new axis",
          .small = {example<Real>("", along(1), Named("a", 2, 3), Named("b", 2, 3), Named("c", 2, 3)),
                    example<Real>("before all axes", along(0), Named("a", 2, 3), Named("b", 2, 3)),
                    example<Real>("behind all axes", along(2), Named("a", 2, 3), Named("b", 2, 3)),
                    example<Real>("one twice", twice, Named("a", 2, 3), Named("b", 2, 3)),
                    example<Real>("scalars", along(0), Named("a"), Named("b"))},
          .large = {example<Real>("", along(1), Named("a", 130, 130), Named("b", 130, 130)),
                    example<Real>("long rows", along(0), Named("a", 130, 130), Named("b", 130, 130)),
                    example<Real>("one twice", twice, Named("a", 130, 130), Named("b", 130, 130))},
          .refused = {{example<Real>("", along(1), Named("a", 2, 3), Named("b", 3, 2)),
                       {"input 1 has shape (3, 2)", "input 0 of shape (2, 3)", "needs (2, 3)"}},
                      {example<Real>("no such axis", along(3), Named("a", 2, 3), Named("b", 2, 3)),
                       {"axis 3", "0 … 2", "(2, 3)"}},
                      {example<Real>("nothing", nothing, Named("x", 2)), {"empty", "one at least"}}}};
}

template <Scalar Real>
OperationEntry<Real> gather_rows_entry() {
  const auto of = [](Index count, Index N) {
    return priced([rows = example_tokens(Shape<1>{count}, N)](auto x) { return gather_rows(x, rows); },
                  [count](auto x) {
                    return kernels::embedding_costs({count, element_count(x) / x[0]});
                  });
  };
  Tokens<1> negative({2});
  negative(1) = -1;
  return {.name = "gather_rows",
          .formula = "y[m] = x[rows[m]]",
          .small = {example<Real>("", of(7, 5), Named("x", 5, 3)),
                    example<Real>("rank 3", of(2, 3), Named("x", 3, 2, 4)),
                    example<Real>("rank 1", of(6, 4), Named("x", 4))},
          .large = {example<Real>("", of(600, 50), Named("x", 50, 100))},
          .refused = {{example<Real>("row outside", of(4, 9), Named("x", 5, 3)),
                       {"row 5 at place 1", "0 … 4", "(5, 3)"}},
                      {example<Real>(
                           "negative row", [=](auto x) { return gather_rows(x, negative); }, Named("x", 5, 3)),
                       {"row -1 at place 1", "0 … 4", "(5, 3)"}}}};
}

template <Scalar Real>
OperationEntry<Real> gather_entry() {
  const auto at = []<std::size_t Rank>(const Shape<Rank>& shape, Index V) {
    return priced([index = example_tokens(shape, V)](auto x) { return gather(x, index); },
                  [](auto x) {
                    return kernels::gather_costs({row_count(x), last_extent(x)});
                  });
  };
  return {.name = "gather",
          .formula = "y = x[…, index[…]]",
          .small = {example<Real>("", at(Shape<2>{2, 3}, 5), Named("x", 2, 3, 5)),
                    example<Real>("of a vector", at(Shape<0>{}, 3), Named("x", 3))},
          .large = {example<Real>("", at(Shape<1>{20000}, 3), Named("x", 20000, 3))},
          .refused = {{example<Real>("", at(Shape<2>{3, 2}, 5), Named("x", 2, 3, 5)),
                       {"index has shape (3, 2)", "input of shape (2, 3, 5)", "needs (2, 3)"}},
                      {example<Real>("index outside", at(Shape<1>{4}, 9), Named("x", 4, 5)),
                       {"index 5 at place 1", "0 … 4", "(4, 5)"}}}};
}

template <Scalar Real>
OperationEntry<Real> masked_fill_entry() {
  const auto with = []<std::size_t Rank>(const Shape<Rank>& shape) {
    Tensor<bool, Rank> mask(shape);
    for (Index i = 0; i < mask.size(); ++i) mask.data()[i] = i * i % 3 == 1;
    return priced([mask](auto x) { return masked_fill(x, mask, -2.5F); },
                  [](auto x) {
                    return kernels::masked_fill_costs({1, element_count(x)});
                  });
  };
  return {.name = "masked_fill",
          .formula = "y = value where the mask is true, else x",
          .small = {example<Real>("trailing axes", with(Shape<2>{3, 4}), Named("x", 2, 3, 4)),
                    example<Real>("", with(Shape<2>{3, 4}), Named("x", 3, 4))},
          .large = {example<Real>("trailing axes", with(Shape<2>{130, 130}), Named("x", 3, 130, 130)),
                    example<Real>("last axis", with(Shape<1>{70}), Named("x", 500, 70))},
          .refused = {{example<Real>("", with(Shape<2>{4, 3}), Named("x", 2, 3, 4)),
                       {"mask has shape (4, 3)", "input of shape (2, 3, 4)", "needs (3, 4)"}}}};
}

}  // namespace slm::detail
