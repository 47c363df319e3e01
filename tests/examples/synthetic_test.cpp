#include "synthetic/corpus.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <numeric>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "error_message.hpp"

using namespace slm;
using namespace slm::synthetic;
using slm_test::has;
using slm_test::message_of;

namespace {

std::vector<std::string> words_of(const std::string& text) {
  std::istringstream stream(text);
  std::vector<std::string> words;
  for (std::string word; stream >> word;) words.push_back(word);
  return words;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::istringstream stream(text);
  std::vector<std::string> lines;
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

/// Mean NLL on `test` of the counts of character triples of `train`, one added to each.
double trigram_nll(const Corpus& corpus) {
  const auto V = static_cast<std::size_t>(corpus.vocabulary_size());
  std::vector<double> pairs(V * V, static_cast<double>(V)), triples(V * V * V, 1);
  const auto pair_at = [&](const std::vector<Token>& text, std::size_t i) {
    return static_cast<std::size_t>(text[i - 2]) * V + static_cast<std::size_t>(text[i - 1]);
  };
  for (std::size_t i = 2; i < corpus.train.size(); ++i) {
    const std::size_t pair = pair_at(corpus.train, i);
    ++pairs[pair];
    ++triples[pair * V + static_cast<std::size_t>(corpus.train[i])];
  }
  double nll = 0;
  for (std::size_t i = 2; i < corpus.test.size(); ++i) {
    const std::size_t pair = pair_at(corpus.test, i);
    nll -= std::log(triples[pair * V + static_cast<std::size_t>(corpus.test[i])] / pairs[pair]);
  }
  return nll / static_cast<double>(corpus.test.size() - 2);
}

const SyntheticCorpus& default_synthetic() {
  static const SyntheticCorpus made = synthetic_corpus();
  return made;
}

const Corpus& default_corpus() { return default_synthetic().corpus; }

}  // namespace

TEST_CASE("the synthetic corpus has the size of Tiny Shakespeare, and the same bytes everywhere") {
  const Corpus& corpus = default_corpus();
  CHECK(corpus.name == "synthetic");
  CHECK(corpus.train.size() == 892'117);
  CHECK(corpus.valid.size() == 111'669);
  CHECK(corpus.test.size() == 111'606);
  CHECK(corpus.vocabulary_size() < 65);
  CHECK(corpus.checksum == "04bc3e99885f72c2ad3d62ad17dad5a7e22c8622ccdd7fd2794626088194429f");
}

TEST_CASE("the seed decides the text, the sizes do not change its beginning") {
  const SyntheticConfig sizes = {.train = 3'000, .valid = 500, .test = 400};
  const Corpus small = synthetic_corpus(sizes).corpus;
  CHECK(small.train.size() == 3'000);
  CHECK(small.valid.size() == 500);
  CHECK(small.test.size() == 400);
  CHECK(small.tokenizer.vocabulary() == default_corpus().tokenizer.vocabulary());
  CHECK(std::equal(small.train.begin(), small.train.end(), default_corpus().train.begin()));
  CHECK(synthetic_corpus(sizes).corpus.checksum == small.checksum);
  SyntheticConfig other = sizes;
  other.seed = 2;
  CHECK(synthetic_corpus(other).corpus.checksum != small.checksum);
  // The splits are different texts.
  CHECK_FALSE(std::equal(small.test.begin(), small.test.end(), small.train.begin()));
  CHECK_FALSE(std::equal(small.test.begin(), small.test.end(), small.valid.begin()));
  other.valid = 1;
  CHECK(has(message_of<ConfigError>([&] { synthetic_corpus(other); }),
            "valid must have at least 2 characters, got 1"));
}

TEST_CASE("the floor of every split is near the entropy rate, and below what counts of triples reach") {
  const auto& [corpus, floor] = default_synthetic();
  REQUIRE(floor.train.size() == corpus.train.size());
  REQUIRE(floor.valid.size() == corpus.valid.size());
  REQUIRE(floor.test.size() == corpus.test.size());
  CHECK(floor.entropy_rate > 0.2);
  CHECK(mean_floor(floor.train) == doctest::Approx(floor.entropy_rate).epsilon(0.01));
  CHECK(mean_floor(floor.valid) == doctest::Approx(floor.entropy_rate).epsilon(0.03));
  CHECK(mean_floor(floor.test) == doctest::Approx(floor.entropy_rate).epsilon(0.03));
  CHECK(mean_floor(floor.test, 128, 10'000) == doctest::Approx(floor.entropy_rate).epsilon(0.1));
  const double trigram = trigram_nll(corpus);
  CHECK(trigram > 2 * mean_floor(floor.test));
  CHECK(trigram < std::log(static_cast<double>(corpus.vocabulary_size())));
}

TEST_CASE("mean_floor over a split, and over what an evaluation predicts") {
  const std::vector<double> nll = {1, 2, 3, 4, 5};
  CHECK(mean_floor(nll) == doctest::Approx(3));
  CHECK(mean_floor(nll, 2, 2) == doctest::Approx(3.5));  // targets of windows 0 and 1: tokens 2 and 3
  CHECK(mean_floor(nll, 2, 3) == doctest::Approx(4));
  CHECK(has(message_of<DataError>([&] { mean_floor(nll, 2, 4); }),
            "4 windows of 2 tokens do not fit a text of 5"));
  CHECK_THROWS_AS(mean_floor(nll, 2, 0), DataError);
  CHECK_THROWS_AS(mean_floor(std::vector<double>{}), DataError);
}

TEST_CASE("the NLL of a paragraph is that of its choices, multiplied out by hand") {
  const Language language = story_language();
  const auto nll = [&](const std::string& text) {
    const std::vector<double> each = language.nll(text);
    return std::accumulate(each.begin(), each.end(), 0.0);
  };
  const double opening = std::log(16. * 4 * 8 * 16 * 12);  // both halves of the name, verb, thing, place
  const double statement = std::log(16. / 8);              // 8 for "The", 4 times 2 for a speech
  const double later_statement = std::log(28. / 8);        // where the closing may come at once: 3 times 4
  const double noun = std::log(72.),
               adjective = std::log(72. / 2);  // 24 nouns of 2 numbers, 12 adjectives of 2
  const double verb = std::log(28.), preposition = std::log(28. / 3);
  const double closing = std::log(8.);
  CHECK(nll("Kelen found a lamp near the mill. The dogs sleep at noon. So Kelen sold the lamp.\n") ==
        doctest::Approx(opening + statement + noun + verb + std::log(12.) + std::log(28. / 4) + closing));
  CHECK(nll("Kelen found a lamp near the mill. The grey dog near the kings sleeps at noon. "
            "\"I want the lamp now,\" said Kelen. The cats behind the old king beside the goat run well. "
            "Kelen sold the lamp.\n") ==
        doctest::Approx(opening + statement + adjective + std::log(48.) + preposition + noun + verb +
                        std::log(12.) + std::log(28. / 2) + std::log(5.) + later_statement + noun +
                        preposition + adjective + std::log(48.) + preposition + noun + std::log(16.) +
                        std::log(12.) + closing));
}

TEST_CASE("what does not agree or repeat cannot follow") {
  const Language language = story_language();
  const std::string start = "Kelen found a lamp near the mill. ";
  const auto position = [&](const std::string& text) {
    return message_of<DataError>([&] { language.nll(start + text); });
  };
  const auto at = [&](std::size_t i) { return "position " + std::to_string(start.size() + i) + " "; };
  CHECK(position("\"I want the lamp,\" said Kelen. ") == "no error");
  CHECK(has(position("\"I want the ring,\" said Kelen. "), at(12)));
  CHECK(has(position("\"I want the lamp,\" said Zulen. "), at(24)));
  CHECK(has(position("\"I want the lamp,\" said Kedan. "), at(26)));
  CHECK(position("The dogs near the king sleep at noon. ") == "no error");
  CHECK(has(position("The dogs near the king sleeps at noon. "), at(28)));
  CHECK(has(position("The dog near the kings sleep at noon. "), at(28)));
}

TEST_CASE("persons and things are repeated and verbs agree in all paragraphs") {
  const std::string text = default_corpus().tokenizer.decode(std::span(default_corpus().test).first(60'000));
  std::vector<std::string> lines = lines_of(text);
  lines.pop_back();  // cut short
  REQUIRE(lines.size() > 300);
  int statements = 0, misleading = 0, speeches = 0;
  std::set<std::string> names;
  for (const std::string& line : lines) {
    CAPTURE(line);
    const std::vector<std::string> words = words_of(line);
    const std::string &name = words[0], &thing = words[3];
    names.insert(name);
    REQUIRE(words[words.size() - 1] == thing + ".");
    REQUIRE(words[words.size() - 4] == name);
    for (std::size_t i = 0; i < words.size(); ++i) {
      if (words[i] == "said" || words[i] == "cried") {
        REQUIRE(words[i + 1] == name + ".");
        ++speeches;
      }
      if (words[i][0] == '"') {
        const std::string repeated =
            words[i] == "\"I" || words[i] == "\"Give" || words[i] == "\"Bring" ? words[i + 3] : "";
        REQUIRE(repeated.substr(0, thing.size()) == thing);
      }
      if (words[i] != "The") continue;
      // Nouns are plural, and verbs singular, where they end in s; no adjective does. The subject is the last
      // word before the first preposition or the verb.
      static const std::set<std::string> nouns = {
          "baker",  "bird",  "cat",    "cook",   "cousin", "dog",    "duke",    "farmer",
          "friend", "goat",  "guard",  "horse",  "judge",  "king",   "lion",    "miller",
          "nurse",  "pilot", "priest", "sailor", "singer", "tailor", "teacher", "wolfhound"};
      const auto is_noun = [&](const std::string& word) {
        return nouns.count(word) || (word.back() == 's' && nouns.count(word.substr(0, word.size() - 1)));
      };
      std::size_t at = i + 1;
      while (!is_noun(words[at])) ++at;
      const bool plural = words[at].back() == 's';
      std::size_t last = at;  // of the nouns, right before the verb
      for (std::size_t next = at + 1;
           words[next] == "near" || words[next] == "behind" || words[next] == "beside" || words[next] == "in";
           next = last + 1) {
        last = next;
        while (!is_noun(words[last])) ++last;
      }
      REQUIRE((words[last + 1].back() == 's') != plural);
      ++statements;
      misleading += (words[last].back() == 's') != plural;
    }
  }
  CHECK(names.size() == 64);
  CHECK(speeches > 100);
  CHECK(statements > 100);
  CHECK(misleading > 50);  // the noun next to the verb is of the other number
}
