// n-gram models against their definitions, counted naively.
#include <cmath>
#include <map>
#include <set>

#include "error_message.hpp"
#include "nn/module_test_support.hpp"
#include "slm/flops/model_cost.hpp"
#include "slm/generate/sample.hpp"
#include "slm/models/ngram_lm.hpp"
#include "slm/train/evaluate_text.hpp"
#include "slm/train/loss.hpp"

using namespace module_test;
using doctest::Approx;
using slm_test::has;
using slm_test::message_of;

namespace {

using Text = std::vector<Token>;

/// A text in which some tokens are rare and some follow others often.
Text random_text(Index size, Index V, const char* stream = "text") {
  Text text;
  Random random(seed, stream);
  for (Index i = 0; i < size; ++i) {
    const Index a = random.below(V), b = random.below(V);
    const bool follows = i > 1 && random.uniform() < 0.5;
    text.push_back(follows ? static_cast<Token>((text.back() + text[text.size() - 2]) % V)
                           : static_cast<Token>(std::min(a, b)));
  }
  return text;
}

/// p(token | context) as the papers write it, from lists of n-grams.
class Naive {
 public:
  Naive(const Text& text, const NgramConfig& config) : config_(config) {
    for (std::size_t length = 0; length <= static_cast<std::size_t>(config.context); ++length) {
      std::map<Text, std::set<Token>> neighbours;
      for (std::size_t end = length + 1; end <= text.size(); ++end) {
        const Text ngram(text.begin() + static_cast<std::ptrdiff_t>(end - length - 1),
                         text.begin() + static_cast<std::ptrdiff_t>(end));
        ++occurrences_[ngram];
        neighbours[ngram].insert(end - length - 1 == 0 ? -1 : text[end - length - 2]);
      }
      for (const auto& [ngram, tokens] : neighbours) neighbours_[ngram] = static_cast<double>(tokens.size());
    }
  }

  double operator()(const Text& context, Token token) const {
    const auto V = static_cast<double>(config_.vocabulary);
    const double shorter = context.empty() ? 1 / V : (*this)(Text(context.begin() + 1, context.end()), token);
    double total = 0, types = 0, taken = 0;
    for (Token follower = 0; follower < config_.vocabulary; ++follower) {
      const double count = count_of(context, follower);
      total += count;
      types += count > 0;
      if (count > 0) taken += discount(context.size(), count);
    }
    if (types == 0) return shorter;
    const double count = count_of(context, token);
    if (config_.smoothing == Smoothing::witten_bell) return (count + types * shorter) / (total + types);
    const double discounted = count > 0 ? count - discount(context.size(), count) : 0;
    return discounted / total + taken / total * shorter;
  }

 private:
  double count_of(Text context, Token token) const {
    const bool longest = context.size() == static_cast<std::size_t>(config_.context);
    context.push_back(token);
    const auto& counts = longest || config_.smoothing == Smoothing::witten_bell ? occurrences_ : neighbours_;
    const auto found = counts.find(context);
    return found == counts.end() ? 0 : found->second;
  }

  double discount(std::size_t length, double count) const {
    std::array<double, 5> n = {};
    const auto& counts = length == static_cast<std::size_t>(config_.context) ? occurrences_ : neighbours_;
    for (const auto& [ngram, its] : counts) {
      if (ngram.size() == length + 1 && its <= 4) n[static_cast<std::size_t>(its)] += 1;
    }
    const double Y = n[1] / (n[1] + 2 * n[2]);
    const std::array<double, 4> D = {0, 1 - 2 * Y * n[2] / n[1], 2 - 3 * Y * n[3] / n[2],
                                     3 - 4 * Y * n[4] / n[3]};
    const std::array<double, 4> fixed = {0, 0.5, 1, 1.5};
    const bool usable = n[1] > 0 && n[2] > 0 && n[3] > 0 && n[4] > 0 && D[2] > 0 && D[3] > 0;
    return (usable ? D : fixed)[static_cast<std::size_t>(std::min(count, 3.0))];
  }

