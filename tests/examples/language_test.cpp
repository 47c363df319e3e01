#include "synthetic/language.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <map>
#include <numeric>
#include <string>
#include <vector>

#include "error_message.hpp"
#include "synthetic/language_entropy.hpp"

using namespace slm;
using namespace slm::synthetic;
using slm_test::has;
using slm_test::message_of;

namespace {

constexpr std::size_t over = Language::paragraph_end;

/// A small language with all there is: weights, shared beginnings, a branch, a paragraph that ends early,
/// and a last word that depends on the first one.
Language tiny_language() {
  Language language;
  const std::size_t last = language.add(
      {.rows = {{{.text = "a.", .weight = 1}, {.text = "bb.", .weight = 3}},
                {{.text = "ab.", .weight = 2}, {.text = "b.", .weight = 1}, {.text = "aab", .weight = 1}}},
       .given = 0});
  const std::size_t middle = language.add({.rows = {{{.text = "b", .weight = 1, .next = last, .value = 5},
                                                     {.text = "ab", .weight = 2, .next = last, .value = 6},
                                                     {.text = "aa", .weight = 1, .next = over}}},
                                           .keep = 1});
  language.add({.rows = {{{.text = "a", .weight = 2, .next = middle, .value = 0},
                          {.text = "ba", .weight = 1, .next = middle, .value = 1},
                          {.text = "bb", .weight = 3, .next = last, .value = 1}}},
                .keep = 0});
  return language;
}

struct Paragraph {
  std::string text;
  double probability;
};

/// All paragraphs of `tiny_language`, multiplied out by hand.
const std::vector<Paragraph> paragraphs = {
    // a: 2/6, then b: 1/4, ab: 2/4, aa: 1/4 (end), then a. 1/4, bb. 3/4
    {"aba.", 2. / 6 * 1 / 4 * 1 / 4},
    {"abbb.", 2. / 6 * 1 / 4 * 3 / 4},
    {"aaba.", 2. / 6 * 2 / 4 * 1 / 4},
    {"aabbb.", 2. / 6 * 2 / 4 * 3 / 4},
    {"aaa", 2. / 6 * 1 / 4},
    // ba: 1/6, then as before, then ab. 2/4, b. 1/4, aab 1/4
    {"babab.", 1. / 6 * 1 / 4 * 2 / 4},
    {"babb.", 1. / 6 * 1 / 4 * 1 / 4},
    {"babaab", 1. / 6 * 1 / 4 * 1 / 4},
    {"baabab.", 1. / 6 * 2 / 4 * 2 / 4},
    {"baabb.", 1. / 6 * 2 / 4 * 1 / 4},
    {"baabaab", 1. / 6 * 2 / 4 * 1 / 4},
    {"baaa", 1. / 6 * 1 / 4},
    // bb: 3/6, then ab. 2/4, b. 1/4, aab 1/4
    {"bbab.", 3. / 6 * 2 / 4},
    {"bbb.", 3. / 6 * 1 / 4},
    {"bbaab", 3. / 6 * 1 / 4}};

/// Adds to `mass` how likely each string of `length` is, given `text` so far, by going through paragraphs.
void enumerate(const std::string& text, double probability, std::size_t length,
               std::map<std::string, double>& mass) {
  if (text.size() >= length) {
    mass[text.substr(0, length)] += probability;
    return;
  }
  for (const Paragraph& paragraph : paragraphs) {
    enumerate(text + paragraph.text, probability * paragraph.probability, length, mass);
  }
}

/// p(text) by the chain of conditional probabilities; 0 where a character cannot follow.
double chain(const Language& language, const std::string& text) {
  try {
    const std::vector<double> nll = language.nll(text);
    return std::exp(-std::accumulate(nll.begin(), nll.end(), 0.0));
  } catch (const DataError&) {
    return 0;
  }
}

}  // namespace

TEST_CASE("the probabilities of all strings sum to 1 and are those of the process") {
  const Language language = tiny_language();
  const std::string alphabet = language.characters();
  CHECK(alphabet == ".ab");
  for (std::size_t length = 1; length <= 8; ++length) {
    std::map<std::string, double> expected;
    enumerate("", 1, length, expected);
    std::size_t strings = 1;
    for (std::size_t i = 0; i < length; ++i) strings *= alphabet.size();
    double sum = 0;
    for (std::size_t number = 0; number < strings; ++number) {
      std::string text;
      for (std::size_t i = 0, rest = number; i < length; ++i, rest /= 3) text += alphabet[rest % 3];
      const double probability = chain(language, text);
      CAPTURE(text);
      const auto found = expected.find(text);
      REQUIRE(probability == doctest::Approx(found == expected.end() ? 0 : found->second).epsilon(1e-12));
      sum += probability;
    }
    CHECK(sum == doctest::Approx(1).epsilon(1e-12));
  }
}

