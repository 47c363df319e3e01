#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "slm/autograd/map_sequences.hpp"
#include "slm/autograd/ops.hpp"

using namespace slm;

namespace {

constexpr Index count = 100'000;

Tensor<double, 1> ones() {
  Tensor<double, 1> x({count});
  std::fill(x.begin(), x.end(), 1.0);
  return x;
}

std::vector<double> mask(Tape<double>& tape, const Tensor<double, 1>& x, double p) {
  const auto y = dropout(tape.input(x, true), p);
  return {y.value(), y.value() + y.size()};
}

/// How many elements two masks drop or keep alike.
double agreement(const std::vector<double>& a, const std::vector<double>& b) {
  Index same = 0;
  for (std::size_t i = 0; i < a.size(); ++i) same += (a[i] == 0) == (b[i] == 0);
  return static_cast<double>(same) / static_cast<double>(a.size());
}

}  // namespace

TEST_CASE("dropout keeps a share of 1 - p, scaled so that the mean stays") {
  const auto x = ones();
  for (const double p : {0.01, 0.1, 0.5, 0.9}) {
    INFO("p = ", p);
    Tape<double> tape;
    tape.reset(Random(1));
    const double exact_p = std::round(p * 65536) / 65536;  // as documented
    double total = 0;
    Index kept = 0;
    bool scaled = true;
    for (const double y : mask(tape, x, p)) {
      total += y;
      kept += y != 0;
      scaled = scaled && (y == 0 || std::abs(y * (1 - exact_p) - 1) < 1e-15);
    }
    CHECK(scaled);
    const double deviation = std::sqrt(p * (1 - p) / count);
    CHECK(std::abs(static_cast<double>(kept) / count - (1 - p)) <= 5 * deviation);
    CHECK(std::abs(total / count - 1) <= 5 * deviation / (1 - p));
  }
}

TEST_CASE("dropout's gradient passes where its value did") {
  const auto data = ones();
  Tape<double> tape;
  tape.reset(Random(2));
  const auto x = tape.input(data, true);
  const auto y = dropout(x, 0.3);
  const std::vector<double> value(y.value(), y.value() + count);
  tape.backward(sum(y));
  CHECK(std::vector<double>(x.grad(), x.grad() + count) == value);
}

TEST_CASE("every call of dropout in a step, and every step, has a mask of its own") {
  const auto x = ones();
  Tape<double> tape;
  tape.reset(Random(3).child(0));
  const auto first = mask(tape, x, 0.5), second = mask(tape, x, 0.5);
  tape.reset(Random(3).child(1));
  const auto next_step = mask(tape, x, 0.5);
  tape.reset(Random(3).child(0));
  CHECK(mask(tape, x, 0.5) == first);
  const double five_deviations = 5 * 0.5 / std::sqrt(static_cast<double>(count));
  CHECK(std::abs(agreement(first, second) - 0.5) <= five_deviations);
  CHECK(std::abs(agreement(first, next_step) - 0.5) <= five_deviations);
  // Nor do neighbours in one mask go together.
  for (const std::size_t distance : std::vector<std::size_t>{1, 2, 16, 32, 64, 128, 256}) {
    const std::vector<double> start(first.begin(), first.end() - static_cast<std::ptrdiff_t>(distance));
    const std::vector<double> end(first.begin() + static_cast<std::ptrdiff_t>(distance), first.end());
    INFO("distance ", distance);
    CHECK(std::abs(agreement(start, end) - 0.5) <= five_deviations);
  }
}

TEST_CASE("a step that was given no random stream cannot drop out") {
  const auto x = ones();
  Tape<double> tape;
  const auto message =
      doctest::Contains("dropout: to drop with probability 0.5 in training, the tape needs a stream");
  CHECK_THROWS_WITH_AS(mask(tape, x, 0.5), message, ConfigError);
  tape.reset(Random(1));
  CHECK_NOTHROW(mask(tape, x, 0.5));
  tape.reset();
  CHECK_THROWS_WITH_AS(mask(tape, x, 0.5), message, ConfigError);
  CHECK_NOTHROW(mask(tape, x, 0));
  Tape<double> evaluation(Mode::evaluate);
  CHECK_NOTHROW(mask(evaluation, x, 0.5));

  const Tensor<double, 3> sequences({2, 3, 4});
  const auto drop = [](auto part) { return std::array{dropout(part, 0.5)}; };
  CHECK_THROWS_WITH_AS(map_sequences<1>(tape.input(sequences), {Shape<2>{3, 4}}, drop), message, ConfigError);
}

