// The leaderboard: its windows, its recipes, and an entry's program, interrupted and checked.
#include "board/entry.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <set>

#include "board/settings.hpp"
#include "board/tiles.hpp"
#include "board/trained_entrant.hpp"
#include "data/data_test_support.hpp"
#include "harness/fields_json.hpp"
#include "models/counted.hpp"
#include "models/gate_gru.hpp"
#include "study_test_support.hpp"

using namespace slm::leaderboard;
using namespace study_test;
using slm::Index, slm::Random, slm::Token;

namespace {

const std::string program = "../leaderboard/gru", results = "results/leaderboard.jsonl";

/// A training of a second or less.
std::vector<std::string> quick(const std::vector<std::string>& more = {}) {
  std::vector<std::string> options = {"--data", "synthetic", "--quick", "--threads", "1", "--seeds", "1"};
  options.insert(options.end(), more.begin(), more.end());
  return options;
}

Text small_text() { return read_text("synthetic", Target::board, true); }

/// So small that a budget of 1e8 has some tens of steps.
GateGruConfig small_config(const Text& text) {
  return {.vocabulary = text.vocabulary, .context = 16, .width = 8, .lags = 2};
}
const Recipe small_recipe{.budget = 1e8, .batch = 4, .rate = 1e-2, .table_rate = 1e-2};

}  // namespace

TEST_CASE("an epoch of tiles has each token once, and every epoch begins elsewhere") {
  std::vector<Token> text(103);
  std::iota(text.begin(), text.end(), 0);
  constexpr Index T = 10, windows = 9;
  Tiles tiles(text, T, true, Random(1, "data"));
  std::set<Token> starts;
  for (const Index first : {Index(0), windows, 2 * windows}) {
    const auto batch = tiles.batch(first, windows);
    std::set<Token> seen(batch.inputs.begin(), batch.inputs.end());
    CHECK(seen.size() == static_cast<std::size_t>(windows * T));
    for (Index i = 0; i < batch.inputs.size(); ++i)
      CHECK(batch.targets.data()[i] == batch.inputs.data()[i] + 1);
    starts.insert(*seen.begin());
  }
  CHECK(starts.size() > 1);
  const auto later = tiles.batch(windows + 3, 2), all = tiles.batch(windows, windows);
  CHECK(later.inputs(0, 0) == all.inputs(3, 0));
  CHECK_THROWS_AS(Tiles(std::span(text).first(T), T, true, Random()), slm::DataError);
}

TEST_CASE("batches, rates and dropout follow the share of the budget that is spent") {
  const Recipe recipe{.batch = 8, .final_batch = 32, .warmup = 0.1, .cooldown = 0.5, .dropout_from = 0.5};
  CHECK(Moment{recipe, 0}.batch() == 8);
  CHECK(Moment{recipe, 0.5}.batch() == 20);
  CHECK(Moment{recipe, 0.05}.rate() == doctest::Approx(0.5));
  CHECK(Moment{recipe, 0.3}.rate() == 1);
  CHECK(Moment{recipe, 0.75}.rate() == doctest::Approx(0.5));
  CHECK(!Moment{recipe, 0.4}.drops_out());
  CHECK(Moment{recipe, 0.5}.drops_out());
  const GateGruConfig config{.width = 8, .dropout = 0.5, .table_dropout = 0.1, .weight_dropout = 0.2};
  CHECK(without_dropout(config).width == 8);
  CHECK(without_dropout(config).dropout == 0);
  CHECK(without_dropout(config).table_dropout == 0);
  CHECK(without_dropout(config).weight_dropout == 0);
}

TEST_CASE("a field is set by its name and a text") {
  Recipe recipe;
  CHECK(set_field(recipe, "decay", "cosine"));
  CHECK(recipe.decay == slm::Decay::cosine);
  CHECK(set_field(recipe, "rate", "2e-3"));
  CHECK(recipe.rate == 2e-3);
  CHECK(!set_field(recipe, "no_field", "1"));
  CHECK_THROWS(set_field(recipe, "batch", "many"));
  CHECK_THROWS_AS(set_field(recipe, "batch", "2.9"), slm::ConfigError);
  CHECK(recipe.batch == Recipe().batch);
  CHECK(slm::studies::fields_json(recipe)["decay"] == "cosine");
}