  NgramConfig config_;
  std::map<Text, double> occurrences_, neighbours_;
};

constexpr std::array smoothings = {Smoothing::kneser_ney, Smoothing::witten_bell};

template <Scalar Real, std::size_t Rank>
std::vector<double> numbers(Var<Real, Rank> x) {
  return as_doubles(x);
}

}  // namespace

TEST_CASE("n-grams: probabilities are those of the definition, of every context there is and others") {
  constexpr Index V = 5;
  const Text text = random_text(300, V);
  for (const Smoothing smoothing : smoothings) {
    for (Index context = 0; context <= 3; ++context) {
      CAPTURE(name_of(smoothing));
      CAPTURE(context);
      const NgramConfig config{.vocabulary = V, .context = context, .smoothing = smoothing};
      const NgramLM<double> model(config, text);
      const Naive naive(text, config);
      double difference = 0;
      // All contexts of every length up to the longest, and one that is longer.
      for (Index code = 0; code < V * V * V * V; ++code) {
        for (Index length = 0; length <= context; ++length) {
          Text window;
          for (Index i = 0, rest = code; i < length; ++i, rest /= V)
            window.push_back(static_cast<Token>(rest % V));
          const auto token = static_cast<Token>(code / (V * V * V));
          difference = std::max(difference, std::abs(model.probability(token, window) - naive(window, token)));
          if (length == context) {
            const double p = model.probability(token, window);
            window.insert(window.begin(), token);
            CHECK(model.probability(token, window) == p);
          }
        }
      }
      CHECK(difference <= 1e-14);
    }
  }
}

TEST_CASE("n-grams: by hand") {
  // a b a c: b and c follow a, a follows b.
  const Text text = {0, 1, 0, 2};
  const NgramLM<double> witten({.vocabulary = 4, .context = 1, .smoothing = Smoothing::witten_bell}, text);
  const auto alone = [](double count) { return (count + 3.0 / 4) / (4 + 3); };  // 4 tokens of 3 types
  CHECK(witten.probability(0, {}) == Approx(alone(2)).epsilon(1e-15));
  CHECK(witten.probability(3, {}) == Approx(alone(0)).epsilon(1e-15));
  CHECK(witten.probability(1, Text{0}) == Approx((1 + 2 * alone(1)) / (2 + 2)).epsilon(1e-15));
  CHECK(witten.probability(1, Text{1}) == Approx((0 + 1 * alone(1)) / (1 + 1)).epsilon(1e-15));
  CHECK(witten.probability(1, Text{2}) == witten.probability(1, {}));  // nothing follows c

  // In front of a stand the beginning and b, in front of b and c stands a. Discounts are ½, 1 and 1½: there are
  // too few counts to estimate them.
  const NgramLM<double> kneser({.vocabulary = 4, .context = 1}, text);
  const auto lower = [](double discounted) { return (discounted + 2 * 1.0 / 4) / 4; };  // rest 1 + ½ + ½ of 4
  CHECK(kneser.probability(0, {}) == Approx(lower(2 - 1)).epsilon(1e-15));
  CHECK(kneser.probability(1, {}) == Approx(lower(1 - 0.5)).epsilon(1e-15));
  CHECK(kneser.probability(3, {}) == Approx(lower(0)).epsilon(1e-15));
  CHECK(kneser.probability(1, Text{0}) == Approx((1 - 0.5 + 1 * lower(0.5)) / 2).epsilon(1e-15));
}

TEST_CASE("n-grams: discounts are those of Chen and Goodman, and fixed where counts of counts are missing") {
  const auto D = detail::discounts({100, 40, 20, 10});
  const double Y = 100.0 / 180;
  CHECK(D[1] == Approx(1 - 2 * Y * 40 / 100));
  CHECK(D[2] == Approx(2 - 3 * Y * 20 / 40));
  CHECK(D[3] == Approx(3 - 4 * Y * 10 / 20));
  const std::array<double, 4> fixed = {0, 0.5, 1, 1.5};
  CHECK(detail::discounts({0, 40, 20, 10}) == fixed);
  CHECK(detail::discounts({100, 0, 20, 10}) == fixed);
  CHECK(detail::discounts({100, 40, 0, 10}) == fixed);
  CHECK(detail::discounts({100, 40, 20, 0}) == fixed);
  CHECK(detail::discounts({0, 0, 0, 0}) == fixed);
  CHECK(detail::discounts({100, 10, 90, 10}) == fixed);  // D₂ would be negative
}

