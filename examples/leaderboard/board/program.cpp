#include "board/run.hpp"

#include <algorithm>
#include <cstdio>
#include <iostream>

#include "board/log.hpp"
#include "board/options.hpp"
#include "frontier/progress.hpp"
#include "harness/signals.hpp"
#include "harness/text.hpp"
#include "slm/core/parallel.hpp"
#include "slm/data/checksum.hpp"
#include "slm/data/text_file.hpp"
#include "slm/io/file.hpp"

namespace slm::leaderboard {

namespace {

using Json = nlohmann::ordered_json;

/// The entry, or it with a change.
struct Variant {
  std::string change;  // empty: none
  std::unique_ptr<Entrant> entrant;
};

struct Job {
  const Variant* variant;
  std::uint64_t seed;
  Json line;  // without what training finds
  std::string key, label;
};

class Program {
 public:
  Program(const Entrant& entrant, std::string name, Division division, const std::vector<Change>& changes,
          Options options)
      : name_(std::move(name)),
        division_(division),
        options_(std::move(options)),
        text_(read_text(options_.data, options_.target, options_.quick)),
        log_(options_.out) {
    make_variants(entrant, changes);
    for (const Variant& variant : variants_) {
      const std::uint64_t seeds = variant.entrant->has_seeds() ? options_.seeds : 1;
      for (std::uint64_t i = 0; i < seeds; ++i) jobs_.push_back(make_job(variant, options_.seed + i));
    }
  }

  int run() {
    std::printf("%s on %s (%s), %s\n", name_.c_str(), target_name().c_str(), text_.origin.c_str(),
                studies::counted(static_cast<Index>(jobs_.size()), "training").c_str());
    if (options_.dry_run) return print_plans();
    if (options_.time) return time_steps();
    if (!options_.check) log_.prepare();
    studies::catch_interrupts();
    double total = 0;
    for (const Job& job : jobs_) total += is_missing(job) ? job.variant->entrant->budget() : 0;
    frontier::Progress progress(total);
    int code = 0;
    for (const Job& job : jobs_) {
      if (studies::interrupted()) return studies::interrupted_exit_code;
      code = std::max(code, options_.check ? check(job, progress) : make(job, progress));
    }
    return code;
  }

 private:
  std::string target_name() const { return std::string(name_of(options_.target)); }

  void make_variants(const Entrant& entrant, const std::vector<Change>& changes) {
    const auto wants = [&](const std::string& change) {
      return std::find(options_.changes.begin(), options_.changes.end(), change) != options_.changes.end();
    };
    if (options_.changes.empty() || wants("none") || wants("all")) variants_.push_back({"", entrant.copy()});
    for (const Change& change : changes) {
      if (!wants(change.name) && !wants("all")) continue;
      variants_.push_back({change.name, entrant.copy()});
      for (const std::string& setting : change.settings) set(*variants_.back().entrant, setting);
    }
    for (const std::string& name : options_.changes) {
      const auto known = [&](const Change& change) { return change.name == name; };
      require_config(name == "none" || name == "all" || std::any_of(changes.begin(), changes.end(), known),
                     {"there is no change '", name, "'"});
    }
    for (const Variant& variant : variants_) {
      for (const std::string& setting : options_.settings) set(*variant.entrant, setting);
      if (options_.quick) {
        constexpr double part = 0.01;
        variant.entrant->set("budget", studies::shortest(part * variant.entrant->budget()));
      }
    }
  }

  static void set(Entrant& entrant, const std::string& setting) {
    const std::size_t sign = setting.find('=');
    require_config(sign != setting.npos, {"expected NAME=VALUE, got '", setting, "'"});
    entrant.set(setting.substr(0, sign), setting.substr(sign + 1));
  }

  Job make_job(const Variant& variant, std::uint64_t seed) const {
    const Entrant& entrant = *variant.entrant;
    Job job{.variant = &variant,
            .seed = seed,
            .line = {{"entry", name_},
                     {"target", name_of(options_.target)},
                     {"change", variant.change},
                     {"set", options_.settings},
                     {"quick", options_.quick},
                     {"seed", seed},
                     {"division", name_of(division_)},
                     {"sha256", text_.sha256},
                     {"config", entrant.config()},
                     {"recipe", entrant.recipe()}},
            .key = {},
            .label = {}};
    // A training is what its settings are, whatever they are called.
    Json identity = job.line;
    for (const char* name : {"change", "set", "division"}) identity.erase(name);
    identity.update(entrant.identity());
    job.key = sha256(identity.dump()).substr(0, 12);
    job.label = make_text({name_, variant.change.empty() ? "" : ", ", variant.change, ", seed ", seed});
    return job;
  }