TEST_CASE("sampled frequencies are the probabilities") {
  const Language language = tiny_language();
  constexpr int samples = 20'000;
  std::map<std::string, int> times;
  for (int i = 0; i < samples; ++i) {
    ++times[language.sample(5, Random(11).child(static_cast<std::uint64_t>(i)))];
  }
  std::map<std::string, double> expected;
  enumerate("", 1, 5, expected);
  for (const auto& entry : expected) {
    const std::string& text = entry.first;
    const double probability = entry.second;
    CAPTURE(text);
    const double deviation = std::sqrt(samples * probability * (1 - probability));
    CHECK(std::abs(times[text] - samples * probability) < 4.5 * deviation);
  }
  for (const auto& [text, count] : times) CHECK(expected.count(text) == 1);
}

TEST_CASE("entropy_rate is that of all paragraphs multiplied out, and the mean NLL approaches it") {
  const Language language = tiny_language();
  double nats = 0, characters = 0, total = 0;
  for (const auto& [text, probability] : paragraphs) {
    nats -= probability * std::log(probability);
    characters += probability * static_cast<double>(text.size());
    total += probability;
  }
  REQUIRE(total == doctest::Approx(1).epsilon(1e-12));
  CHECK(entropy_rate(language) == doctest::Approx(nats / characters).epsilon(1e-12));

  const std::vector<double> nll = language.nll(language.sample(200'000, Random(3)));
  const double mean = std::accumulate(nll.begin(), nll.end(), 0.0) / 200'000;
  CHECK(mean == doctest::Approx(entropy_rate(language)).epsilon(0.01));
}

TEST_CASE("a sample is a function of the stream and begins with a paragraph") {
  const Language language = tiny_language();
  const std::string text = language.sample(100, Random(1, "a"));
  CHECK(text.size() == 100);
  CHECK(language.sample(100, Random(1, "a")) == text);
  CHECK(language.sample(100, Random(2, "a")) != text);
  CHECK(language.sample(40, Random(1, "a")) == text.substr(0, 40));
  CHECK(language.sample(0, Random(1)).empty());
  CHECK(language.nll("").empty());
}

TEST_CASE("nll names the character that cannot follow") {
  const Language language = tiny_language();
  CHECK(has(message_of<DataError>([&] { language.nll("x"); }), "position 0"));
  CHECK(has(message_of<DataError>([&] { language.nll("aba.aab."); }), "position 7"));
  CHECK(has(message_of<DataError>([&] { language.nll("bbb.bba."); }), "position 7"));
}

TEST_CASE("add refuses a language that is not exact") {
  const auto error = [](const Language::Step& step) {
    Language language;
    language.add({.rows = {{{.text = "x"}}, {{.text = "y"}}}, .given = 0});
    return message_of<ConfigError>([&] { language.add(step); });
  };
  CHECK(error({.rows = {{{.text = "a"}, {.text = "b"}}}}) == "no error");
  CHECK(has(error({.rows = {{{.text = "a"}, {.text = "ab"}}}}), "of 'ab' and 'a' one begins with the other"));
  CHECK(has(error({.rows = {{{.text = "a"}, {.text = "a"}}}}), "one begins with the other"));
  CHECK(has(error({.rows = {{{.text = ""}}}}), "without text"));
  CHECK(has(error({.rows = {{{.text = "a", .weight = 0}}}}), "weight of 'a' is not positive"));
  CHECK(has(error({.rows = {{{.text = "a", .next = 1}}}}), "not added before"));
  CHECK(has(error({.rows = {}}), "no row"));
  CHECK(has(error({.rows = {{}}}), "row without options"));
  CHECK(has(error({.rows = {{{.text = "a"}}, {{.text = "b"}}}}), "no memory cell"));
  CHECK(has(error({.rows = {{{.text = "a", .value = 2}}}, .keep = 0}), "no row"));
  CHECK(error({.rows = {{{.text = "a", .value = 2}}}, .keep = 1}) == "no error");
  CHECK(has(error({.rows = {{{.text = "a", .next = 0}}, {{.text = "b"}}}, .given = 0}), "leads elsewhere"));
  CHECK(has(error({.rows = {{{.text = "a", .weight = 2}}, {{.text = "b", .weight = 3}}}, .given = 0}),
            "leads elsewhere"));
  CHECK_THROWS_AS(Language().sample(1, Random(1)), ConfigError);
  CHECK_THROWS_AS(entropy_rate(Language()), ConfigError);
}
