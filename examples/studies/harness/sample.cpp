#include "harness/sample.hpp"

#include "harness/models.hpp"
#include "slm/data/text_file.hpp"
#include "slm/generate/sample.hpp"
#include "slm/io/weights.hpp"

namespace slm::studies {

namespace {

constexpr SampleConfig setting = {.temperature = 0.8};

/// Tokens to add to the prompt: about the same length of text.
constexpr Index sample_size(Unit unit) { return unit == Unit::word ? 60 : 300; }

}  // namespace

std::string sample_text(const Study& study, const Job& job, const RunLog& log, const std::string& prompt) {
  const auto* config = std::get_if<TransformerConfig>(&job.run.config);
  const auto record = log.find(make_record(study, job));
  if (job.run.model != "transformer" || !config || !record || record->weights.empty()) return "";
  const std::string weights = log.beside(record->weights);
  if (!file_exists(weights)) return "";
  const Tokenizer& tokenizer = job.dataset->corpus.tokenizer;
  std::vector<Token> tokens;
  try {
    tokens = tokenizer.encode(prompt);
  } catch (const DataError&) {
    return "";
  }
  auto model = make_model(*config, Random());
  load_weights(model, weights);
  for (const Token token : generate(model, std::span<const Token>(tokens), sample_size(tokenizer.unit()),
                                    setting, Random(job.seed, "sampling"))) {
    tokens.push_back(token);
  }
  return std::string("The ") + label(job) + " of seed " + std::to_string(job.seed) + " continues \"" + prompt +
         "\" (temperature 0.8):\n\n" + tokenizer.decode(tokens) + "\n";
}

}  // namespace slm::studies