  bool is_missing(const Job& job) const { return (log_.find(job.key) != nullptr) == options_.check; }

  std::optional<Outcome> train(const Job& job, frontier::Progress& progress,
                               const std::string& checkpoint) const {
    const Entrant& entrant = *job.variant->entrant;
    double done = 0;
    const Surroundings around{.key = job.key,
                              .checkpoint = checkpoint,
                              .on_step =
                                  [&](const Spent& spent, double loss) {
                                    const auto now = static_cast<double>(spent.flops());
                                    const auto whole =
                                        static_cast<double>(spent.steps) * entrant.budget() / now;
                                    progress.step(spent.steps, static_cast<Index>(whole), loss, now - done);
                                    done = now;
                                  },
                              .on_note = [&](const std::string& note) { progress.print("  " + note); },
                              .stop = [] { return studies::interrupted(); }};
    progress.begin(entrant.budget(), 0);
    const auto outcome = entrant.train(text_, job.seed, around);
    progress.end();
    return outcome;
  }

  Json result_line(const Job& job, const Outcome& outcome) const {
    Json line = {{"key", job.key}};
    line.update(job.line);
    line["parameters"] = outcome.parameters;
    line["steps"] = outcome.spent.steps;
    line["tokens"] = outcome.spent.tokens;
    line["flops"] = {{"training", outcome.spent.training_flops},
                     {"optimizer", outcome.spent.optimizer_flops},
                     {"total", outcome.spent.flops()},
                     {"scoring", outcome.scoring_flops}};
    line["lookups"] = outcome.spent.lookups;
    line["counted"] = outcome.counted;
    line["scored_tokens"] = static_cast<Index>(text_.scored.size()) - text_.first_scored;
    line["train_nll"] = outcome.train_nll;
    line["nll"] = outcome.nll;
    if (outcome.nll_of_windows) line["nll_of_windows"] = *outcome.nll_of_windows;
    if (outcome.dynamic_nll) {
      line["flops"]["dynamic"] = outcome.dynamic_flops;
      if (is_finite(*outcome.dynamic_nll)) {
        line["dynamic_nll"] = *outcome.dynamic_nll;
      } else {
        line["dynamic_diverged"] = true;
      }
    }
    line["seconds"] = outcome.seconds;
    line["scoring_seconds"] = outcome.scoring_seconds;
    return line;
  }

  int make(const Job& job, frontier::Progress& progress) {
    log_.refresh();  // another program may have trained it since
    if (const nlohmann::json* known = log_.find(job.key)) {
      rename(job, *known);
      return print_score(job, *log_.find(job.key));
    }
    try {
      const auto outcome =
          train(job, progress, log_.beside("checkpoints/leaderboard-" + job.key + ".safetensors"));
      if (!outcome) return studies::interrupted_exit_code;
      log_.append(result_line(job, *outcome));
    } catch (const NumericError& error) {
      progress.end();
      Json line = {{"key", job.key}};
      line.update(job.line);
      line["diverged"] = error.what();
      log_.append(line);
    }
    return print_score(job, *log_.find(job.key));
  }

  /// What was tried by hand, or under another name, is recorded again where the entry's file has it now.
  void rename(const Job& job, const nlohmann::json& known) {
    Json line = Json::parse(known.dump());
    bool is_new = false;
    for (const char* name : {"change", "set", "division"}) {
      is_new = is_new || nlohmann::json(job.line.at(name)) != known.at(name);
      line[name] = job.line.at(name);
    }
    if (is_new && options_.settings.empty()) log_.append(line);
  }

  /// Another machine rounds otherwise, and a training that takes another way ends elsewhere, but not far.
  int check(const Job& job, frontier::Progress& progress) const {
    constexpr double tolerance = 0.01;
    const nlohmann::json* known = log_.find(job.key);
    if (!known) {
      std::printf("%s: not recorded; `scripts/leaderboard.sh --record` trains and records it\n",
                  job.label.c_str());
      return 1;
    }
    std::optional<Outcome> outcome;
    const bool diverged_before = known->contains("diverged");
    try {
      outcome = train(job, progress, log_.beside("leaderboard-check-" + job.key + ".safetensors"));
      if (!outcome) return studies::interrupted_exit_code;
    } catch (const NumericError&) {
      progress.end();
    }
    if (diverged_before || !outcome) {
      std::printf("%s: %s, recorded as %s\n", job.label.c_str(), outcome ? "did not diverge" : "diverged",
                  diverged_before ? "diverged" : "a score");
      return diverged_before == !outcome ? 0 : 1;
    }
    const Json again = result_line(job, *outcome);
    const double before = known->at("nll"), now = again.at("nll");
    const auto is_same = [&](const char* name) { return nlohmann::json(again.at(name)) == known->at(name); };
    const bool same_cost = is_same("flops") && is_same("lookups") && is_same("parameters");
    const bool same_bits = before == now, near = std::abs(before - now) <= tolerance;
    std::printf("%s: %s, loss %s\n", job.label.c_str(),
                same_cost ? "FLOPs as recorded" : "FLOPs are OTHERS than recorded",
                same_bits ? "as recorded, bit for bit"
                          : make_text({studies::fixed(now, 4), near ? " near " : " FAR FROM ",
                                       studies::fixed(before, 4)})
                                .c_str());
    return same_cost && near ? 0 : 1;
  }

