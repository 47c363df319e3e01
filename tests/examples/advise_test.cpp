// The advisor: its law, its predictions, what it chooses, and its program.
#include <doctest/doctest.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>
#include <set>

#include "advice.hpp"
#include "candidates.hpp"
#include "own_text.hpp"
#include "slm/core/random.hpp"
#include "study_test_support.hpp"
#include "synthetic/corpus.hpp"
#include "transfer.hpp"

using namespace slm::advise;
using namespace study_test;
using slm::Index;
using slm::frontier::Family, slm::frontier::Text;

namespace {

const std::string folder_of_program = SLM_STUDIES "/..";

/// Findings of two families: of one that is better with little, and one with much.
nlohmann::json findings() {
  const auto family = [](std::vector<double> law) {
    std::vector<double> other = law;
    other[0] += 0.02;
    return nlohmann::json{{"law", law},   {"residual", 0.01}, {"points", 20},         {"budgets", {1e10, 1e13}},
                          {"epochs", 20}, {"reach", 5},       {"draws", {law, other}}};
  };
  return {{"text", "a text"},
          {"vocabulary", 65},
          {"train_tokens", 1e6},
          {"counting", {3.3, 2.4, 2.0, 1.5}},
          {"families",
           {{"linear", family({2.0, 10, 30, 0.5, 0.5, 8})}, {"gru", family({1.2, 100, 300, 0.5, 0.45, 8})}}},
          {"settings",
           {{{"stage", "search"},
             {"family", "gru"},
             {"size", "1 x 96"},
             {"budget", 1e11},
             {"tokens_per_step", 128},
             {"rate", 0.005},
             {"nll", 1.9}},
            {{"stage", "search"},
             {"family", "gru"},
             {"size", "1 x 96"},
             {"budget", 1e12},
             {"tokens_per_step", 512},
             {"rate", 0.01},
             {"nll", 1.7}}}}};
}

Text text_of(Index tokens, Index vocabulary = 65) {
  Text text;
  text.name = "own";
  text.vocabulary = vocabulary;
  text.train.resize(static_cast<std::size_t>(tokens));
  return text;
}

/// The stories of the embedded corpus as a file of a user.
std::string put_text(const TemporaryFolder& folder) {
  const auto path = folder / "my.txt";
  std::string text;
  const slm::Corpus corpus =
      slm::synthetic::synthetic_corpus({.train = 60'000, .valid = 8'000, .test = 8'000}).corpus;
  for (const auto* split : {&corpus.train, &corpus.valid, &corpus.test})
    text += corpus.tokenizer.decode(*split);
  put(path, text);
  put(folder / "law.json", findings().dump());
  return path;
}

}  // namespace

TEST_CASE("a law counts tokens that are read again less") {
  const Law law{1, 10, 100, 0.5, 0.5, 4};
  CHECK(law.loss(100, 400, 1000) == doctest::Approx(1 + 1 + 5));
  CHECK(law.loss(100, 1000, 1000) == doctest::Approx(2 + 100 / std::sqrt(1000.0)));
  const double effective = 1000 + 4000 * (1 - std::exp(-1 / 4.0));
  CHECK(law.loss(100, 2000, 1000) == doctest::Approx(2 + 100 / std::sqrt(effective)));
  CHECK(law.loss(100, 1e12, 1000) == doctest::Approx(2 + 100 / std::sqrt(5000.0)));
  const FamilyLaw family{law, {law, {1.02, 10, 100, 0.5, 0.5, 4}}, 0.01, 1e10, 1e12, 20, 5};
  CHECK(family.deviation(100, 400, 1000) == doctest::Approx(std::sqrt(0.01 * 0.01 + 0.02 * 0.02 / 2)));

  const FamilyLaw known{law, {law}, 0.01, 1e10, 1e12, 20, 5};
  CHECK(known.deviation(100, 400, 1000, 1e11) == doctest::Approx(0.01));
  const double beyond = std::sqrt(0.01 * 0.01 + 2 * drift * drift);
  CHECK(known.deviation(100, 400, 1000, 1e8) == doctest::Approx(beyond));
  CHECK(known.deviation(100, 400, 1000, 1e14) == doctest::Approx(beyond));
}

TEST_CASE("predictions go from what n-grams say to what was trained") {
  Transfer transfer(1.5, 1.8);
  CHECK(transfer.at(1e12, 1.5, 0.01).nll == doctest::Approx(1.8));
  const Prediction before = transfer.at(1e12, 2, 0.01);
  CHECK(before.nll == doctest::Approx(2.4));  // by the ratio of a text that is harder
  CHECK(before.low() < 2.15);
  CHECK(before.high() > 2.65);
  CHECK(Transfer(1.5, 1.2).at(1e12, 2, 0.01).nll ==
        doctest::Approx(1.7));  // as far above n-grams where it is easier
  for (const double law_nll : {2.2, 1.9, 1.6}) transfer.learn(1e11, law_nll, 0.05 + 1.1 * law_nll, 0.01);
  const Prediction after = transfer.at(1e11, 1.5, 0.01);
  CHECK(after.nll == doctest::Approx(1.7).epsilon(0.01));
  CHECK(after.deviation < 0.08);
  CHECK(after.deviation > 0.01);
  const Prediction far = transfer.at(1e13, 1.5, 0.01);
  CHECK(far.nll == after.nll);
  CHECK(far.deviation == doctest::Approx(std::hypot(after.deviation, 1.2 * drift * std::sqrt(2.0))));
}

TEST_CASE("what was scored on a sample says less") {
  Transfer whole(1.5, 1.5), sample(1.5, 1.5), both(1.5, 1.5);
  whole.learn(1e11, 2, 2.2, 0.05);
  sample.learn(1e11, 2, 2.2, 0.03, 0.04);
  both.learn(1e11, 2, 2.2, 0.05, 0.04);
  CHECK(sample.at(1e11, 1.9, 0.01).deviation == doctest::Approx(whole.at(1e11, 1.9, 0.01).deviation));
  CHECK(both.at(1e11, 1.9, 0.01).deviation > 1.001 * whole.at(1e11, 1.9, 0.01).deviation);
}

TEST_CASE("nine tenths of what comes true lie within the intervals") {
  slm::Random random(1);
  int inside = 0;
  constexpr int trials = 4000;
  for (int i = 0; i < trials; ++i) {
    const double counting = 1.2 + 0.6 * random.uniform(), slope = std::max(1.0, counting / 1.5), off = 0.02;
    const double a = counting + shift_deviation * random.normal();
    const double s = slope * (1 + slope_deviation * random.normal());
    const double drifted = slope * drift * std::sqrt(1.5) * random.normal();  // in a decade and a half
    const auto truth = [&](double law_nll) {
      return a + s * (law_nll - 1.5) + slope * off * random.normal() + family_deviation * random.normal();
    };
    Transfer transfer(1.5, counting);
    for (const double law_nll : {2.1, 1.9}) transfer.learn(1e11, law_nll, truth(law_nll), off);
    const Prediction expected = transfer.at(std::pow(10, 12.5), 1.6, off);
    const double nll = truth(1.6) + drifted;
    inside += nll >= expected.low() && nll <= expected.high() ? 1 : 0;
  }
  CHECK(inside > 0.88 * trials);
  CHECK(inside < 0.92 * trials);
}

TEST_CASE("the best model within a budget and a number of parameters") {
  const Findings its = findings_from_json("law.json", findings().dump());
  const Text text = text_of(1'000'000);
  const auto small = best_candidate(Family::gru, {1e11}, text, its);
  const auto large = best_candidate(Family::gru, {1e13}, text, its);
  REQUIRE(small);
  REQUIRE(large);
  CHECK(small->parameters < large->parameters);
  CHECK(small->law_nll > large->law_nll);
  for (const auto& [found, budget] : {std::pair{*small, 1e11}, {*large, 1e13}}) {
    CHECK(found.flops <= budget);
    CHECK(found.flops > 0.95 * budget);
    CHECK(found.trunk.budgets == std::vector<double>{budget});
    CHECK(slm::frontier::readings(found.trunk).front().steps == found.steps);
  }
  const auto limited = best_candidate(Family::gru, {1e13, 50'000}, text, its);
  REQUIRE(limited);
  CHECK(limited->parameters <= 50'000);
  CHECK(limited->law_nll >= large->law_nll);

  CHECK_FALSE(best_candidate(Family::gru, {1e6}, text, its));           // no size has fifty steps
  CHECK_FALSE(best_candidate(Family::gru, {1e13, 100}, text, its));     // or so few parameters
  CHECK_FALSE(best_candidate(Family::transformer, {1e13}, text, its));  // no law of it is known

  CHECK(budget_for(25'000, text, its) == std::optional(1e12));     // GRU's smallest, trained to there
  CHECK(budget_for(1'000'000, text, its) == std::optional(1e13));  // where its law ends
  CHECK_FALSE(budget_for(100, text, its));
  const double least = least_budget(Family::gru, text, its);
  CHECK(best_candidate(Family::gru, {1.0001 * least}, text, its));
  CHECK_FALSE(best_candidate(Family::gru, {0.9999 * least}, text, its));

  // A text is read no more often than the law knows.
  const Text short_text = text_of(50'000);
  const auto read = best_candidate(Family::gru, {1e13}, short_text, its);
  REQUIRE(read);
  CHECK_FALSE(read->is_whole);
  CHECK(read->epochs <= 20);
  // 3 times as far as the law's own trainings went.
  const double reach = static_cast<double>(read->parameters) * static_cast<double>(read->tokens) / (5e4 * 5e4);
  CHECK(reach <= 15);
  CHECK((read->epochs > 19.5 || reach > 14.5));
  CHECK(static_cast<double>(read->flops) == read->trunk.budgets.front());
  CHECK(slm::frontier::readings(read->trunk).front().steps == read->steps);
  CHECK(large->is_whole);

  // The larger vocabulary costs, but is no part of what the law knows.
  const auto of_bytes = best_candidate(Family::gru, {1e12}, text_of(1'000'000, 256), its);
  REQUIRE(of_bytes);
  CHECK(of_bytes->steps < best_candidate(Family::gru, {1e12}, text, its)->steps);

  // Of so many words the budget has as few tokens as a smaller one has of the law's text, and their setting.
  const Limits its_size{1e12, {}, "1 x 96"};
  CHECK(best_candidate(Family::gru, its_size, text, its)->trunk.batch == 8);
  CHECK(best_candidate(Family::gru, its_size, text_of(1'000'000, 10'000), its)->trunk.batch == 2);
}

TEST_CASE("the advisor says what a budget buys, and trains it") {
  const TemporaryFolder folder;
  const std::vector<std::string> options = {
      "--data", put_text(folder), "--law", folder / "law.json", "--threads", "1"};
  const auto with = [&](std::vector<std::string> more) {
    more.insert(more.begin(), options.begin(), options.end());
    return more;
  };
  Program advice(folder, with({"--budget", "5e10", "--json", "--train=2"}), "advise", folder_of_program);
  const int code = advice.wait();
  REQUIRE_MESSAGE(code == 0, advice.errors());
  const auto json = nlohmann::json::parse(advice.output());
  REQUIRE(json["offers"].size() == 2);
  CHECK(json["offers"][0]["nll"] <= json["offers"][1]["nll"]);
  double trials = 0;
  for (const auto& trial : json["trials"]) trials += trial["flops"].get<double>();
  CHECK(trials > 0);
  CHECK(trials <= 0.05 * 5e10);
  for (const auto& offer : json["offers"]) {
    CHECK(offer["low"] < offer["nll"]);
    CHECK(offer["nll"] < offer["high"]);
    CHECK(offer["flops"] <= 5e10);
    CHECK(offer["seconds"] > 0);
    CHECK(offer["bytes"] > 16 * offer["parameters"].get<Index>());
    CHECK(offer["trained_nll"] > 0);
  }
  CHECK(json["without"].size() == 4);
  CHECK(has(advice.errors(), "Trained: "));
  CHECK(has(advice.errors(), "beside the prediction"));

  // What was trained is there, and with minutes or parameters in place of a budget there is advice, too.
  Program again(folder, with({"--budget", "5e10"}), "advise", folder_of_program);
  REQUIRE(again.wait() == 0);
  CHECK_FALSE(has(again.errors(), "GFLOP/s"));
  CHECK(has(again.output(), "\nTake "));
  CHECK(has(again.output(), "Kneser-Ney"));
  CHECK(has(again.output(), "transformer: the frontier has no law of it"));
  // A trial that diverged is said so, and the others count.
  const std::string log = folder / "results/advise/frontier.jsonl";
  auto lines = lines_of(log);
  REQUIRE(!lines.empty());
  lines.front().erase("nll"), lines.front()["diverged"] = "it was so";
  std::string changed;
  for (const auto& line : lines) changed += line.dump() + "\n";
  put(log, changed);
  Program diverged(folder, with({"--budget", "5e10"}), "advise", folder_of_program);
  REQUIRE(diverged.wait() == 0);
  CHECK(has(diverged.errors(), "it diverged: it was so"));
  Program minutes(folder, with({"--minutes", "0.01", "--no-calibration", "--json"}), "advise",
                  folder_of_program);
  REQUIRE(minutes.wait() == 0);
  for (const auto& offer : nlohmann::json::parse(minutes.output())["offers"]) CHECK(offer["seconds"] <= 0.601);
  Program parameters(folder, with({"--parameters", "3e4", "--no-calibration", "--json"}), "advise",
                     folder_of_program);
  REQUIRE(parameters.wait() == 0);
  for (const auto& offer : nlohmann::json::parse(parameters.output())["offers"])
    CHECK(offer["parameters"] <= 30'000);
}

TEST_CASE("advisors with one folder make each training once") {
  const TemporaryFolder one, other;
  const std::vector<std::string> options = {"--data",   put_text(one), "--law",   one / "law.json",
                                            "--budget", "5e10",        "--train", "1",
                                            "--out",    one / "both",  "--json",  "--threads=1"};
  Program first(one, options, "advise", folder_of_program), second(other, options, "advise", folder_of_program);
  REQUIRE_MESSAGE(first.wait() == 0, first.errors());
  REQUIRE_MESSAGE(second.wait() == 0, second.errors());
  std::set<std::string> keys;
  for (const auto& line : lines_of(one / "both/frontier.jsonl")) CHECK(keys.insert(line["key"]).second);
  CHECK_FALSE(keys.empty());
  CHECK(nlohmann::json::parse(first.output())["offers"][0]["trained_nll"] ==
        nlohmann::json::parse(second.output())["offers"][0]["trained_nll"]);
}

TEST_CASE("what trials are scored on comes from the whole of a text") {
  std::vector<slm::Token> text(100'000);
  std::iota(text.begin(), text.end(), 0);
  const auto tokens = spread_stretches(text, 2'100);
  CHECK(tokens.size() == 2'000);
  CHECK(tokens.front() == 0);
  CHECK(tokens.back() == 99'999);
  for (const std::size_t stretch : {0u, 1u, 2u, 3u})
    CHECK(tokens[500 * stretch + 499] == tokens[500 * stretch] + 499);
  CHECK(tokens[500] == 33'166);
  CHECK(spread_stretches(std::span(text).first(900), 1'000).size() == 900);
}

TEST_CASE("the program of an offer reads a file of any name") {
  const Findings its = findings_from_json("law.json", findings().dump());
  Text text = text_of(1'000'000);
  text.name = "a\nb\\";
  const Offer offer{*best_candidate(Family::gru, {1e11}, text, its), {1.9, 0.1}};
  const std::string program = program_text(offer, "a \"b\"\n\\c.txt", slm::TokenUnit::character);
  CHECK(has(program, R"(read_text("a \"b\"\012\\c.txt"))"));
  CHECK(has(program.substr(0, program.find('\n')), " on a b , T "));
}

TEST_CASE("the advisor says what it cannot do") {
  const TemporaryFolder folder;
  const std::string text = put_text(folder), law = folder / "law.json";
  const auto refuses = [&](const std::vector<std::string>& options, int code, const char* message) {
    Program program(folder, options, "advise", folder_of_program);
    CHECK(program.wait() == code);
    CHECK_MESSAGE(has(program.errors(), message), program.errors());
  };
  put(folder / "small.txt", "To be, or not to be.\n");
  put(folder / "no_law.json", "{}");
  put(folder / "one_letter.txt", std::string(30'000, 'a'));
  for (const auto& [name, value] :
       {std::pair("residual", nlohmann::json(0)), {"law", {2.0, 10, 30, 0, 0.5, 8}}}) {
    auto wrong = findings();
    wrong["families"]["gru"][name] = value;
    put(folder / ("wrong_" + std::string(name) + ".json"), wrong.dump());
  }
  auto uncounted = findings();
  uncounted["counting"] = {3.3, 2.4};
  put(folder / "uncounted.json", uncounted.dump());
  refuses({"--data", folder / "small.txt", "--budget", "1e11"}, 1, "has 21 bytes; advice needs 20000 tokens");
  refuses({"--data", folder / "none.txt", "--budget", "1e11"}, 1, "none.txt");
  refuses({"--data", text, "--law", law, "--budget", "1e6"}, 1, "nothing fits: linear: no size of it fits");
  refuses({"--data", text, "--law", law, "--parameters", "10"}, 1, "nothing fits");
  refuses({"--data", text, "--law", folder / "no_law.json", "--budget", "1e11"}, 1,
          "is not what scripts/frontier.py");
  refuses({"--data", text, "--law", folder / "wrong_residual.json", "--budget", "1e11"}, 1,
          "residual must be positive");
  refuses({"--data", text, "--law", folder / "wrong_law.json", "--budget", "1e11"}, 1,
          "exponents and repetitions");
  refuses({"--data", text, "--law", folder / "uncounted.json", "--budget", "1e11"}, 1,
          "positive losses of orders 1 to 3");
  refuses({"--data", folder / "one_letter.txt", "--budget", "1e11"}, 1, "has one distinct token");
  refuses({"--data", text}, 2, "one of --budget, --minutes and --parameters");
  refuses({"--data", text, "--budget", "1e11", "--minutes", "3"}, 2, "--minutes");
  refuses({"--data", text, "--budget", "-1"}, 2, "--budget");
  refuses({"--data", text, "--budget", "nan"}, 2, "--budget");
  refuses({"--data", text, "--minutes", "1e300"}, 2, "--minutes");
  refuses({"--data", text, "--budget", ""}, 2, "--budget");
  refuses({"--data", text, "--parameters", "nan"}, 2, "--parameters");
  refuses({"--data", text, "--budget", "1e11", "--json", "--cpp", "-"}, 2, "--cpp");
  refuses({"--budget", "1e11"}, 2, "--data");
  refuses({"--data", text, "--budget", "1e11", "--cpp", folder / "./my.txt"}, 2, "would replace the text");
}

TEST_CASE("no more is expected than guessing has, and far from the laws' budgets there is no interval") {
  const TemporaryFolder folder;
  put_text(folder);
  slm::Random random(1, "noise");
  std::string noise;
  for (int i = 0; i < 40'000; ++i) noise += static_cast<char>(random.below(256));
  put(folder / "noise", noise);
  const std::vector<std::string> options = {"--data",  folder / "noise",    "--unit",           "byte",
                                            "--law",   folder / "law.json", "--no-calibration", "--json",
                                            "--budget"};
  const auto advice_at = [&](const char* budget) {
    auto all = options;
    all.emplace_back(budget);
    Program program(folder, all, "advise", folder_of_program);
    REQUIRE_MESSAGE(program.wait() == 0, program.errors());
    return nlohmann::json::parse(program.output());
  };
  const auto within = advice_at("1e10");
  for (const auto& offer : within["offers"]) {
    CHECK(offer["nll"] <= std::log(256));
    CHECK(offer["high"] <= std::log(256));
  }
  CHECK(has(within["doubts"].dump(), "guessing"));
  const auto beyond = advice_at("3e9");
  for (const auto& offer : beyond["offers"]) CHECK(offer["low"].is_null());
  CHECK(has(beyond["doubts"].dump(), "lies far outside"));
}