TEST_CASE("dropout is the identity in evaluation and at p = 0") {
  const auto data = ones();
  Tape<double> evaluate(Mode::evaluate), train;
  const auto x = evaluate.input(data);
  CHECK(&dropout(x, 0.5).node() == &x.node());
  const auto z = train.input(data, true);
  CHECK(&dropout(z, 0).node() == &z.node());
}

TEST_CASE(
    "the draws of dropout are uniform, and go together neither along nor across rows, blocks and streams") {
  constexpr Index rows = 60, blocks = 30;
  const auto draw = [](const Random& stream, Index row, Index block) {
    std::vector<std::uint16_t> draws(kernels::dropout_block);
    kernels::dropout_draws<double>(stream, static_cast<std::uint64_t>(row), block, draws.data());
    return draws;
  };
  const Random stream = Random(4).child(0), next_stream = Random(4).child(1);
  std::vector<double> seen(256), seen_low(256);
  // For each relation between draws: how often each of their 16 bits differs.
  const std::vector<const char*> relations{"next row", "next block", "next stream", "next draw", "64 on"};
  std::vector<std::vector<double>> differs(relations.size(), std::vector<double>(16));
  for (Index row = 0; row < rows; ++row) {
    for (Index block = 0; block < blocks; ++block) {
      const auto here = draw(stream, row, block);
      const std::vector<std::vector<std::uint16_t>> others{
          draw(stream, row + 1, block), draw(stream, row, block + 1), draw(next_stream, row, block)};
      for (std::size_t i = 0; i < here.size(); ++i) {
        ++seen[here[i] >> 8];
        ++seen_low[here[i] & 255];
        const std::uint16_t partners[] = {others[0][i], others[1][i], others[2][i], here[(i + 1) % here.size()],
                                          here[(i + 64) % here.size()]};
        for (std::size_t r = 0; r < relations.size(); ++r) {
          for (std::size_t bit = 0; bit < 16; ++bit) differs[r][bit] += (here[i] ^ partners[r]) >> bit & 1;
        }
      }
    }
  }
  constexpr double total = rows * blocks * kernels::dropout_block;
  for (std::size_t r = 0; r < relations.size(); ++r) {
    for (std::size_t bit = 0; bit < 16; ++bit) {
      INFO(relations[r], ", bit ", bit);
      CHECK(std::abs(differs[r][bit] / total - 0.5) <= 5 * 0.5 / std::sqrt(total / 2));
    }
  }
  for (const auto& counts : {seen, seen_low}) {
    double chi_square = 0;
    for (const double n : counts) chi_square += (n - total / 256) * (n - total / 256) / (total / 256);
    CHECK(chi_square <= 255 + 5 * std::sqrt(2 * 255.0));
  }
}

TEST_CASE("the draws of dropout stay what they are, so that results of a seed can be had again") {
  // From a program in another language. A word gives two draws, half a block apart.
  std::vector<std::uint16_t> draws(kernels::dropout_block);
  kernels::dropout_draws<float>(Random(689, "weights").child(3), 7, 2, draws.data());
  using Draws = std::vector<std::uint16_t>;
  CHECK(Draws(draws.begin(), draws.begin() + 4) == Draws{35358, 31027, 53118, 26337});
  CHECK(Draws(draws.begin() + 64, draws.begin() + 68) == Draws{34336, 63113, 1660, 9805});
}

TEST_CASE("evaluating between steps changes nothing in training") {
  const auto train = [](int evaluations) {
    Tokens<2> tokens({4, 6});
    Tokens<1> targets({4});
    for (Index i = 0; i < tokens.size(); ++i) tokens.data()[i] = static_cast<Token>(i % 7);
    Parameter<float, 2> table({7, 8}), weight({7, 48});
    Random random(5);
    for (float& w : table.value) w = static_cast<float>(random.normal());
    for (float& w : weight.value) w = static_cast<float>(random.normal());
    Tape<float> tape, evaluation(Mode::evaluate);
    const auto loss = [&](Tape<float>& t) {
      const auto h = dropout(concat_window(embedding(tokens, t.use(table))), 0.25);
      return cross_entropy(linear(dropout(h, 0.5), t.use(weight)), targets);
    };
    for (std::uint64_t step = 0; step < 5; ++step) {
      tape.reset(random.child(step));
      tape.backward(loss(tape));
      for (Index i = 0; i < weight.value.size(); ++i) {
        weight.value.data()[i] -= 0.1F * weight.grad.data()[i];
        weight.grad.data()[i] = 0;
      }
      for (int i = 0; i < evaluations; ++i) {
        evaluation.reset();
        loss(evaluation);
      }
    }
    return std::vector<float>(weight.value.begin(), weight.value.end());
  };
  const auto expected = train(0);
  CHECK(train(1) == expected);
  CHECK(train(3) == expected);
}
