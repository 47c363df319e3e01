// causal_attention against its definition, also where it takes several tiles.
#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "slm/autograd/grad_check.hpp"
#include "slm/autograd/ops/attention.hpp"
#include "slm/autograd/ops/elementwise.hpp"
#include "slm/autograd/ops/reduction.hpp"

using namespace slm;

namespace {

struct Case {
  Index B, queries, keys, heads, head_width;
  double spread = 1;  // of queries and keys: large ones make weights near zero and one

  Index width() const { return heads * head_width; }
};

Tensor<double, 3> random_tensor(const Shape<3>& shape, const char* name, double spread = 1) {
  Tensor<double, 3> x(shape);
  Random random(1, name);
  for (double& value : x) value = spread * random.normal();
  return x;
}

/// softmax(q kᵀ / √D) v by the definition. q (B, queries, C), kv (B, keys, 2C).
std::vector<double> attention(const Tensor<double, 3>& q, const Tensor<double, 3>& kv, const Case& size) {
  const Index C = size.width(), D = size.head_width;
  std::vector<double> y(static_cast<std::size_t>(size.B * size.queries * C));
  for (Index row = 0; row < size.B * size.queries; ++row) {
    const Index b = row / size.queries;
    const Index position = size.keys - size.queries + row % size.queries;
    for (Index at = 0; at < C; at += D) {
      const auto key = [&](Index t, Index d) { return kv.data()[(b * size.keys + t) * 2 * C + at + d]; };
      const auto value = [&](Index t, Index d) { return kv.data()[(b * size.keys + t) * 2 * C + C + at + d]; };
      std::vector<double> score;
      for (Index t = 0; t <= position; ++t) {
        double product = 0;
        for (Index d = 0; d < D; ++d) product += q.data()[row * C + at + d] * key(t, d);
        score.push_back(product / std::sqrt(static_cast<double>(D)));
      }
      const double highest = *std::max_element(score.begin(), score.end());
      double total = 0;
      for (double& s : score) total += s = std::exp(s - highest);
      for (Index t = 0; t <= position; ++t) {
        const double weight = score[static_cast<std::size_t>(t)] / total;
        for (Index d = 0; d < D; ++d) y[static_cast<std::size_t>(row * C + at + d)] += weight * value(t, d);
      }
    }
  }
  return y;
}

std::vector<double> values(Var<double, 3> x) { return {x.value(), x.value() + x.size()}; }

/// q (B, T, C) and kv (B, T, 2C) side by side.
Tensor<double, 3> pack(const Tensor<double, 3>& q, const Tensor<double, 3>& kv) {
  const Index C = q.extent(2), rows = q.extent(0) * q.extent(1);
  Tensor<double, 3> packed({q.extent(0), q.extent(1), 3 * C});
  for (Index n = 0; n < rows; ++n) {
    std::copy_n(q.data() + n * C, C, packed.data() + n * 3 * C);
    std::copy_n(kv.data() + n * 2 * C, 2 * C, packed.data() + n * 3 * C + C);
  }
  return packed;
}

/// The attention weights after dropout, (B, T, T): the values are the unit vectors.
std::vector<double> weights(Tape<double>& tape, Index B, Index T, double dropout) {
  const auto q = random_tensor({B, T, T}, "q");
  auto kv = random_tensor({B, T, 2 * T}, "kv");
  for (Index b = 0; b < B; ++b) {
    for (Index t = 0; t < T; ++t) {
      for (Index d = 0; d < T; ++d) kv.data()[((b * T + t) * 2 + 1) * T + d] = t == d;
    }
  }
  return values(causal_attention(tape.input(q), tape.input(kv), 1, dropout));
}

}  // namespace