  /// The exit code: 1 of what diverged.
  static int print_score(const Job& job, const nlohmann::json& line) {
    if (line.contains("diverged")) {
      std::printf("%s: diverged\n", job.label.c_str());
    } else if (line.at("steps") == 0) {
      std::printf("%s: %s nats, %s n-grams counted, %s s\n", job.label.c_str(),
                  studies::fixed(line.at("nll"), 4).c_str(), studies::with_commas(line.at("counted")).c_str(),
                  studies::fixed(line.at("seconds"), 1).c_str());
    } else {
      std::printf(
          "%s: %s nats, %s FLOPs, %s steps, %s tokens, train %s, %s s\n", job.label.c_str(),
          studies::fixed(line.at("nll"), 4).c_str(),
          studies::scientific(line.at("flops").at("total").get<double>()).c_str(),
          studies::with_commas(line.at("steps")).c_str(), studies::with_commas(line.at("tokens")).c_str(),
          studies::fixed(line.at("train_nll"), 4).c_str(), studies::fixed(line.at("seconds"), 1).c_str());
    }
    if (line.contains("dynamic_nll")) {
      std::printf("  by dynamic evaluation %s nats\n", studies::fixed(line.at("dynamic_nll"), 4).c_str());
    }
    if (line.contains("dynamic_diverged")) std::printf("  by dynamic evaluation it diverged\n");
    std::fflush(stdout);
    return line.contains("diverged") ? 1 : 0;
  }

  int print_plans() const {
    for (const Variant& variant : variants_) {
      const Entrant::Plan plan = variant.entrant->plan(text_);
      const double all = static_cast<double>(plan.spent.flops());
      std::printf("%s: %s FLOPs (%s of the optimizer%s), %s steps, %s tokens, %s parameters\n",
                  variant.change.empty() ? name_.c_str() : variant.change.c_str(),
                  studies::scientific(all).c_str(),
                  studies::scientific(static_cast<double>(plan.spent.optimizer_flops)).c_str(),
                  plan.exact ? "" : " at most", studies::with_commas(plan.spent.steps).c_str(),
                  studies::with_commas(plan.spent.tokens).c_str(),
                  studies::with_commas(variant.entrant->parameters(text_)).c_str());
    }
    return 0;
  }

  int time_steps() {
    log_.prepare();
    const std::string path = log_.beside("leaderboard_seconds.json");
    Json times = Json::object();
    if (file_exists(path)) times = Json::parse(slm::read_text(path));
    for (const Job& job : jobs_) {
      if (job.seed != options_.seed) continue;
      const nlohmann::json* known = log_.find(job.key);
      if (!known || known->contains("diverged")) continue;
      const double step = job.variant->entrant->step_seconds(text_);
      times[job.key] = {{"step", step}, {"threads", threads()}};
      std::printf("%s: %s ms a step\n", job.label.c_str(), studies::fixed(1e3 * step, 2).c_str());
    }
    AtomicFile file(path);
    file.write(times.dump(1) + "\n");
    file.commit();
    return 0;
  }

  std::string name_;
  Division division_;
  Options options_;
  Text text_;
  Log log_;
  std::vector<Variant> variants_;
  std::vector<Job> jobs_;
};

}  // namespace

int run_program(const Entrant& entrant, const std::string& name, const std::string& about, Division division,
                const std::vector<Change>& changes, Target target, int argc, char** argv) try {
  Options options;
  options.target = target;
  if (const auto code = parse_options(name, about, changes, argc, argv, options)) return *code;
  if (options.threads > 0) set_threads(options.threads);
  return Program(entrant, name, division, changes, options).run();
} catch (const std::exception& error) {
  std::cerr << name << ": " << error.what() << "\n";
  return 1;
}

}  // namespace slm::leaderboard