TEST_CASE("a prediction that changes with what comes after it is refused") {
  const Text text = small_text();
  const GateGruConfig config = small_config(text);
  const GateGru<float> honest(config, Random(1, "init"));
  CHECK_NOTHROW(require_no_foresight(honest, config.context, text));
  // By one token: position 7 of 16 reads the first of the second half.
  const auto reads_ahead = [&](slm::Tape<float>& tape, const slm::Tokens<2>& tokens) {
    slm::Tokens<2> next = tokens;
    std::copy(tokens.begin() + 1, tokens.end(), next.begin());
    return honest(tape, next);
  };
  CHECK_THROWS_WITH_AS(
      require_no_foresight(reads_ahead, config.context, text),
      "the prediction of a token changes with the tokens after it: position 7 of a window of 16 "
      "reads beyond itself",
      slm::ConfigError);
}

TEST_CASE("an unknown setting is answered with those that there are") {
  TrainedEntrant<GateGruConfig> entrant(small_config(small_text()), small_recipe);
  CHECK_THROWS_WITH_AS(entrant.set("vocabulary", "3"), "the vocabulary is that of the text", slm::ConfigError);
  try {
    entrant.set("widht", "3");
    FAIL("it was taken");
  } catch (const slm::ConfigError& error) {
    for (const char* part : {"there is no setting 'widht'", ", width, ", " of the model and budget, batch, "})
      CHECK_MESSAGE(has(error.what(), part), error.what());
  }
}

TEST_CASE("what is planned is what is executed, to the FLOP") {
  const Text text = small_text();
  GateGruConfig config = small_config(text);
  for (const double average_decay : {0.0, 0.9}) {
    for (const bool with_muon : {false, true}) {
      config.layers = with_muon ? 2 : 1;
      config.dropout = config.table_dropout = config.weight_dropout = average_decay > 0 ? 0.1 : 0;
      Recipe recipe = small_recipe;
      recipe.average_decay = average_decay, recipe.final_batch = 6, recipe.dropout_from = 0.5;
      if (!with_muon) recipe.matrix_rate = 0;
      Training<GateGruConfig> training(config, recipe, text, 1);
      const Entrant::Plan plan = training.plan();
      while (training.step()) continue;
      CHECK(plan.exact);
      CHECK(plan.spent.steps == training.spent().steps);
      CHECK(plan.spent.tokens == training.spent().tokens);
      CHECK(plan.spent.flops() == training.spent().flops());
      CHECK(static_cast<double>(plan.spent.flops()) <= recipe.budget);
    }
  }
}

TEST_CASE("tables whose rows are updated where they were read cost no more than was planned") {
  const Text text = small_text();
  GateGruConfig config = small_config(text);
  config.order = 4;
  Training<GateGruConfig> training(config, small_recipe, text, 1);
  const Entrant::Plan plan = training.plan();
  CHECK(!plan.exact);
  while (training.step()) continue;
  CHECK(training.spent().flops() <= plan.spent.flops());
  CHECK(training.spent().optimizer_flops < plan.spent.optimizer_flops);
}

TEST_CASE("a training goes on from a checkpoint with the same bits") {
  const Text text = small_text();
  GateGruConfig config = small_config(text);
  config.dropout = 0.1;
  Recipe recipe = small_recipe;
  recipe.average_decay = 0.9;
  const TemporaryFolder folder;
  const std::string path = folder / "checkpoint.safetensors";
  Training<GateGruConfig> whole(config, recipe, text, 1), begun(config, recipe, text, 1);

  while (whole.step()) continue;
  for (int i = 0; i < 5; ++i) begun.step();
  begun.save(path, "key");
  Training<GateGruConfig> same(config, recipe, text, 1);
  CHECK_THROWS_AS(same.load(path, "another"), slm::DataError);
  same.load(path, "key");
  while (same.step()) continue;
  CHECK(same.spent().flops() == whole.spent().flops());
  const Outcome outcome = same.finish();
  CHECK(outcome.nll == whole.finish().nll);
  CHECK(outcome.seconds > begun.finish().seconds);  // which it went on from
}

