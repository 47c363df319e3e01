#include "frontier/ngrams.hpp"

#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>

#include "frontier/family.hpp"
#include "slm/core/clock.hpp"
#include "slm/core/parallel.hpp"

namespace slm::frontier {

namespace {

using slm::detail::clock_seconds, slm::detail::seconds_since;

nlohmann::json identity(const NgramJob& job) {
  return {{"text", job.text->name}, {"part", name_of(job.text->part)},     {"sha256", job.text->sha256},
          {"family", "ngram"},      {"smoothing", name_of(job.smoothing)}, {"order", job.order},
          {"quick", job.quick}};
}

}  // namespace

std::vector<NgramJob> ngram_jobs(const std::vector<const Text*>& texts, bool quick) {
  std::vector<NgramJob> jobs;
  for (const Text* text : texts) {
    for (const auto& [smoothing, name] : smoothing_names) {
      for (Index order = 1; order <= highest_order; ++order) jobs.push_back({text, order, smoothing, quick});
    }
  }
  return jobs;
}

std::string key(const NgramJob& job) { return sha256(identity(job).dump()).substr(0, 12); }

std::string label(const NgramJob& job) {
  return make_text({"ngram ", name_of(job.smoothing), " ", job.order, " on ", job.text->name});
}

double score(const NgramLM<float>& model, std::span<const Token> text, Index first) {
  constexpr Index part = 4096;  // summed so, whatever the number of threads
  const auto size = static_cast<Index>(text.size()), count = size - first;
  std::vector<double> sums(static_cast<std::size_t>((count + part - 1) / part));
  parallel_for(static_cast<Index>(sums.size()), [&](Index i) {
    double sum = 0;
    for (Index at = first + i * part; at < std::min(size, first + (i + 1) * part); ++at) {
      const auto place = static_cast<std::size_t>(at);
      sum -= std::log(model.probability(text[place], text.first(place)));
    }
    sums[static_cast<std::size_t>(i)] = sum;
  });
  return std::accumulate(sums.begin(), sums.end(), 0.0) / static_cast<double>(count);
}

void count(const NgramJob& job, Log& log) {
  const Text& text = *job.text;
  const auto start = clock_seconds();
  const NgramLM<float> model({text.vocabulary, job.order - 1, job.smoothing}, text.train);
  const double counting = seconds_since(start);
  const auto counted = clock_seconds();
  const double nll = score(model, text.scored);
  log.append({{"key", key(job)},
              {"stage", "ngrams"},
              {"quick", job.quick},
              {"text", text.name},
              {"part", name_of(text.part)},
              {"sha256", text.sha256},
              {"family", name_of(Family::ngram)},
              {"size", make_text({name_of(job.smoothing), " ", job.order})},
              {"config",
               {{"vocabulary", text.vocabulary}, {"order", job.order}, {"smoothing", name_of(job.smoothing)}}},
              {"seed", 1},
              {"budget", 0.0},
              {"parameters", model.table.ngrams()},
              {"tokens", text.train.size()},
              {"train_tokens", text.train.size()},
              {"scored_tokens", text.scored.size() - 1},
              {"flops", {{"training", 0}, {"optimizer", 0}, {"total", 0}, {"evaluation", 0}}},
              {"nll", nll},
              {"seconds", counting},
              {"evaluation_seconds", seconds_since(counted)}});
}

}  // namespace slm::frontier
