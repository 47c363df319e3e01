// Gradients of parts, added along one tree.
#include "slm/train/gradient_tree.hpp"

#include <doctest/doctest.h>

#include <bit>

#include "allocation_count.hpp"
#include "error_message.hpp"
#include "flops/counted.hpp"
#include "slm/core/random.hpp"
#include "threads.hpp"

using namespace slm;
using slm_test::message_of;

namespace {

/// Gradients of three parameters, without a model.
template <Scalar Real>
struct Gradients {
  std::vector<Tensor<Real, 1>> memory;
  ParameterList<Real> list;

  explicit Gradients(const std::vector<Index>& sizes = {5, 1, 7}) {
    for (const Index size : sizes) memory.emplace_back(Shape<1>{size});
    for (auto& tensor : memory) list.push_back({"parameter", nullptr, tensor.data(), tensor.size()});
  }

  /// Numbers of a part whose sum depends on the order of additions.
  void fill(Index part) {
    const Random random = Random(689, "gradients").child(static_cast<std::uint64_t>(part));
    for (std::size_t k = 0; k < memory.size(); ++k) {
      Random drawn = random.child(k);
      for (Real& x : memory[k]) x = static_cast<Real>(drawn.normal());
    }
  }
  std::vector<Real> values() const {
    std::vector<Real> all;
    for (const auto& tensor : memory) all.insert(all.end(), tensor.begin(), tensor.end());
    return all;
  }
  bool are_zeros() const {
    const auto all = values();
    return std::all_of(all.begin(), all.end(), [](Real x) { return x == Real(0); });
  }
};
using Floats = std::vector<float>;

Floats gradients_of(Index part) {
  Gradients<float> gradients;
  gradients.fill(part);
  return gradients.values();
}

/// The sum below a node, as the tree is defined.
Floats by_recursion(Index parts, Index level, Index index) {
  if (level == 0) return gradients_of(index);
  Floats left = by_recursion(parts, level - 1, 2 * index);
  if ((2 * index + 1) << (level - 1) >= parts) return left;
  const Floats right = by_recursion(parts, level - 1, 2 * index + 1);
  for (std::size_t i = 0; i < left.size(); ++i) left[i] += right[i];
  return left;
}
Floats by_recursion(Index parts) {
  Index level = 0;
  while (Index(1) << level < parts) ++level;
  return by_recursion(parts, level, 0);
}

/// What one of several processes has: gradients, and the parts from `first` to before `end` of a sum.
struct Rank {
  Gradients<float> gradients;
  GradientTree<float> tree;

  bool fold_own(Index parts, Index first, Index end) {
    tree.begin(parts, first);
    bool complete = false;
    for (Index part = first; part < end; ++part) {
      gradients.fill(part);
      complete = tree.fold(gradients.list);
    }
    return complete;
  }
  bool fold_those_of(const Rank& next) {
    bool complete = false;
    for (std::size_t i = 0; i < next.tree.subtrees().size(); ++i) {
      complete = tree.fold(gradients.list, next.tree.subtrees()[i], next.tree.sum(i));
    }
    return complete;
  }
};

}  // namespace

TEST_CASE("gradients of parts are added as the tree says") {
  for (Index parts = 1; parts <= 17; ++parts) {
    CAPTURE(parts);
    Gradients<float> gradients;
    GradientTree<float> tree(parts);
    for (Index part = 0; part < parts; ++part) {
      gradients.fill(part);
      CHECK(tree.fold(gradients.list) == (part + 1 == parts));
      if (part + 1 < parts) CHECK(gradients.are_zeros());
      CHECK(tree.subtrees().size() <= std::size_t(std::bit_width(static_cast<std::uint64_t>(parts - 1))));
    }
    CHECK(gradients.values() == by_recursion(parts));
    CHECK(tree.subtrees().empty());
  }
  // That it is another order than one after another shows.
  Floats in_order = gradients_of(0);
  for (Index part = 1; part < 7; ++part) {
    const Floats more = gradients_of(part);
    for (std::size_t i = 0; i < more.size(); ++i) in_order[i] += more[i];
  }
  CHECK(in_order != by_recursion(7));
}

