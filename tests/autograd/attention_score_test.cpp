// attention with scores, shared keys and values and without a mask, against its definition.
#include <doctest/doctest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <vector>

#include "error_message.hpp"
#include "slm/autograd/grad_check.hpp"
#include "slm/autograd/ops/attention.hpp"
#include "slm/autograd/ops/attention_scores.hpp"
#include "slm/autograd/ops/elementwise.hpp"
#include "slm/autograd/ops/reduction.hpp"
#include "slm/core/weight_strips.hpp"
#include "slm/nn/attention.hpp"
#include "threads.hpp"

using namespace slm;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

struct Case {
  Index B, queries, keys, heads, key_value_heads, head_width;
  bool causal;
};

Tensor<double, 3> random_tensor(const Shape<3>& shape, const char* name) {
  Tensor<double, 3> x(shape);
  Random random(1, name);
  for (double& value : x) value = 2 * random.normal();
  return x;
}

/// softmax(q kᵀ / √D + score) v by the definition; zeros where a query sees no key.
std::vector<double> defined(const Tensor<double, 3>& q, const Tensor<double, 3>& k, const Tensor<double, 3>& v,
                            const Case& size, const std::function<double(Index, Index, Index)>& score) {
  const Index D = size.head_width, C = size.heads * D, K = size.key_value_heads * D;
  std::vector<double> y(static_cast<std::size_t>(size.B * size.queries * C));
  for (Index row = 0; row < size.B * size.queries; ++row) {
    const Index first_key = row / size.queries * size.keys;
    const Index position = size.keys - size.queries + row % size.queries;
    for (Index h = 0; h < size.heads; ++h) {
      const Index at = h * D, shared = h * size.key_value_heads / size.heads * D;
      std::vector<double> weight;
      double total = 0;
      for (Index t = 0; t < (size.causal ? position + 1 : size.keys); ++t) {
        double product = 0;
        for (Index d = 0; d < D; ++d)
          product += q.data()[row * C + at + d] * k.data()[(first_key + t) * K + shared + d];
        weight.push_back(std::exp(product / std::sqrt(static_cast<double>(D)) + score(h, position, t)));
        total += weight.back();
      }
      for (std::size_t t = 0; t < weight.size() && total > 0; ++t) {
        for (Index d = 0; d < D; ++d) {
          y[static_cast<std::size_t>(row * C + at + d)] +=
              weight[t] / total * v.data()[(first_key + static_cast<Index>(t)) * K + shared + d];
        }
      }
    }
  }
  return y;
}

std::vector<double> values(Var<double, 3> x) { return {x.value(), x.value() + x.size()}; }

/// Calls test(score) with scores of every kind.
void for_each_score(Index heads, const auto& test) {
  test(NoScore());
  test(alibi(heads));
  test(sliding_window(1));
  test(sliding_window(40));
  test([](Index, Index query, Index key) { return key < 3 || key <= query ? 0 : -infinity; });  // a prefix
  test([](Index head, Index query, Index key) {
    return query % 3 == head % 3 || key % 7 == 1 ? -infinity : 0.5;
  });
  test([](Index, Index, Index) { return -infinity; });
}

double number(const NoScore&, Index, Index, Index) { return 0; }
double number(const auto& score, Index head, Index query, Index key) { return score(head, query, key); }

/// Side by side, row by row.
Tensor<double, 3> pack(std::initializer_list<const Tensor<double, 3>*> parts) {
  const Tensor<double, 3>& first = **parts.begin();
  const Index rows = first.extent(0) * first.extent(1);
  Index width = 0, at = 0;
  for (const auto* part : parts) width += part->extent(2);
  Tensor<double, 3> packed({first.extent(0), first.extent(1), width});
  for (const auto* part : parts) {
    const Index C = part->extent(2);
    for (Index n = 0; n < rows; ++n) std::copy_n(part->data() + n * C, C, packed.data() + n * width + at);
    at += C;
  }
  return packed;
}