TEST_CASE("n-grams: probabilities add up to one at every order, after contexts that were seen and others") {
  constexpr Index V = 40;
  const Text text = random_text(4000, V);
  for (const Smoothing smoothing : smoothings) {
    for (Index context = 0; context <= 7; ++context) {
      const NgramLM<double> model({.vocabulary = V, .context = context, .smoothing = smoothing}, text);
      double worst = 0, least = 1;
      const auto add_up = [&](std::span<const Token> window) {
        double sum = 0;
        for (Token token = 0; token < V; ++token) {
          const double p = model.probability(token, window);
          least = std::min(least, p);
          sum += p;
        }
        worst = std::max(worst, std::abs(sum - 1));
      };
      for (std::size_t at = 0; at < text.size(); at += 97) {
        add_up(std::span(text).first(at));
        const Text other = random_text(8, V, "other");
        add_up(std::span(other).first(at % 9));
      }
      CAPTURE(name_of(smoothing));
      CAPTURE(context);
      CHECK(worst <= 1e-12);
      CHECK(least > 0);
    }
  }
}

TEST_CASE_TEMPLATE("n-grams: logits are log probabilities, at the end of a window and at each position", Real,
                   float, double) {
  constexpr Index V = 11, B = 3, T = 6;
  const Text text = random_text(500, V);
  const double bound = std::is_same_v<Real, float> ? 2e-6 : 1e-13;
  for (const Smoothing smoothing : smoothings) {
    const NgramLM<Real> model({.vocabulary = V, .context = 2, .smoothing = smoothing}, text);
    const Tokens<2> tokens = random_tokens<2>({B, T}, V);
    Tape<Real> tape(Mode::evaluate);
    const auto each = numbers(model(tape, tokens)), last = numbers(model.next_token(tape, tokens));
    REQUIRE(each.size() == B * T * V);
    for (Index b = 0; b < B; ++b) {
      for (Index t = 0; t < T; ++t) {
        for (Index v = 0; v < V; ++v) {
          const std::span<const Token> seen(tokens.data() + b * T, static_cast<std::size_t>(t) + 1);
          const double logit = each[static_cast<std::size_t>((b * T + t) * V + v)];
          CHECK(std::abs(logit - std::log(model.probability(static_cast<Token>(v), seen))) <= bound);
          if (t == T - 1) CHECK(last[static_cast<std::size_t>(b * V + v)] == logit);
        }
      }
    }
    const auto empty = numbers(model.next_token(tape, Tokens<2>({1, 0})));
    CHECK(std::abs(empty[4] - std::log(model.probability(4, {}))) <= bound);
  }
}

TEST_CASE("n-grams: 1, 2 and 3 threads give the same bits") {
  const slm_test::Threads restored;
  constexpr Index V = 11;
  const NgramLM<float> model({.vocabulary = V, .context = 3}, random_text(500, V));
  const Tokens<2> tokens = random_tokens<2>({40, 6}, V);
  const auto run = [&](int threads) {
    set_threads(threads);
    Tape<float> tape(Mode::evaluate);
    return numbers(model(tape, tokens));
  };
  const auto expected = run(1);
  CHECK(run(2) == expected);
  CHECK(run(3) == expected);
}

