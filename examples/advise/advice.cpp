#include "advice.hpp"

#include <nlohmann/json.hpp>
#include <span>

#include "harness/table.hpp"
#include "harness/text.hpp"

namespace slm::advise {

namespace {

using studies::fixed, studies::scientific, studies::with_commas;

std::string mebibytes(std::size_t bytes) { return fixed(static_cast<double>(bytes) / (1 << 20), 1) + " MiB"; }

/// Sizes of models that see a fixed window begin with it.
std::string model_of(const Candidate& candidate) {
  const frontier::Trunk& trunk = candidate.trunk;
  if (trunk.size.starts_with("T ")) return trunk.size;
  return make_text({trunk.size, ", T ", frontier::context_of(trunk.config)});
}

/// Losses that lie no further apart are as good as each other.
constexpr double as_good = 0.02;

/// Which offer to take, what is as good, and whether n-grams may be better.
std::string recommendation(const Advice& advice) {
  const Offer& first = advice.offers.front();
  std::string text = make_text({"\nTake ", frontier::label(first.candidate.trunk), ", ",
                                with_commas(first.candidate.steps), " steps.\n"});
  for (const Offer& offer : std::span(advice.offers).subspan(1)) {
    if (offer.prediction.nll - first.prediction.nll <= as_good)
      text +=
          make_text({"As good, within ", fixed(as_good, 2), " nats: ", name_of(offer.candidate.trunk.family),
                     " ", model_of(offer.candidate), ".\n"});
  }
  if (advice.counting.nll < first.prediction.nll) {
    text += "n-grams have less than is expected of it: they cost nothing but counting.\n";
  } else if (first.candidate.is_far || advice.counting.nll < first.prediction.high()) {
    text += "It may end above what n-grams have, which cost nothing but counting.\n";
  }
  return text;
}

}  // namespace

std::string report(const Advice& advice) {
  const frontier::Text& text = advice.text;
  std::string lines =
      make_text({"\ntext      ", text.name, ": ", with_commas(static_cast<Index>(text.train.size())),
                 " tokens to train, ", with_commas(static_cast<Index>(text.scored.size())), " to validate, ",
                 text.vocabulary, " distinct\n"});
  for (const Trial& trial : advice.trials) {
    lines +=
        make_text({"trial     ", trial.label, ", ", scientific(trial.budget), " FLOPs: ", fixed(trial.nll, 3),
                   " on this text, ", fixed(trial.law_nll, 3), " by the law on its own\n"});
  }
  studies::Table table(
      {{"", "", "", "nats", "", "exact", "", "", "", ""},
       {"family", "model", "parameters", "a token", "90 %", "FLOPs", "epochs", "rate", "seconds", "memory"}});
  for (const Offer& offer : advice.offers) {
    const Candidate& its = offer.candidate;
    table.add({std::string(name_of(its.trunk.family)), model_of(its), with_commas(its.parameters),
               fixed(offer.prediction.nll, 3),
               its.is_far
                   ? "–"
                   : make_text({fixed(offer.prediction.low(), 3), " – ", fixed(offer.prediction.high(), 3)}),
               scientific(static_cast<double>(its.flops)), fixed(its.epochs, 1),
               studies::shortest(its.trunk.rate), fixed(offer.seconds, 1), mebibytes(offer.bytes)});
  }
  table.add({"ngram", make_text({"Kneser-Ney ", advice.counting.order}), with_commas(advice.counting.ngrams),
             fixed(advice.counting.nll, 3), "counted", "0", "1.0", "–", fixed(advice.counting.seconds, 1),
             "–"});
  lines += "\n" + table.text();
  for (const std::string& family : advice.without) lines += "\n" + family;
  if (!advice.without.empty()) lines += "\n";
  for (const std::string& doubt : advice.doubts) lines += "\n" + doubt + "\n";
  if (!advice.offers.empty()) lines += recommendation(advice);
  return lines;
}

nlohmann::ordered_json json(const Advice& advice) {
  using Json = nlohmann::ordered_json;
  Json offers = Json::array(), trials = Json::array();
  for (const Offer& offer : advice.offers) {
    const Candidate& its = offer.candidate;
    offers.push_back({{"family", name_of(its.trunk.family)},
                      {"size", its.trunk.size},
                      {"config", Json(frontier::config_json(its.trunk.config))},
                      {"parameters", its.parameters},
                      {"law_nll", its.law_nll},
                      {"nll", offer.prediction.nll},
                      {"low", its.is_far ? Json() : Json(offer.prediction.low())},
                      {"high", its.is_far ? Json() : Json(offer.prediction.high())},
                      {"flops", its.flops},
                      {"budget", its.trunk.budgets.front()},
                      {"steps", its.steps},
                      {"batch", its.trunk.batch},
                      {"rate", its.trunk.rate},
                      {"tokens", its.tokens},
                      {"epochs", its.epochs},
                      {"seconds", offer.seconds},
                      {"bytes", offer.bytes}});
    if (offer.trained) offers.back()["trained_nll"] = *offer.trained;
  }
  for (const Trial& trial : advice.trials) {
    trials.push_back({{"training", trial.label},
                      {"budget", trial.budget},
                      {"flops", trial.flops},
                      {"law_nll", trial.law_nll},
                      {"nll", trial.nll}});
  }
  return {
      {"text",
       {{"name", advice.text.name},
        {"sha256", advice.text.sha256},
        {"train_tokens", advice.text.train.size()},
        {"scored_tokens", advice.text.scored.size()},
        {"vocabulary", advice.text.vocabulary}}},
      {"counting",
       {{"order", advice.counting.order}, {"nll", advice.counting.nll}, {"seconds", advice.counting.seconds}}},
      {"trials", trials},
      {"offers", offers},
      {"without", advice.without},
      {"doubts", advice.doubts}};
}

}  // namespace slm::advise
