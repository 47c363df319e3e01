#include "frontier/study.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <thread>

#include "frontier/ngrams.hpp"
#include "frontier/options.hpp"
#include "frontier/train.hpp"
#include "harness/file_lock.hpp"
#include "harness/machine.hpp"
#include "harness/shard.hpp"
#include "harness/signals.hpp"
#include "harness/table.hpp"
#include "harness/text.hpp"
#include "slm/core/instruction_set.hpp"
#include "slm/core/parallel.hpp"
#include "slm/data/text_file.hpp"
#include "slm/io/file.hpp"
#include "slm/version.hpp"

namespace slm::frontier {

namespace {

using studies::scientific;

void print(const std::string& text) {
  std::printf("%s", text.c_str());
  std::fflush(stdout);
}

/// A line of the results.
struct Score {
  std::string key;
  double budget;
  auto operator<=>(const Score&) const = default;
};

/// Something that one program makes at a time: a trunk, or an n-gram model.
struct Item {
  std::string label, claim;
  double flops;                // of training
  double evaluation_flops;     // as planned
  std::vector<Score> scores;   // "key budget" of its lines
  std::function<bool()> make;  // false where it was interrupted
};

/// What a stage of the request makes, and what it would need.
struct StageItems {
  std::vector<Item> items;
  std::vector<std::string> missing;
};

/// "shard     2/3, 4 of 12 trainings" as a line; empty where the program is to make all of them.
std::string shard_line(const studies::Shard& shard, const std::vector<bool>& dealt) {
  if (!shard.is_part()) return "";
  return make_text({"shard     ", studies::shard_text(shard), ", ",
                    std::count(dealt.begin(), dealt.end(), true), " of ", dealt.size(), " trainings\n"});
}

/// What came of looking for something to make.
enum class Made { one, waiting, all, interrupted };

class Program {
 public:
  explicit Program(const Options& options)
      : options_(options), texts_(options.data, options.quick), log_(options.out), progress_(0) {}

  int run();

 private:
  Request request() { return {texts_, log_, options_.families, options_.seeds, options_.quick}; }
  std::vector<Stage> stages() const {
    if (!options_.stages.empty()) return options_.stages;
    std::vector<Stage> all;
    for (const auto& entry : stage_names) all.push_back(entry.value);
    return all;
  }

  std::vector<const Text*> all_texts() {
    std::vector<const Text*> found = {&texts_.get(characters, Part::score)};
    for (const char* name : word_texts) {
      const Text* text = &texts_.get(name, Part::score);
      if (text->name == name) found.push_back(text);  // the embedded corpus stands for any
    }
    return found;
  }

  StageItems items_of(Stage stage);
  bool has(const Item& item) const;
  std::size_t missing_of(const Item& item) const;
  std::string header();
  /// A row of the plan for each stage.
  void print_plan();
  /// What is missing of the stages; the number of scores.
  std::size_t print_missing();
  void print_table();
  void measure();
  /// Makes what is missing of a stage. False where it was interrupted.
  bool make(Stage stage);
  /// The first of these that is missing and that no other program is making.
  Made make_one(const std::vector<Item>& items, const std::vector<bool>& dealt,
                std::map<std::string, std::string>& holders);