/// The same bits, unless a library makes the products: its depend on the sizes of the matrices.
template <Scalar Real>
void require_same(const std::vector<double>& actual, const std::vector<double>& expected) {
  if constexpr (gemm_backend<Real>() == GemmBackend::slm) {
    REQUIRE(detail::same_bits(actual, expected));
  } else {
    REQUIRE(relative_error(actual, expected) <=
            1e3 * static_cast<double>(std::numeric_limits<Real>::epsilon()));
  }
}

}  // namespace

TEST_CASE("attention follows its definition: apart, side by side, with shared keys, with every kind of score") {
  for (const Case& size :
       {Case{2, 7, 7, 3, 3, 2, true}, Case{2, 7, 7, 4, 2, 3, true}, Case{1, 150, 150, 2, 1, 4, true},
        Case{2, 3, 140, 2, 2, 2, true}, Case{2, 7, 7, 4, 1, 2, false}, Case{1, 40, 150, 2, 2, 3, false}}) {
    INFO(size.queries, " queries, ", size.keys, " keys, ", size.heads, " heads, causal ", size.causal);
    const Index Q = size.heads * size.head_width, K = size.key_value_heads * size.head_width;
    const auto q = random_tensor({size.B, size.queries, Q}, "q");
    const auto k = random_tensor({size.B, size.keys, K}, "k"), v = random_tensor({size.B, size.keys, K}, "v");
    const auto kv = pack({&k, &v});
    const AttentionConfig config{
        .heads = size.heads, .key_value_heads = size.key_value_heads, .causal = size.causal};
    for_each_score(size.heads, [&](const auto& score) {
      const auto expected = defined(q, k, v, size, [&](auto... at) { return number(score, at...); });
      Tape<double> tape;
      const auto apart = values(attention(tape.input(q), tape.input(k), tape.input(v), config, score));
      if (std::all_of(expected.begin(), expected.end(), [](double y) { return y == 0; })) {
        CHECK(apart == expected);
      } else {
        CHECK(relative_error(apart, expected) <= 1e-14);
      }
      CHECK(values(attention(tape.input(q), tape.input(kv), config, score)) == apart);
      if (size.queries == size.keys) {
        const auto qkv = pack({&q, &k, &v});
        CHECK(values(attention(tape.input(qkv), config, score)) == apart);
      }
    });
  }
}

TEST_CASE("a query that sees no key gives zeros and no gradient, also in float") {
  const Index hidden = 40;
  const auto score = [=](Index, Index query, Index) { return query == hidden ? -infinity : 0.0; };
  const auto check = [&]<class Real>(Real) {
    Tensor<Real, 3> qkv({1, 150, 12});
    Random random(1);
    for (Real& x : qkv) x = static_cast<Real>(random.normal());
    Tape<Real> tape;
    tape.reset(Random(2));
    const auto x = tape.input(qkv, true);
    const auto y = attention(x, {.heads = 2, .dropout = 0.1}, score);
    tape.backward(sum(y));
    for (Index t = 0; t < 150; ++t) {
      const Real* row = y.value() + t * 4;
      CHECK(std::all_of(row, row + 4, [](Real value) { return is_finite(value); }));
      CHECK(std::all_of(row, row + 4, [](Real value) { return value == 0; }) == (t == hidden));
      const Real* dq = x.grad() + t * 12;
      if (t == hidden) CHECK(std::all_of(dq, dq + 4, [](Real slope) { return slope == 0; }));
      CHECK(std::all_of(dq, dq + 12, [](Real slope) { return is_finite(slope); }));
    }
  };
  check(float());
  check(double());
}

TEST_CASE("keys that only a score hides are those that causality masks") {
  const auto qkv = random_tensor({2, 140, 24}, "qkv");
  const auto future = [](Index, Index query, Index key) { return key > query ? -infinity : 0; };
  Tape<double> masked, hidden;
  const auto x = masked.input(qkv, true), z = hidden.input(qkv, true);
  const auto y = attention(x, {.heads = 2}), w = attention(z, {.heads = 2, .causal = false}, future);
  masked.backward(sum(y)), hidden.backward(sum(w));
  CHECK(relative_error(values(w), values(y)) <= 1e-14);
  CHECK(relative_error({z.grad(), z.grad() + z.size()}, {x.grad(), x.grad() + x.size()}) <= 1e-14);
}

