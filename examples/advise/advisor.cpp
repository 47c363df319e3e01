#include "advisor.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <thread>

#include "advice.hpp"
#include "harness/file_lock.hpp"
#include "harness/machine.hpp"
#include "harness/signals.hpp"
#include "harness/text.hpp"
#include "options.hpp"
#include "slm/core/parallel.hpp"
#include "slm/data/text_file.hpp"
#include "slm/io/file.hpp"

namespace slm::advise {

namespace {

using frontier::Log;
using studies::fixed, studies::scientific;

/// The part of the budget that trials may take, scoring included, and how many families they are of.
constexpr double trial_share = 0.05;
constexpr std::size_t most_trials = 3;
/// The part of a trial that scoring may take, and the fewest tokens that say something.
constexpr double scoring_share = 0.2;
constexpr std::size_t fewest_scored = 2000;

/// Ctrl-C.
struct Interrupted {};

class Advisor {
 public:
  explicit Advisor(const Options& options)
      : options_(options),
        log_(options.out),
        findings_(options.findings.empty() ? own_findings()
                                           : findings_from_json(options.findings, read_text(options.findings))),
        print_to_(options.json || options.cpp == "-" ? stderr : stdout),
        advice_{.text = own_text(options.data, options.unit)},
        transfer_(1, 1),
        linear_transfer_(1, 1) {}

  int run();

 private:
  /// Says something meanwhile.
  void say(const std::string& text) const {
    std::fprintf(stderr, "%s\n", text.c_str());
    std::fflush(stderr);
  }

  /// The offers of all families; their predictions are not made yet.
  void find_offers();
  std::optional<Offer> offer_of(Family family);
  /// Why a family has no offer.
  std::string why_none(Family family) const;
  /// What fits into the minutes, at the speed that the machine has with it.
  std::optional<Offer> offer_in_time(Family family, double seconds);
  Offer measured(const Candidate& candidate) const;

  /// How losses of a family come from its law: what linear models know is compared by shallow n-grams.
  Transfer& transfer(Family family) { return family == Family::linear ? linear_transfer_ : transfer_; }
  void predict();
  /// What the laws do not say of the text and the budget.
  void find_doubts();
  /// The text of trials: with so little to validate on that a model scores it for at most so many FLOPs.
  void shorten_scored_text(const Candidate& candidate, double most);
  void calibrate();
  /// Its score; nothing, with a message, where it diverges.
  std::optional<double> train(const frontier::Trunk& trunk, double flops);
  void train_offers();