  Options options_;
  Texts texts_;
  Log log_;
  Progress progress_;
};

StageItems Program::items_of(Stage stage) {
  StageItems found;
  if (stage == Stage::ngrams) {
    const bool asked = options_.families.empty() || options_.families.front() == Family::ngram;
    for (const NgramJob& job : asked ? ngram_jobs(all_texts(), options_.quick) : std::vector<NgramJob>()) {
      found.items.push_back(
          {label(job), make_text({"frontier-ngram-", key(job)}), 0, 0, {{key(job), 0}}, [this, job] {
             count(job, log_);
             return !studies::interrupted();
           }});
    }
    return found;
  }
  const Plan planned = plan(stage, request());
  found.missing = planned.missing;
  for (const Work& work : planned.work) {
    const Planned flops = planned_flops(work.trunk);
    Item item{label(work.trunk), stem(work.trunk), flops.training, flops.evaluation, {}, [this, work] {
                return train(work.trunk, work.keep, log_, progress_);
              }};
    for (const double budget : work.trunk.budgets) item.scores.push_back({key(work.trunk), budget});
    found.items.push_back(std::move(item));
  }
  return found;
}

std::size_t Program::missing_of(const Item& item) const {
  std::size_t count = 0;
  for (const Score& score : item.scores) count += log_.find(score.key, score.budget) ? 0u : 1u;
  return count;
}

bool Program::has(const Item& item) const { return missing_of(item) == 0; }

std::string Program::header() {
  std::string text = "What a small compute budget buys";
  if (options_.quick) text += " (quick run: tiny budgets)";
  const Text& characters_text = texts_.get(characters, Part::score);
  text +=
      make_text({"\ndata      ", characters_text.name, ", ", characters_text.origin, ": ",
                 studies::with_commas(static_cast<Index>(characters_text.train.size())), " tokens to train, ",
                 studies::with_commas(static_cast<Index>(characters_text.scored.size())), " to score"});
  return text + "\nmachine   " + studies::cpu_name() + ", " + instruction_set() + ", " +
         studies::threads_text() + "\nprogram   slm " + version + ", " + studies::compiler_name() +
         "\nresults   " + log_.path() + "\n";
}

void Program::print_plan() {
  studies::Table table({{"", "", "scores", "", "FLOPs", ""},
                        {"stage", "trainings", "planned", "recorded", "training", "evaluation"}});
  double training = 0, evaluation = 0;
  std::string assumed;
  std::set<Score> counted;  // a training that two stages ask for is made once
  for (const Stage stage : stages()) {
    const StageItems found = items_of(stage);
    double its_training = 0, its_evaluation = 0;
    std::size_t planned = 0, missing = 0;
    for (const Item& item : found.items) {
      planned += item.scores.size();
      missing += missing_of(item);
      bool is_new = false;
      for (const Score& score : item.scores) is_new |= counted.insert(score).second;
      if (!is_new) continue;
      its_training += item.flops;
      its_evaluation += item.evaluation_flops;
    }
    training += its_training, evaluation += its_evaluation;
    table.add({std::string(name_of(stage)), std::to_string(found.items.size()), std::to_string(planned),
               std::to_string(planned - missing), scientific(its_training), scientific(its_evaluation)});
    for (const std::string& text : found.missing) {
      assumed += make_text({name_of(stage), " is planned without ", text, "\n"});
    }
  }
  table.add({"all", "", "", "", scientific(training), scientific(evaluation)});
  print("\n" + table.text());
  print(make_text({"\nIn all ", scientific(training + evaluation), " FLOPs.\n"}));
  if (!assumed.empty()) print("\nAssumed: " + assumed);
}

std::size_t Program::print_missing() {
  std::string text;
  std::size_t missing = 0;
  for (const Stage stage : stages()) {
    const StageItems found = items_of(stage);
    for (const std::string& need : found.missing) text += make_text({"  ", name_of(stage), ": ", need, "\n"});
    for (const Item& item : found.items) {
      const std::size_t its = missing_of(item);
      missing += its;
      if (its > 0)
        text +=
            make_text({"  ", name_of(stage), ": ", item.label, ", ", its, " of ", item.scores.size(), "\n"});
    }
  }
  if (!text.empty()) print(make_text({"\nMissing in ", log_.path(), ": ", missing, " scores\n", text}));
  return missing;
}

void Program::print_table() {
  std::map<double, std::map<std::string, const nlohmann::json*>> best;  // by budget and family
  const std::string& name = texts_.get(characters, Part::score).name;
  for (const nlohmann::json& line : log_.lines()) {
    if (line["part"] != name_of(Part::score) || line["text"] != name || line["quick"] != options_.quick ||
        !line.contains("nll")) {
      continue;
    }
    const nlohmann::json*& lowest = best[line["budget"].get<double>()][line["family"].get<std::string>()];
    if (!lowest || line["nll"].get<double>() < (*lowest)["nll"].get<double>()) lowest = &line;
  }
  if (best.empty()) return;
  studies::Table table({{"FLOPs", "family", "size", "nats per token", "seed"}});
  for (const auto& [budget, families] : best) {
    for (const auto& [family, line] : families) {
      table.add({budget > 0 ? scientific(budget) : "–", family, (*line)["size"].get<std::string>(),
                 studies::fixed((*line)["nll"].get<double>(), 4),
                 std::to_string((*line)["seed"].get<std::uint64_t>())});
    }
  }
  print("\nThe lowest losses of " + name + "\n\n" + table.text());
}

void Program::measure() {
  const std::string path = log_.beside("frontier_seconds.json");
  nlohmann::json times = nlohmann::json::object();
  if (file_exists(path)) times = nlohmann::json::parse(read_text(path), nullptr, false);
  if (!times.is_object())
    throw DataError(make_text({"'", path, "': expected a JSON object of times by training"}));
  std::set<std::string> timed;
  for (const Stage stage : stages()) {
    if (stage == Stage::ngrams) continue;
    for (const Work& work : plan(stage, request()).work) {
      Trunk trunk = work.trunk;
      trunk.seed = 1;
      if (trunk.text->part != Part::score || !timed.insert(key(trunk)).second) continue;
      const double step = measure_step(trunk).seconds, evaluation = measure_evaluation(trunk);
      print(make_text({label(trunk), ": ", studies::fixed(1e3 * step, 2), " ms a step, ",
                       studies::fixed(evaluation, 2), " s a score\n"}));
      times[key(trunk)] = {{"step", step},
                           {"evaluation", evaluation},
                           {"threads", threads()},
                           {"cpu", studies::cpu_name()},
                           {"compiler", studies::compiler_name()}};
      AtomicFile file(path);
      file.write(times.dump(1) + "\n");
      file.commit();
    }
  }
}

bool Program::make(Stage stage) {
  std::map<std::string, std::string> holders;
  log_.refresh();
  StageItems found = items_of(stage);
  std::size_t planned = 0, recorded = log_.lines().size();
  for (;;) {
    log_.refresh();
    // Planned anew with new scores, as seeds are for what leads by then; but what is dealt out once stays.
    if (!options_.shard.is_part() && log_.lines().size() != recorded) {
      recorded = log_.lines().size();
      found = items_of(stage);
    }
    if (!found.missing.empty()) {
      throw DataError(
          make_text({"the stage ", name_of(stage), " needs ", studies::joined(found.missing, ", and ")}));
    }
    std::vector<double> costs;
    double left = 0;
    for (const Item& item : found.items) {
      costs.push_back(item.flops);
      if (!has(item)) left += item.flops;
    }
    const std::vector<bool> dealt = studies::dealt_to(options_.shard, costs);
    if (planned != found.items.size()) {
      planned = found.items.size();
      progress_ = Progress(left);
      print(make_text({"\n", name_of(stage), ": ", planned, " trainings, ", scientific(left),
                       " FLOPs to make\n", shard_line(options_.shard, dealt)}));
    }
    switch (make_one(found.items, dealt, holders)) {
      case Made::one:
        continue;
      case Made::waiting:
        std::this_thread::sleep_for(std::chrono::seconds(1));
        continue;
      case Made::all:
        return true;
      case Made::interrupted:
        return false;
    }
  }
}

Made Program::make_one(const std::vector<Item>& items, const std::vector<bool>& dealt,
                       std::map<std::string, std::string>& holders) {
  bool waiting = false;
  for (std::size_t i = 0; i < items.size(); ++i) {
    const Item& item = items[i];
    if (!dealt[i] || has(item)) continue;
    const studies::Claim claim(log_.beside("claims/" + item.claim));
    if (!claim.held()) {
      waiting = true;
      std::string& holder = holders[item.claim];
      if (holder != claim.holder()) {
        print(make_text({item.label, ": another program is making it: ", claim.holder(), "\n"}));
      }
      holder = claim.holder();
      continue;
    }
    log_.refresh();  // who had the claim before may have made it
    if (has(item)) continue;
    print(make_text({i + 1, "/", items.size(), "  ", item.label, "\n"}));
    return item.make() ? Made::one : Made::interrupted;
  }
  if (studies::interrupted()) return Made::interrupted;
  return waiting ? Made::waiting : Made::all;
}

int Program::run() {
  if (options_.threads > 0) set_threads(options_.threads);
  print(header());
  if (options_.dry_run) {
    print_plan();
    return 0;
  }
  if (options_.table) {
    print_table();
    return print_missing() == 0 ? 0 : 1;
  }
  log_.prepare();
  if (options_.time) {
    measure();
    return 0;
  }
  studies::catch_interrupts();
  for (const Stage stage : stages()) {
    if (make(stage)) continue;
    print(make_text({"\nInterrupted. What was scored is in ", log_.path(),
                     "; the same command keeps it and goes on from the last checkpoint.\n"}));
    return studies::interrupted_exit_code;
  }
  print_table();
  return 0;
}

}  // namespace

int run_frontier(int argc, char** argv) {
  Options options;
  if (const auto code = parse_options(argc, argv, options)) return *code;
  try {
    return Program(options).run();
  } catch (const std::exception& error) {
    std::fflush(stdout);
    std::fprintf(stderr, "\nfrontier: %s\n", error.what());
    return 1;
  }
}

}  // namespace slm::frontier