TEST_CASE("n-grams: they evaluate and sample as other models do") {
  constexpr Index V = 6;
  Text cycle;
  for (int i = 0; i < 120; ++i) cycle.push_back(static_cast<Token>(i % V));
  const NgramLM<float> model({.vocabulary = V, .context = 2}, cycle);
  const auto next = generate(model, std::span<const Token>(cycle).first(2), 7, {.temperature = 0}, Random(1));
  CHECK(next == Text{2, 3, 4, 5, 0, 1, 2});
  const SampleConfig hot{.temperature = 3};
  CHECK(generate(model, std::span<const Token>(cycle).first(1), 50, hot, Random(1)) ==
        generate(model, std::span<const Token>(cycle).first(1), 50, hot, Random(1)));

  const NgramLM<float> alone({.vocabulary = V, .context = 0}, cycle);
  CHECK(generate(alone, std::span<const Token>(cycle).first(1), 5, {}, Random(1)).size() == 5);
  CHECK(evaluate(alone, SequentialWindows<>(cycle, 3, 4, 20)) == Approx(std::log(6)).epsilon(1e-5));
  const double each = evaluate(model, SequentialWindows<SequenceBatch>(cycle, 8, 4, 12, 8));
  const double last = evaluate(model, SequentialWindows<>(cycle, 8, 4, 60));
  CHECK(last < each);  // the first position of a window sees one token alone
  CHECK(each < 0.5);
}

TEST_CASE("n-grams: of a whole text every token is predicted from a whole context") {
  const Text seen = random_text(300, 5), text = random_text(700, 5, "another");  // longer than a window
  for (const Index context : {0, 1, 4}) {
    const NgramLM<double> model({.vocabulary = 5, .context = context}, seen);
    double nats = 0;
    for (std::size_t i = 1; i < text.size(); ++i)
      nats -= std::log(model.probability(text[i], std::span<const Token>(text).first(i)));
    const TextEvaluation found = evaluate(model, text);
    CHECK(found.tokens == 699);
    CHECK(found.nats_per_token == Approx(nats / 699).epsilon(1e-12));
  }
}

TEST_CASE("n-grams: before anything is counted all tokens are as likely") {
  const NgramLM<double> model({.vocabulary = 8, .context = 3});
  CHECK(model.probability(3, Text{1, 2}) == 0.125);
}

TEST_CASE("n-grams: they have nothing to train, and looking up is not counted") {
  const NgramConfig config{.vocabulary = 8, .context = 3};
  const auto cost = flops::model_cost(config, {.batch = 4, .mode = Mode::evaluate});
  CHECK(cost.total().forward == kernels::cross_entropy_costs({4, 8}).forward);
  CHECK(cost.parameters() == 0);
  const Text text = random_text(100, 8);
  const NgramLM<float> model(config, text);
  CHECK(parameter_count(model) == 0);
  Tape<float> tape;
  const auto loss = batch_loss(model, tape, SequentialWindows<>(text, 3, 4, 20).batch(0));
  CHECK(has(message_of<Error>([&] { tape.backward(loss); }), "depends on nothing that wants a gradient"));
}

TEST_CASE("n-grams: bad input is refused by name") {
  using Model = NgramLM<float>;
  const Text text = {0, 1, 7, 2};
  CHECK(message_of<RangeError>([&] { Model({.vocabulary = 7, .context = 1}, text); }) ==
        "NgramTable: token 7 at index 2 is outside the vocabulary 0 … 6");
  CHECK(has(message_of<DataError>([&] { Model({.vocabulary = 7, .context = 1}, Text()); }), "got 0"));
  for (const NgramConfig& bad : {NgramConfig{.vocabulary = 0, .context = 1},
                                 {.vocabulary = 3, .context = -1},
                                 {.vocabulary = 3, .context = 256}}) {
    CHECK(has(message_of<ConfigError>([&] { Model{bad}; }), "NgramLM: vocabulary "));
  }
  Model model({.vocabulary = 8, .context = 1}, text);
  Tape<float> tape(Mode::evaluate);
  Tokens<2> tokens({1, 1});
  tokens(0, 0) = 8;
  CHECK(has(message_of<RangeError>([&] { model.next_token(tape, tokens); }), "NgramLM: token 8"));
  CHECK(has(message_of<RangeError>([&] { model.probability(8, {}); }), "NgramLM: token 8"));
  const Model taken = std::move(model);
  tokens(0, 0) = 1;
  CHECK_NOTHROW(taken.next_token(tape, tokens));
  CHECK(message_of<Error>([&] { model.next_token(tape, tokens); }) == "NgramLM: the model was moved from");
}