  Options options_;
  Log log_;
  Findings findings_;
  std::FILE* print_to_;  // what is for people
  Advice advice_;
  frontier::Text trial_text_;
  Transfer transfer_, linear_transfer_;
};

Offer Advisor::measured(const Candidate& candidate) const {
  const frontier::StepNeeds needs = frontier::measure_step(candidate.trunk);
  return {candidate, {}, needs.seconds * static_cast<double>(candidate.steps), needs.bytes};
}

std::optional<Offer> Advisor::offer_in_time(Family family, double seconds) {
  constexpr int rounds = 3;  // a model's speed depends on its size, and the size on the speed
  double speed = 2e10;       // FLOPs a second, to begin with
  std::string size;
  std::optional<Offer> offer;
  for (int round = 0; round < rounds; ++round) {
    const auto candidate =
        best_candidate(family, {speed * seconds, options_.parameters}, advice_.text, findings_);
    if (!candidate) return std::nullopt;
    if (candidate->trunk.size == size) break;
    size = candidate->trunk.size;
    offer = measured(*candidate);
    speed = static_cast<double>(candidate->flops) / offer->seconds;
  }
  // Of the model that was measured last, as many steps as there is time for.
  for (int round = 0; round < rounds; ++round) {
    const double step = offer->seconds / static_cast<double>(offer->candidate.steps);
    const auto fitting =
        best_candidate(family, {speed * seconds, options_.parameters, size}, advice_.text, findings_);
    if (!fitting) return std::nullopt;
    if (fitting->trunk.batch == offer->candidate.trunk.batch)
      return Offer{*fitting, {}, step * static_cast<double>(fitting->steps), offer->bytes};
    offer = measured(*fitting);  // steps of another batch take another time
    speed = static_cast<double>(offer->candidate.flops) / offer->seconds;
  }
  return offer->seconds <= seconds ? offer : std::nullopt;
}

std::optional<Offer> Advisor::offer_of(Family family) {
  if (options_.minutes) return offer_in_time(family, 60 * *options_.minutes);
  if (!options_.budget) return std::nullopt;
  const auto candidate =
      best_candidate(family, {*options_.budget, options_.parameters}, advice_.text, findings_);
  return candidate ? std::optional(measured(*candidate)) : std::nullopt;
}

std::string Advisor::why_none(Family family) const {
  constexpr double plenty = 1e18;
  if (options_.parameters && !best_candidate(family, {plenty, options_.parameters}, advice_.text, findings_))
    return "no size of it has so few parameters";
  return make_text({"no size of it fits; its smallest takes ",
                    scientific(least_budget(family, advice_.text, findings_)), " FLOPs or more"});
}

void Advisor::find_offers() {
  if (!options_.budget && !options_.minutes)
    options_.budget = budget_for(*options_.parameters, advice_.text, findings_);
  for (const Family family : frontier::trained_families) {
    const std::string name(name_of(family));
    if (!findings_.families.contains(family)) {
      advice_.without.push_back(name + ": the frontier has no law of it");
      continue;
    }
    say("measuring " + name);
    if (auto offer = offer_of(family)) {
      advice_.offers.push_back(std::move(*offer));
    } else {
      advice_.without.push_back(name + ": " + why_none(family));
    }
    if (studies::interrupted()) throw Interrupted();
  }
}

void Advisor::predict() {
  const double guessing = std::log(static_cast<double>(advice_.text.vocabulary));
  for (Offer& offer : advice_.offers) {
    Prediction& expected = offer.prediction;
    expected =
        transfer(offer.candidate.trunk.family)
            .at(offer.candidate.trunk.budgets.front(), offer.candidate.law_nll, offer.candidate.law_deviation);
    expected.nll = std::min(expected.nll, guessing), expected.most = guessing;
  }
  std::stable_sort(advice_.offers.begin(), advice_.offers.end(),
                   [](const Offer& a, const Offer& b) { return a.prediction.nll < b.prediction.nll; });
}

void Advisor::find_doubts() {
  const FamilyLaw& law = findings_.families.at(advice_.offers.front().candidate.trunk.family);
  const auto tokens = static_cast<double>(advice_.text.train.size());
  if (tokens < findings_.tokens / known_range) {
    advice_.doubts.push_back(
        make_text({"The laws are of a text ", fixed(findings_.tokens / tokens, 0),
                   " times as long: how soon models overfit on this one they do not say."}));
  }
  if (std::any_of(advice_.offers.begin(), advice_.offers.end(),
                  [](const Offer& offer) { return !offer.candidate.is_whole; })) {
    advice_.doubts.push_back(
        "With all of the budget models would know the text by heart, when the laws cannot say: offers spend "
        "less.");
  }
  const Offer& first = advice_.offers.front();
  if (first.candidate.is_far) {
    advice_.doubts.push_back(
        make_text({"The law of the first is of ", scientific(law.lowest), " to ", scientific(law.highest),
                   " FLOPs: this budget lies far outside, and how far off it is there nobody knows."}));
  }
  if (first.prediction.nll >= first.prediction.most) {
    advice_.doubts.push_back("No more is expected than guessing has: the laws know no text like this.");
  }
}

std::optional<double> Advisor::train(const frontier::Trunk& trunk, double flops) {
  say(frontier::label(trunk));
  const std::string path = log_.beside(make_text({"claims/", frontier::stem(trunk)}));
  std::optional<studies::Claim> claim;
  std::string holder;
  for (claim.emplace(path); !claim->held(); claim.emplace(path)) {
    if (holder != claim->holder()) say("another program is making it: " + claim->holder());
    holder = claim->holder();
    std::this_thread::sleep_for(std::chrono::seconds(1));
    if (studies::interrupted()) throw Interrupted();
  }
  log_.refresh();  // who had the claim before may have made it
  frontier::Progress progress(flops, stderr);
  if (!frontier::train(trunk, /*keep=*/false, log_, progress)) throw Interrupted();
  const nlohmann::json* line = log_.find(frontier::key(trunk), trunk.budgets.back());
  if (line->contains("nll")) return (*line)["nll"].get<double>();
  say("it diverged: " + (*line)["diverged"].get<std::string>());
  return std::nullopt;
}

void Advisor::shorten_scored_text(const Candidate& candidate, double most) {
  trial_text_ = advice_.text;
  const std::vector<Token>& whole = advice_.text.scored;
  std::size_t count = whole.size();
  while (count > 2 * fewest_scored && static_cast<double>(frontier::evaluation_flops(
                                          candidate.trunk.config, static_cast<Index>(count))) > most)
    count /= 2;
  if (count == whole.size()) return;
  trial_text_.scored = spread_stretches(whole, count);
  // A training is another one where it is scored on less.
  trial_text_.name += make_text({", validated on ", trial_text_.scored.size(), " tokens in stretches"});
}

void Advisor::calibrate() {
  // Of the families that promise most, the best models for a part of the budget that leaves room for scoring
  // them.
  const double whole = advice_.offers.front().candidate.trunk.budgets.front();
  const std::size_t families = std::min(most_trials, advice_.offers.size());
  double left = trial_share * whole;
  shorten_scored_text(advice_.offers.front().candidate, scoring_share * left / static_cast<double>(families));
  for (std::size_t i = 0; i < families; ++i) {
    const Family family = advice_.offers[i].candidate.trunk.family;
    const double room = left / static_cast<double>(families - i);
    std::optional<Candidate> trial;
    double cost = 0;
    for (double budget = room; !trial && budget > room / 10; budget *= 0.8) {
      const auto candidate = best_candidate(family, {budget, options_.parameters}, trial_text_, findings_);
      if (!candidate) break;
      const frontier::Planned planned = frontier::planned_flops(candidate->trunk);
      cost = planned.training + planned.evaluation;
      if (cost <= room) trial = candidate;
    }
    if (!trial) continue;
    left -= cost;
    const auto nll = train(trial->trunk, static_cast<double>(trial->flops));
    if (!nll) continue;
    advice_.trials.push_back(
        {frontier::label(trial->trunk), trial->trunk.budgets.front(), cost, trial->law_nll, *nll});
    // Losses of single tokens lie about as far from their mean as that from zero, and stretches are a sample.
    const auto count = static_cast<double>(trial_text_.scored.size());
    const bool whole_text = trial_text_.scored.size() == advice_.text.scored.size();
    transfer(family).learn(trial->trunk.budgets.front(), trial->law_nll, *nll, trial->law_deviation,
                           whole_text ? 0 : *nll / std::sqrt(count));
  }
  if (advice_.trials.empty()) say("no trial: a twentieth of the budget trains and scores none");
}

void Advisor::train_offers() {
  for (std::size_t i = 0; i < std::min(options_.train, advice_.offers.size()); ++i) {
    Offer& offer = advice_.offers[i];
    offer.trained = train(offer.candidate.trunk, static_cast<double>(offer.candidate.flops));
    if (!offer.trained) continue;
    const Prediction& expected = offer.prediction;
    const double nll = *offer.trained;
    const bool inside = nll >= expected.low() && nll <= expected.high();
    std::fprintf(print_to_, "\nTrained: %.4f nats a token by %s %s, %+.4f beside the prediction%s.\n", nll,
                 std::string(name_of(offer.candidate.trunk.family)).c_str(), offer.candidate.trunk.size.c_str(),
                 nll - expected.nll,
                 offer.candidate.is_far ? ""
                 : inside               ? ", inside its 90 %"
                                        : ", outside its 90 %");
    std::fflush(stdout);
  }
  if (options_.train > 0)
    say("The models are not kept: the program that --cpp writes trains the first and saves it.");
}

int Advisor::run() {
  if (options_.threads > 0) set_threads(options_.threads);
  studies::catch_interrupts();
  log_.prepare();
  if (!options_.cpp.empty() && options_.cpp != "-") require_writable(options_.cpp);
  say(make_text({"machine   ", studies::cpu_name(), ", ", studies::threads_text()}));
  say("counting n-grams");
  advice_.counting = best_counting(advice_.text);
  transfer_ = Transfer(std::ranges::min(findings_.counting), advice_.counting.nll);
  linear_transfer_ = Transfer(shallow_nll(findings_.counting), shallow_nll(advice_.counting.by_order));
  find_offers();
  if (advice_.offers.empty()) {
    throw DataError(
        make_text({"nothing fits: ", studies::joined(advice_.without, "; "), "; n-grams take none and have ",
                   fixed(advice_.counting.nll, 3), " nats a token"}));
  }
  predict();
  if (options_.calibrate) {
    calibrate();
    predict();
  }
  find_doubts();
  // JSON follows when all is trained, and the program of --cpp - at once.
  std::fprintf(print_to_, "%s", report(advice_).c_str());
  if (!options_.cpp.empty()) {
    const std::string program = program_text(advice_.offers.front(), options_.data, options_.unit);
    if (options_.cpp == "-") {
      std::printf("%s", program.c_str());
    } else {
      AtomicFile file(options_.cpp);
      file.write(program);
      file.commit();
      say("\n" + options_.cpp + " trains the first; its first lines say how to compile it");
    }
  }
  std::fflush(stdout);
  train_offers();
  if (options_.json) std::printf("%s\n", json(advice_).dump(1).c_str());
  return 0;
}

}  // namespace

int run_advisor(int argc, char** argv) {
  Options options;
  if (const auto code = parse_options(argc, argv, options)) return *code;
  try {
    return Advisor(options).run();
  } catch (const Interrupted&) {
    std::fprintf(
        stderr, "\nInterrupted: what was trained is in %s, and the same command goes on%s.\n",
        options.out.c_str(),
        options.minutes ? ", but for what --minutes, measured anew, gives another number of steps" : "");
    return studies::interrupted_exit_code;
  } catch (const std::exception& error) {
    std::fflush(stdout);
    std::fprintf(stderr, "\nadvise: %s\n", error.what());
    return 1;
  }
}

}  // namespace slm::advise