TEST_CASE("ranges of parts folded by several processes make the same bits as one process does") {
  for (Index parts = 1; parts <= 9; ++parts) {
    const Floats expected = by_recursion(parts);
    // Every way to cut the parts into at most four ranges.
    for (Index a = 1; a <= parts; ++a) {
      for (Index b = a; b <= parts; ++b) {
        for (Index c = b; c <= parts; ++c) {
          for (const bool to_the_left : {true, false}) {
            std::vector<Rank> ranks;
            bool complete = false;
            for (Index first = 0; const Index end : {a, b, c, parts}) {
              if (end == first) continue;
              complete = ranks.emplace_back().fold_own(parts, first, end);
              first = end;
            }
            REQUIRE(complete == (ranks.size() == 1));
            if (to_the_left) {  // one after another
              for (std::size_t r = ranks.size(); r-- > 1;) complete = ranks[r - 1].fold_those_of(ranks[r]);
            } else {  // all to the first
              for (std::size_t r = 1; r < ranks.size(); ++r) complete = ranks[0].fold_those_of(ranks[r]);
            }
            const bool same = ranks[0].gradients.values() == expected;
            const bool good = complete && same;
            CHECK_MESSAGE(good, parts, " parts to ", a, ", ", b, ", ", c);
          }
        }
      }
    }
  }
}

TEST_CASE("folding costs what it says, and all ranges together cost as much") {
  using Counted = flops::Counted<double>;
  const slm_test::Threads one(1);
  for (const Index parts : {1, 2, 3, 6, 8}) {
    CAPTURE(parts);
    Gradients<Counted> gradients;
    GradientTree<Counted> tree(parts);
    flops::reset_tally();
    for (Index part = 0; part < parts; ++part) tree.fold(gradients.list);
    CHECK(tree.cost() == Cost{.elementwise = 13, .moved = 13} * (parts - 1));
    CHECK(flops::tally().cost().elementwise == tree.cost().elementwise);
  }
  Rank first, second;
  first.fold_own(6, 0, 3), second.fold_own(6, 3, 6);
  first.fold_those_of(second);
  CHECK((first.tree.cost() + second.tree.cost()).elementwise == 13 * 5);
}

TEST_CASE("the same bits on any number of threads, and nothing is allocated after the first sum") {
  const std::vector<Index> sizes = {3, 2 * update_block + 5};
  Floats expected;
  for (const int threads : {1, 2, 3}) {
    CAPTURE(threads);
    const slm_test::Threads scope(threads);
    Gradients<float> gradients(sizes);
    GradientTree<float> tree(5);
    for (int sum = 0; sum < 3; ++sum) {
      long allocations = 0;
      for (Index part = 0; part < 5; ++part) {
        gradients.fill(part);
        const long before = slm::test::allocation_count();
        tree.fold(gradients.list);
        allocations += slm::test::allocation_count() - before;
      }
      if (sum > 0) CHECK(allocations == 0);
      if (expected.empty()) expected = gradients.values();
      CHECK(gradients.values() == expected);
      gradients.fill(0);  // a sum begins whatever is there
    }
  }
}

TEST_CASE("parts that are none, subtrees out of order and other lists are refused") {
  CHECK(message_of<ConfigError>([] { GradientTree<float>(0); }) ==
        "GradientTree: needs at least 1 part and a first one of them, got 0 parts from 0 on");
  GradientTree<float> tree(4);
  CHECK_THROWS_AS(tree.begin(4, 4), ConfigError);
  CHECK_THROWS_AS(tree.begin(4, -1), ConfigError);
  Gradients<float> gradients, other({5, 1});
  const Floats sum(13);
  CHECK(message_of<ConfigError>([&] {
          tree.fold(gradients.list, {1, 1}, sum);
        }) == "GradientTree: expected a subtree from part 0 on, got node 1 of level 1");
  CHECK_THROWS_AS(tree.fold(gradients.list, {0, -1}, sum), ConfigError);
  CHECK_THROWS_AS(tree.fold(gradients.list, {62, 0}, sum), ConfigError);
  CHECK_FALSE(tree.fold(gradients.list));
  CHECK(message_of<ShapeError>([&] { tree.fold(other.list); }) ==
        "GradientTree: the list has 6 elements, expected those of the sum: 13");
  CHECK_THROWS_AS(tree.fold(gradients.list, {0, 1}, {sum.data(), 12}), ShapeError);
  CHECK_FALSE(tree.fold(gradients.list, {0, 1}, sum));
  CHECK_THROWS_AS(tree.fold(gradients.list, {1, 1}, {}), ShapeError);
  CHECK(tree.fold(gradients.list, {1, 1}, sum));
}