TEST_CASE("causal_attention follows its definition") {
  for (const Case& size :
       {Case{2, 1, 1, 1, 4}, Case{2, 7, 7, 3, 2}, Case{1, 32, 32, 1, 4}, Case{1, 33, 33, 1, 4},
        Case{1, 128, 128, 1, 2}, Case{2, 131, 131, 2, 5}, Case{1, 300, 300, 1, 4, 8}, Case{2, 1, 9, 2, 3},
        Case{1, 5, 140, 2, 3, 8}, Case{1, 100, 290, 1, 4, 8}}) {
    INFO(size.queries, " queries, ", size.keys, " keys, ", size.heads, " heads, spread ", size.spread);
    const auto q = random_tensor({size.B, size.queries, size.width()}, "q", size.spread);
    const auto kv = random_tensor({size.B, size.keys, 2 * size.width()}, "kv", size.spread);
    const auto expected = attention(q, kv, size);
    Tape<double> tape;
    CHECK(relative_error(values(causal_attention(tape.input(q), tape.input(kv), size.heads)), expected) <=
          1e-14);
    if (size.queries == size.keys) {
      const auto packed = pack(q, kv);
      CHECK(relative_error(values(causal_attention(tape.input(packed), size.heads)), expected) <= 1e-14);
    }
  }
}

TEST_CASE("dropout takes out a share p of the attention weights and scales the rest") {
  constexpr Index B = 3, T = 150;  // two tiles of keys
  constexpr double p = 0.25;
  Tape<double> tape;
  tape.reset(Random(2));
  const auto all = weights(tape, B, T, 0), dropped = weights(tape, B, T, p), again = weights(tape, B, T, p);
  Index seen = 0, zero = 0, zero_in_both = 0;
  double largest_error = 0;
  for (std::size_t i = 0; i < all.size(); ++i) {
    const auto query = static_cast<Index>(i) / T % T, key = static_cast<Index>(i) % T;
    if (key > query) {
      REQUIRE(all[i] == 0);
      REQUIRE(dropped[i] == 0);
      continue;
    }
    ++seen;
    zero += dropped[i] == 0;
    zero_in_both += dropped[i] == 0 && again[i] == 0;
    if (dropped[i] != 0) largest_error = std::max(largest_error, std::abs(dropped[i] * (1 - p) / all[i] - 1));
  }
  CHECK(largest_error <= 1e-12);
  const auto share = [&](Index count) { return static_cast<double>(count) / static_cast<double>(seen); };
  const auto bound = [&](double q) { return 5 * std::sqrt(q * (1 - q) / static_cast<double>(seen)); };
  CHECK(std::abs(share(zero) - p) <= bound(p));
  CHECK(std::abs(share(zero_in_both) - p * p) <= bound(p * p));
}

TEST_CASE("attention dropout differs from row to row and is off in evaluation") {
  constexpr Index B = 2, T = 32;
  Tape<double> tape, evaluate(Mode::evaluate);
  tape.reset(Random(3));
  const auto dropped = weights(tape, B, T, 0.5);
  const auto row = [&](Index b, Index query) {  // which of the first 17 keys are out
    std::vector<bool> out;
    for (Index key = 0; key < 17; ++key)
      out.push_back(dropped[static_cast<std::size_t>((b * T + query) * T + key)] == 0);
    return out;
  };
  for (Index query = 17; query < T; ++query) {
    CHECK(row(0, query) != row(1, query));
    if (query > 17) CHECK(row(0, query) != row(0, query - 1));
  }
  CHECK(weights(evaluate, B, T, 0.5) == weights(evaluate, B, T, 0));
}

TEST_CASE("the memory of attention grows with T, not with its square") {
  for (const double dropout : {0.0, 0.5}) {
    const auto bytes = [&](Index T) {
      const auto qkv = random_tensor({1, T, 24}, "qkv");
      Tape<double> tape;
      tape.reset(Random(1));
      tape.backward(sum(causal_attention(tape.input(qkv, true), 2, dropout)));
      return tape.high_water();
    };
    CHECK(bytes(1024) <= 8 * bytes(128));
  }
}