TEST_CASE("alibi has the paper's slopes") {
  const auto slopes = [](Index heads) {
    const Alibi score = alibi(heads);
    return std::vector<double>(score.slopes.begin(), score.slopes.begin() + heads);
  };
  CHECK(slopes(1) == std::vector<double>{1.0 / 256});
  CHECK(slopes(4) == std::vector<double>{1.0 / 4, 1.0 / 16, 1.0 / 64, 1.0 / 256});
  CHECK(slopes(8) ==
        std::vector<double>{1.0 / 2, 1.0 / 4, 1.0 / 8, 1.0 / 16, 1.0 / 32, 1.0 / 64, 1.0 / 128, 1.0 / 256});
  CHECK(slopes(6) == std::vector<double>{1.0 / 4, 1.0 / 16, 1.0 / 64, 1.0 / 256, 1.0 / 2, 1.0 / 8});
  CHECK(slopes(16)[0] == std::sqrt(0.5));
  CHECK(alibi(4)(1, 7, 4) == -3.0 / 16);
  CHECK(alibi(4)(1, 4, 7) == -3.0 / 16);
  CHECK_THROWS_WITH_AS(alibi(0), "alibi: expected 1 to 128 heads, got 0", ConfigError);
  CHECK_THROWS_WITH_AS(alibi(129), "alibi: expected 1 to 128 heads, got 129", ConfigError);
}

TEST_CASE("a sliding window has as many positions as it is wide") {
  const auto score = sliding_window(3);
  for (Index key = 0; key < 12; ++key) {
    CHECK(score(0, 6, key) == (key > 3 && key < 9 ? 0 : -infinity));
  }
  CHECK_THROWS_WITH_AS(sliding_window(0), "sliding_window: the width must be positive, got 0", ConfigError);
}

TEST_CASE_TEMPLATE("a layer that reads a text piece by piece with a score has the bits of the whole text", Real,
                   float, double) {
  const Index C = 24, T = 150;
  for (const bool normed : {false, true}) {
    Random random(3);
    CausalSelfAttention<Real> layer(C, 4, 0, AttentionInit::linear, random,
                                    {.key_value_heads = 2, .head_width = 10, .query_key_norm = normed});
    layer.rotary.emplace(T, 10);
    Tensor<Real, 3> x({1, T, C});
    for (Real& value : x) value = static_cast<Real>(random.normal());
    const auto check = [&](const auto& score) {
      Tape<Real> tape(Mode::evaluate);
      const auto whole = layer(tape.input(x), score);
      Tape<Real> reading(Mode::evaluate);
      reading.groups().pack_all_weights(weight_packing<Real>(WeightFormat::full));
      KeyValueCache<Real> cache(T);
      for (Index begin = 0, end = 100; begin < T; begin = end, ++end) {
        Tensor<Real, 3> piece({1, end - begin, C});
        std::copy_n(x.data() + begin * C, piece.size(), piece.data());
        reading.reset();
        const auto y = layer.project(layer.attend(reading.input(piece), Queries::all, &cache, score));
        const auto last = layer.project(layer.attend(reading.input(piece), Queries::last, &cache, score));
        cache.advance(end - begin);
        require_same<Real>({y.value(), y.value() + y.size()},
                           {whole.value() + begin * C, whole.value() + end * C});
        require_same<Real>({last.value(), last.value() + C},
                           {whole.value() + (end - 1) * C, whole.value() + end * C});
      }
    };
    check(NoScore());
    check(alibi(4));
    check(sliding_window(20));
  }
}

TEST_CASE("what is read piece by piece must be causal") {
  const auto qkv = random_tensor({1, 2, 24}, "qkv");
  Tape<double> tape(Mode::evaluate);
  KeyValueCache<double> cache(4);
  CHECK_THROWS_WITH_AS(attention(tape.input(qkv), {.heads = 2, .causal = false}, cache.of(&qkv, 8)),
                       "attention: what is read piece by piece cannot see the keys to come; it must be causal",
                       ConfigError);
}