TEST_CASE("a checkpoint of another form changes nothing") {
  const Text text = small_text();
  const GateGruConfig config = small_config(text);
  const TemporaryFolder folder;
  const std::string path = folder / "checkpoint.safetensors";
  Training<GateGruConfig> begun(config, small_recipe, text, 1), other(config, small_recipe, text, 1);
  for (int i = 0; i < 5; ++i) begun.step();
  begun.save(path, "key");
  const std::string bytes = slm::read_text(path), mark = "\"state\":\"[";
  const std::size_t numbers = bytes.find(mark) + mark.size(), end = bytes.find(']', numbers);
  REQUIRE(end != bytes.npos);
  std::string cut = bytes;  // to a list with fewer numbers, as long as before
  std::fill(cut.begin() + static_cast<std::ptrdiff_t>(bytes.find(',', numbers)),
            cut.begin() + static_cast<std::ptrdiff_t>(end), ' ');
  put(path, cut);
  CHECK_THROWS(other.load(path, "key"));
  CHECK(other.spent().steps == 0);
  Training<GateGruConfig> fresh(config, small_recipe, text, 1);
  for (int i = 0; i < 3; ++i) other.step(), fresh.step();
  CHECK(other.loss() == fresh.loss());
}

TEST_CASE("settings that no training can have are named before one") {
  const Text text = small_text();
  const auto error_of = [&](const std::string& field, const std::string& value) {
    const auto entrant = make_entrant(small_config(text), small_recipe);
    try {
      entrant->set(field, value);
      entrant->plan(text);
    } catch (const slm::ConfigError& error) {
      return std::string(error.what());
    }
    return std::string("nothing");
  };
  CHECK(error_of("budget", "-1") == "budget must be positive and at most 1e18, got -1");
  CHECK(error_of("budget", "1e30") == "budget must be positive and at most 1e18, got 1e+30");
  CHECK(error_of("batch", "0") == "batch must be at least 1, got 0");
  CHECK(error_of("context", "0") == "context must be at least 1, got 0");
  CHECK(error_of("width", "-3") == "width must be at least 0, got -3");
  CHECK(error_of("width", "2.7") == "width must be a whole number, got 2.7");
  CHECK(error_of("warmup", "2") == "warmup must lie between 0 and 1, got 2");
  CHECK(error_of("ngram_weight", "3") == "ngram_weight must lie between 0 and 1, got 3");
  CHECK(error_of("ngram_order", "-1") == "ngram_order must be at least 0, got -1");
  CHECK(error_of("rate", "-1") == "rate must be at least 0, got -1");
  CHECK(error_of("score_stride", "17") == "score_stride must be at most 16, the window, got 17");
  const auto entrant = make_entrant(small_config(text), {.budget = 1, .batch = 4});
  CHECK_THROWS_AS(entrant->train(text, 1, {}), slm::ConfigError);
}

TEST_CASE("a training is known by what is not the default") {
  const auto entrant =
      make_entrant(GateGruConfig{.width = 8}, Recipe{.budget = 1e8, .decay = slm::Decay::cosine});
  const auto known_by = [&] { return entrant->identity().dump(); };
  CHECK(known_by() == R"({"config":{"width":8},"recipe":{"budget":100000000.0,"decay":"cosine"}})");
  entrant->set("batch", "32");  // which it is anyway
  CHECK(known_by() == R"({"config":{"width":8},"recipe":{"budget":100000000.0,"decay":"cosine"}})");
  entrant->set("products", "bfloat16");
  CHECK(known_by() ==
        R"({"config":{"width":8},"recipe":{"budget":100000000.0,"decay":"cosine","products":"bfloat16"}})");
}

TEST_CASE("dynamic evaluation scores the same tokens from the same windows, and learns from them") {
  const Text text = small_text();
  const GateGruConfig config = small_config(text);
  GateGru<float> model(config, Random(1, "init"));
  Recipe recipe{.score_context = 32, .score_stride = 8, .dynamic_rate = 1e-12, .dynamic_stride = 8};
  const double fixed = score(model, recipe, text, nullptr).nll;
  CHECK(dynamic_score(model, recipe, text).nll == doctest::Approx(fixed).epsilon(1e-6));
  recipe.dynamic_rate = 0.1;
  CHECK(dynamic_score(model, recipe, text).nll < fixed - 0.1);

  recipe.dynamic_stride = 33;
  CHECK_THROWS_AS(dynamic_score(model, recipe, text), slm::ConfigError);
  Text of_paper = text;
  of_paper.longest_window = 16;
  CHECK_THROWS_AS(dynamic_score(model, small_recipe, of_paper), slm::ConfigError);
}

