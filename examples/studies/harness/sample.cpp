#include "harness/sample.hpp"

#include <algorithm>

#include "harness/models.hpp"
#include "harness/text.hpp"
#include "slm/slm.hpp"

namespace slm::studies {

namespace {

const SampleConfig setting = {.temperature = 0.8};

}  // namespace

std::vector<Token> full_window(const std::vector<Token>& tokens, const std::vector<Token>& text, Index T) {
  const Index missing = std::clamp(T - std::ssize(tokens), Index(0), static_cast<Index>(text.size()));
  std::vector<Token> window(text.begin(), text.begin() + missing);
  window.insert(window.end(), tokens.begin(), tokens.end());
  return window;
}

std::string continued(const ModelConfig& config, const std::string& weights, const Corpus& corpus,
                      const std::string& prompt, Index count, const SampleConfig& sampling,
                      RandomArgument random) {
  return std::visit(
      [&](const auto& one) {
        auto model = make_model(one, Random());
        load_weights(model, weights);
        round_weights(model, sampling.weights);
        return continued(model, corpus, prompt, count, sampling, random);
      },
      config);
}

std::string sample_text(const Study& study, const Job& job, const RunLog& log, const std::string& prompt) {
  const auto record = log.find(make_record(study, job));
  if (job.run.model != "transformer" || !record || record->weights.empty()) return "";
  const std::string weights = log.beside(record->weights);
  if (!file_exists(weights)) return "";
  const Corpus& corpus = job.dataset->corpus;
  const std::string who =
      std::string("The ") + label(job) + " on " + corpus.name + " of seed " + std::to_string(job.seed);
  try {
    const Index count = sample_size(corpus.tokenizer.unit());
    const std::string text =
        continued(job.run.config, weights, corpus, prompt, count, setting, Random(job.seed, "sampling"));
    return who + " continues \"" + prompt + "\" (temperature " + shortest(setting.temperature) +
           ", the validation text's beginning in front):\n\n" + text + "\n";
  } catch (const DataError& error) {
    return who + " cannot continue \"" + prompt + "\":\n" + error.what() + "\n";
  }
}

}  // namespace slm::studies