TEST_CASE("what is learned while scoring has a score of its own, and costs its own FLOPs") {
  const Text text = small_text();
  const GateGruConfig config = small_config(text);
  Recipe dynamic = small_recipe;
  dynamic.dynamic_rate = 0.05;
  const auto outcome = [&](const Recipe& recipe) {
    Training<GateGruConfig> training(config, recipe, text, 1);
    while (training.step()) continue;
    return training.finish();
  };
  const Outcome with = outcome(dynamic), without = outcome(small_recipe);
  CHECK(with.nll == without.nll);
  CHECK(with.spent.flops() == without.spent.flops());
  REQUIRE(with.dynamic_nll);
  CHECK(*with.dynamic_nll < with.nll);
  CHECK(with.dynamic_flops > with.scoring_flops);
  CHECK(!without.dynamic_nll);
}

TEST_CASE("what dynamic evaluation cannot do is said before a training") {
  const Text text = small_text();
  const GateGruConfig config = small_config(text);
  const auto begin = [&](const Recipe& recipe) { Training<GateGruConfig>(config, recipe, text, 1); };
  Recipe recipe = small_recipe;
  recipe.dynamic_rate = -0.1;
  CHECK_THROWS_AS(begin(recipe), slm::ConfigError);
  recipe.dynamic_rate = 0.1, recipe.dynamic_stride = config.context + 1;
  CHECK_THROWS_AS(begin(recipe), slm::ConfigError);
  recipe.dynamic_stride = 0, recipe.ngram_order = 3;
  CHECK_THROWS_AS(begin(recipe), slm::ConfigError);
}

TEST_CASE("n-grams are counted and scored, and no seed makes a difference") {
  const Text text = small_text();
  const slm::NgramConfig config{.vocabulary = text.vocabulary, .context = 3};
  const auto entrant = make_entrant(config, {});
  const auto outcome = entrant->train(text, 1, {});
  const slm::NgramLM<float> model(config, text.train);
  REQUIRE(outcome);
  CHECK(outcome->nll == doctest::Approx(slm::evaluate<float>(model, text.scored).nats_per_token).epsilon(1e-6));
  CHECK(outcome->counted == model.table.ngrams());
  CHECK(outcome->parameters == entrant->parameters(text));
  CHECK(outcome->spent.flops() == 0);
  CHECK(!entrant->has_seeds());

  Text later = text;
  later.first_scored = 5;
  double before = 0;
  const std::span<const Token> scored(text.scored);
  for (std::size_t place = 1; place < 5; ++place) {
    before -= std::log(model.probability(scored[place], scored.first(place)));
  }
  const double all = outcome->nll * static_cast<double>(scored.size() - 1);
  CHECK(entrant->train(later, 1, {})->nll * static_cast<double>(scored.size() - 5) ==
        doctest::Approx(all - before));

  const TemporaryFolder folder;
  Program counted(folder, {"--data", "synthetic", "--seeds", "3"}, "../leaderboard/ngrams_ptb");
  CHECK(counted.wait() == 0);
  CHECK(lines_of(folder / results).size() == 1);
}

TEST_CASE("an entry is recorded once, with its costs, and checked") {
  const TemporaryFolder folder;
  Program first(folder, quick(), program);
  CHECK(first.wait() == 0);
  Program again(folder, quick(), program);
  CHECK(again.wait() == 0);
  const auto lines = lines_of(folder / results);
  REQUIRE(lines.size() == 1);
  const auto& line = lines.front();
  CHECK(line["flops"]["total"] ==
        line["flops"]["training"].get<Index>() + line["flops"]["optimizer"].get<Index>());
  CHECK(line["flops"]["total"] <= line["recipe"]["budget"].get<double>());
  CHECK(line["lookups"] > 0);
  CHECK(line["quick"] == true);

  Program check(folder, quick({"--check"}), program);
  CHECK(check.wait() == 0);
  CHECK(has(check.output(), "FLOPs as recorded, loss as recorded, bit for bit"));
  Program unknown(folder, quick({"--check", "--seed", "9"}), program);
  CHECK(unknown.wait() == 1);
  CHECK(has(unknown.output(), "not recorded"));
  Program timed(folder, quick({"--time"}), program);
  CHECK(timed.wait() == 0);
  CHECK(has(timed.output(), "ms a step"));
}

TEST_CASE("what was tried by hand is recorded again once the entry is so") {
  const TemporaryFolder folder;
  Program tried(folder, quick({"--set", "rounds=5"}), program);  // as it is anyway
  CHECK(tried.wait() == 0);
  Program entry(folder, quick(), program);
  CHECK(entry.wait() == 0);
  Program tried_again(folder, quick({"--set", "rounds=5"}), program);
  CHECK(tried_again.wait() == 0);
  auto lines = lines_of(folder / results);
  REQUIRE(lines.size() == 2);
  CHECK(lines[1]["set"].empty());
  lines[1]["set"] = lines[0]["set"];
  CHECK(lines[0] == lines[1]);
}

TEST_CASE("what diverges is recorded, and ends with code 1 every time") {
  const TemporaryFolder folder;
  const auto options = quick({"--set", "rate=1e30", "--set", "matrix_rate=1e30"});
  for (int i = 0; i < 2; ++i) {
    Program diverging(folder, options, program);
    CHECK(diverging.wait() == 1);
    CHECK(has(diverging.output(), "diverged"));
  }
  CHECK(lines_of(folder / results).size() == 1);
  auto checked = options;
  checked.push_back("--check");
  Program check(folder, checked, program);
  CHECK(check.wait() == 0);
  CHECK(has(check.output(), "diverged, recorded as diverged"));
}

TEST_CASE("without data there is no score, unless the embedded corpus is asked for") {
  const TemporaryFolder folder;
  Program missing(folder, {"--quick"}, program);
  CHECK(missing.wait() == 1);
  CHECK(has(missing.errors(), "no data for the target board: scripts/fetch_data.sh downloads them"));
  CHECK(!std::filesystem::exists(folder / results));
}

TEST_CASE("a change and settings by hand are other trainings; the paper's windows another score") {
  const TemporaryFolder folder;
  Program changed(folder, quick({"--set", "width=16", "--target", "paper"}), program);
  CHECK(changed.wait() == 0);
  Program wrong(folder, quick({"--set", "no_field=1"}), program);
  CHECK(wrong.wait() == 1);
  CHECK(has(wrong.errors(), "there is no setting 'no_field'"));
  Program none(folder, quick({"--change", "nothing"}), program);
  CHECK(none.wait() == 1);
  CHECK(has(none.errors(), "there is no change 'nothing'"));
  const auto lines = lines_of(folder / results);
  REQUIRE(lines.size() == 1);
  CHECK(lines.front()["set"] == nlohmann::json{"width=16"});
  CHECK(!lines.front().contains("nll_of_windows"));
}

TEST_CASE("a transformer whose head is its table has a matrix less") {
  const TemporaryFolder folder;
  std::vector<nlohmann::json> parameters;
  for (const std::string tied : {"tied=false", "tied=true"}) {
    Program trained(folder, quick({"--set", tied, "--set", "width=32"}), "../leaderboard/transformer");
    CHECK(trained.wait() == 0);
    parameters.push_back(lines_of(folder / results).back()["parameters"]);
  }
  const Index V = small_text().vocabulary;
  CHECK(parameters[0].get<Index>() - parameters[1].get<Index>() == 32 * V);
}

TEST_CASE("texts of words have the tokens that perplexities are published of") {
  const auto place = data_test::public_folder({"ptb", "wikitext-2"});
  if (!place) return;
  struct Expected {
    Target target, selection;
    std::size_t train, test, valid;
    Index vocabulary;
  };
  for (const Expected& its :
       {Expected{Target::ptb, Target::ptb_selection, 929'589, 82'430, 73'760, 10'000},
        Expected{Target::wikitext_2, Target::wikitext_2_selection, 2'088'628, 245'569, 217'646, 33'278}}) {
    const auto text = slm::leaderboard::read_text(*place, its.target, false);
    CHECK(text.train.size() == its.train);
    CHECK(text.scored.size() == its.test);
    CHECK(text.vocabulary == its.vocabulary);
    CHECK(text.target == its.target);
    std::vector<Index> counts(static_cast<std::size_t>(text.vocabulary), 0);
    for (const Token token : text.train) ++counts[static_cast<std::size_t>(token)];
    CHECK(std::ranges::is_sorted(counts, std::greater()));
    const auto selection = slm::leaderboard::read_text(*place, its.selection, false);
    CHECK(selection.train == text.train);
    CHECK(selection.scored.size() == its.valid);
  }
}
